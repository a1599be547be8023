//! Whether two texts that tell one thing agree: what a sender cut, kept back or wrote before an output, and
//! what was redacted, is no disagreement.

use blotter_schemas::tables::Event;
use memchr::memmem;

use super::pairing::{Report, told};
use super::rollout::{OTHERWISE, SESSION_FILE, from_rollout};
use crate::fact::{Claim, Fact};

/// What agents put in place of words that they keep back.
const WITHHELD: [&str; 2] = ["[REDACTED]", "<REDACTED>"];
/// What Codex puts behind an output that it cut.
const CUT: &str = "[... telemetry preview truncated ...]";
/// The line that ends the header before an output.
const HEADER_END: &str = "Output:\n";
/// How a mark of redaction begins and ends.
const MARK: (&str, char) = ("[redacted:", ']');
/// Longest mark.
const MARK_LIMIT: usize = 160;
/// Longest text that is read as JSON to be compared, in bytes.
const JSON_LIMIT: usize = 1 << 20;

/// How a text stands to another that tells the same thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Relation {
    /// It says no more than the other.
    Covered,
    /// It says all that the other says, and more.
    Fuller,
    /// Both cannot be what was said.
    Different,
}

/// How `other` stands to `text`.
pub(crate) fn relation(text: &str, other: &str) -> Relation {
    if text == other || covers(text, other) {
        Relation::Covered
    } else if covers(other, text) {
        Relation::Fuller
    } else if same_json(text, other) {
        Relation::Covered
    } else {
        Relation::Different
    }
}

/// Whether `whole` says all that `part` says.
fn covers(whole: &str, part: &str) -> bool {
    if WITHHELD.contains(&part) {
        return true;
    }
    if WITHHELD.contains(&whole) {
        return false;
    }
    if let Some(kept) = part.trim_end().strip_suffix(CUT) {
        return begins(whole, kept.trim_end());
    }
    if !whole.trim_end().ends_with(CUT)
        && let Some((_, output)) = whole.split_once(HEADER_END)
        && !part.contains(HEADER_END)
        && same(output.trim_end(), part.trim_end())
    {
        return true;
    }
    same(whole, part)
}

/// Whether two texts are the same where neither was redacted. What was redacted in one of them can be
/// anything in the other.
fn same(one: &str, other: &str) -> bool {
    matches!(after_common(one, other), Some(("", "")))
}

/// Whether a text begins with another, redactions aside.
fn begins(text: &str, beginning: &str) -> bool {
    matches!(after_common(text, beginning), Some((_, "")))
}

/// What is left of two texts behind what they share; none where they differ.
fn after_common<'t>(mut one: &'t str, mut other: &'t str) -> Option<(&'t str, &'t str)> {
    loop {
        let shared = one.bytes().zip(other.bytes()).take_while(|(a, b)| a == b).count();
        // A mark may have begun in what is shared.
        let shared = last_mark(one, shared).min(last_mark(other, shared));
        let (left, right) = (one.get(shared..)?, other.get(shared..)?);
        if left.is_empty() || right.is_empty() {
            return Some((left, right));
        }
        match (mark(left), mark(right)) {
            (Some(a), Some(b)) => (one, other) = (a, b),
            (Some(a), None) => (one, other) = (a, skip_to(right, a)?),
            (None, Some(b)) => (one, other) = (skip_to(left, b)?, b),
            (None, None) => return None,
        }
    }
}

/// The beginning of a mark that `end` lies in, else the character that it lies in.
fn last_mark(text: &str, end: usize) -> usize {
    let end = text.floor_char_boundary(end);
    let from = text.floor_char_boundary(end.saturating_sub(MARK_LIMIT));
    let window = text.get(from..end).unwrap_or_default();
    match window.rfind(MARK.0) {
        Some(start) if !window.get(start..).is_some_and(|mark| mark.contains(MARK.1)) => {
            from + start
        }
        _ => end,
    }
}

/// What follows the mark at the beginning of a text; none where there is no mark.
fn mark(text: &str) -> Option<&str> {
    let inner = text.strip_prefix(MARK.0)?;
    let limit = inner.floor_char_boundary(MARK_LIMIT);
    let end = inner.get(..limit)?.find(MARK.1)?;
    inner.get(end + MARK.1.len_utf8()..)
}

/// What is left of a text from where `next` goes on after a mark.
fn skip_to<'t>(text: &'t str, next: &str) -> Option<&'t str> {
    let until = next.find(MARK.0).unwrap_or(next.len());
    let literal = next.get(..until)?;
    if literal.is_empty() {
        return Some("").filter(|_| next.is_empty());
    }
    let at = memmem::find(text.as_bytes(), literal.as_bytes())?;
    text.get(at..)
}

fn same_json(one: &str, other: &str) -> bool {
    let read = |text: &str| {
        let object = text.len() <= JSON_LIMIT && text.trim_start().starts_with(['{', '[']);
        object.then(|| serde_json::from_str::<serde_json::Value>(text).ok()).flatten()
    };
    read(one).is_some_and(|one| read(other) == Some(one))
}

/// What the reports say in one field that holds words. Where the agent's session file tells the same thing
/// as its telemetry, the fuller one is taken; where they cannot both be true, both are kept.
pub(crate) fn told_words(
    reports: &[&Report<'_>],
    field: impl Fn(&Event) -> Option<String>,
    missing: &'static str,
) -> Fact<String> {
    let told_by = |reports: Vec<Report<'_>>| {
        let reports: Vec<&Report<'_>> = reports.iter().collect();
        told(&reports, &field, missing)
    };
    let sent = told_by(part(reports, false));
    let filed = told_by(part(reports, true));
    let (Some(words), Some(file)) = (&sent.value, &filed.value) else {
        return if sent.is_known() { sent } else { filed };
    };
    match relation(words, file) {
        Relation::Covered => {
            let mut sent = sent;
            sent.events.extend(filed.events);
            sent
        }
        Relation::Fuller => {
            let mut filed = filed;
            filed.events.extend(sent.events);
            filed
        }
        Relation::Different => {
            let claims = [
                sent.claim(),
                filed.claim().map(|claim| Claim { why: SESSION_FILE.into(), ..claim }),
            ];
            Fact::contradicted(OTHERWISE, claims.into_iter().flatten().collect())
        }
    }
}

/// The reports with their rows of session files alone, or without them.
fn part<'a>(reports: &[&Report<'a>], rollout: bool) -> Vec<Report<'a>> {
    let mut parts = Vec::new();
    for report in reports {
        let rows = report.rows.iter().copied();
        let rows: Vec<&'a Event> = rows.filter(|row| from_rollout(row) == rollout).collect();
        if !rows.is_empty() {
            parts.push(Report { rows, speaker: report.speaker });
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_sender_cut_or_kept_back_is_no_disagreement() {
        let cut = "Chunk ID: 1\nOutput:\nab[... telemetry preview truncated ...]";
        assert_eq!(relation(cut, "Chunk ID: 1\nOutput:\nabc"), Relation::Fuller);
        assert_eq!(relation("Chunk ID: 1\nOutput:\nabc", cut), Relation::Covered);
        assert_eq!(relation(cut, "Chunk ID: 1\nOutput:\nax"), Relation::Different);
        assert_eq!(relation(CUT, "anything"), Relation::Fuller);
        assert_eq!(relation("[REDACTED]", "do it"), Relation::Fuller);
        assert_eq!(relation("do it", "[REDACTED]"), Relation::Covered);
        assert_eq!(relation("do it", "do"), Relation::Different);
    }

    #[test]
    fn an_output_without_the_agents_header_is_the_same_output() {
        let whole = "Wall time: 1 seconds\nOutput:\nhi\n";
        assert_eq!(relation(whole, "hi"), Relation::Covered);
        assert_eq!(relation("hi\n", whole), Relation::Fuller);
        assert_eq!(relation(whole, "ho"), Relation::Different);
    }

    #[test]
    fn what_was_redacted_in_one_can_be_anything_in_the_other() {
        let mark = |key: &str| format!("a [redacted:github-pat:{key}] b");
        assert_eq!(relation(&mark("k1.00"), &mark("k2.11")), Relation::Covered);
        assert_eq!(relation(&mark("k1.00"), "a ghp_x b"), Relation::Covered);
        assert_eq!(relation("a ghp_x b", &mark("k1.00")), Relation::Covered);
        assert_eq!(relation("a ghp_x c", &mark("k1.00")), Relation::Different);
        assert_eq!(
            relation("x [redacted:jwt:k.1] y [redacted:jwt:k.2]", "x 1 y 2"),
            Relation::Covered
        );
        assert_eq!(relation("x [redacted:jwt:k.1] y", "x 1 y"), Relation::Covered);
        let cut = format!("{} and{CUT}", mark("k1.00"));
        assert_eq!(relation(&cut, "a ghp_x b and so on"), Relation::Fuller);
    }

    #[test]
    fn json_is_compared_by_what_it_says() {
        assert_eq!(relation(r#"{"a": 1, "b": 2}"#, r#"{"b":2,"a":1}"#), Relation::Covered);
        assert_eq!(relation(r#"{"a": 1}"#, r#"{"a": 2}"#), Relation::Different);
    }
}
