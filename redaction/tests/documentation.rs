//! What `docs/redaction.md` lists is what the rules and the corpus hold.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::string_slice,
    clippy::unreachable,
    clippy::unwrap_used,
    reason = "tests"
)]

mod corpus;

use std::fmt::Write as _;
use std::path::Path;

use corpus::KINDS;

/// Set to write the lists anew instead of comparing them.
const WRITE: &str = "BLOTTER_WRITE_DOCS";

/// Compares what stands between `<!-- name -->` and `<!-- /name -->`.
fn check(name: &str, expected: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/redaction.md");
    let text = std::fs::read_to_string(&path).unwrap();
    let (open, close) = (format!("<!-- {name} -->\n"), format!("<!-- /{name} -->"));
    let start = text.find(&open).expect("the list begins somewhere") + open.len();
    let end = text.find(&close).expect("the list ends somewhere");
    if std::env::var_os(WRITE).is_some() {
        std::fs::write(&path, format!("{}{expected}{}", &text[..start], &text[end..])).unwrap();
        return;
    }
    assert_eq!(
        &text[start..end],
        expected,
        "{WRITE}=1 cargo test -p blotter-redaction --test documentation -- --test-threads=1 writes it anew"
    );
}

#[test]
fn every_rule_is_listed() {
    let redactor = corpus::redactor();
    let mut rules: Vec<_> = redactor.rules().collect();
    rules.sort_by_key(|rule| rule.id);
    let mut table = String::from("| rule | finds | in Base64 too |\n|---|---|---|\n");
    for rule in rules {
        let base64 = if rule.in_base64 { "yes" } else { "" };
        writeln!(table, "| `{}` | {} | {base64} |", rule.id, rule.brief).unwrap();
    }
    check("rules", &table);
}

#[test]
fn the_readme_says_how_many_rules_there_are() {
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("../README.md");
    let said = format!("by {} built-in rules", corpus::redactor().rules().count());
    assert!(std::fs::read_to_string(readme).unwrap().contains(&said), "{said}");
}

#[test]
fn every_kind_of_secret_of_which_some_are_missed_is_listed() {
    let mut table = format!(
        "{} kinds. Of those not listed here none of 1,000 was missed.\n\n| kind | format published at | missed of 1,000 |\n|---|---|---|\n",
        KINDS.len()
    );
    for kind in KINDS.iter().filter(|kind| kind.missed > 0) {
        writeln!(table, "| {} | {} | {} |", kind.name, kind.source, kind.missed).unwrap();
    }
    check("missed", &table);
}
