//! The collector is killed again and again while senders push: what it acknowledged is in the archive
//! exactly once.

use std::time::{Duration, Instant};

use blotter_tests::flood::Flood;
use blotter_tests::ledger::Ledger;
use blotter_tests::processes::Daemon;
use blotter_tests::random::Random;

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

    let archived = Ledger::read(&data.path().join("archive"))?;
    let records = archived.len();
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
