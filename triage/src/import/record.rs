//! What an import left out, kept in the archive: whoever reads a session later must know that records of
//! it may lie in a file that was not read.

use std::path::Path;

use blotter_archive::Predicate;
use blotter_redaction::Redactions;
use blotter_schemas::names::blotter::events::BLOTTER_IMPORT_LEFT_OUT;
use blotter_schemas::names::blotter::{
    BLOTTER_IMPORT_FILE, BLOTTER_IMPORT_LINE, BLOTTER_IMPORT_REASON,
};
use blotter_schemas::names::opentelemetry::{SERVICE_NAME, SESSION_ID};
use blotter_schemas::otlp::Request;
use blotter_schemas::tables::Event;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::resource::v1::Resource;

use super::LeftOut;

/// Under what session id the rows stand, so that they are found without reading others.
pub(crate) const SESSION: &str = "blotter.import";
/// Name of the program and scope that wrote them.
const SERVICE: &str = "blotter-import";
/// Most files and lines of one import that are kept.
const LIMIT: usize = 10_000;

/// Log records that say what was left out. They name no time: importing again adds nothing.
pub(super) fn request(left_out: &[(String, &LeftOut)]) -> Request {
    let log_records =
        left_out.iter().take(LIMIT).map(|(file, entry)| record(file, entry)).collect();
    let scope =
        InstrumentationScope { name: SERVICE.to_owned(), ..InstrumentationScope::default() };
    let scope_logs = vec![ScopeLogs { scope: Some(scope), log_records, ..ScopeLogs::default() }];
    let resource =
        Resource { attributes: vec![text(SERVICE_NAME, SERVICE)], ..Resource::default() };
    let logs = ResourceLogs { resource: Some(resource), scope_logs, ..ResourceLogs::default() };
    Request::Logs(ExportLogsServiceRequest { resource_logs: vec![logs] })
}

/// Adds what was taken out of the reasons before: each stands in its record twice.
pub(super) fn add_to(redactions: &mut Redactions, left_out: &[(String, &LeftOut)]) {
    for (counts, (_, entry)) in redactions.records.iter_mut().zip(left_out) {
        for (rule, count) in &entry.redactions {
            for counts in [&mut *counts, &mut redactions.total] {
                *counts.entry(rule.clone()).or_default() += count * 2;
            }
        }
    }
}

fn record(file: &str, entry: &LeftOut) -> LogRecord {
    let place = entry.line.map_or_else(|| file.to_owned(), |line| format!("{file}:{line}"));
    let mut attributes = vec![
        text(SESSION_ID, SESSION),
        text(BLOTTER_IMPORT_FILE, file),
        text(BLOTTER_IMPORT_REASON, &entry.reason),
    ];
    if let Some(line) = entry.line {
        let line = Value::IntValue(i64::try_from(line).unwrap_or(i64::MAX));
        attributes.push(attribute(BLOTTER_IMPORT_LINE, line));
    }
    LogRecord {
        event_name: BLOTTER_IMPORT_LEFT_OUT.to_owned(),
        body: Some(AnyValue {
            value: Some(Value::StringValue(format!("{place}: {}", entry.reason))),
        }),
        attributes,
        ..LogRecord::default()
    }
}

fn text(key: &str, value: &str) -> KeyValue {
    attribute(key, Value::StringValue(value.to_owned()))
}

fn attribute(key: &str, value: Value) -> KeyValue {
    let value = Some(AnyValue { value: Some(value) });
    KeyValue { key: key.to_owned(), value, ..KeyValue::default() }
}

/// The file as it is kept: from the last part of the path that was asked for on, without the folders that
/// lead there.
pub(super) fn file_within(asked: &Path, file: &Path) -> String {
    let parent = asked.parent().unwrap_or(Path::new(""));
    let within = file.strip_prefix(parent).unwrap_or(file);
    within.to_string_lossy().into_owned()
}

/// Rows that may say what an import left out.
pub(crate) fn predicate() -> Predicate {
    Predicate::And(vec![
        Predicate::equals("session_id", SESSION),
        Predicate::equals("name", BLOTTER_IMPORT_LEFT_OUT),
        Predicate::is_null("collector_id"),
    ])
}

/// Whether a row says what an import left out. What a collector received is no such row, whatever it calls
/// itself.
pub(crate) fn is_of_import(row: &Event) -> bool {
    row.session_id.as_deref() == Some(SESSION)
        && row.name.as_deref() == Some(BLOTTER_IMPORT_LEFT_OUT)
        && row.collector_id.is_none()
}
