//! What was sent can be got back: any OTLP record, through rows, Parquet and its `record`, is equal to
//! what its sender sent, with its resource and scope.

#![allow(clippy::panic, clippy::unwrap_used, reason = "tests")]

mod generator;

use std::path::{Path, PathBuf};

use blotter_schemas::normalise::{Custody, Rows, normalise};
use blotter_schemas::otlp::json::{encode_logs, encode_metrics, encode_traces};
use blotter_schemas::otlp::{Encoding, Request, Signal, check};
use blotter_schemas::record::LONG;
use blotter_schemas::tables::Row;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::logs::v1::{ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::metrics::v1::{
    Metric, ResourceMetrics, ScopeMetrics, metric::Data,
};
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::basic::Compression;
use parquet::file::properties::WriterProperties;
use proptest::prelude::*;
use prost::Message as _;

/// Each record of a request as a request of its own, in order.
fn singles(request: &Request) -> Vec<Request> {
    macro_rules! alone {
        ($request:expr, $resources:ident, $scopes:ident, $records:ident,
            $signal:path, $export:ident, $resource:ident, $scope:ident, $each:expr) => {{
            let mut singles = Vec::new();
            for resource in &$request.$resources {
                for scope in &resource.$scopes {
                    for record in scope.$records.iter().flat_map($each) {
                        let scope = $scope {
                            scope: scope.scope.clone(),
                            $records: vec![record],
                            schema_url: scope.schema_url.clone(),
                        };
                        let resource = $resource {
                            resource: resource.resource.clone(),
                            $scopes: vec![scope],
                            schema_url: resource.schema_url.clone(),
                        };
                        singles.push($signal($export { $resources: vec![resource] }));
                    }
                }
            }
            singles
        }};
    }
    match request {
        Request::Logs(request) => alone!(
            request,
            resource_logs,
            scope_logs,
            log_records,
            Request::Logs,
            ExportLogsServiceRequest,
            ResourceLogs,
            ScopeLogs,
            |log| [log.clone()]
        ),
        Request::Traces(request) => alone!(
            request,
            resource_spans,
            scope_spans,
            spans,
            Request::Traces,
            ExportTraceServiceRequest,
            ResourceSpans,
            ScopeSpans,
            |span| [span.clone()]
        ),
        Request::Metrics(request) => alone!(
            request,
            resource_metrics,
            scope_metrics,
            metrics,
            Request::Metrics,
            ExportMetricsServiceRequest,
            ResourceMetrics,
            ScopeMetrics,
            points
        ),
    }
}

/// The metric with each of its points alone; itself where it has none.
fn points(metric: &Metric) -> Vec<Metric> {
    macro_rules! alone {
        ($variant:path, $data:expr) => {
            $data
                .data_points
                .iter()
                .map(|point| {
                    let mut data = $data.clone();
                    data.data_points = vec![point.clone()];
                    Metric { data: Some($variant(data)), ..metric.clone() }
                })
                .collect::<Vec<_>>()
        };
    }
    let points = match &metric.data {
        None => Vec::new(),
        Some(Data::Gauge(data)) => alone!(Data::Gauge, data),
        Some(Data::Sum(data)) => alone!(Data::Sum, data),
        Some(Data::Histogram(data)) => alone!(Data::Histogram, data),
        Some(Data::ExponentialHistogram(data)) => alone!(Data::ExponentialHistogram, data),
        Some(Data::Summary(data)) => alone!(Data::Summary, data),
    };
    if points.is_empty() { vec![metric.clone()] } else { points }
}

fn custody() -> Custody {
    Custody { received_time_unix_nano: 1_795_230_000_000_000_000, ..Custody::default() }
}

fn rows(request: &Request) -> Rows {
    let mut rows = Rows::default();
    normalise(request, &custody(), &mut rows);
    rows
}

/// Rows that went into a Parquet file and came out again.
fn through_parquet<R: Row>(rows: &[R]) -> Vec<R> {
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(parquet::basic::ZstdLevel::default()))
        .build();
    let mut file = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut file, R::schema(), Some(properties)).unwrap();
    writer.write(&R::to_batch(rows).unwrap()).unwrap();
    writer.close().unwrap();
    ParquetRecordBatchReaderBuilder::try_new(bytes::Bytes::from(file))
        .unwrap()
        .build()
        .unwrap()
        .flat_map(|batch| R::from_batch(&batch.unwrap()).unwrap())
        .collect()
}

/// The records of a request as the archive gives them back.
fn given_back(request: &Request) -> Vec<Request> {
    let rows = rows(request);
    let records: Vec<String> = match request.signal() {
        Signal::Logs => through_parquet(&rows.events)
            .iter()
            .filter_map(|event| event.canonical_record().unwrap())
            .collect(),
        Signal::Traces => {
            through_parquet(&rows.spans).into_iter().map(|span| span.record.unwrap()).collect()
        }
        Signal::Metrics => {
            through_parquet(&rows.metrics).into_iter().map(|point| point.record.unwrap()).collect()
        }
    };
    records.iter().map(|record| decode(request.signal(), Encoding::Json, record)).collect()
}

fn decode(signal: Signal, encoding: Encoding, body: impl AsRef<[u8]>) -> Request {
    Request::decode(signal, encoding, body.as_ref()).unwrap()
}

fn protobuf(request: &Request) -> Vec<u8> {
    match request {
        Request::Logs(request) => request.encode_to_vec(),
        Request::Traces(request) => request.encode_to_vec(),
        Request::Metrics(request) => request.encode_to_vec(),
    }
}

fn json(request: &Request) -> String {
    match request {
        Request::Logs(request) => encode_logs(request),
        Request::Traces(request) => encode_traces(request),
        Request::Metrics(request) => encode_metrics(request),
    }
}

/// Equal as OTLP messages; one NaN equals another, negative zero does not equal zero.
fn same(left: &Request, right: &Request) -> bool {
    format!("{left:?}") == format!("{right:?}")
}

fn ids(request: &Request) -> Vec<[u8; 16]> {
    let rows = rows(request);
    let events = rows.events.iter().map(Row::event_id);
    let spans = rows.spans.iter().map(Row::event_id);
    events.chain(spans).chain(rows.metrics.iter().map(Row::event_id)).collect()
}

fn assert_given_back(request: &Request, what: &str, same: impl Fn(&Request, &Request) -> bool) {
    let (sent, got) = (singles(request), given_back(request));
    assert_eq!(got.len(), sent.len(), "{what}");
    for (got, sent) in got.iter().zip(&sent) {
        assert!(same(got, sent), "{what}\nsent {sent:#?}\ngot {got:#?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 400,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn every_record_is_given_back_whole(request in generator::request()) {
        assert_given_back(&request, "generated", same);
    }

    #[test]
    fn every_record_is_written_as_the_request_that_has_only_it(request in generator::request()) {
        let rows = rows(&request);
        let records: Vec<Option<String>> = match request.signal() {
            Signal::Logs => rows
                .events
                .iter()
                .map(|event| event.canonical_record().unwrap())
                .filter(Option::is_some)
                .collect(),
            Signal::Traces => rows.spans.into_iter().map(|row| row.record).collect(),
            Signal::Metrics => rows.metrics.into_iter().map(|row| row.record).collect(),
        };
        let alone: Vec<Option<String>> =
            singles(&request).iter().map(|single| Some(json(single))).collect();
        prop_assert_eq!(records, alone);
    }

    #[test]
    fn json_and_protobuf_of_a_request_are_the_same_message_with_the_same_ids(
        request in generator::request()
    ) {
        let signal = request.signal();
        // Protobuf's encoder drops negative zeros where zero is the default.
        let by_protobuf = decode(signal, Encoding::Protobuf, protobuf(&request));
        let text = json(&by_protobuf);
        let by_json = decode(signal, Encoding::Json, &text);
        prop_assert!(same(&by_protobuf, &by_json));
        prop_assert_eq!(ids(&by_protobuf), ids(&by_json));
        prop_assert_eq!(json(&by_json), text);
        prop_assert!(same(&decode(signal, Encoding::Json, json(&request)), &request));
    }

    #[test]
    fn another_parser_reads_the_canonical_form_and_another_spelling_of_it_is_read_back(
        request in generator::request()
    ) {
        let canonical = json(&request);
        prop_assert!(serde_json::from_str::<serde_json::Value>(&canonical).is_ok());
        let spelled = spell_otherwise(&canonical);
        prop_assert!(serde_json::from_str::<serde_json::Value>(&spelled).is_ok());
        prop_assert!(same(&decode(request.signal(), Encoding::Json, spelled), &request));
    }

    #[test]
    fn check_counts_what_decoding_yields(request in generator::request()) {
        let signal = request.signal();
        prop_assert_eq!(
            check(signal, Encoding::Protobuf, &protobuf(&request)).unwrap(),
            request.record_count()
        );
        prop_assert_eq!(
            check(signal, Encoding::Json, json(&request).as_bytes()).unwrap(),
            request.record_count()
        );
        prop_assert_eq!(rows_with_record(&request), request.record_count());
    }
}

/// JSON with white space wherever it may stand and everything beyond ASCII escaped.
fn spell_otherwise(json: &str) -> String {
    let mut out = String::new();
    let (mut quoted, mut escaped) = (false, false);
    for character in json.chars() {
        if quoted && !character.is_ascii() {
            for unit in character.encode_utf16(&mut [0; 2]) {
                out.push_str(&format!("\\u{unit:04X}"));
            }
        } else if !quoted && "{}[]:,".contains(character) {
            out.push_str(&format!(" \n{character}\t\r"));
        } else {
            out.push(character);
        }
        quoted ^= character == '"' && !escaped;
        escaped = character == '\\' && !escaped;
    }
    out
}

fn rows_with_record(request: &Request) -> usize {
    let rows = rows(request);
    let events = rows.events.iter().filter(|event| event.record.is_some()).count();
    events + rows.spans.len() + rows.metrics.len()
}

/// The telemetry files below a folder, with the signal and encoding that their names tell.
fn telemetry(folder: &Path, found: &mut Vec<(PathBuf, Signal, Encoding)>) {
    let mut entries: Vec<PathBuf> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            telemetry(&path, found);
            continue;
        }
        let name = path.file_name().unwrap().to_str().unwrap();
        let mut parts = name.rsplit('.');
        let encoding = match parts.next() {
            Some("pb") => Encoding::Protobuf,
            Some("json") => Encoding::Json,
            _ => continue,
        };
        if let Some(signal) = parts.next().and_then(Signal::from_name) {
            found.push((path, signal, encoding));
        }
    }
}

#[test]
fn every_record_of_every_capture_is_given_back_whole_with_the_same_id_in_either_encoding() {
    let captures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/captures");
    let mut found = Vec::new();
    telemetry(&captures, &mut found);
    let mut records = 0;
    for (path, signal, encoding) in &found {
        let body = std::fs::read(path).unwrap();
        let request = decode(*signal, *encoding, &body);
        let what = path.display().to_string();
        assert_eq!(check(*signal, *encoding, &body).unwrap(), request.record_count(), "{what}");
        assert_given_back(&request, &what, Request::eq);
        let other = match encoding {
            Encoding::Protobuf => decode(*signal, Encoding::Json, json(&request)),
            Encoding::Json => decode(*signal, Encoding::Protobuf, protobuf(&request)),
        };
        assert_eq!(ids(&other), ids(&request), "{what}");
        records += request.record_count();
    }
    assert!(found.len() > 100 && records > 1000, "{} files, {records} records", found.len());
}

/// The `record` of the only row, and the request that it gives back.
fn stored(body: &str) -> (String, Request) {
    let request = decode(Signal::Logs, Encoding::Json, body);
    assert_given_back(&request, body, same);
    (rows(&request).events.remove(0).record.unwrap(), request)
}

#[test]
fn a_sender_cannot_forge_a_reference_to_a_column() {
    let long = "the text of the body, which stands in a column; ".repeat(2);
    assert!(long.len() >= LONG);
    let body = |body: &str, attribute: &str| {
        format!(
            r#"{{"resourceLogs":[{{"scopeLogs":[{{"logRecords":[{{"body":{body},
            "attributes":[{{"key":"a","value":{attribute}}}]}}]}}]}}]}}"#
        )
    };
    let long_body = format!(r#"{{"stringValue":"{long}"}}"#);

    // The reference that Blotter makes itself, so that what follows is told from something.
    let (record, _) = stored(&body(&long_body, r#"{"intValue":1}"#));
    assert!(record.contains(r#""body":{"blotterColumn":"text"}"#), "{record}");

    // A key of that name is one more unknown field.
    let (record, request) = stored(&body(&long_body, r#"{"blotterColumn":"text"}"#));
    assert_eq!(record.matches("blotterColumn").count(), 1, "{record}");
    assert!(json(&request).contains(r#"{"key":"a","value":{}}"#));

    // Text that looks like a reference is text, short or long, as value or as key.
    for forged in
        [r#"{"blotterColumn":"text"}"#, r#"{"blotterColumn":"output"}"#, r#"{"blotterColumn":""#]
    {
        for text in [forged.to_owned(), forged.repeat(4), format!("{forged}{long}")] {
            let quoted = serde_json::to_string(&text).unwrap();
            let value = format!(r#"{{"stringValue":{quoted}}}"#);
            stored(&body(&value, &value));
            stored(&body(&long_body, &value));
            let list =
                format!(r#"{{"kvlistValue":{{"values":[{{"key":{quoted},"value":{value}}}]}}}}"#);
            stored(&body(&long_body, &list));
        }
    }
}
