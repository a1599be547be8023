//! Tries every rule of ours on its examples.

use crate::rules;
use crate::scan::Scanner;

/// Deterministic random characters for `{class:count}` in an example.
pub(crate) fn expand(example: &str, seed: u64) -> String {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut out = String::new();
    let mut rest = example;
    while let Some((before, after)) = rest.split_once('{') {
        out.push_str(before);
        let generated = after.split_once('}').and_then(|(inside, after)| {
            let (class, count) = inside.split_once(':')?;
            let alphabet: &[u8] = match class {
                "hex" => b"0123456789abcdef",
                "digits" => b"0123456789",
                "lower" => b"abcdefghijklmnopqrstuvwxyz0123456789",
                "upper" => b"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789",
                "base32" => b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567",
                "alnum" => b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789",
                "base64" => b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
                "base64url" => b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_",
                _ => return None,
            };
            Some((alphabet, count.parse::<usize>().ok()?, after))
        });
        match generated {
            Some((alphabet, count, after)) => {
                for _ in 0..count {
                    state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(99);
                    out.push(char::from(alphabet[(state >> 33) as usize % alphabet.len()]));
                }
                rest = after;
            }
            None => {
                out.push('{');
                rest = after;
            }
        }
    }
    out + rest
}

#[test]
fn every_rule_finds_its_secrets_and_nothing_in_its_counter_examples() {
    for built_in in rules::own() {
        let scanner = Scanner::new(vec![built_in.rule()], None);
        assert!(!built_in.matches.is_empty() && !built_in.rejects.is_empty(), "{}", built_in.id);
        for (example, expected) in built_in
            .matches
            .iter()
            .map(|example| (example, true))
            .chain(built_in.rejects.iter().map(|example| (example, false)))
        {
            let missed: Vec<String> = (1..100)
                .map(|seed| expand(example, seed))
                .filter(|text| scanner.findings(text.as_bytes(), None).is_empty() == expected)
                .collect();
            // A generated password may by chance have no digit.
            let tolerated = if built_in.chosen || built_in.mixed { 5 } else { 0 };
            assert!(
                missed.len() <= tolerated,
                "{}: {example}: {} of 99 wrong, such as {:?}",
                built_in.id,
                missed.len(),
                missed.first()
            );
        }
    }
}

#[test]
fn no_rule_finds_a_secret_in_the_counter_examples_of_another() {
    let scanner = Scanner::new(rules::built_in().unwrap(), None);
    for built_in in rules::own() {
        for example in built_in.rejects {
            // Generated characters may be a secret of another kind.
            if example.contains("{hex") || example.contains("{base64") || example.contains("{alnum")
            {
                continue;
            }
            let text = expand(example, 7);
            let found = scanner.findings(text.as_bytes(), None);
            let names: Vec<&str> =
                found.iter().map(|finding| scanner.rules[finding.rule].id.as_str()).collect();
            assert!(names.is_empty(), "{}: {text}: {names:?}", built_in.id);
        }
    }
}

#[test]
fn every_pattern_compiles_and_has_the_group_it_names() {
    for rule in rules::built_in().unwrap() {
        let compiled = crate::rule::compile(&rule.pattern, &rule.checks.allow);
        let compiled = compiled.unwrap_or_else(|error| panic!("{}: {error}", rule.id));
        assert!(rule.group < compiled.regex.captures_len(), "{}", rule.id);
        assert!(compiled.reach < 8192, "{}: {}", rule.id, compiled.reach);
    }
}

#[test]
fn ids_are_unique_and_fit_in_a_mark() {
    let mut ids = std::collections::BTreeSet::new();
    for rule in rules::built_in().unwrap() {
        assert!(crate::mark::is_id(&rule.id), "{}", rule.id);
        assert!(ids.insert(rule.id.clone()), "{} twice", rule.id);
    }
}
