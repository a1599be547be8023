//! The collector is killed again and again while senders push: what it acknowledged is in the archive
//! exactly once.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use blotter_schemas::otlp::{Encoding, Request, Signal};
use blotter_schemas::tables::{Event, MetricPoint, Span};
use blotter_tests::flood::{Attempt, Flood, attempt_of};
use blotter_tests::processes::Daemon;
use blotter_tests::records::split;
use blotter_tests::table_files;

const KILLS: u32 = 32;
const SEED: u64 = 0x0b10_77e2_0001;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_is_in_the_archive_exactly_once_whenever_the_collector_is_killed()
-> anyhow::Result<()> {
    let data = tempfile::tempdir()?;
    let mut random = Random(SEED);
    let started = Instant::now();
    let flood = Flood::start()?;
    for kill in 0..KILLS {
        let mut collector = Daemon::collector(data.path())?;
        let life = if kill % 4 == 3 {
            // While it starts: in the recovery of its journal or the catching up of its archive.
            random.up_to(150)
        } else {
            flood.aim(collector.addresses().await?);
            // Mostly among the first requests; now and then late enough for commits in full course.
            if kill % 4 == 0 { random.up_to(1_500) } else { random.up_to(250) }
        };
        tokio::time::sleep(Duration::from_millis(life)).await;
        collector.kill().await?;
        flood.pause();
    }
    let mut collector = Daemon::collector(data.path())?;
    flood.aim(collector.addresses().await?);
    tokio::time::sleep(Duration::from_millis(200)).await;
    let attempts = flood.finish().await?;
    let sent = started.elapsed();
    let status = collector.terminate().await?;
    assert!(status.success(), "the last shutdown was not clean: {status}");
    let committed = started.elapsed();

    let archived = Archived::read(&data.path().join("archive"))?;
    let records = archived.records.len();
    archived.holds_what_was_sent(&attempts)?;
    let acknowledged = attempts.values().filter(|attempt| attempt.acknowledged).count();
    println!(
        "{KILLS} kills, {} requests sent, {acknowledged} acknowledged, {records} records archived; senders done after \
         {sent:.1?}, committed after {committed:.1?}, verified after {:.1?}",
        attempts.len(),
        started.elapsed(),
    );
    assert!(acknowledged > 500, "too few requests were acknowledged to prove anything");
    assert!(acknowledged < attempts.len(), "no kill hit a request in flight");
    Ok(())
}

/// What lies in the files of the archive.
struct Archived {
    /// Original records, of all tables, by their journal positions.
    records: BTreeMap<i64, Request>,
    /// Table and event id of every row, derived ones too.
    ids: BTreeSet<(&'static str, [u8; 16])>,
}

impl Archived {
    /// Reads the files, in which no row and no journal position may be twice.
    fn read(archive: &Path) -> anyhow::Result<Self> {
        let mut archived = Self { records: BTreeMap::new(), ids: BTreeSet::new() };
        for row in table_files::rows::<Event>(archive)? {
            let record = row.canonical_record()?;
            archived.row("events", row.event_id);
            if let Some(record) = record {
                archived.record(Signal::Logs, Some(record), row.journal_position)?;
            }
        }
        for row in table_files::rows::<Span>(archive)? {
            archived.row("spans", row.event_id);
            archived.record(Signal::Traces, row.record, row.journal_position)?;
        }
        for row in table_files::rows::<MetricPoint>(archive)? {
            archived.row("metrics", row.event_id);
            archived.record(Signal::Metrics, row.record, row.journal_position)?;
        }
        Ok(archived)
    }

    fn row(&mut self, table: &'static str, id: [u8; 16]) {
        assert!(self.ids.insert((table, id)), "a row is in the files of {table} twice");
    }

    fn record(
        &mut self,
        signal: Signal,
        record: Option<String>,
        position: Option<i64>,
    ) -> anyhow::Result<()> {
        let position = position.context("a row without a journal position")?;
        let record = record.context("a row without its record")?;
        let record = Request::decode(signal, Encoding::Json, record.as_bytes())?;
        let twice = self.records.insert(position, record);
        assert!(twice.is_none(), "two records have the journal position {position}");
        Ok(())
    }

    /// Every acknowledged request whole; every other whole or not at all; nothing else.
    fn holds_what_was_sent(self, attempts: &BTreeMap<u64, Attempt>) -> anyhow::Result<()> {
        let mut found: BTreeMap<u64, Vec<Request>> = BTreeMap::new();
        for record in self.records.into_values() {
            let number = attempt_of(&record).context("a record that no sender sent")?;
            found.entry(number).or_default().push(record);
        }
        for (number, attempt) in attempts {
            match found.remove(number) {
                Some(records) => assert!(
                    records == split(&attempt.request),
                    "attempt {number} is not in the archive as it was sent: {records:#?}"
                ),
                None => assert!(!attempt.acknowledged, "acknowledged attempt {number} is lost"),
            }
        }
        assert!(found.is_empty(), "records of attempts that were never made: {:?}", found.keys());
        Ok(())
    }
}

/// SplitMix64: the same moments in every run.
struct Random(u64);

impl Random {
    fn up_to(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % limit
    }
}
