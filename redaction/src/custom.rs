//! Rules from a configuration, and the checks they must pass before they are used.

use std::sync::OnceLock;
use std::sync::atomic::AtomicUsize;

use crate::Error;
use crate::configuration::CustomRule;
use crate::mark;
use crate::rule::{self, Anchor, Beside, Checks, Extent, Rule};
use crate::rules::SPECIFIC;
use crate::scan::Scanner;

/// Most custom rules.
pub(crate) const RULES: usize = 200;
/// Most anchors of a rule.
const ANCHORS: usize = 32;
/// Longest match of a pattern, bytes.
const REACH: usize = 64 << 10;

/// The rule, checked and tried on its examples; `field` is its place in the configuration.
pub(crate) fn rule(field: &str, custom: &CustomRule) -> Result<Rule, Error> {
    let error =
        |name: &str, reason: String| Error::configuration(format!("{field}.{name}"), reason);
    if !mark::is_id(&custom.id) || custom.id.starts_with(mark::HASHED) {
        let reason =
            "must be 1 to 64 letters, digits, '.', '_' or '-', and not begin with 'hashed'";
        return Err(error("id", reason.to_owned()));
    }
    if custom.anchors.is_empty() || custom.anchors.len() > ANCHORS {
        return Err(error("anchors", format!("must be 1 to {ANCHORS} texts")));
    }
    let shortest = if custom.base64 { 4 } else { 3 };
    for (index, anchor) in custom.anchors.iter().enumerate() {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
        if anchor.len() < shortest || anchor.len() > 64 || !anchor.bytes().all(plain) {
            return Err(error(
                &format!("anchors[{index}]"),
                format!("must be {shortest} to 64 letters, digits, '.', '_' or '-'"),
            ));
        }
    }
    let token_type = custom.token_type().map_err(|reason| error("token_type", reason))?;
    if !(0.0..=8.0).contains(&custom.entropy) {
        return Err(error("entropy", "must be 0 to 8 bits per byte".to_owned()));
    }
    let compiled =
        rule::compile(&custom.pattern, &[]).map_err(|reason| error("pattern", reason))?;
    if compiled.reach > REACH {
        return Err(error("pattern", format!("can match more than {REACH} bytes")));
    }
    if compiled.regex.is_match(b"") {
        return Err(error("pattern", "matches the empty text".to_owned()));
    }
    if custom.group >= compiled.regex.captures_len() {
        return Err(error(
            "group",
            format!("the pattern has {} groups", compiled.regex.captures_len() - 1),
        ));
    }
    let rule = Rule {
        id: custom.id.clone(),
        brief: custom.brief.clone(),
        token_type,
        anchors: custom
            .anchors
            .iter()
            .map(|literal| Anchor { literal: literal.clone(), beside: Beside::Anything })
            .collect(),
        base64: if custom.base64 { custom.anchors.clone() } else { Vec::new() },
        pattern: custom.pattern.clone(),
        group: custom.group,
        checks: Checks { entropy: custom.entropy, mixed: custom.mixed, ..Checks::default() },
        extent: Extent::Pattern,
        rank: SPECIFIC,
        compiled: OnceLock::from(Some(compiled)),
        scanned: AtomicUsize::new(0),
    };
    try_examples(rule, custom, &error)
}

fn try_examples(
    rule: Rule,
    custom: &CustomRule,
    error: &dyn Fn(&str, String) -> Error,
) -> Result<Rule, Error> {
    for (name, examples) in [("matches", &custom.matches), ("rejects", &custom.rejects)] {
        if examples.is_empty() {
            return Err(error(name, "must have an example".to_owned()));
        }
    }
    let scanner = Scanner::new(vec![rule], None);
    let found = |text: &String| !scanner.findings(text.as_bytes(), None).is_empty();
    for (index, text) in custom.matches.iter().enumerate() {
        if !found(text) {
            return Err(error(&format!("matches[{index}]"), "no secret found in it".to_owned()));
        }
    }
    for (index, text) in custom.rejects.iter().enumerate() {
        if found(text) {
            return Err(error(&format!("rejects[{index}]"), "a secret found in it".to_owned()));
        }
    }
    let mut rules = scanner.rules;
    rules.pop().ok_or_else(|| error("id", "lost".to_owned()))
}
