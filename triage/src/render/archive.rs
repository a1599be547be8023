//! What `triage archive` says.

use blotter_archive::{Amount, Checked, Cleaned, Compacted, Finding, Retained, TableStat};
use blotter_schemas::tables::Table;
use chrono::NaiveDate;
use indicatif::HumanBytes;
use serde_json::{Value as Json, json};

use super::terminal::escape;

/// Columns of the words before the numbers of `stat`.
const WORDS: usize = 34;
/// Columns of a number of `stat`.
const NUMBER: usize = 14;

/// A table of numbers, one column a table of the archive.
#[must_use]
pub fn stat(archive: &str, stats: &[TableStat]) -> String {
    let mut text = format!("archive {}\n\n", escape(archive));
    let mut line = |words: &str, value: &dyn Fn(&TableStat) -> String| {
        let mut line = format!("{words:<WORDS$}");
        for stat in stats {
            line.push_str(&format!("{:>NUMBER$}", value(stat)));
        }
        text.push_str(line.trim_end());
        text.push('\n');
    };
    let number = |number: Option<u64>| number.map_or_else(|| "-".to_owned(), grouped);
    let bytes = |bytes: u64| HumanBytes(bytes).to_string();
    line("", &|it| it.table.to_string());
    line("rows", &|it| grouped(it.rows));
    line("days", &|it| it.days.map_or_else(|| "-".to_owned(), |(_, _, days)| grouped(days)));
    line("  first", &|it| it.days.map_or_else(|| "-".to_owned(), |(first, ..)| first.to_string()));
    line("  last", &|it| it.days.map_or_else(|| "-".to_owned(), |(_, last, _)| last.to_string()));
    line("files", &|it| grouped(it.data.files));
    line("  bytes", &|it| bytes(it.data.bytes));
    let sizes: &[(u64, u64)] = stats.first().map_or(&[], |stat| &stat.sizes);
    for (index, (size, _)) in sizes.iter().enumerate() {
        let words = match index.checked_sub(1).and_then(|before| sizes.get(before)) {
            Some((before, _)) if *size == u64::MAX => format!("  {} or more", HumanBytes(*before)),
            _ => format!("  below {}", HumanBytes(*size)),
        };
        line(&words, &|it| grouped(it.sizes.get(index).map_or(0, |(_, files)| *files)));
    }
    line("compaction would gather files", &|it| grouped(it.small.files));
    line("  bytes", &|it| bytes(it.small.bytes));
    line("  in commits", &|it| grouped(it.small_groups));
    line("table version", &|it| grouped(it.version));
    line("  log entries kept", &|it| grouped(it.log_versions));
    line("  oldest", &|it| number(it.log_oldest));
    line("  newest checkpoint", &|it| number(it.checkpoint));
    line("  bytes of the log", &|it| bytes(it.log_bytes));
    line("compactions and retentions", &|it| grouped(it.maintenance));
    line("replaced, kept for old readers", &|it| grouped(it.replaced.files));
    line("  bytes", &|it| bytes(it.replaced.bytes));
    line("orphans", &|it| grouped(it.orphans.files));
    line("  bytes", &|it| bytes(it.orphans.bytes));
    text
}

/// The same as JSON.
#[must_use]
pub fn stat_json(stat: &TableStat) -> Json {
    let (first, last, days) = match stat.days {
        Some((first, last, days)) => (Some(first.to_string()), Some(last.to_string()), days),
        None => (None, None, 0),
    };
    let sizes = stat.sizes.iter().map(|(below, files)| {
        let below = (*below != u64::MAX).then_some(below);
        json!({"below_bytes": below, "files": files})
    });
    json!({
        "table": stat.table.name(),
        "rows": stat.rows,
        "days": days,
        "first_day": first,
        "last_day": last,
        "files": stat.data.files,
        "bytes": stat.data.bytes,
        "file_sizes": sizes.collect::<Vec<_>>(),
        "small_files": stat.small.files,
        "small_bytes": stat.small.bytes,
        "small_commits": stat.small_groups,
        "version": stat.version,
        "log_entries": stat.log_versions,
        "log_oldest": stat.log_oldest,
        "log_bytes": stat.log_bytes,
        "checkpoint": stat.checkpoint,
        "maintenance_commits": stat.maintenance,
        "replaced_files": stat.replaced.files,
        "replaced_bytes": stat.replaced.bytes,
        "orphan_files": stat.orphans.files,
        "orphan_bytes": stat.orphans.bytes,
    })
}

/// What a compaction did, a few lines a table.
#[must_use]
pub fn compacted(done: &[(Table, Compacted, Cleaned)]) -> String {
    let mut text = String::new();
    for (table, compacted, cleaned) in done {
        let table = table.name();
        let Compacted { files_before, files_after, rows, copies_dropped, lost, .. } = compacted;
        let (before, after) =
            (HumanBytes(compacted.bytes_before), HumanBytes(compacted.bytes_after));
        text.push_str(&if compacted.commits == 0 {
            format!("{table:<8} nothing to gather\n")
        } else {
            format!(
                "{table:<8} {}, {before} -> {}, {after}\n{:<8} {}, {} copies dropped\n",
                count(*files_before, "file"),
                count(*files_after, "file"),
                "",
                count(*rows, "row"),
                grouped(*copies_dropped)
            )
        });
        if *lost > 0 {
            text.push_str(&format!(
                "{:<8} {lost} thrown away: another compaction or retention was faster\n",
                ""
            ));
        }
        text.push_str(&deleted(cleaned, "deleted"));
    }
    text
}

/// What a retention removed, a few lines a table.
#[must_use]
pub fn retained(done: &[(Table, Retained, Cleaned)], before: NaiveDate, dry_run: bool) -> String {
    let (verb, deleted_verb) =
        if dry_run { ("would remove", "would delete") } else { ("removed", "deleted") };
    let mut text = format!("received before {before} (UTC)\n");
    for (table, retained, cleaned) in done {
        let table = table.name();
        text.push_str(&match (retained.days.first(), retained.days.last()) {
            (Some(first), Some(last)) => format!(
                "{table:<8} {verb} {}, {first} to {last}: {}, {}, {}\n",
                count(retained.days.len() as u64, "day"),
                count(retained.rows, "row"),
                count(retained.files, "file"),
                HumanBytes(retained.bytes)
            ),
            _ => format!("{table:<8} nothing\n"),
        });
        text.push_str(&deleted(cleaned, deleted_verb));
    }
    if dry_run {
        text.push_str("Nothing was changed.\n");
    }
    text
}

/// What a check found: the findings, then a line a table.
#[must_use]
pub fn checked(checked: &[(Table, Checked)]) -> String {
    let mut text = String::new();
    for finding in checked.iter().flat_map(|(_, checked)| &checked.findings) {
        let kind = finding.kind.as_str();
        text.push_str(&format!("{kind}: {}", finding.table));
        if let Some(file) = &finding.file {
            text.push_str(&format!("/{}", escape(file)));
        }
        text.push_str(&format!("\n    {}\n", escape(&finding.detail)));
    }
    for (table, checked) in checked {
        let table = table.name();
        let findings = match checked.findings.len() {
            0 => "nothing found".to_owned(),
            findings => count(findings as u64, "finding"),
        };
        let (files, rows) = (count(checked.files, "file"), count(checked.rows, "row"));
        text.push_str(&format!("{table:<8} {files}, {rows} read: {findings}\n"));
    }
    text
}

/// A finding as JSON.
#[must_use]
pub fn finding_json(finding: &Finding) -> Json {
    json!({
        "table": finding.table.name(),
        "kind": finding.kind.as_str(),
        "file": finding.file,
        "detail": finding.detail,
    })
}

/// What was deleted from disk, as JSON.
#[must_use]
pub fn cleaned_json(cleaned: &Cleaned) -> Json {
    let amount = |amount: &Amount| json!({"files": amount.files, "bytes": amount.bytes});
    json!({
        "replaced": amount(&cleaned.replaced),
        "orphans": amount(&cleaned.orphans),
        "unfinished": amount(&cleaned.unfinished),
        "waiting": amount(&cleaned.waiting),
    })
}

fn deleted(cleaned: &Cleaned, verb: &str) -> String {
    let mut text = String::new();
    let mut line = |amount: &Amount, verb: &str, what: &str| {
        if amount.files > 0 {
            let (files, bytes) =
                (count(amount.files, &format!("{what} file")), HumanBytes(amount.bytes));
            text.push_str(&format!("{:<8} {verb} {files}, {bytes}\n", ""));
        }
    };
    line(&cleaned.replaced, verb, "replaced");
    line(&cleaned.orphans, verb, "orphaned");
    line(&cleaned.unfinished, verb, "unfinished");
    line(&cleaned.waiting, "keeps", "replaced");
    text
}

/// `1 file`, `2 files`.
#[must_use]
pub fn count(number: u64, what: &str) -> String {
    format!("{} {what}{}", grouped(number), if number == 1 { "" } else { "s" })
}

/// `1234567` as `1,234,567`.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use blotter_archive::FindingKind;

    use super::*;

    #[test]
    fn thousands_are_set_apart() {
        let texts = [0, 999, 1000, 12_345, 1_234_567].map(grouped);
        assert_eq!(texts, ["0", "999", "1,000", "12,345", "1,234,567"]);
    }

    #[test]
    fn what_a_log_or_a_file_says_cannot_move_the_cursor() {
        let finding = Finding {
            table: Table::Events,
            kind: FindingKind::Unreadable,
            file: Some("a\u{1b}[2J".to_owned()),
            detail: "b\r\u{9b}c".to_owned(),
        };
        let found = Checked { findings: vec![finding], ..Checked::default() };
        let text = checked(&[(Table::Events, found)]);
        assert!(!text.chars().any(|it| it.is_control() && it != '\n'), "{text:?}");
    }
}
