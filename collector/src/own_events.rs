//! What the collector records about itself: log records of its own, in the journal beside everybody's.
//!
//! Whoever tells one does not wait: the journal may be full just then, and what is told may be what
//! makes room in it. What does not get there is in the log all the same.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use blotter_schemas::names::blotter as names;
use blotter_schemas::names::opentelemetry as otel;
use blotter_schemas::otlp::{Encoding, Signal};
use bytes::Bytes;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::resource::v1::Resource;
use prost::Message as _;
use tokio::sync::{mpsc, oneshot};

use crate::journal::{Journal, Record, Refused};
use crate::redaction::Redaction;

/// Sender of our own records. No connection gets this name.
pub(crate) const SENDER: &str = "collector";
/// Name of the service and the scope of our own records.
const NAME: &str = "blotter.collector";
/// Events that wait for the journal; what is told beyond is in the log only.
const WAITING: usize = 10_000;
/// Pause before an event is handed to a full journal again.
const PAUSE: Duration = Duration::from_secs(1);
/// Severity numbers of OTLP.
const INFO: i32 = 9;
const WARN: i32 = 13;

/// Something that happened to the collector.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct OwnEvent {
    /// Its name in the registry.
    pub name: &'static str,
    /// Whether somebody should look at it.
    pub is_warning: bool,
    /// In words.
    pub text: String,
    /// What a program may want to know, under the registry's names.
    pub attributes: Vec<(&'static str, Told)>,
}

/// A value of an attribute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Told {
    Text(String),
    Number(u64),
}

impl Told {
    pub(crate) fn text(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

/// Takes events; clones take them to the same place.
#[derive(Debug, Clone)]
pub(crate) struct OwnEvents {
    queue: mpsc::Sender<Waiting>,
    tally: Arc<Tally>,
}

/// What was told since the start.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    /// By name, of which the registry has a few.
    told: Mutex<BTreeMap<&'static str, u64>>,
    lost: AtomicU64,
}

impl Tally {
    /// Events that were told, by name, and those that could not be recorded.
    pub(crate) fn counts(&self) -> (BTreeMap<&'static str, u64>, u64) {
        let told = self.told.lock().unwrap_or_else(PoisonError::into_inner).clone();
        (told, self.lost.load(Ordering::Relaxed))
    }

    fn tell(&self, name: &'static str) {
        *self.told.lock().unwrap_or_else(PoisonError::into_inner).entry(name).or_default() += 1;
    }

    fn lose(&self) {
        self.lost.fetch_add(1, Ordering::Relaxed);
    }
}

/// An event on its way into the journal, and who wants to know that it is there.
#[derive(Debug)]
pub(crate) struct Waiting {
    event: OwnEvent,
    recorded: oneshot::Sender<()>,
    tally: Arc<Tally>,
}

impl OwnEvents {
    /// One whose events are to be taken from the receiver.
    pub(crate) fn new() -> (Self, mpsc::Receiver<Waiting>) {
        let (queue, waiting) = mpsc::channel(WAITING);
        (Self { queue, tally: Arc::default() }, waiting)
    }

    /// What was told, for whoever wants to know.
    pub(crate) fn tally(&self) -> Arc<Tally> {
        Arc::clone(&self.tally)
    }

    /// Has an event recorded.
    pub(crate) fn tell(&self, event: OwnEvent) {
        drop(self.hand_in(event));
    }

    /// Has an event recorded and waits until it is durable, or for `patience`.
    pub(crate) async fn record(&self, event: OwnEvent, patience: Duration) {
        let _ = tokio::time::timeout(patience, self.hand_in(event)).await;
    }

    fn hand_in(&self, event: OwnEvent) -> oneshot::Receiver<()> {
        let (recorded, answer) = oneshot::channel();
        self.tally.tell(event.name);
        let tally = Arc::clone(&self.tally);
        if let Err(error) = self.queue.try_send(Waiting { event, recorded, tally }) {
            self.tally.lose();
            let Waiting { event, .. } = error.into_inner();
            tracing::warn!(event = event.name, "not recorded as an event: {}", event.text);
        }
        answer
    }
}

/// Writes events into the journal until nobody can tell any more, or the journal is closed.
pub(crate) async fn record_all(
    mut waiting: mpsc::Receiver<Waiting>,
    collector_id: String,
    journal: Arc<Journal>,
    redaction: Arc<Redaction>,
) {
    while let Some(Waiting { event, recorded, tally }) = waiting.recv().await {
        let name = event.name;
        let record = record(event, &collector_id, &redaction);
        loop {
            match journal.append(record.clone(), None).await {
                Ok(_) => {
                    let _ = recorded.send(());
                    break;
                }
                Err(Refused::Full(_)) => tokio::time::sleep(PAUSE).await,
                Err(error @ (Refused::Failed(_) | Refused::Closed)) => {
                    tracing::warn!(event = name, "not recorded as an event: {error}");
                    tally.lose();
                    break;
                }
            }
        }
    }
}

fn record(event: OwnEvent, collector_id: &str, redaction: &Redaction) -> Record {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
    let redactor = redaction.redactor();
    // What a destination said may stand in it.
    let clean = |text: String| Value::StringValue(redactor.redact_text(&text).unwrap_or(text));
    let mut attributes =
        vec![attribute(names::BLOTTER_COLLECTOR_ID, Value::StringValue(collector_id.to_owned()))];
    for (key, told) in event.attributes {
        let value = match told {
            Told::Text(text) => clean(text),
            Told::Number(number) => Value::IntValue(i64::try_from(number).unwrap_or(i64::MAX)),
        };
        attributes.push(attribute(key, value));
    }
    let log = LogRecord {
        time_unix_nano: u64::try_from(now).unwrap_or(u64::MAX),
        observed_time_unix_nano: u64::try_from(now).unwrap_or(u64::MAX),
        severity_number: if event.is_warning { WARN } else { INFO },
        event_name: event.name.to_owned(),
        body: Some(AnyValue { value: Some(clean(event.text)) }),
        attributes,
        ..LogRecord::default()
    };
    let version = env!("CARGO_PKG_VERSION").to_owned();
    let resource = Resource {
        attributes: vec![
            attribute(otel::SERVICE_NAME, Value::StringValue(NAME.to_owned())),
            attribute(otel::SERVICE_VERSION, Value::StringValue(version.clone())),
        ],
        ..Resource::default()
    };
    let scope =
        InstrumentationScope { name: NAME.to_owned(), version, ..InstrumentationScope::default() };
    let logs = ScopeLogs { scope: Some(scope), log_records: vec![log], ..ScopeLogs::default() };
    let logs = ResourceLogs {
        resource: Some(resource),
        scope_logs: vec![logs],
        ..ResourceLogs::default()
    };
    Record {
        received_unix_nano: i64::try_from(now).unwrap_or(i64::MAX),
        signal: Signal::Logs,
        encoding: Encoding::Protobuf,
        peer: None,
        sender: Some(SENDER.to_owned()),
        tenant: None,
        count: 1,
        redaction_version: redactor.rules_version(),
        redactions: Bytes::new(),
        body: ExportLogsServiceRequest { resource_logs: vec![logs] }.encode_to_vec().into(),
    }
}

fn attribute(key: &str, value: Value) -> KeyValue {
    KeyValue {
        key: key.to_owned(),
        value: Some(AnyValue { value: Some(value) }),
        ..KeyValue::default()
    }
}
