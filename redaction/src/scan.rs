//! Finding the secrets of one text.

use std::ops::{ControlFlow, Range};

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use regex::bytes::RegexSet;

use crate::beside::KEY_LIMIT;
use crate::prefilter::{Hit, Meaning, Prefilter};
use crate::rule::{Extent, REPETITION, Rule};
use crate::view::View;
use crate::{jwt, keys, pem};

/// Reads Base64 that was cut anywhere.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// A secret in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Finding {
    /// Where it stands, encoding and all.
    pub(crate) range: Range<usize>,
    /// Index of the rule.
    pub(crate) rule: usize,
    /// The secret itself, normalised.
    pub(crate) secret: Vec<u8>,
    /// How many encodings it was written in.
    depth: usize,
}

type Sink<'a> = &'a mut dyn FnMut(Range<usize>, usize, &[u8]);

/// Where Base64 of an anchor stands: the place, and the offset of its first digit from a multiple of
/// four.
type Encoded = (usize, usize);

/// The rules of a redactor, ready to search.
#[derive(Debug)]
pub(crate) struct Scanner {
    pub(crate) prefilter: Prefilter,
    pub(crate) rules: Vec<Rule>,
    /// What is no secret although a rule says so.
    allow: Option<RegexSet>,
}

impl Scanner {
    pub(crate) fn new(rules: Vec<Rule>, allow: Option<RegexSet>) -> Self {
        Self { prefilter: Prefilter::new(&rules), rules, allow }
    }

    /// The secrets of `text`, in order, not overlapping. `name` is the attribute key it stands under.
    pub(crate) fn findings(&self, text: &[u8], name: Option<&str>) -> Vec<Finding> {
        let mut found = Vec::new();
        self.collect(text, &mut found);
        if let Some(name) = name.filter(|name| self.names_something(name)) {
            // As it would stand in a file: the name, an equals sign, the value.
            let mut assignment = name.as_bytes().to_vec();
            assignment.push(b'=');
            let value = assignment.len();
            assignment.extend_from_slice(text);
            let mut named = Vec::new();
            self.collect(&assignment, &mut named);
            found.extend(named.into_iter().filter_map(|mut finding| {
                let by_name = self.rules.get(finding.rule).is_some_and(Rule::goes_by_name);
                let start = finding.range.start.checked_sub(value).filter(|_| by_name)?;
                finding.range = start..finding.range.end - value;
                Some(finding)
            }));
        }
        if let Some(allow) = &self.allow {
            found.retain(|finding| !allow.is_match(&finding.secret));
        }
        settle(found, &self.rules)
    }

    /// Whether an attribute key can be the name of a secret. It must end in a letter or digit, so that
    /// the name ends where the key does.
    fn names_something(&self, key: &str) -> bool {
        key.len() <= KEY_LIMIT
            && key.bytes().last().is_some_and(|byte| byte.is_ascii_alphanumeric())
            && self.prefilter.hits(key.as_bytes(), |_| ControlFlow::Break(())).is_break()
    }

    fn collect(&self, text: &[u8], found: &mut Vec<Finding>) {
        if !self.prefilter.may_match(text) {
            return;
        }
        for view in View::all(text) {
            let mut add = |range: Range<usize>, rule, secret: &[u8], inner| {
                found.push(Finding {
                    range: view.origin(range),
                    rule,
                    secret: keys::normalise(secret),
                    depth: view.depth() + inner,
                });
            };
            let encoded = self.plain(&view.bytes, &mut |range, rule, secret| {
                add(range, rule, secret, 0);
            });
            self.base64(&view.bytes, encoded, &mut |range, rule, secret| {
                add(range, rule, secret, 1);
            });
        }
    }

    /// Runs the rules whose anchors stand in `text` around them; where Base64 of anchors stands is
    /// returned.
    fn plain(&self, text: &[u8], sink: Sink<'_>) -> Vec<Encoded> {
        let rules = &self.rules;
        let mut windows: Vec<Vec<Range<usize>>> = vec![Vec::new(); rules.len()];
        let mut encoded = Vec::new();
        let _ = self.prefilter.hits(text, |Hit { at, literal }| {
            for meaning in &literal.meanings {
                match *meaning {
                    Meaning::Rule(rule, _) => {
                        let reach = rules.get(rule).and_then(Rule::compiled).map(|it| it.reach);
                        if let (Some(reach), Some(windows)) = (reach, windows.get_mut(rule)) {
                            let end = text.len().min(at + literal.bytes.len() + reach);
                            widen(windows, at.saturating_sub(reach)..end);
                        }
                    }
                    Meaning::Base64(_, offset) => encoded.push((at, offset)),
                    Meaning::JsonEscape | Meaning::Mark => {}
                }
            }
            ControlFlow::Continue(())
        });
        for (index, (rule, mut windows)) in rules.iter().zip(windows).enumerate() {
            windows.sort_by_key(|window| window.start);
            let mut merged = Vec::new();
            for window in windows {
                widen(&mut merged, window);
            }
            for window in merged {
                search(rule, text, window, &mut |range, secret| sink(range, index, secret));
            }
        }
        encoded
    }

    /// Decodes the Base64 around each place and runs the rules that ask for it.
    fn base64(&self, text: &[u8], mut encoded: Vec<Encoded>, sink: Sink<'_>) {
        encoded.sort_unstable();
        // Each alignment of a run is decoded once, however many anchors stand in it.
        let mut done = [0_usize; 4];
        for (at, offset) in encoded {
            let Some(done) = done.get_mut(at.wrapping_sub(offset) % 4) else {
                continue;
            };
            if at < *done {
                continue;
            }
            let digit = |byte: &u8| {
                byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'-' | b'_')
            };
            let before = text.get(*done..at).unwrap_or_default();
            let first =
                before.iter().rposition(|byte| !digit(byte)).map_or(*done, |it| *done + it + 1);
            let rest = text.get(at..).unwrap_or_default();
            let end = at + rest.iter().position(|byte| !digit(byte)).unwrap_or(rest.len());
            *done = end;
            let start = first + (at + 4 - offset % 4 - first % 4 + 4) % 4;
            let digits: Vec<u8> = text
                .get(start..end)
                .unwrap_or_default()
                .iter()
                .map(|byte| match byte {
                    b'-' => b'+',
                    b'_' => b'/',
                    other => *other,
                })
                .collect();
            // One digit too many holds no whole byte.
            let whole = digits.len() - usize::from(digits.len() % 4 == 1);
            let Ok(decoded) = LENIENT.decode(digits.get(..whole).unwrap_or_default()) else {
                continue;
            };
            self.plain(&decoded, &mut |range, rule, secret| {
                if self.rules.get(rule).is_some_and(|rule| !rule.base64.is_empty()) {
                    let from = start + range.start / 3 * 4;
                    let to = end.min(start + range.end.div_ceil(3) * 4);
                    sink(from..to, rule, secret);
                }
            });
        }
    }
}

/// Adds a window to a list, joined with the last one where they overlap.
fn widen(windows: &mut Vec<Range<usize>>, window: Range<usize>) {
    match windows.last_mut() {
        Some(last) if window.start >= last.start && window.start <= last.end => {
            last.end = last.end.max(window.end);
        }
        _ => windows.push(window),
    }
}

/// Runs one rule over one window.
fn search(
    rule: &Rule,
    text: &[u8],
    window: Range<usize>,
    sink: &mut dyn FnMut(Range<usize>, &[u8]),
) {
    let (Some(compiled), Some(haystack)) = (rule.compiled(), text.get(..window.end)) else {
        return;
    };
    rule.count(window.len());
    let mut from = window.start;
    while from < haystack.len() {
        let Some(captures) = compiled.regex.captures_at(haystack, from) else {
            return;
        };
        let (Some(whole), Some(group)) = (captures.get(0), captures.get(rule.group)) else {
            from = captures.get(0).map_or(haystack.len(), |whole| whole.end().max(from + 1));
            continue;
        };
        let end = extent(rule, text, group.range());
        let secret = end.and_then(|end| text.get(group.start()..end));
        match secret.filter(|secret| rule.accepts(secret)) {
            Some(secret) => {
                let end = group.start() + secret.len();
                sink(group.start()..end, secret);
                from = end.max(from + 1);
            }
            // What was taken for the secret may itself contain a name and a secret.
            None if group.start() > whole.start() => from = group.start(),
            None if rule.extent == Extent::Jwt => from = jwt::run_end(text, group.start()),
            None => from = whole.end().max(from + 1),
        }
    }
}

/// The end of a secret that begins where the pattern's group begins; none where it is none.
fn extent(rule: &Rule, text: &[u8], group: Range<usize>) -> Option<usize> {
    let rest = text.get(group.end..)?;
    let run = |inside: fn(&u8) -> bool| {
        group.end + rest.iter().position(|byte| !inside(byte)).unwrap_or(rest.len())
    };
    match rule.extent {
        // A pattern stops at its bound, a secret need not.
        Extent::Pattern if group.len() < REPETITION as usize => Some(group.end),
        Extent::Pattern => Some(run(|byte| {
            byte.is_ascii_alphanumeric()
                || matches!(byte, b'+' | b'/' | b'=' | b'-' | b'_' | b'.' | b'~' | b'%')
        })),
        Extent::Line => Some(run(|byte| !matches!(byte, b'\r' | b'\n' | b'"' | b'\'' | b'\\' | 0))),
        Extent::Pem => pem::end(text, group.start),
        Extent::Jwt => {
            let end = jwt::run_end(text, group.start);
            let run = text.get(group.start..end)?;
            let trimmed = run.iter().rposition(|byte| *byte != b'.')? + 1;
            jwt::is_token(run).then_some(group.start + trimmed)
        }
    }
}

/// Joins findings that overlap; the rule of the best rank, then the longest, then the one freed of most
/// encodings gives its name and fingerprint.
fn settle(mut found: Vec<Finding>, rules: &[Rule]) -> Vec<Finding> {
    found.retain(|finding| !finding.range.is_empty());
    found.sort_by_key(|finding| (finding.range.start, finding.range.end));
    let rank = |finding: &Finding| {
        let rank = rules.get(finding.rule).map_or(u8::MAX, |rule| rule.rank);
        (rank, usize::MAX - finding.range.len(), usize::MAX - finding.depth, finding.rule)
    };
    let mut settled: Vec<(Range<usize>, Finding)> = Vec::new();
    for finding in found {
        match settled.last_mut() {
            Some((range, best)) if finding.range.start < range.end => {
                range.end = range.end.max(finding.range.end);
                if rank(&finding) < rank(best) {
                    *best = finding;
                }
            }
            _ => settled.push((finding.range.clone(), finding)),
        }
    }
    settled.into_iter().map(|(range, finding)| Finding { range, ..finding }).collect()
}
