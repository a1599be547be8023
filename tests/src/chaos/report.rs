//! The ledger at the end.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use super::destinations::Account;
use crate::flood::Attempt;

/// What happened and what came of it. Where it exists, nothing is lost or doubled in the archive.
#[derive(Debug)]
pub struct Report {
    seed: u64,
    pub(super) lasted: Duration,
    troubles: BTreeMap<&'static str, usize>,
    /// Connections that said nothing, in each life of a collector.
    pub idle_connections: usize,
    /// Those that a collector had closed before its end.
    pub idle_lost: usize,
    /// Requests that an earlier version acknowledged.
    pub previous: usize,
    /// Records that were sent, the earlier version's included.
    pub sent: usize,
    /// Those of them that were acknowledged.
    pub acknowledged: usize,
    /// Records in the archive.
    pub archived: usize,
    /// What each destination got.
    pub destinations: Vec<Account>,
}

impl Report {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            seed,
            lasted: Duration::ZERO,
            troubles: BTreeMap::new(),
            idle_connections: 0,
            idle_lost: 0,
            previous: 0,
            sent: 0,
            acknowledged: 0,
            archived: 0,
            destinations: Vec::new(),
        }
    }

    pub(super) fn count(&mut self, trouble: &'static str) {
        *self.troubles.entry(trouble).or_default() += 1;
    }

    pub(super) fn requests(&mut self, attempts: &BTreeMap<u64, Attempt>) {
        let all = attempts.values();
        self.sent = all.clone().map(|it| it.request.record_count()).sum();
        let acknowledged = all.filter(|it| it.acknowledged);
        self.acknowledged = acknowledged.map(|it| it.request.record_count()).sum();
    }

    /// How often something happened.
    #[must_use]
    pub fn times(&self, trouble: &str) -> usize {
        self.troubles.get(trouble).copied().unwrap_or(0)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "seed {}, {:.0} s", self.seed, self.lasted.as_secs_f64())?;
        for (trouble, times) in &self.troubles {
            writeln!(f, "  {times:4} times {trouble}")?;
        }
        writeln!(
            f,
            "  {} idle connections beside, {} closed by the collector; data of {} requests of an earlier version",
            self.idle_connections, self.idle_lost, self.previous
        )?;
        writeln!(f, "\nsent {} records", self.sent)?;
        writeln!(f, "acknowledged {}", self.acknowledged)?;
        writeln!(f, "archived {}, duplicated 0, lost 0", self.archived)?;
        writeln!(
            f,
            "\n| destination | forwarded | lost | again | p99 delay while another is down | p99 of all |\n|---|---|---|---|---|---|"
        )?;
        let time = |time: Option<Duration>| {
            time.map_or_else(
                || "-".to_owned(),
                |time| format!("{:.0} ms", time.as_secs_f64() * 1e3),
            )
        };
        for it in &self.destinations {
            let down = if it.is_troubled { None } else { it.delays.p99_while_down() };
            let (name, records) = (it.name, it.records);
            let (down, all) = (time(down), time(it.delays.p99()));
            writeln!(f, "| {name} | {records} | {} | {} | {down} | {all} |", it.lost, it.again)?;
        }
        Ok(())
    }
}
