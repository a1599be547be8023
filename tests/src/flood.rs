//! Senders that never stop: captures and generated records, over HTTP and gRPC mixed, at a receiver
//! that may die at any moment. Every attempt is a request of its own, with a number in its resource,
//! and it is remembered whether it was acknowledged.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::bail;
use blotter_schemas::otlp::{Encoding, Request};
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::resource::v1::Resource;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::captures::{self, encode};
use crate::client::{Answer, Export, Sender};
use crate::processes::Addresses;

/// Resource attribute that numbers an attempt.
pub const ATTEMPT: &str = "blotter.test.attempt";
/// Requests in flight over each transport.
const EACH: usize = 8;
/// Requests that each sender sends without a pause; then it holds back, so that a receiver that lives
/// longer does not make the archive grow beyond what a test can read.
const BURST: usize = 40;
/// How long it holds back between requests.
const PAUSE: Duration = Duration::from_millis(20);

/// One request as it was sent, once.
#[derive(Debug, Clone)]
pub struct Attempt {
    /// The request.
    pub request: Request,
    /// Whether it was acknowledged.
    pub acknowledged: bool,
    /// When the sender heard of it.
    pub heard: Option<Instant>,
}

impl Attempt {
    /// A request that has not been sent yet, with its number in every resource.
    #[must_use]
    pub fn new(mut request: Request, number: u64) -> Self {
        mark(&mut request, number);
        Self { request, acknowledged: false, heard: None }
    }

    /// The bytes to send.
    #[must_use]
    pub fn export(&self) -> Export {
        Export {
            signal: self.request.signal(),
            encoding: Encoding::Protobuf,
            body: encode(&self.request),
        }
    }
}

/// Sixteen senders at work.
#[derive(Debug)]
pub struct Flood {
    shared: Arc<Shared>,
    receiver: watch::Sender<Receiver>,
    senders: JoinSet<anyhow::Result<()>>,
}

/// Whom to send to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Receiver {
    /// Nobody at the moment.
    Away,
    /// Somebody listens here.
    At(Addresses),
    /// Nobody any more.
    Gone,
}

#[derive(Debug)]
struct Shared {
    templates: Vec<Request>,
    /// Requests that each sender sends without a pause, and its pause between the others.
    burst: usize,
    pause: Duration,
    next: AtomicU64,
    attempts: Mutex<BTreeMap<u64, Attempt>>,
}

impl Flood {
    /// Starts the senders, which wait for a receiver.
    ///
    /// # Errors
    /// When the captures cannot be read.
    pub fn start() -> anyhow::Result<Self> {
        Self::at_pace(BURST, PAUSE)
    }

    /// Starts senders that send `burst` requests without a pause over each connection, and then hold back
    /// so long between requests.
    ///
    /// # Errors
    /// When the captures cannot be read.
    pub fn at_pace(burst: usize, pause: Duration) -> anyhow::Result<Self> {
        let mut templates = Vec::new();
        for name in
            ["claude-code/02-ok-full-traces", "claude-code/05-mcp", "codex/90-pysdk-http-gzip"]
        {
            for export in captures::named(name)?.exports()? {
                templates.push(Request::decode(export.signal, export.encoding, &export.body)?);
            }
        }
        let (next, attempts) = (AtomicU64::new(0), Mutex::default());
        let shared = Arc::new(Shared { templates, burst, pause, next, attempts });
        let (receiver, _) = watch::channel(Receiver::Away);
        let mut senders = JoinSet::new();
        for number in 0..2 * EACH {
            let (shared, receiver) = (shared.clone(), receiver.subscribe());
            senders.spawn(shared.send(receiver, number >= EACH));
        }
        Ok(Self { shared, receiver, senders })
    }

    /// Points the senders at a receiver.
    pub fn aim(&self, addresses: Addresses) {
        self.receiver.send_replace(Receiver::At(addresses));
    }

    /// Tells the senders that nobody listens for now.
    pub fn pause(&self) {
        self.receiver.send_replace(Receiver::Away);
    }

    /// Lets every sender finish its request; gives all attempts by their numbers.
    ///
    /// # Errors
    /// When a request was refused for good: all of them are valid.
    pub async fn finish(mut self) -> anyhow::Result<BTreeMap<u64, Attempt>> {
        self.receiver.send_replace(Receiver::Gone);
        while let Some(sender) = self.senders.join_next().await {
            sender??;
        }
        let mut attempts = self.shared.attempts.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(std::mem::take(&mut *attempts))
    }
}

impl Shared {
    async fn send(
        self: Arc<Self>,
        mut receiver: watch::Receiver<Receiver>,
        grpc: bool,
    ) -> anyhow::Result<()> {
        loop {
            let addresses = match *receiver.borrow_and_update() {
                Receiver::Gone => return Ok(()),
                Receiver::At(addresses) => Some(addresses),
                Receiver::Away => None,
            };
            let Some(addresses) = addresses else {
                receiver.changed().await?;
                continue;
            };
            let connected = if grpc {
                Sender::grpc(addresses.grpc).await
            } else {
                Sender::http(addresses.http).await
            };
            if let Ok(mut sender) = connected {
                let mut sent = 0;
                while !receiver.has_changed()? {
                    sent += 1;
                    if sent > self.burst {
                        tokio::time::sleep(self.pause).await;
                    }
                    let (number, export) = self.attempt();
                    match sender.send(&export).await {
                        Ok(Answer::Acknowledged(_)) => self.acknowledged(number),
                        Ok(Answer::Retryable(_)) => {
                            tokio::time::sleep(Duration::from_millis(5)).await
                        }
                        Ok(Answer::Permanent(reason)) => bail!("attempt {number}: {reason}"),
                        // The receiver died: nothing is known about this attempt.
                        Err(_) => break,
                    }
                }
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    /// The next request, remembered as sent before it is.
    fn attempt(&self) -> (u64, Export) {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        // Every eighth is a capture, the others are small: so that many are in flight at a kill.
        let template = usize::try_from(number / 8).unwrap_or(0) % self.templates.len().max(1);
        let request = match self.templates.get(template) {
            Some(template) if number.is_multiple_of(8) => template.clone(),
            _ => generated(number),
        };
        let attempt = Attempt::new(request, number);
        let export = attempt.export();
        self.attempts.lock().unwrap_or_else(PoisonError::into_inner).insert(number, attempt);
        (number, export)
    }

    fn acknowledged(&self, number: u64) {
        let mut attempts = self.attempts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(attempt) = attempts.get_mut(&number) {
            attempt.acknowledged = true;
            attempt.heard = Some(Instant::now());
        }
    }
}

/// One to three log records, the first two of which are the same: two facts all the same.
#[must_use]
pub fn generated(number: u64) -> Request {
    let record = |body: &str| LogRecord {
        time_unix_nano: 1_795_219_200_000_000_000 + number,
        body: Some(text(body)),
        ..LogRecord::default()
    };
    let bodies = ["same", "same", "different"];
    let count = usize::try_from(number % 3).unwrap_or(0) + 1;
    let log_records = bodies.iter().take(count).map(|body| record(body)).collect();
    let scope_logs = vec![ScopeLogs { log_records, ..ScopeLogs::default() }];
    let resource = Some(Resource::default());
    let resource_logs = vec![ResourceLogs { resource, scope_logs, ..ResourceLogs::default() }];
    Request::Logs(ExportLogsServiceRequest { resource_logs })
}

/// Writes the attempt's number into every resource of a request.
fn mark(request: &mut Request, number: u64) {
    let resources: Vec<&mut Option<Resource>> = match request {
        Request::Logs(request) => {
            request.resource_logs.iter_mut().map(|it| &mut it.resource).collect()
        }
        Request::Traces(request) => {
            request.resource_spans.iter_mut().map(|it| &mut it.resource).collect()
        }
        Request::Metrics(request) => {
            request.resource_metrics.iter_mut().map(|it| &mut it.resource).collect()
        }
    };
    for resource in resources {
        resource.get_or_insert_default().attributes.push(KeyValue {
            key: ATTEMPT.to_owned(),
            value: Some(text(&number.to_string())),
            ..KeyValue::default()
        });
    }
}

/// The number of the attempt that a record was in; none for a record that no sender sent.
#[must_use]
pub fn attempt_of(record: &Request) -> Option<u64> {
    let resource = match record {
        Request::Logs(request) => request.resource_logs.first()?.resource.as_ref()?,
        Request::Traces(request) => request.resource_spans.first()?.resource.as_ref()?,
        Request::Metrics(request) => request.resource_metrics.first()?.resource.as_ref()?,
    };
    let mark = resource.attributes.iter().find(|attribute| attribute.key == ATTEMPT)?;
    match mark.value.as_ref()?.value.as_ref()? {
        Value::StringValue(number) => number.parse().ok(),
        _ => None,
    }
}

fn text(value: &str) -> AnyValue {
    AnyValue { value: Some(Value::StringValue(value.to_owned())) }
}
