//! Rows as text that a person can review: one line an event, ids shortened in order of appearance.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use arrow_array::cast::AsArray as _;
use arrow_array::types::{Float64Type, Int32Type, Int64Type};
use arrow_array::{Array, RecordBatch};
use arrow_schema::DataType;
use blotter_schemas::normalise::Rows;
use blotter_schemas::tables::{Event, Row as _, Span};

/// Longest value shown, in characters.
const LONGEST: usize = 100;
/// Columns that say nothing about meaning, or that the line shows in another way.
const HIDDEN: [&str; 19] = [
    "event_id",
    "origin_id",
    "source",
    "dialect_version",
    "time",
    "time_unix_nano",
    "observed_time",
    "observed_time_unix_nano",
    "received_time",
    "duration_ns",
    "kind",
    "name",
    "session_id",
    "trace_id",
    "span_id",
    "parent_span_id",
    "severity",
    "record",
    "time_clamped",
];
/// Columns that are alike on most lines: counted at the top instead.
const COUNTED: [&str; 9] = [
    "dialect",
    "agent_name",
    "agent_version",
    "host_name",
    "model",
    "provider",
    "terminal",
    "time_source",
    "user_id",
];
/// Columns whose values are ids to be shortened.
const IDS: [(&str, &str); 3] =
    [("parent_session_id", "S"), ("receiver_session_id", "S"), ("turn_id", "T")];

/// Everything a capture became.
pub(crate) fn render(rows: &Rows) -> String {
    let mut events = rows.events.clone();
    events.sort_by_key(|event| {
        (event.time_unix_nano, event.observed_time_unix_nano, event.source.clone())
    });
    let mut out = counted_columns(&events);
    let mut aliases = Aliases::default();
    let batch = Event::to_batch(&events).expect("a batch");
    let start = events.first().and_then(|event| event.time_unix_nano).unwrap_or_default();
    let mut plumbing: BTreeMap<String, usize> = BTreeMap::new();
    let mut lines = String::new();
    for (row, event) in events.iter().enumerate() {
        let source = event.source.as_deref().unwrap_or("-");
        let kind = event.kind.as_deref().expect("every row has a kind");
        let name = event.name.as_deref().unwrap_or("-");
        // Plumbing keeps its name and is only counted here.
        if kind == "other" && source != "otlp_span" {
            let detail = event.detail.as_deref().unwrap_or_default();
            *plumbing.entry(format!("{source} {name} {detail}")).or_default() += 1;
            continue;
        }
        let at = (event.time_unix_nano.unwrap_or_default() - start) / 1000;
        let session = aliases.of("S", event.session_id.as_deref());
        let trace = aliases.of("t", event.trace_id.as_deref());
        let mut line = format!(
            "{:>6}.{:03} {:<4} {kind} {name} {session} {trace}",
            at / 1000,
            at % 1000,
            source.replace("otlp_", "").replace("span_event", "ev"),
        );
        if let Some(duration) = event.duration_ns {
            write!(line, " {}ms", duration / 1_000_000).expect("a string");
        }
        line.push_str(&cells(&batch, row, &mut aliases));
        lines.push_str(line.trim_end());
        lines.push('\n');
    }
    out.push('\n');
    out.push_str(&lines);
    out.push_str("\nkind other, by name:\n");
    for (name, count) in plumbing {
        writeln!(out, "  {count} {}", name.trim_end()).expect("a string");
    }
    out.push_str(&span_counts(&rows.spans));
    writeln!(out, "metric points: {}", rows.metrics.len()).expect("a string");
    let placed = rows.metrics.iter().filter(|row| row.session_id.is_some()).count();
    writeln!(out, "metric points with a session: {placed}").expect("a string");
    out
}

/// Every typed column of a row that has a value.
fn cells(batch: &RecordBatch, row: usize, aliases: &mut Aliases) -> String {
    let mut out = String::new();
    for (field, column) in batch.schema().fields().iter().zip(batch.columns()) {
        let name = field.name().as_str();
        if HIDDEN.contains(&name) || COUNTED.contains(&name) {
            continue;
        }
        let Some(value) = cell(column.as_ref(), row) else { continue };
        let value = match IDS.iter().find(|(column, _)| *column == name) {
            Some((_, prefix)) => aliases.of(prefix, Some(&value)),
            None if name == "call_id" => short_call(&value),
            None => short(&value),
        };
        write!(out, " {name}={value}").expect("a string");
    }
    out
}

fn cell(column: &dyn Array, row: usize) -> Option<String> {
    if column.is_null(row) {
        return None;
    }
    Some(match column.data_type() {
        DataType::Utf8 => column.as_string::<i32>().value(row).to_owned(),
        DataType::Dictionary(_, _) => {
            let dictionary = column.as_dictionary::<Int32Type>();
            let key = dictionary.key(row)?;
            dictionary.values().as_string::<i32>().value(key).to_owned()
        }
        DataType::Int64 => column.as_primitive::<Int64Type>().value(row).to_string(),
        DataType::Float64 => column.as_primitive::<Float64Type>().value(row).to_string(),
        DataType::Boolean => column.as_boolean().value(row).to_string(),
        other => panic!("a column of type {other} has no rendering"),
    })
}

/// How often each value of the columns that are mostly alike occurs.
fn counted_columns(events: &[Event]) -> String {
    let batch = Event::to_batch(events).expect("a batch");
    let mut out = format!("{} events\n", events.len());
    for name in COUNTED {
        let column = batch.column_by_name(name).expect("a column");
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        for row in 0..batch.num_rows() {
            *counts.entry(cell(column.as_ref(), row).unwrap_or("-".to_owned())).or_default() += 1;
        }
        let counts: Vec<String> = counts
            .into_iter()
            .map(|(value, count)| format!("{} x{count}", short(&value)))
            .collect();
        writeln!(out, "{name}: {}", counts.join(", ")).expect("a string");
    }
    out
}

fn span_counts(spans: &[Span]) -> String {
    let having =
        |id: fn(&Span) -> &Option<String>| spans.iter().filter(|row| id(row).is_some()).count();
    format!(
        "spans: {}, with a session {}, with a turn {}, with a call {}\n",
        spans.len(),
        having(|row| &row.session_id),
        having(|row| &row.turn_id),
        having(|row| &row.call_id),
    )
}

/// A value on one line, cut where it is long.
fn short(value: &str) -> String {
    let escaped = value.escape_debug().to_string();
    let plain = if value.contains(' ') || value.is_empty() || escaped != value {
        format!("\"{escaped}\"")
    } else {
        escaped
    };
    if plain.chars().count() <= LONGEST {
        return plain;
    }
    let head: String = plain.chars().take(LONGEST).collect();
    format!("{head}... ({} characters)", value.chars().count())
}

/// `exec-47b55ede-f63d-...` as `exec-47b55ede`.
fn short_call(call: &str) -> String {
    call.split('-').take(2).collect::<Vec<_>>().join("-")
}

/// Short names of ids, numbered in order of appearance.
#[derive(Default)]
struct Aliases(BTreeMap<&'static str, Vec<String>>);

impl Aliases {
    fn of(&mut self, prefix: &'static str, id: Option<&str>) -> String {
        let Some(id) = id else { return "-".to_owned() };
        let known = self.0.entry(prefix).or_default();
        let number = known.iter().position(|known| known == id).unwrap_or_else(|| {
            known.push(id.to_owned());
            known.len() - 1
        });
        format!("{prefix}{}", number + 1)
    }
}
