//! The redactor: rules, keys and modes together.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::{ControlFlow, Range};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use blotter_schemas::names::blotter::TokenType;
use blotter_schemas::otlp::{Encoding, Request, Signal};

use crate::beside::{self, Chance};
use crate::configuration::Configuration;
use crate::fields::Fields;
use crate::keys::{self, Keys};
use crate::prefilter::{self, Meaning};
use crate::request;
use crate::rule::Rule;
use crate::rules;
use crate::scan::Scanner;
use crate::{Error, allow, custom, mark, wire};

/// Version of the rules and of how texts are read, raised with every change that finds other secrets.
const VERSION: u32 = 3;
/// How often a text is searched again after a secret was cut out of it, in case that uncovered another.
const PASSES: usize = 4;

/// How often each rule found something, by rule id.
pub type Counts = BTreeMap<Arc<str>, u64>;

/// What was done to a request.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Redactions {
    /// For every record, in request order, as normalising numbers them: what was found in it, its
    /// resource and its scope.
    pub records: Vec<Counts>,
    /// What was found in the request, each place counted once.
    pub total: Counts,
}

impl Redactions {
    /// Whether nothing was changed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.total.is_empty()
    }
}

/// A rule as an operator sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RuleInfo<'a> {
    /// Id, as it stands in marks and counts.
    pub id: &'a str,
    /// What it finds.
    pub brief: &'a str,
    /// Type of the credentials it finds, where they have one.
    pub token_type: Option<TokenType>,
    /// Whether it is looked for in Base64 too.
    pub in_base64: bool,
    /// Whether it was needed yet, and is therefore compiled.
    pub compiled: bool,
    /// How many bytes its pattern was run over so far.
    pub scanned_bytes: usize,
}

/// Takes secrets out of requests. Shared between threads as it is.
#[derive(Debug)]
pub struct Redactor {
    pub(crate) scanner: Scanner,
    pub(crate) fields: Fields,
    keys: Keys,
    /// Ids that a mark of ours can carry; disabled rules included, for other collectors may use them.
    known: BTreeSet<Arc<str>>,
    /// Ids by rule index.
    ids: Vec<Arc<str>>,
    foreign: Arc<str>,
    pub(crate) hashed: Arc<str>,
    pub(crate) dropped: Arc<str>,
    version: String,
}

impl Redactor {
    /// A redactor with the built-in rules and what the configuration adds.
    ///
    /// # Errors
    /// [`Error::Configuration`], which names the field, when something in the configuration cannot be
    /// used: an unknown rule is disabled, a rule does not pass its own examples.
    pub fn new(configuration: &Configuration, keys: Keys) -> Result<Self, Error> {
        let mut rules = rules::built_in()?;
        let mut known: BTreeSet<Arc<str>> =
            rules.iter().map(|rule| Arc::from(rule.id.as_str())).collect();
        for (index, id) in configuration.disable.iter().enumerate() {
            if !known.contains(id.as_str()) {
                return Err(Error::configuration(format!("disable[{index}]"), "no such rule"));
            }
        }
        rules.retain(|rule| !configuration.disable.contains(&rule.id));
        if configuration.rules.len() > custom::RULES {
            let reason = format!("more than {} rules", custom::RULES);
            return Err(Error::configuration("rules", reason));
        }
        for (index, rule) in configuration.rules.iter().enumerate() {
            let field = format!("rules[{index}]");
            if !known.insert(Arc::from(rule.id.as_str())) {
                return Err(Error::configuration(field + ".id", "another rule has this id"));
            }
            rules.push(custom::rule(&field, rule)?);
        }
        let ids = rules
            .iter()
            .map(|rule| known.get(rule.id.as_str()).cloned().unwrap_or_default())
            .collect();
        let version = version(configuration, &rules);
        Ok(Self {
            scanner: Scanner::new(rules, allow::patterns(&configuration.allow)?),
            fields: fields(configuration)?,
            keys,
            known,
            ids,
            foreign: Arc::from(mark::FOREIGN_RULE),
            hashed: Arc::from(mark::HASHED),
            dropped: Arc::from(mark::DROPPED),
            version,
        })
    }

    /// Takes the secrets out of every string of a request, and applies the modes of its fields.
    /// Applying it again changes nothing.
    pub fn redact(&self, request: &mut Request) -> Redactions {
        request::redact(self, request)
    }

    /// Whether [`Redactor::redact`] could change the request with this body. Where it says no the body
    /// can be kept byte by byte; that is decided on the bytes, without decoding them. It may say yes
    /// where nothing is found in the end.
    #[must_use]
    pub fn may_contain(&self, signal: Signal, encoding: Encoding, body: &[u8]) -> bool {
        if self.fields.may_change(signal, body)
            || (encoding == Encoding::Json && has_base64_bytes(body))
        {
            return true;
        }
        let mut ends = Vec::new();
        let found = self.closer(body, |_, chance| match (chance, encoding) {
            (Chance::No, _) => ControlFlow::Continue(()),
            (Chance::Yes, _) => ControlFlow::Break(()),
            (Chance::AfterKey(end), Encoding::Json) => match beside::may_end_json_key(body, end) {
                true => ControlFlow::Break(()),
                false => ControlFlow::Continue(()),
            },
            (Chance::AfterKey(end), Encoding::Protobuf) => {
                if beside::may_end_key(body, end) {
                    ends.push(end);
                }
                ControlFlow::Continue(())
            }
        });
        if found.is_break() || prefilter::percent_escapes(body).next().is_some() {
            return true;
        }
        // The literals are searched for in groups, so the places of one follow those of another.
        ends.sort_unstable();
        !ends.is_empty() && wire::key_ends_at(signal, body, &ends)
    }

    /// Calls `visit` for every place where a literal stands, with what is beside it leaves its rules.
    pub(crate) fn closer(
        &self,
        text: &[u8],
        mut visit: impl FnMut(usize, Chance) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        self.scanner.prefilter.hits(text, |hit| {
            for meaning in &hit.literal.meanings {
                let chance = match *meaning {
                    Meaning::Rule(_, beside) => {
                        let here = hit.at..hit.at + hit.literal.bytes.len();
                        beside::chance(beside, text, here)
                    }
                    Meaning::Base64(..) => Chance::Yes,
                    Meaning::JsonEscape => prefilter::json_escape_hides(text, hit.at).into(),
                    Meaning::Mark => {
                        let rest = text.get(hit.at..).unwrap_or_default();
                        let ours = |(_, rule, key): (_, &str, &str)| self.is_ours(rule, key);
                        (mark::claims(rest) && !mark::parse(rest).is_some_and(ours)).into()
                    }
                };
                if chance != Chance::No {
                    visit(hit.at, chance)?;
                }
            }
            ControlFlow::Continue(())
        })
    }

    /// The text without its secrets; none where it has none. For log lines and errors of ours.
    #[must_use]
    pub fn redact_text(&self, text: &str) -> Option<String> {
        self.text(text, None, &mut Counts::new())
    }

    /// The same, and what was found in it is added to `counts`.
    #[must_use]
    pub fn redact_text_counted(&self, text: &str, counts: &mut Counts) -> Option<String> {
        self.text(text, None, counts)
    }

    /// The fingerprint of a secret under every key, newest first: key id and 16 hexadecimal digits, as
    /// they stand in marks joined by a dot.
    #[must_use]
    pub fn fingerprint(&self, secret: &str) -> Vec<(String, String)> {
        self.keys.fingerprint(secret)
    }

    /// The keys marks are made with and recognised by.
    #[must_use]
    pub fn keys(&self) -> &Keys {
        &self.keys
    }

    /// Version of the rules in force: a number, and a digest of the rules and their configuration.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.version
    }

    /// The rules in force.
    pub fn rules(&self) -> impl Iterator<Item = RuleInfo<'_>> {
        self.scanner.rules.iter().map(|rule| RuleInfo {
            id: &rule.id,
            brief: &rule.brief,
            token_type: rule.token_type,
            in_base64: !rule.base64.is_empty(),
            compiled: rule.compiled.get().is_some(),
            scanned_bytes: rule.scanned.load(Ordering::Relaxed),
        })
    }

    /// Number of literals that a request is searched for.
    #[must_use]
    pub fn literals(&self) -> usize {
        self.scanner.prefilter.len()
    }

    /// The type of credential that a rule finds.
    #[must_use]
    pub fn token_type(&self, rule: &str) -> Option<TokenType> {
        self.scanner.rules.iter().find(|known| known.id == rule)?.token_type
    }

    fn is_ours(&self, rule: &str, key: &str) -> bool {
        let hashed = || {
            let length = rule.strip_prefix(mark::HASHED).and_then(|rest| rest.strip_prefix('.'));
            length.is_some_and(|length| length.parse::<u64>().is_ok())
        };
        self.keys.holds(key) && (self.known.contains(rule) || hashed())
    }

    /// The text without its secrets, under an attribute key or not; none where nothing changes.
    pub(crate) fn text(
        &self,
        text: &str,
        name: Option<&str>,
        counts: &mut Counts,
    ) -> Option<String> {
        let mut changed: Option<String> = None;
        for _ in 0..PASSES {
            let current = changed.as_deref().unwrap_or(text);
            let edits = self.edits(current, name);
            if edits.is_empty() {
                break;
            }
            changed = Some(apply(current, edits, counts));
        }
        changed
    }

    fn edits(&self, text: &str, name: Option<&str>) -> Vec<Edit> {
        let marks = mark::find(text.as_bytes(), |rule, key| self.is_ours(rule, key));
        let mut edits: Vec<Edit> = Vec::new();
        for finding in self.scanner.findings(text.as_bytes(), name) {
            let Some(range) = beyond_marks(text, finding.range, &marks) else {
                continue;
            };
            let Some(id) = self.ids.get(finding.rule) else {
                continue;
            };
            if let Some(last) = edits.last_mut().filter(|last| range.start < last.range.end) {
                last.range.end = last.range.end.max(range.end);
                continue;
            }
            let fingerprint = self.keys.mark_fingerprint(&finding.secret);
            edits.push(Edit { range, rule: id.clone(), text: mark::write(id, &fingerprint) });
        }
        for (range, ours) in marks {
            let inside = |edit: &Edit| edit.range.start < range.end && range.start < edit.range.end;
            if !ours && !edits.iter().any(inside) {
                let text = mark::FOREIGN.to_owned();
                edits.push(Edit { range, rule: self.foreign.clone(), text });
            }
        }
        edits.sort_by_key(|edit| edit.range.start);
        edits
    }

    /// What stands for the whole value of a hashed field; none where it is that already.
    pub(crate) fn hash(&self, value: &str) -> Option<String> {
        let parsed = mark::parse(value.as_bytes());
        let hashed = parsed.is_some_and(|(length, rule, key)| {
            length == value.len() && rule.starts_with(mark::HASHED) && self.is_ours(rule, key)
        });
        if hashed {
            return None;
        }
        let rule = format!("{}.{}", mark::HASHED, value.len());
        let fingerprint = self.keys.mark_fingerprint(&keys::normalise(value.as_bytes()));
        Some(mark::write(&rule, &fingerprint))
    }
}

/// A part of a text and what replaces it.
struct Edit {
    range: Range<usize>,
    rule: Arc<str>,
    text: String,
}

fn apply(text: &str, edits: Vec<Edit>, counts: &mut Counts) -> String {
    let mut out = String::with_capacity(text.len());
    let mut from = 0;
    for edit in edits {
        out.push_str(text.get(from..edit.range.start).unwrap_or_default());
        out.push_str(&edit.text);
        from = edit.range.end;
        *counts.entry(edit.rule).or_insert(0) += 1;
    }
    out.push_str(text.get(from..).unwrap_or_default());
    out
}

/// The range, widened to whole characters and to the marks it touches; none where little but marks
/// would be replaced.
fn beyond_marks(
    text: &str,
    mut range: Range<usize>,
    marks: &[(Range<usize>, bool)],
) -> Option<Range<usize>> {
    while !text.is_char_boundary(range.start) {
        range.start -= 1;
    }
    while !text.is_char_boundary(range.end) {
        range.end += 1;
    }
    let mut covered = 0;
    let first = marks.partition_point(|(mark, _)| mark.end <= range.start);
    let touched = marks.iter().skip(first).filter(|(_, ours)| *ours).map(|(mark, _)| mark);
    for mark in touched.take_while(|mark| mark.start < range.end).collect::<Vec<_>>() {
        covered += mark.len();
        range.start = range.start.min(mark.start);
        range.end = range.end.max(mark.end);
    }
    (covered == 0 || range.len() >= covered + LEAST).then_some(range)
}

/// Fewest bytes beside marks that are worth a mark of their own.
const LEAST: usize = 4;

/// Whether OTLP/JSON has a value in Base64, under any spelling of its field that is read.
fn has_base64_bytes(body: &[u8]) -> bool {
    memchr::memmem::find_iter(body, b"bytes").any(|at| {
        let rest = body.get(at + 5..).unwrap_or_default();
        let rest = rest.get(rest.iter().take_while(|byte| **byte == b'_').count()..);
        rest.is_some_and(|rest| rest.starts_with(b"Value") || rest.starts_with(b"value"))
    })
}

fn fields(configuration: &Configuration) -> Result<Fields, Error> {
    let mut fields = Fields::default();
    fields.set_classes(&configuration.classes);
    for (index, field) in configuration.fields.iter().enumerate() {
        fields.set_key(&format!("fields[{index}].key"), &field.key, field.mode)?;
    }
    Ok(fields)
}

fn version(configuration: &Configuration, rules: &[Rule]) -> String {
    let mut hasher = blake3::Hasher::new();
    for rule in rules {
        for part in [&rule.id, &rule.pattern] {
            hasher.update(part.as_bytes());
            hasher.update(&[0]);
        }
    }
    hasher.update(
        format!("{:?}{:?}{:?}", configuration.allow, configuration.classes, configuration.fields)
            .as_bytes(),
    );
    let digest: String = hasher.finalize().to_hex().chars().take(8).collect();
    format!("{VERSION}-{digest}")
}
