//! Every dialect: each record becomes one row that is written to Arrow and read back as it was.

use std::collections::BTreeMap;
use std::sync::Mutex;

use blotter_schemas::dialects::names;
use blotter_schemas::normalise::{self, Custody, Rows};
use blotter_schemas::otlp::{Encoding, Request};
use blotter_schemas::tables::Row;
use opentelemetry_proto::tonic::common::v1::{
    AnyValue, InstrumentationScope, KeyValue, any_value::Value,
};
use opentelemetry_proto::tonic::resource::v1::Resource;

use super::http::signal;

/// How often each dialect had a record, since the process began.
static REACHED: Mutex<BTreeMap<String, u64>> = Mutex::new(BTreeMap::new());

/// How often each dialect has had a record so far.
pub fn reached() -> BTreeMap<String, u64> {
    REACHED.lock().expect("nothing panics while it is locked").clone()
}

/// A request of one agent. The first byte says whose it is made, the second its signal and encoding.
pub fn record(input: &[u8]) {
    let Some((&[dialect, choice], body)) = input.split_first_chunk() else { return };
    let encoding = if choice & 4 == 0 { Encoding::Json } else { Encoding::Protobuf };
    let Ok(mut request) = Request::decode(signal(choice), encoding, body) else { return };
    let names = names();
    // One more: as it says itself.
    if let Some(name) = names.get(usize::from(dialect) % (names.len() + 1)) {
        sign(&mut request, name);
    }
    let rows = normalise(&request);
    let mut reached = REACHED.lock().expect("nothing panics while it is locked");
    let dialects = rows.events.iter().filter_map(|it| it.dialect.as_deref());
    let dialects = dialects.chain(rows.spans.iter().filter_map(|it| it.dialect.as_deref()));
    for dialect in dialects.chain(rows.metrics.iter().filter_map(|it| it.dialect.as_deref())) {
        match reached.get_mut(dialect) {
            Some(count) => *count += 1,
            None => drop(reached.insert(dialect.to_owned(), 1)),
        }
    }
}

/// Normalises a request and looks at the rows.
pub fn normalise(request: &Request) -> Rows {
    let mut rows = Rows::default();
    let received_time_unix_nano = 1_795_219_200_000_000_000;
    let custody = Custody { received_time_unix_nano, ..Custody::default() };
    normalise::normalise(request, &custody, &mut rows);
    let originals = match request {
        Request::Logs(_) => rows.events.iter().filter(|it| it.record.is_some()).count(),
        Request::Traces(_) => rows.spans.iter().filter(|it| it.record.is_some()).count(),
        Request::Metrics(_) => rows.metrics.iter().filter(|it| it.record.is_some()).count(),
    };
    assert_eq!(originals, request.record_count(), "each record has one row");
    assert!(rows.events.iter().all(|it| it.kind.is_some()), "an event without a kind");
    for event in &rows.events {
        event.canonical_record().expect("a record is given back");
    }
    comes_back(&rows.events);
    comes_back(&rows.spans);
    comes_back(&rows.metrics);
    rows
}

fn comes_back<R: Row + std::fmt::Debug>(rows: &[R]) {
    let batch = R::to_batch(rows).expect("rows become a batch");
    let again = R::from_batch(&batch).expect("a batch becomes rows");
    // As text: no number that is none equals itself.
    assert_eq!(format!("{again:?}"), format!("{rows:?}"));
}

/// Gives the resources and scopes of a request the names that the agent of a dialect uses.
fn sign(request: &mut Request, dialect: &str) {
    let (service, scope) = match dialect {
        "blotter" => ("an agent", "blotter.instrumentation"),
        "codex" => ("codex_exec", "codex_otel"),
        "claude_code" => ("claude-code", "com.anthropic.claude_code.events"),
        "gemini_cli" => ("gemini-cli", "gemini-cli"),
        "qwen_code" => ("qwen-code", "qwen-code"),
        "copilot_cli" => ("github-copilot", "github.copilot"),
        "opencode" => ("opencode", "opencode"),
        // Told by its attributes.
        _ => ("somebody", "something"),
    };
    let mark = (dialect == "gen_ai").then(|| attribute("gen_ai.operation.name", "chat"));
    match request {
        Request::Logs(request) => {
            for it in &mut request.resource_logs {
                name(&mut it.resource, service);
                for it in &mut it.scope_logs {
                    it.scope = scope_named(it.scope.take(), scope);
                    for record in &mut it.log_records {
                        record.attributes.extend(mark.clone());
                    }
                }
            }
        }
        Request::Traces(request) => {
            for it in &mut request.resource_spans {
                name(&mut it.resource, service);
                for it in &mut it.scope_spans {
                    it.scope = scope_named(it.scope.take(), scope);
                    for span in &mut it.spans {
                        span.attributes.extend(mark.clone());
                    }
                }
            }
        }
        Request::Metrics(request) => {
            for it in &mut request.resource_metrics {
                name(&mut it.resource, service);
                for it in &mut it.scope_metrics {
                    it.scope = scope_named(it.scope.take(), scope);
                }
            }
        }
    }
}

fn name(resource: &mut Option<Resource>, service: &str) {
    let attributes = &mut resource.get_or_insert_default().attributes;
    attributes.retain(|it| it.key != "service.name");
    attributes.push(attribute("service.name", service));
}

fn scope_named(scope: Option<InstrumentationScope>, name: &str) -> Option<InstrumentationScope> {
    Some(InstrumentationScope { name: name.to_owned(), ..scope.unwrap_or_default() })
}

fn attribute(key: &str, value: &str) -> KeyValue {
    let value = Some(AnyValue { value: Some(Value::StringValue(value.to_owned())) });
    KeyValue { key: key.to_owned(), value, ..KeyValue::default() }
}
