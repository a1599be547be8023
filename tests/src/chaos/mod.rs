//! Chaos: a real collector over the data of an earlier version, four destinations, senders that never
//! stop, and one trouble after the other until time is up. Then the report.
//!
//! Which trouble comes when is decided by a seed; what the machine makes of it is not. Start reading at
//! [`run`].

mod delays;
mod destinations;
mod life;
mod peers;
pub mod previous;
mod report;
mod trouble;

use std::time::{Duration, Instant};

use anyhow::Context as _;

use crate::flood::Flood;
use crate::ledger::Ledger;
use crate::random::Random;
use destinations::Destinations;
use life::{Life, Lives};
pub use report::Report;
use trouble::Deck;

/// Pause of each sender between requests: an archive that a test can read in the end.
const PAUSE: Duration = Duration::from_millis(150);
/// Longest time for every destination to have everything after the last trouble.
const PATIENCE: Duration = Duration::from_secs(180);

/// How long, and with which chance.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// How long troubles come.
    pub time: Duration,
    /// What decides which.
    pub seed: u64,
}

/// Runs it.
///
/// # Errors
/// When something acknowledged is lost, doubled or changed, or a collector does not start or end as it
/// should.
pub async fn run(options: Options) -> anyhow::Result<Report> {
    peers::allow_many_files();
    let folder = tempfile::tempdir()?;
    let data = folder.path().join("data");
    let previous = previous::unpack(&data)?;
    let destinations = Destinations::start().await?;
    let config = folder.path().join("collector.toml");
    std::fs::write(&config, destinations.configuration())?;
    let lives = Lives { data: data.clone(), config };
    let mut random = Random(options.seed);
    let mut report = Report::new(options.seed);
    let mut deck = Deck::default();
    let flood = Flood::at_pace(4, PAUSE)?;
    let started = Instant::now();
    while started.elapsed() < options.time {
        let left = options.time.saturating_sub(started.elapsed());
        let life = Life::begin(&lives, &flood, deck.draw_disk(&mut random)).await?;
        report.idle_connections = life.idle();
        let length = Duration::from_millis(3_000 + random.up_to(5_000)).min(left);
        let ends = Instant::now() + length;
        while Instant::now() < ends {
            let trouble = deck.draw(&mut random);
            let until = ends.saturating_duration_since(Instant::now());
            trouble.happen(&destinations, life.addresses, until, &mut random).await;
            report.count(trouble.name());
        }
        let how = deck.draw_end(&mut random);
        report.count(how.name());
        report.idle_lost += life.end(&flood, how).await?;
    }
    report.lasted = started.elapsed();
    let life = Life::begin(&lives, &flood, life::SlowDisk::No).await?;
    tokio::time::sleep(Duration::from_millis(500)).await;
    let mut attempts = flood.finish().await?;
    let known = previous.keys().copied().collect();
    destinations.await_everything(&attempts, &known, PATIENCE).await?;
    life.terminate().await.context("the last shutdown")?;
    report.destinations = destinations.accounts(&attempts)?;
    report.previous = previous.len();
    attempts.extend(previous);
    report.requests(&attempts);
    let ledger = Ledger::read(&data.join("archive"))?;
    report.archived = ledger.len();
    ledger.holds_what_was_sent(&attempts)?;
    Ok(report)
}
