//! The collector's parts behind the receiver, each taking a step when it is told to.

use std::cell::RefCell;
use std::future::Future;
use std::ops::ControlFlow;
use std::path::Path;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use blotter_archive::{Archive, CleanOptions, CompactOptions, Location};
use blotter_disk::Disk;
use blotter_schemas::otlp::{Encoding, Signal};
use blotter_schemas::tables::Table;
use bytes::Bytes;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, any_value::Value};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::metrics::v1::{Metric, ResourceMetrics, ScopeMetrics};
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use prost::Message as _;

use super::ledger::{Ledger, name};
use super::remote::{self, Remote, Remotes, Way};
use crate::commit::CONSUMER;
use crate::commit::archive_writer::{self, ArchiveWriter, Commit};
use crate::commit::batch::Batch;
use crate::commit::collect::{self, Collect};
use crate::config::{CommitConfig, JournalConfig};
use crate::forward::dead_letters::DeadLetters;
use crate::forward::forwarder::{self, Forwarder, Work};
use crate::forward::{BatchLimits, Pause, Preparation, Status, WhenSpent};
use crate::journal::{ByHand, Consumer, Journal, Record, Refused};
use crate::own_events::OwnEvents;
use crate::{Error, identity};

/// Where everything lies.
pub(super) const DATA: &str = "/data";
/// Where the archive lies: not in the same folder, so that neither makes the other durable.
pub(super) const ARCHIVE: &str = "/tables/archive";

/// One thing that can happen next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// A sender sends a request of this number.
    Send(u64),
    /// The journal writes, syncs and acknowledges what waits.
    Write,
    /// The next segment is made.
    Prepare,
    /// One request is read behind the writer and normalised.
    Collect,
    /// What was read is cut off as a batch although more may come.
    Flush,
    /// One step of committing what was cut off.
    Commit,
    /// The small files of every table become one, as the collector's own maintenance does it.
    Compact,
    /// What was replaced is deleted, as if its day had passed.
    Clean,
    /// One step towards every destination.
    Forward,
    /// The same, where nothing more is waited for.
    ForwardAll,
}

/// A request on its way into the journal.
struct Sending {
    request: u64,
    answer: Pin<Box<dyn Future<Output = Result<u64, Refused>>>>,
}

/// The collector's parts behind the receiver.
pub(super) struct Line {
    journal: Arc<Journal>,
    writer: ByHand,
    collect: Collect,
    location: Location,
    archive: ArchiveWriter,
    due: Option<Batch>,
    commit: Option<Commit>,
    sending: Vec<Sending>,
    forwarders: Vec<Forwarder<Way>>,
}

impl Line {
    /// What a collector does when it starts.
    pub(super) async fn open(disk: &Arc<dyn Disk>, remotes: &Remotes) -> Result<Self, Error> {
        let data = Path::new(DATA);
        // The smallest segments there are.
        let config = JournalConfig { segment_bytes: 1, max_bytes: 1 << 30, group_bytes: 4096 };
        let folder = data.join("journal");
        let mut consumers = vec![Consumer::from(CONSUMER)];
        consumers.extend(remotes.keys().map(|name| Consumer {
            name: remote::destination(name).consumer(),
            holds: None,
            may_miss: true,
        }));
        let (journal, writer) = Journal::by_hand(&folder, &config, &consumers, Arc::clone(disk))?;
        let journal = Arc::new(journal);
        let collector_id = identity::collector_id(&**disk, data)?;
        let location = Location::parse(ARCHIVE).map_err(|error| Error::archive(ARCHIVE, error))?;
        let location = location.on_disk(Arc::clone(disk));
        let (archive, versions) =
            ArchiveWriter::open(&location, &collector_id, Arc::clone(&journal)).await?;
        // No clock decides: batches are cut where the scheduler says so.
        let never = Duration::from_secs(1 << 30);
        let config = CommitConfig { quiet: never, interval: never, ..CommitConfig::default() };
        let forwarder = |(name, remote): (&&'static str, &Rc<RefCell<Remote>>)| {
            let way = Way { name, remote: Rc::clone(remote) };
            Forwarder::new(work(name, &collector_id, disk, &journal), way)
        };
        let forwarders = remotes.iter().map(forwarder).collect();
        let collect = Collect::new(config, collector_id, versions, Arc::clone(&journal));
        let (due, commit, sending) = (None, None, Vec::new());
        Ok(Self { journal, writer, collect, location, archive, due, commit, sending, forwarders })
    }

    /// Takes one step.
    ///
    /// # Errors
    /// Where the collector would say that it does not go on.
    pub(super) async fn step(&mut self, step: Step, ledger: &mut Ledger) -> Result<(), Error> {
        match step {
            Step::Send(request) => self.send(request, ledger),
            Step::Write => {
                self.writer.step();
                self.hear(ledger);
            }
            Step::Prepare => self.writer.prepare(),
            Step::Collect if self.due.is_none() => self.collect(false)?,
            Step::Flush if self.due.is_none() => self.collect(true)?,
            Step::Collect | Step::Flush => {}
            Step::Commit => self.commit().await?,
            Step::Forward | Step::ForwardAll => {
                for forwarder in &mut self.forwarders {
                    forwarder.step(step == Step::ForwardAll).await?;
                }
            }
            Step::Compact | Step::Clean => {
                let maintained = self.maintain(step).await;
                maintained.map_err(|error| Error::archive(ARCHIVE, error))?;
            }
        }
        Ok(())
    }

    /// With a handle of its own, as the collector's maintenance has one.
    async fn maintain(&self, step: Step) -> Result<(), blotter_archive::Error> {
        let archive = Archive::open(&self.location).await?;
        for table in Table::ALL {
            if step == Step::Compact {
                let mut go_on = |_| ControlFlow::Continue(());
                archive.compact(table, &CompactOptions::ALL, &mut go_on).await?;
            } else {
                let replaced_for = Some(Duration::ZERO);
                let options = CleanOptions { replaced_for, ..CleanOptions::default() };
                archive.clean(table, &options).await?;
            }
        }
        Ok(())
    }

    /// Brings everything that was sent into the archive; false where it does not get there.
    pub(super) async fn drain(&mut self, ledger: &mut Ledger) -> Result<bool, Error> {
        while !self.sending.is_empty() {
            self.step(Step::Write, ledger).await?;
        }
        for _ in 0..10_000 {
            if self.due.is_none() && self.commit.is_none() {
                if self.journal.cursor(CONSUMER) == self.journal.end() {
                    return self.forward_all().await;
                }
                self.step(Step::Flush, ledger).await?;
            }
            self.step(Step::Commit, ledger).await?;
        }
        Ok(false)
    }

    /// Brings everything to every destination; false where it does not get there.
    async fn forward_all(&mut self) -> Result<bool, Error> {
        for forwarder in &mut self.forwarders {
            let mut steps = 0;
            while forwarder.step(true).await? != forwarder::Step::End {
                steps += 1;
                if steps > 10_000 {
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }

    fn send(&mut self, request: u64, ledger: &mut Ledger) {
        let (table, record) = generate(request);
        ledger.sent(request, table.name(), record.count);
        let journal = Arc::clone(&self.journal);
        let answer = Box::pin(async move { journal.append(record, None).await });
        self.sending.push(Sending { request, answer });
        self.hear(ledger);
    }

    /// Takes note of the answers that have come.
    fn hear(&mut self, ledger: &mut Ledger) {
        let mut context = Context::from_waker(Waker::noop());
        self.sending.retain_mut(|sending| match sending.answer.as_mut().poll(&mut context) {
            Poll::Pending => true,
            Poll::Ready(answer) => {
                if answer.is_ok() {
                    ledger.acknowledged(sending.request);
                }
                false
            }
        });
    }

    fn collect(&mut self, flush: bool) -> Result<(), Error> {
        loop {
            match self.collect.step(flush)? {
                collect::Step::Due(batch) => self.due = Some(batch),
                collect::Step::Read if flush => continue,
                collect::Step::Read | collect::Step::Idle(_) | collect::Step::End => {}
            }
            return Ok(());
        }
    }

    async fn commit(&mut self) -> Result<(), Error> {
        if self.commit.is_none() {
            let Some(batch) = self.due.take() else { return Ok(()) };
            self.commit = Some(self.archive.begin(batch)?);
        }
        if let Some(commit) = &mut self.commit
            && self.archive.step(commit).await? == archive_writer::Step::Done
        {
            self.commit = None;
        }
        Ok(())
    }
}

/// What a forwarder works with, without a clock.
pub(super) fn work(
    name: &str,
    collector_id: &str,
    disk: &Arc<dyn Disk>,
    journal: &Arc<Journal>,
) -> Work {
    let destination = remote::destination(name);
    // Nobody records events here.
    let (events, _) = OwnEvents::new();
    let data = Path::new(DATA);
    let incarnation = journal.incarnation();
    Work {
        name: name.to_owned(),
        consumer: destination.consumer(),
        preparation: Preparation::new(&destination, collector_id),
        limits: BatchLimits { delay_milliseconds: 1 << 40, ..BatchLimits::default() },
        sheds: None,
        journal: Arc::clone(journal),
        dead_letters: DeadLetters::new(
            Arc::clone(disk),
            data,
            name,
            &incarnation,
            1 << 30,
            WhenSpent::Hold,
        ),
        pause: Pause::new(Arc::clone(disk), journal.folder(), &destination),
        patience: forwarder::UNUSUAL,
        events,
        status: Arc::new(Status::default()),
    }
}

/// The request of this number: always the same, as a sender's retries are. Small ones of one to three
/// records and, every fifth time, one that fills most of a segment.
pub(super) fn generate(request: u64) -> (Table, Record) {
    let count = u32::try_from(request % 3).unwrap_or_default() + 1;
    let names = (0..count).map(|record| name(request, record));
    let filler = if request % 5 == 3 { "x".repeat(2_500) } else { String::new() };
    let text = |text: String| Some(AnyValue { value: Some(Value::StringValue(text)) });
    let time = 1_795_219_200_000_000_000 + request;
    let (signal, table, body) = match request % 4 {
        2 => {
            let spans = names.map(|name| Span {
                name,
                trace_state: filler.clone(),
                start_time_unix_nano: time,
                ..Span::default()
            });
            let scope = ScopeSpans { spans: spans.collect(), ..ScopeSpans::default() };
            let resource = ResourceSpans { scope_spans: vec![scope], ..ResourceSpans::default() };
            let request = ExportTraceServiceRequest { resource_spans: vec![resource] };
            (Signal::Traces, Table::Spans, request.encode_to_vec())
        }
        3 => {
            let metrics =
                names.map(|name| Metric { name, description: filler.clone(), ..Metric::default() });
            let scope = ScopeMetrics { metrics: metrics.collect(), ..ScopeMetrics::default() };
            let resource =
                ResourceMetrics { scope_metrics: vec![scope], ..ResourceMetrics::default() };
            let request = ExportMetricsServiceRequest { resource_metrics: vec![resource] };
            (Signal::Metrics, Table::Metrics, request.encode_to_vec())
        }
        _ => {
            let records = names.map(|name| LogRecord {
                time_unix_nano: time,
                body: text(name),
                event_name: filler.clone(),
                ..LogRecord::default()
            });
            let scope = ScopeLogs { log_records: records.collect(), ..ScopeLogs::default() };
            let resource = ResourceLogs { scope_logs: vec![scope], ..ResourceLogs::default() };
            let request = ExportLogsServiceRequest { resource_logs: vec![resource] };
            (Signal::Logs, Table::Events, request.encode_to_vec())
        }
    };
    let record = Record {
        received_unix_nano: 1_795_219_200_000_000_000,
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
    (table, record)
}
