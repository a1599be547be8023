//! The search for anchors, which decides whether anything in a text needs a closer look: a few SIMD
//! searches for literals over the whole text, and for the literals of tokens, which stand in long runs
//! without spaces, one search over those runs.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind, Span, packed};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;

use crate::mark;
use crate::rule::{Beside, Rule};
use crate::runs::{self, SHORTEST};

/// How many beginnings one search tells apart cheaply: two for each of its eight buckets.
const GROUP: usize = 16;
/// How many bytes of a literal a search looks at before it compares.
const BEGINNING: usize = 4;

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
            Self::Rule(rule, Beside::SpaceNear(words)) => Self::Rule(rule, Beside::Near(words)),
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
    /// What is searched for in runs only.
    tokens: Option<(AhoCorasick, Vec<Literal>)>,
}

impl Prefilter {
    pub(crate) fn new(rules: &[Rule]) -> Self {
        let (mut anywhere, mut in_runs) = (Literals::default(), Literals::default());
        for (index, rule) in rules.iter().enumerate() {
            for anchor in &rule.anchors {
                let shortest = anchor.literal.len() + token_after(anchor.beside).unwrap_or(0);
                let stands_in_run =
                    matches!(anchor.beside, Beside::Token(_)) && shortest >= SHORTEST;
                let literals = if stands_in_run { &mut in_runs } else { &mut anywhere };
                literals.add(anchor.literal.as_bytes(), Meaning::Rule(index, anchor.beside));
            }
            // Three bytes are four digits, those at the edges included.
            let long = rule.anchors.iter().all(|anchor| {
                let after = token_after(anchor.beside);
                after.is_some_and(|after| (anchor.literal.len() + after) * 4 / 3 >= SHORTEST)
            });
            let literals = if long { &mut in_runs } else { &mut anywhere };
            for anchor in &rule.base64 {
                for (offset, digits) in base64_of(anchor.as_bytes()) {
                    literals.add(digits.as_bytes(), Meaning::Base64(index, offset));
                }
            }
        }
        anywhere.add(b"\\u00", Meaning::JsonEscape);
        anywhere.add(mark::OPEN.as_bytes(), Meaning::Mark);

        let groups = grouped(anywhere.merged())
            .into_iter()
            .filter_map(|group| Some((Searcher::new(&group)?, group)))
            .collect();
        let tokens = in_runs.merged();
        // Runs are short: what counts is the cost of a byte, and that of beginning.
        let automaton = AhoCorasick::builder()
            .match_kind(MatchKind::LeftmostFirst)
            .kind(Some(AhoCorasickKind::DFA))
            .prefilter(false)
            .build(tokens.iter().map(|literal| literal.bytes.as_slice()));
        Self { groups, tokens: automaton.ok().map(|automaton| (automaton, tokens)) }
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
        let Some((automaton, literals)) = &self.tokens else {
            return ControlFlow::Continue(());
        };
        for run in runs::find(text) {
            let mut from = run.start;
            let input = |from| aho_corasick::Input::new(text).span(from..run.end);
            while let Some(found) = automaton.find(input(from)) {
                let at = found.start();
                if let Some(literal) = literals.get(found.pattern().as_usize()) {
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
        let anywhere: usize = self.groups.iter().map(|(_, literals)| literals.len()).sum();
        anywhere + self.tokens.as_ref().map_or(0, |(_, literals)| literals.len())
    }
}

/// Literals with what they mean.
#[derive(Default)]
struct Literals(BTreeMap<Vec<u8>, Vec<Meaning>>);

impl Literals {
    fn add(&mut self, bytes: &[u8], meaning: Meaning) {
        let meanings = self.0.entry(bytes.to_vec()).or_default();
        if !meanings.contains(&meaning) {
            meanings.push(meaning);
        }
    }

    /// The literals, none of which begins with another, for a search reports one literal at a place.
    fn merged(self) -> Vec<Literal> {
        let mut merged: Vec<Literal> = Vec::new();
        for (bytes, meanings) in self.0 {
            match merged.last_mut().filter(|last| bytes.starts_with(&last.bytes)) {
                Some(last) => last.meanings.extend(meanings.into_iter().map(Meaning::shortened)),
                None => merged.push(Literal { bytes, meanings }),
            }
        }
        merged
    }
}

/// Literals that are searched for together. A search tells them apart by the low halves of their first
/// bytes, so those that differ in case only cost as much as one. What it tells apart must come first: it
/// deals its buckets out in that order. Shorter beginnings are searched for by themselves, for the
/// shortest decides how many bytes are looked at.
fn grouped(literals: Vec<Literal>) -> Vec<Vec<Literal>> {
    let mut beginnings: BTreeMap<(usize, Vec<u8>), Vec<Literal>> = BTreeMap::new();
    for literal in literals {
        let low: Vec<u8> = literal.bytes.iter().take(BEGINNING).map(|byte| byte & 0xf).collect();
        beginnings.entry((low.len(), low)).or_default().push(literal);
    }
    let mut groups: Vec<(usize, usize, Vec<Literal>, Vec<Literal>)> = Vec::new();
    for ((length, _), literals) in beginnings {
        if groups.last().is_none_or(|(of, count, ..)| *of != length || *count == GROUP) {
            groups.push((length, 0, Vec::new(), Vec::new()));
        }
        if let Some((_, count, firsts, others)) = groups.last_mut() {
            *count += 1;
            let mut literals = literals.into_iter();
            firsts.extend(literals.next());
            others.extend(literals);
        }
    }
    groups
        .into_iter()
        .map(|(.., firsts, others)| [firsts, others].into_iter().flatten().collect())
        .collect()
}

/// How many characters of a token must follow an anchor, at least.
fn token_after(beside: Beside) -> Option<usize> {
    match beside {
        Beside::Token(length) | Beside::Value(length) => Some(length),
        _ => None,
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
