//! How a collector is doing, as `blotter-collector status` and `/status` tell it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use super::{State, readiness};
use crate::commit::CONSUMER;

/// What waits longer than this for the archive waits too long: commits are made every few seconds.
const ARCHIVE_PATIENCE: Duration = Duration::from_secs(300);
/// From this share of the journal's bytes on, in percent, there is little room left.
const NEARLY_FULL: u64 = 80;

/// How a collector is doing; numbers are since its start.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// Version of the collector.
    pub version: String,
    /// Its lasting id.
    pub collector_id: String,
    /// When it started, seconds since the epoch.
    pub started_unix_seconds: f64,
    /// Whether requests are taken.
    pub ready: bool,
    /// Why not.
    pub not_ready: Option<String>,
    /// Whether it is being drained.
    pub draining: bool,
    /// What it received.
    pub received: Vec<ReceivedReport>,
    /// Refused requests by reason.
    pub refusals: BTreeMap<String, u64>,
    /// Marks that stand for secrets, by rule.
    pub redactions: BTreeMap<String, u64>,
    /// Requests that are not acknowledged yet.
    pub requests_in_flight: u64,
    /// Bytes of these.
    pub bytes_in_flight: u64,
    /// The journal.
    pub journal: JournalReport,
    /// Where the archive is.
    pub archive: String,
    /// Whether the archive is written: not, after an error that only a restart ends.
    pub archive_writing: bool,
    /// Commits.
    pub commits: u64,
    /// Attempts to commit that failed.
    pub commit_failures: u64,
    /// Rows committed.
    pub rows: u64,
    /// When the last commit was complete, seconds since the epoch.
    pub last_commit_unix_seconds: Option<f64>,
    /// Where copies go.
    pub destinations: Vec<DestinationReport>,
    /// What is wrong.
    pub problems: Vec<Problem>,
}

/// Requests of one signal over one transport.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReceivedReport {
    /// `logs`, `traces` or `metrics`.
    pub signal: String,
    /// `grpc` or `http`.
    pub transport: String,
    /// Requests.
    pub requests: u64,
    /// Those that were acknowledged.
    pub acknowledged: u64,
    /// Records in these.
    pub records: u64,
    /// Bytes of all bodies, as sent.
    pub bytes: u64,
}

/// The journal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct JournalReport {
    /// Bytes of its files.
    pub bytes: u64,
    /// The most that they may have.
    pub limit_bytes: u64,
    /// Its files.
    pub segments: u64,
    /// Free bytes on its disk; none where the disk does not say.
    pub disk_free_bytes: Option<u64>,
    /// Records in it since it was begun.
    pub records: u64,
    /// Who reads it.
    pub consumers: Vec<ConsumerReport>,
}

/// A reader of the journal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ConsumerReport {
    /// `archive`, or `forward-` and a destination.
    pub name: String,
    /// Records that wait for it.
    pub waiting_records: u64,
    /// Bytes of the journal that are kept for it.
    pub waiting_bytes: u64,
    /// How long the oldest has waited, in seconds; at most about a day.
    pub oldest_seconds: f64,
}

/// A destination.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DestinationReport {
    /// Its name.
    pub name: String,
    /// Records that it took.
    pub forwarded: u64,
    /// Records that it rejected in requests that it took.
    pub rejected: u64,
    /// Records set aside as dead letters since the start.
    pub dead_letters: u64,
    /// Dead letters that lie in its folder now.
    pub kept_letters: u64,
    /// Records in these.
    pub kept_records: u64,
    /// Bytes of the disk that these take.
    pub kept_bytes: u64,
    /// Records given up because too much waited, dead letters included.
    pub shed: u64,
    /// Attempts that are made again.
    pub retries: u64,
    /// Why nothing goes there at the moment.
    pub failing: Option<String>,
    /// What is odd although it takes requests.
    pub warning: Option<String>,
}

/// Something that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// In a word, for programs.
    pub name: String,
    /// What it is.
    pub text: String,
    /// What to do.
    pub advice: String,
}

/// How the collector is doing now.
pub(super) async fn of(state: &Arc<State>) -> Report {
    let unready = readiness::unready(state).await;
    let free = readiness::space(state).await.ok().map(|space| space.free);
    let counters = &state.intake.counters;
    let received = counters.counted().into_iter().map(|it| ReceivedReport {
        signal: it.signal.to_owned(),
        transport: it.transport.to_owned(),
        requests: it.requests,
        acknowledged: it.acknowledged,
        records: it.records,
        bytes: it.bytes,
    });
    let mut refusals: BTreeMap<String, u64> = BTreeMap::new();
    for ((_, reason), count) in counters.refusals() {
        *refusals.entry(reason.to_owned()).or_default() += count;
    }
    let (requests, bytes) = state.intake.in_flight();
    let commits = &state.commits;
    let mut report = Report {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        collector_id: state.collector_id.clone(),
        started_unix_seconds: unix_seconds(state.started),
        ready: unready.is_none(),
        not_ready: unready.map(|unready| unready.text),
        draining: state.intake.is_draining(),
        received: received.collect(),
        refusals,
        redactions: counters.redactions(),
        requests_in_flight: requests,
        bytes_in_flight: bytes,
        journal: journal(state, free),
        archive: state.config.archive.to_string(),
        archive_writing: !commits.has_stopped(),
        commits: commits.latency.snapshot().count(),
        commit_failures: commits.failures.load(Ordering::Relaxed),
        rows: commits.rows.load(Ordering::Relaxed),
        last_commit_unix_seconds: commits.last_unix_seconds(),
        destinations: destinations(state),
        problems: Vec::new(),
    };
    report.problems = problems(&report);
    report
}

fn journal(state: &State, disk_free_bytes: Option<u64>) -> JournalReport {
    let standing = state.journal.standing();
    let consumers = standing.consumers.into_iter().map(|waiting| ConsumerReport {
        oldest_seconds: waiting.oldest_unix_nano.map_or(0.0, age_seconds),
        name: waiting.name,
        waiting_records: waiting.records,
        waiting_bytes: waiting.bytes,
    });
    JournalReport {
        bytes: standing.bytes,
        limit_bytes: state.config.journal.max_bytes,
        segments: standing.segments as u64,
        disk_free_bytes,
        records: standing.end,
        consumers: consumers.collect(),
    }
}

fn destinations(state: &State) -> Vec<DestinationReport> {
    let report = |it: crate::DestinationStatus| DestinationReport {
        name: it.name,
        forwarded: it.counts.forwarded,
        rejected: it.counts.rejected,
        dead_letters: it.counts.dead_letters,
        kept_letters: it.kept.letters,
        kept_records: it.kept.records,
        kept_bytes: it.kept.bytes,
        shed: it.counts.shed + it.counts.dead_letters_removed,
        retries: it.counts.retries,
        failing: it.failing,
        warning: it.warning,
    };
    state.destinations.status().into_iter().map(report).collect()
}

/// What is wrong, worst first.
fn problems(report: &Report) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut add = |name: &str, text: String, advice: &str| {
        problems.push(Problem { name: name.to_owned(), text, advice: advice.to_owned() });
    };
    if report.draining {
        add(
            "draining",
            "no request is taken: the collector was told to drain".to_owned(),
            "`blotter-collector drain --cancel` takes them again",
        );
    } else if let Some(reason) = &report.not_ready {
        add(
            "not_ready",
            format!("no request is taken: {reason}"),
            "make room or mend the disk; after a failed disk restart the collector",
        );
    }
    if !report.archive_writing {
        add(
            "archive_stopped",
            "nothing more goes into the archive".to_owned(),
            "the log says why; put it right and restart the collector",
        );
    }
    let JournalReport { bytes, limit_bytes, consumers, .. } = &report.journal;
    let archive = consumers.iter().find(|it| it.name == CONSUMER);
    if let Some(it) = archive.filter(|it| it.oldest_seconds > ARCHIVE_PATIENCE.as_secs_f64()) {
        let (records, seconds) = (it.waiting_records, it.oldest_seconds);
        add(
            "archive_behind",
            format!("{records} records wait for the archive, the oldest for {seconds:.0} s"),
            "look in the log for commits that fail, and at the archive's disk or store",
        );
    }
    if bytes.saturating_mul(100) > limit_bytes.saturating_mul(NEARLY_FULL) {
        add(
            "journal_nearly_full",
            format!("the journal has {bytes} of {limit_bytes} bytes"),
            "see which consumer it is kept for; raise journal.max_bytes where the disk has room",
        );
    }
    for it in &report.destinations {
        if let Some(reason) = &it.failing {
            add(
                "destination_failing",
                format!("nothing goes to destination {}: {reason}", it.name),
                "look at the backend, or at this machine's disk where that is the reason; what waits is sent then",
            );
        }
        if let Some(warning) = &it.warning {
            add(
                "unexpected_answer",
                format!("destination {}: {warning}", it.name),
                "what it said it took may be nowhere: look for it there, and at the endpoint's URL",
            );
        }
        if it.kept_letters > 0 {
            let (name, letters, records) = (&it.name, it.kept_letters, it.kept_records);
            add(
                "dead_letters",
                format!(
                    "destination {name} refused {letters} requests of {records} records for good"
                ),
                "`blotter-collector dead-letters list` says why; `retry` or `drop` them",
            );
        }
        if it.shed > 0 {
            add(
                "shed",
                format!("{} records for destination {} were given up", it.shed, it.name),
                "raise budget_bytes, or import them from the archive",
            );
        }
    }
    problems
}

pub(super) fn unix_seconds(time: SystemTime) -> f64 {
    time.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64()
}

/// How long ago a time was, in seconds; 0 for one to come.
pub(super) fn age_seconds(unix_nano: i64) -> f64 {
    let then = Duration::from_nanos(u64::try_from(unix_nano).unwrap_or(0));
    (unix_seconds(SystemTime::now()) - then.as_secs_f64()).max(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn healthy() -> Report {
        Report {
            version: String::new(),
            collector_id: String::new(),
            started_unix_seconds: 0.0,
            ready: true,
            not_ready: None,
            draining: false,
            received: Vec::new(),
            refusals: BTreeMap::new(),
            redactions: BTreeMap::new(),
            requests_in_flight: 0,
            bytes_in_flight: 0,
            journal: JournalReport {
                bytes: 1,
                limit_bytes: 10,
                segments: 1,
                disk_free_bytes: Some(1),
                records: 0,
                consumers: vec![ConsumerReport {
                    name: CONSUMER.to_owned(),
                    waiting_records: 1,
                    waiting_bytes: 1,
                    oldest_seconds: 2.0,
                }],
            },
            archive: String::new(),
            archive_writing: true,
            commits: 0,
            commit_failures: 3,
            rows: 0,
            last_commit_unix_seconds: None,
            destinations: vec![DestinationReport {
                name: "a".to_owned(),
                forwarded: 1,
                rejected: 1,
                dead_letters: 1,
                kept_letters: 0,
                kept_records: 0,
                kept_bytes: 0,
                shed: 0,
                retries: 1,
                failing: None,
                warning: None,
            }],
            problems: Vec::new(),
        }
    }

    #[test]
    fn a_healthy_collector_has_no_problems_and_each_that_it_has_is_named() {
        assert_eq!(problems(&healthy()), []);
        let destination = |change: fn(&mut DestinationReport)| {
            let mut report = healthy();
            report.destinations.iter_mut().for_each(change);
            report
        };
        for (name, report) in [
            ("not_ready", Report { not_ready: Some("full".to_owned()), ..healthy() }),
            ("archive_stopped", Report { archive_writing: false, ..healthy() }),
            ("archive_behind", {
                let mut report = healthy();
                report.journal.consumers.iter_mut().for_each(|it| it.oldest_seconds = 301.0);
                report
            }),
            ("journal_nearly_full", {
                let mut report = healthy();
                report.journal.bytes = 9;
                report
            }),
            ("destination_failing", destination(|it| it.failing = Some("away".to_owned()))),
            ("unexpected_answer", destination(|it| it.warning = Some("odd".to_owned()))),
            ("dead_letters", destination(|it| it.kept_letters = 1)),
            ("shed", destination(|it| it.shed = 1)),
            (
                "draining",
                Report { draining: true, not_ready: Some("drained".to_owned()), ..healthy() },
            ),
        ] {
            let found = problems(&report);
            let names: Vec<&str> = found.iter().map(|it| it.name.as_str()).collect();
            assert_eq!(names, [name]);
        }
    }
}
