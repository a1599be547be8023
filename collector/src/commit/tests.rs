//! What is committed already is skipped, table by table and record by record.

use blotter_schemas::otlp::{Encoding, Signal as OtlpSignal};
use blotter_schemas::tables::Table;
use bytes::Bytes;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::metrics::v1::{Metric, ResourceMetrics, ScopeMetrics};
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use prost::Message as _;

use super::batch::{BATCH_ROWS, Batch};
use super::versions::Versions;
use crate::journal::{Entry, Record};

const NOTHING: Versions = Versions { events: 0, spans: 0, metrics: 0 };

fn entry(signal: OtlpSignal, first: u64, count: u32) -> Entry {
    let n = count as usize;
    let body = match signal {
        OtlpSignal::Logs => {
            let scope =
                ScopeLogs { log_records: vec![LogRecord::default(); n], ..Default::default() };
            let resource = ResourceLogs { scope_logs: vec![scope], ..Default::default() };
            ExportLogsServiceRequest { resource_logs: vec![resource] }.encode_to_vec()
        }
        OtlpSignal::Traces => {
            let scope = ScopeSpans { spans: vec![Span::default(); n], ..Default::default() };
            let resource = ResourceSpans { scope_spans: vec![scope], ..Default::default() };
            ExportTraceServiceRequest { resource_spans: vec![resource] }.encode_to_vec()
        }
        OtlpSignal::Metrics => {
            let scope = ScopeMetrics { metrics: vec![Metric::default(); n], ..Default::default() };
            let resource = ResourceMetrics { scope_metrics: vec![scope], ..Default::default() };
            ExportMetricsServiceRequest { resource_metrics: vec![resource] }.encode_to_vec()
        }
    };
    damaged_entry(signal, first, count, body)
}

fn damaged_entry(signal: OtlpSignal, first: u64, count: u32, body: Vec<u8>) -> Entry {
    let record = Record {
        received_unix_nano: 1,
        signal,
        encoding: Encoding::Protobuf,
        peer: None,
        sender: None,
        tenant: None,
        count,
        redaction_version: 0,
        redactions: Bytes::new(),
        body: Bytes::from(body),
    };
    Entry { first, durable: first, record }
}

fn rows(entries: &[Entry], versions: &Versions) -> Vec<(Table, Vec<usize>)> {
    let mut batch = Batch::new(0);
    for entry in entries {
        batch.push(entry, "collector", versions).unwrap();
    }
    let sizes = |batches: Vec<arrow_array::RecordBatch>| {
        batches.iter().map(arrow_array::RecordBatch::num_rows).collect()
    };
    batch.finish().unwrap().map(|(table, batches)| (table, sizes(batches))).collect()
}

#[test]
fn every_record_is_a_row_of_its_table() {
    let entries = [
        entry(OtlpSignal::Logs, 0, 3),
        entry(OtlpSignal::Metrics, 3, 2),
        entry(OtlpSignal::Traces, 5, 4),
    ];
    let expected = [(Table::Events, vec![3]), (Table::Spans, vec![4]), (Table::Metrics, vec![2])];
    assert_eq!(rows(&entries, &NOTHING), expected);
}

#[test]
fn a_table_that_is_ahead_skips_its_rows_and_only_its() {
    let entries = [
        entry(OtlpSignal::Logs, 0, 3),
        entry(OtlpSignal::Traces, 3, 4),
        entry(OtlpSignal::Logs, 7, 2),
        entry(OtlpSignal::Traces, 9, 1),
    ];
    let events_ahead = Versions { events: 7, ..NOTHING };
    assert_eq!(rows(&entries, &events_ahead), [(Table::Events, vec![2]), (Table::Spans, vec![5])]);
    let spans_ahead = Versions { spans: 10, ..NOTHING };
    assert_eq!(rows(&entries, &spans_ahead), [(Table::Events, vec![5])]);
}

#[test]
fn a_version_inside_a_request_skips_record_by_record() {
    let versions = Versions { events: 12, ..NOTHING };
    assert_eq!(rows(&[entry(OtlpSignal::Logs, 10, 5)], &versions), [(Table::Events, vec![3])]);
}

#[test]
fn batches_are_cut_at_their_largest_size() {
    let many = u32::try_from(BATCH_ROWS).unwrap() * 2 + 1;
    let expected = [(Table::Events, vec![BATCH_ROWS, BATCH_ROWS, 1])];
    assert_eq!(rows(&[entry(OtlpSignal::Logs, 0, many)], &NOTHING), expected);
}

#[test]
fn what_cannot_be_decoded_after_all_is_kept_as_one_row() {
    let damaged = damaged_entry(OtlpSignal::Traces, 0, 4, vec![0xff; 9]);
    assert_eq!(rows(&[damaged], &NOTHING), [(Table::Events, vec![1])]);
}
