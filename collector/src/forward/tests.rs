//! Forwarders over a real journal, to a destination that says what it is told to.

mod trouble;

use std::collections::VecDeque;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use blotter_disk::LocalDisk;
use blotter_schemas::otlp::{Encoding, Request, Signal};
use bytes::Bytes;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use prost::Message as _;

use super::forwarder::{Forwarder, Step};
use super::*;
use crate::config::JournalConfig;
use crate::journal::{Record, Refused};
use crate::own_events;

/// The names of the records of each request that was taken.
type Got = Arc<std::sync::Mutex<Vec<Vec<String>>>>;

/// A destination that gives the answers it was told to, and then takes everything.
#[derive(Debug, Default)]
struct Told {
    answers: VecDeque<Outcome>,
    /// Answers nothing else as long as this is set.
    away: Arc<AtomicBool>,
    /// Never answers.
    hangs: bool,
    /// Ends the thread that asks it.
    panics: bool,
    /// Requests that came here.
    attempts: Arc<AtomicUsize>,
    got: Got,
}

impl forwarder::Deliver for Told {
    async fn deliver(&mut self, _: Signal, body: &Bytes) -> Outcome {
        self.attempts.fetch_add(1, Ordering::Relaxed);
        assert!(!self.panics, "as it was told to");
        if self.hangs {
            std::future::pending::<()>().await;
        }
        if self.away.load(Ordering::Relaxed) {
            return later();
        }
        let outcome = self.answers.pop_front().unwrap_or_else(|| delivered(None));
        if matches!(outcome, Outcome::Delivered { .. }) {
            self.got.lock().unwrap().push(names(body));
        }
        outcome
    }
}

fn names(body: &[u8]) -> Vec<String> {
    let Request::Logs(request) = Request::decode(Signal::Logs, Encoding::Protobuf, body).unwrap()
    else {
        return Vec::new();
    };
    let scopes = request.resource_logs.iter().flat_map(|it| &it.scope_logs);
    scopes.flat_map(|it| &it.log_records).map(|it| it.event_name.clone()).collect()
}

fn record(name: &str, count: u32, sender: Option<&str>) -> Record {
    let one = LogRecord { event_name: name.to_owned(), ..LogRecord::default() };
    let log_records = vec![one; count as usize];
    let resource = ResourceLogs {
        scope_logs: vec![ScopeLogs { log_records, ..ScopeLogs::default() }],
        // Fills a page: three of these to a segment of the smallest size would be too many.
        schema_url: "x".repeat(3000),
        ..ResourceLogs::default()
    };
    Record {
        received_unix_nano: 1,
        signal: Signal::Logs,
        encoding: Encoding::Protobuf,
        peer: None,
        sender: sender.map(ToOwned::to_owned),
        tenant: None,
        count,
        redaction_version: 1,
        redactions: Bytes::new(),
        body: ExportLogsServiceRequest { resource_logs: vec![resource] }.encode_to_vec().into(),
    }
}

struct Bench {
    journal: Arc<Journal>,
    destination: Destination,
    data: tempfile::TempDir,
    config: Config,
    events: tokio::sync::mpsc::Receiver<own_events::Waiting>,
    forwarder: Forwarder<Told>,
    got: Got,
    status: Arc<Status>,
}

fn config(data: &Path, toml: &str) -> (Config, Destination) {
    let text = format!("name = \"a\"\nendpoint = \"http://a\"\n{toml}");
    let destination: Destination = toml_edit::de::from_str(&text).unwrap();
    let mut config = Config::new(data).unwrap();
    config.journal = JournalConfig { segment_bytes: 1, max_bytes: 1 << 20, group_bytes: 1 };
    config.forward = vec![destination.clone()];
    (config, destination)
}

fn open(config: &Config) -> Arc<Journal> {
    let folder = config.data.join("journal");
    let mut all = vec![Consumer::from("archive")];
    all.extend(consumers(config));
    Arc::new(Journal::open(&folder, &config.journal, &all, Arc::new(LocalDisk)).unwrap())
}

impl Bench {
    fn new(toml: &str, answers: Vec<Outcome>) -> Self {
        let data = tempfile::tempdir().unwrap();
        let (config, destination) = config(data.path(), toml);
        let journal = open(&config);
        let (events, waiting) = OwnEvents::new();
        let redaction = Redaction::open(&config.redaction, data.path()).unwrap();
        let around = Surroundings {
            disk: Arc::new(LocalDisk),
            collector_id: "c".to_owned(),
            journal: Arc::clone(&journal),
            redaction: Arc::new(redaction),
            events,
        };
        let status = Arc::new(Status::default());
        let work = work(&destination, &config, &around, data.path(), Arc::clone(&status));
        let told = Told { answers: answers.into(), ..Told::default() };
        let got = Arc::clone(&told.got);
        let forwarder = Forwarder::new(work, told);
        Self { journal, destination, data, config, events: waiting, forwarder, got, status }
    }

    async fn append(&self, records: impl IntoIterator<Item = Record>) -> Result<(), Refused> {
        for record in records {
            self.journal.append(record, None).await?;
        }
        Ok(())
    }

    /// Another destination of the same journal, which only the caller has heard of.
    fn beside(&self) -> (Forwarder<Told>, Got) {
        let (events, _) = OwnEvents::new();
        let redaction = Redaction::open(&self.config.redaction, self.data.path()).unwrap();
        let around = Surroundings {
            disk: Arc::new(LocalDisk),
            collector_id: "c".to_owned(),
            journal: Arc::clone(&self.journal),
            redaction: Arc::new(redaction),
            events,
        };
        let destination = Destination { name: "b".to_owned(), ..self.destination.clone() };
        let status = Arc::new(Status::default());
        let work = work(&destination, &self.config, &around, self.data.path(), status);
        let told = Told::default();
        let got = Arc::clone(&told.got);
        (Forwarder::new(work, told), got)
    }

    /// Steps until everything was sent; pauses that were asked for.
    async fn finish(&mut self) -> usize {
        let mut pauses = 0;
        loop {
            match self.forwarder.step(true).await.unwrap() {
                Step::Onward => {}
                Step::Later(_) => pauses += 1,
                Step::Idle(_) => panic!("idle although it is to finish"),
                Step::End => return pauses,
            }
        }
    }

    fn told(&mut self) -> Vec<String> {
        std::iter::from_fn(|| self.events.try_recv().ok()).map(|it| format!("{it:?}")).collect()
    }

    fn letters(&self) -> Vec<DeadLetter> {
        dead_letters(self.data.path()).unwrap()
    }
}

fn delivered(unexpected: Option<&str>) -> Outcome {
    let unexpected = unexpected.map(ToOwned::to_owned);
    Outcome::Delivered { rejected: 0, message: String::new(), unexpected }
}

fn later() -> Outcome {
    Outcome::Later { reason: "busy".to_owned(), after: None }
}

fn never(too_large: bool) -> Outcome {
    Outcome::Never { status: "413".to_owned(), reason: "no".to_owned(), too_large }
}

#[tokio::test]
async fn requests_are_sent_together_and_what_is_refused_for_now_is_sent_again() {
    let mut bench = Bench::new("", vec![later(), later()]);
    bench.append([record("a", 1, None), record("b", 2, Some("uid:7"))]).await.unwrap();
    assert_eq!(bench.finish().await, 2);
    assert_eq!(*bench.got.lock().unwrap(), [["a", "b", "b"]]);
    assert_eq!(bench.journal.cursor("forward-a"), 3);
    let counts = bench.status.counts();
    assert_eq!((counts.forwarded, counts.retries), (3, 2));
    assert!(bench.told().is_empty());
}

#[tokio::test]
async fn a_batch_ends_where_its_bytes_or_records_are_reached() {
    for limits in ["batch = { bytes = 7000 }", "batch = { records = 2 }"] {
        let mut bench = Bench::new(limits, Vec::new());
        let all = ["a", "b", "c", "d", "e"].map(|name| record(name, 1, None));
        bench.append(all).await.unwrap();
        bench.finish().await;
        let expected: [&[&str]; 3] = [&["a", "b"], &["c", "d"], &["e"]];
        assert_eq!(*bench.got.lock().unwrap(), expected, "{limits}");
    }
}

#[tokio::test]
async fn what_is_refused_for_good_is_set_aside_and_told_and_the_rest_goes_on() {
    let mut bench = Bench::new("batch = { records = 1 }", vec![never(false)]);
    bench.append([record("a", 1, None), record("b", 1, None)]).await.unwrap();
    bench.finish().await;
    assert_eq!(*bench.got.lock().unwrap(), [["b"]]);
    let letters = bench.letters();
    assert_eq!((letters.len(), letters[0].records, letters[0].from), (1, 1, 0));
    let body = std::fs::read(bench.data.path().join("dead-letters/a").join(&letters[0].file));
    assert_eq!(names(&body.unwrap()), ["a"]);
    assert_eq!(bench.status.counts().dead_letters, 1);
    let told = bench.told();
    assert!(told.len() == 1 && told[0].contains("forward.dead_letter"), "{told:?}");
}

#[tokio::test]
async fn what_is_too_large_is_sent_in_halves_until_it_fits_or_is_one_record() {
    // All four: too large. The first two: too large. The first: too large. The second, and the last two.
    let mut bench = Bench::new("", vec![never(true), never(true), never(true)]);
    bench.append(["a", "b", "c", "d"].map(|name| record(name, 1, None))).await.unwrap();
    bench.finish().await;
    let got = bench.got.lock().unwrap().clone();
    assert_eq!(got, [vec!["b"], vec!["c", "d"]]);
    assert_eq!(bench.letters().len(), 1);
}

#[tokio::test]
async fn what_a_destination_leaves_out_is_counted_and_told() {
    let message = "too old".to_owned();
    let partial = Outcome::Delivered { rejected: 2, message, unexpected: None };
    let mut bench = Bench::new("", vec![partial]);
    bench.append([record("a", 3, None)]).await.unwrap();
    bench.finish().await;
    let counts = bench.status.counts();
    assert_eq!((counts.forwarded, counts.rejected), (1, 2));
    let told = bench.told();
    assert!(told[0].contains("forward.rejected") && told[0].contains("too old"), "{told:?}");
}

#[tokio::test]
async fn what_the_collector_records_itself_stays_here() {
    let mut bench = Bench::new("", Vec::new());
    bench.append([record("own", 1, Some(own_events::SENDER)), record("a", 1, None)]).await.unwrap();
    bench.finish().await;
    assert_eq!(*bench.got.lock().unwrap(), [["a"]]);
    assert_eq!(bench.journal.cursor("forward-a"), 2);
}

#[tokio::test]
async fn shedding_gives_up_the_oldest_beyond_the_budget_and_tells_how_many() {
    let mut bench = Bench::new("budget_bytes = 20000", Vec::new());
    let all = (0..10).map(|number| record(&number.to_string(), 1, None));
    bench.append(all).await.unwrap();
    bench.journal.advance("archive", 10).unwrap();
    let before = bench.journal.backlog("forward-a");
    assert!(before > 20_000, "{before}");
    // Nobody records the event here: it is waited for a while.
    bench.finish().await;
    let shed = bench.status.counts().shed;
    let got: Vec<String> = bench.got.lock().unwrap().concat();
    let expected: Vec<String> = (shed..10).map(|number| number.to_string()).collect();
    assert!(shed > 0 && got == expected, "{shed}: {got:?}");
    let told = bench.told();
    assert!(told.len() == 1 && told[0].contains("forward.shed"), "{told:?}");
    assert!(told[0].contains(&format!("Number({shed})")), "{told:?}");
}

#[tokio::test]
async fn holding_refuses_new_requests_until_the_destination_has_taken_something() {
    let mut bench =
        Bench::new("budget_bytes = 20000\nwhen_spent = \"hold\"", vec![later(), later()]);
    let all = (0..10).map(|number| record(&number.to_string(), 1, None));
    let refused = bench.append(all).await.unwrap_err();
    assert!(matches!(refused, Refused::Full(why) if why.contains("held")), "{refused}");
    let taken = bench.journal.end();
    assert!(bench.finish().await > 0);
    assert_eq!(bench.journal.cursor("forward-a"), taken);
    bench.append([record("more", 1, None)]).await.unwrap();
    assert_eq!(bench.status.counts().shed, 0);
}

#[tokio::test]
async fn a_destination_that_comes_back_gets_what_is_left_and_is_told_what_it_missed() {
    let mut bench = Bench::new("", Vec::new());
    bench.append([record("a", 1, None)]).await.unwrap();
    bench.finish().await;
    // Gone from the configuration while segments pass.
    let Bench { journal, forwarder, data, mut config, destination, .. } = bench;
    drop((journal, forwarder));
    config.forward.clear();
    let journal = open(&config);
    for number in 0..6 {
        journal.append(record(&number.to_string(), 1, None), None).await.unwrap();
    }
    journal.advance("archive", 7).unwrap();
    drop(journal);
    config.forward = vec![destination.clone()];
    let journal = open(&config);
    let missed = journal.take_missed("forward-a").unwrap();
    assert_eq!(missed.from, 1);
    assert_eq!(journal.cursor("forward-a"), missed.to);
    assert!(missed.to > 1 && missed.to < 7);
    drop(data);
}

#[test]
fn a_file_that_a_destination_needs_is_asked_for_at_the_start() {
    let data = tempfile::tempdir().unwrap();
    let (config, _) = config(data.path(), "headers_file = \"/nowhere/headers\"");
    let error = check(&config.forward).unwrap_err().to_string();
    assert!(error.contains("destination `a`: /nowhere/headers"), "{error}");
}

#[tokio::test]
async fn an_hour_away_in_simulated_time_ends_with_everything_delivered_and_delays_nobody() {
    let hour = Duration::from_secs(60 * 60);
    let mut bench = Bench::new("budget_bytes = 1000000\nwhen_spent = \"hold\"", Vec::new());
    let (mut beside, beside_got) = bench.beside();
    let away = Arc::new(AtomicBool::new(true));
    bench.forwarder.deliver_to().away = Arc::clone(&away);
    let (mut clock, mut sent, mut attempts) = (Duration::ZERO, Vec::new(), 0);
    while clock < hour {
        let name = sent.len().to_string();
        bench.append([record(&name, 1, None)]).await.unwrap();
        sent.push(name);
        // The other one has it before any time passes.
        while beside.step(true).await.unwrap() != Step::End {}
        assert_eq!(beside_got.lock().unwrap().concat(), sent);
        loop {
            match bench.forwarder.step(true).await.unwrap() {
                Step::Later(pause) => {
                    clock += pause;
                    attempts += 1;
                    break;
                }
                other => assert_eq!(other, Step::Onward),
            }
        }
    }
    assert!(bench.got.lock().unwrap().is_empty());
    assert!(bench.status.failing().is_some());
    away.store(false, Ordering::Relaxed);
    assert_eq!(bench.finish().await, 0);
    assert_eq!(bench.got.lock().unwrap().concat(), sent);
    println!(
        "{attempts} attempts in {} s of simulated time, {} records delivered",
        clock.as_secs(),
        sent.len()
    );
    // Pauses grow: a minute at most, by chance half of it at least.
    assert!((60..150).contains(&attempts), "{attempts}");
}
