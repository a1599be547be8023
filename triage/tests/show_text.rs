//! What `show` writes, as reviewed snapshots at two widths and as JSON.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "helper functions of tests"
)]

mod captures;

use blotter_triage::render::{json, text};

fn at(name: &str, width: usize) -> String {
    text::show(&captures::examined(name), text::Options { width, colour: false, full: false })
}

#[test]
fn text_at_80_and_200_columns_is_as_reviewed() {
    for name in
        ["codex/02-denied-readonly", "codex/03-mcp", "codex/09-multiagent", "claude-code/04-hooks"]
    {
        for width in [80, 200] {
            let shown = at(name, width);
            let file = format!("{}_{width}", name.replace('/', "_"));
            insta::assert_snapshot!(file, shown);
        }
    }
}

#[test]
fn json_is_as_reviewed() {
    let document = json::show(&captures::examined("claude-code/03-denied")).unwrap();
    insta::assert_snapshot!("claude-code_03-denied_json", document);
}

#[test]
fn no_line_is_longer_than_the_terminal() {
    use unicode_width::UnicodeWidthStr as _;
    for name in
        ["codex/10-codemode", "codex/17-netproxy", "codex/04-guardian-deny", "codex/07-errors"]
    {
        for width in [60, 80, 200] {
            for line in at(name, width).lines() {
                assert!(line.width() <= width, "{width}: {line}");
            }
        }
    }
}

#[test]
fn full_shows_what_is_cut_otherwise() {
    let session = captures::examined("codex/04-guardian-deny");
    let shown = |full| text::show(&session, text::Options { width: 80, colour: false, full });
    assert!(shown(false).contains("more characters, see --full"));
    assert!(!shown(true).contains("more characters, see --full"));
}
