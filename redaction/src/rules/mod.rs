//! The built-in rules: our own, and those of a maintained rule set.

mod agents;
mod assignments;
mod cloud;
mod commands;
#[cfg(test)]
mod examples;
mod imported;
mod platforms;
mod services;

use std::sync::OnceLock;
use std::sync::atomic::AtomicUsize;

use blotter_schemas::names::blotter::TokenType;

use crate::Error;
use crate::rule::{Anchor, Beside, Checks, Extent, Rule};

/// Rank of a rule that knows its kind of secret.
pub(crate) const SPECIFIC: u8 = 0;
/// Rank of a rule that goes by a known place: a header, a URL.
pub(crate) const PLACE: u8 = 1;
/// Rank of a rule that goes by a name beside a value.
pub(crate) const GENERIC: u8 = 2;

/// A rule of ours as it is written down. `matches` and `rejects` are examples; in them `{base64:40}`
/// and the like stand for so many generated characters.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BuiltIn {
    pub(crate) id: &'static str,
    pub(crate) brief: &'static str,
    pub(crate) token_type: Option<TokenType>,
    pub(crate) pattern: &'static str,
    pub(crate) anchors: &'static [(&'static str, Beside)],
    pub(crate) base64: &'static [&'static str],
    pub(crate) rank: u8,
    pub(crate) extent: Extent,
    pub(crate) entropy: f64,
    pub(crate) mixed: bool,
    pub(crate) chosen: bool,
    pub(crate) literal: bool,
    #[cfg_attr(not(test), expect(dead_code, reason = "a test tries them"))]
    pub(crate) matches: &'static [&'static str],
    #[cfg_attr(not(test), expect(dead_code, reason = "a test tries them"))]
    pub(crate) rejects: &'static [&'static str],
}

impl BuiltIn {
    /// What most rules do not need.
    pub(crate) const PLAIN: Self = Self {
        id: "",
        brief: "",
        token_type: None,
        pattern: "",
        anchors: &[],
        base64: &[],
        rank: SPECIFIC,
        extent: Extent::Pattern,
        entropy: 0.0,
        mixed: false,
        chosen: false,
        literal: false,
        matches: &[],
        rejects: &[],
    };

    fn rule(&self) -> Rule {
        Rule {
            id: self.id.to_owned(),
            brief: self.brief.to_owned(),
            token_type: self.token_type,
            anchors: self
                .anchors
                .iter()
                .map(|&(literal, beside)| Anchor { literal: literal.to_owned(), beside })
                .collect(),
            base64: self.base64.iter().map(|&anchor| anchor.to_owned()).collect(),
            pattern: self.pattern.to_owned(),
            group: 1,
            checks: Checks {
                entropy: self.entropy,
                mixed: self.mixed,
                chosen: self.chosen,
                literal: self.literal,
                ..Checks::default()
            },
            extent: self.extent,
            rank: self.rank,
            compiled: OnceLock::new(),
            scanned: AtomicUsize::new(0),
        }
    }
}

/// Our own rules.
pub(crate) fn own() -> impl Iterator<Item = &'static BuiltIn> {
    [
        agents::RULES,
        cloud::RULES,
        platforms::RULES,
        services::RULES,
        commands::RULES,
        assignments::RULES,
    ]
    .into_iter()
    .flatten()
}

/// Every built-in rule.
pub(crate) fn built_in() -> Result<Vec<Rule>, Error> {
    let mut rules: Vec<Rule> = own().map(BuiltIn::rule).collect();
    rules.extend(imported::rules()?);
    Ok(rules)
}
