//! The search for anchors: a few SIMD searches for literals over the whole text, which decide whether
//! anything in it needs a closer look.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use aho_corasick::{AhoCorasick, MatchKind, Span, packed};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;

use crate::mark;
use crate::rule::{Beside, Rule};

/// Literals in one search; more would overfill its buckets.
const GROUP: usize = 32;

/// What the occurrence of a literal means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// The rule with this index may match here.
    Rule(usize, Beside),
    /// The rule may match in Base64 that began so many digits before a multiple of four.
    Base64(usize, usize),
    /// A character written as a JSON escape may hide an anchor.
    JsonEscape,
    /// A mark, or something that looks like one.
    Mark,
}

impl Meaning {
    /// The meaning for a literal of which only the beginning is searched for: what must stand after its
    /// end can no longer be said.
    fn shortened(self) -> Self {
        match self {
            Self::Rule(rule, Beside::Name(_) | Beside::Login | Beside::Space) => {
                Self::Rule(rule, Beside::Anything)
            }
            other => other,
        }
    }
}

/// A literal that is searched for.
#[derive(Debug)]
pub(crate) struct Literal {
    pub(crate) bytes: Vec<u8>,
    pub(crate) meanings: Vec<Meaning>,
}

/// A literal found.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Hit<'a> {
    /// Where it begins.
    pub(crate) at: usize,
    pub(crate) literal: &'a Literal,
}

#[derive(Debug)]
enum Searcher {
    Packed(packed::Searcher),
    /// Where the machine has no SIMD.
    Automaton(AhoCorasick),
}

/// The literals of all rules.
#[derive(Debug)]
pub(crate) struct Prefilter {
    groups: Vec<(Searcher, Vec<Literal>)>,
}

impl Prefilter {
    pub(crate) fn new(rules: &[Rule]) -> Self {
        let mut literals: BTreeMap<Vec<u8>, Vec<Meaning>> = BTreeMap::new();
        let mut add = |bytes: &[u8], meaning| {
            let meanings = literals.entry(bytes.to_vec()).or_default();
            if !meanings.contains(&meaning) {
                meanings.push(meaning);
            }
        };
        for (index, rule) in rules.iter().enumerate() {
            for anchor in &rule.anchors {
                add(anchor.literal.as_bytes(), Meaning::Rule(index, anchor.beside));
            }
            for anchor in &rule.base64 {
                for (offset, digits) in base64_of(anchor.as_bytes()) {
                    add(digits.as_bytes(), Meaning::Base64(index, offset));
                }
            }
        }
        add(b"\\u00", Meaning::JsonEscape);
        add(mark::OPEN.as_bytes(), Meaning::Mark);

        // A search reports one literal at a place, so no literal may begin with another.
        let mut merged: Vec<Literal> = Vec::new();
        for (bytes, meanings) in literals {
            match merged.last_mut().filter(|last| bytes.starts_with(&last.bytes)) {
                Some(last) => last.meanings.extend(meanings.into_iter().map(Meaning::shortened)),
                None => merged.push(Literal { bytes, meanings }),
            }
        }
        // Literals of like length together: the shortest decides how selective a search is.
        merged.sort_by_key(|literal| literal.bytes.len());
        let mut groups = Vec::new();
        let mut rest = merged.into_iter().peekable();
        while rest.peek().is_some() {
            let group: Vec<Literal> = rest.by_ref().take(GROUP).collect();
            if let Some(searcher) = Searcher::new(&group) {
                groups.push((searcher, group));
            }
        }
        Self { groups }
    }

    /// Calls `visit` for every literal in `text`, in order within each group.
    pub(crate) fn hits<'a>(
        &'a self,
        text: &[u8],
        mut visit: impl FnMut(Hit<'a>) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        for (searcher, literals) in &self.groups {
            let mut from = 0;
            while let Some((index, at)) = searcher.find(text, from) {
                if let Some(literal) = literals.get(index) {
                    visit(Hit { at, literal })?;
                }
                from = at + 1;
            }
        }
        ControlFlow::Continue(())
    }

    /// Whether a closer look at `text` can find anything.
    pub(crate) fn may_match(&self, text: &[u8]) -> bool {
        let hit = |hit: Hit<'_>| {
            let escape = hit.literal.meanings == [Meaning::JsonEscape];
            if escape && !json_escape_hides(text, hit.at) {
                return ControlFlow::Continue(());
            }
            ControlFlow::Break(())
        };
        self.hits(text, hit).is_break() || percent_escapes(text).next().is_some()
    }

    /// Number of literals searched for.
    pub(crate) fn len(&self) -> usize {
        self.groups.iter().map(|(_, literals)| literals.len()).sum()
    }
}

impl Searcher {
    fn new(literals: &[Literal]) -> Option<Self> {
        let bytes = || literals.iter().map(|literal| literal.bytes.as_slice());
        let packed = packed::Config::new()
            .match_kind(packed::MatchKind::LeftmostFirst)
            .builder()
            .extend(bytes())
            .build();
        match packed {
            Some(searcher) => Some(Self::Packed(searcher)),
            None => AhoCorasick::builder()
                .match_kind(MatchKind::LeftmostFirst)
                .build(bytes())
                .ok()
                .map(Self::Automaton),
        }
    }

    fn find(&self, text: &[u8], from: usize) -> Option<(usize, usize)> {
        if from > text.len() {
            return None;
        }
        let span = Span { start: from, end: text.len() };
        let found = match self {
            Self::Packed(searcher) => searcher.find_in(text, span)?,
            Self::Automaton(automaton) => {
                automaton.find(aho_corasick::Input::new(text).span(span))?
            }
        };
        Some((found.pattern().as_usize(), found.start()))
    }
}

/// Whether the JSON escape at `at` stands for a printable ASCII character.
pub(crate) fn json_escape_hides(text: &[u8], at: usize) -> bool {
    matches!(text.get(at + 4), Some(b'2'..=b'7'))
}

/// Where URL encoding stands for a character that need not be encoded and that anchors are made of.
/// What is usually encoded, such as `%20` and `%2F`, hides no anchor.
pub(crate) fn percent_escapes(text: &[u8]) -> impl Iterator<Item = usize> {
    memchr::memchr_iter(b'%', text).filter(|&at| {
        let digit = |offset| char::from(*text.get(at + offset)?).to_digit(16);
        let byte =
            digit(1).zip(digit(2)).and_then(|(high, low)| u8::try_from(high * 16 + low).ok());
        byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_'))
    })
}

/// The Base64 digits that a text has wherever it stands in what was encoded, one for each of the three
/// alignments, with the offset of the first digit from a multiple of four.
pub(crate) fn base64_of(text: &[u8]) -> Vec<(usize, String)> {
    (0..3)
        .filter_map(|shift| {
            let mut padded = vec![0; shift];
            padded.extend_from_slice(text);
            let digits = STANDARD_NO_PAD.encode(padded);
            let first = (shift * 8).div_ceil(6);
            let end = (shift + text.len()) * 8 / 6;
            Some((first, digits.get(first..end)?.to_owned()))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_of_a_text_is_found_wherever_it_stands() {
        for shift in 0..7 {
            let text = format!("{}ghp_token", "x".repeat(shift));
            let encoded = STANDARD_NO_PAD.encode(text);
            let found = base64_of(b"ghp_").into_iter().find_map(|(offset, digits)| {
                let at = encoded.find(&digits)?;
                (at % 4 == offset % 4).then_some(digits)
            });
            assert!(found.is_some(), "{shift}");
        }
    }

    #[test]
    fn usual_url_encoding_hides_nothing_unusual_encoding_does() {
        assert_eq!(percent_escapes(b"a%20b%2Fc%3A%3d%40 100% %n").next(), None);
        for text in ["%73k", "x%2D", "%5f", "%4b"] {
            assert!(percent_escapes(text.as_bytes()).next().is_some(), "{text}");
        }
    }
}
