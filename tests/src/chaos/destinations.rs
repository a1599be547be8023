//! Two destinations that take everything, and two that do not.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{bail, ensure};
use blotter_schemas::otlp::Request;

use super::delays::Delays;
use crate::backend::{Answer, Backend};
use crate::flood::{Attempt, attempt_of};
use crate::records::split;

/// Pause between looks at what arrived.
const LOOK: Duration = Duration::from_millis(250);

/// Their names, protocols, and whether they are ever in trouble.
const ALL: [(&str, &str, bool); 4] = [
    ("steady", "http/protobuf", false),
    ("steady-grpc", "grpc", false),
    ("troubled", "http/json", true),
    ("troubled-grpc", "grpc", true),
];

/// The destinations.
#[derive(Debug)]
pub(super) struct Destinations {
    all: Vec<Destination>,
    /// When those that are ever in trouble were.
    troubles: Mutex<Vec<(Instant, Instant)>>,
}

#[derive(Debug)]
struct Destination {
    name: &'static str,
    protocol: &'static str,
    is_troubled: bool,
    backend: Backend,
}

/// What a destination got.
#[derive(Debug)]
pub struct Account {
    /// Its name.
    pub name: &'static str,
    /// Whether it was ever in trouble.
    pub is_troubled: bool,
    /// Records that it got.
    pub records: usize,
    /// Acknowledged records that it did not get.
    pub lost: usize,
    /// How often it got a record again, because an answer was lost.
    pub again: usize,
    /// From acknowledgement to arrival, while others were in trouble and in all.
    pub delays: Delays,
}

impl Destinations {
    pub(super) async fn start() -> anyhow::Result<Self> {
        let mut all = Vec::new();
        for (name, protocol, is_troubled) in ALL {
            let backend = Backend::start().await?;
            all.push(Destination { name, protocol, is_troubled, backend });
        }
        Ok(Self { all, troubles: Mutex::default() })
    }

    /// The configuration of a collector that forwards to them.
    pub(super) fn configuration(&self) -> String {
        let mut toml = String::new();
        for Destination { name, protocol, backend, .. } in &self.all {
            let url = backend.url();
            // Writing to a string cannot fail.
            let _ = write!(
                toml,
                "[[forward]]\nname = \"{name}\"\nendpoint = \"{url}\"\nprotocol = \"{protocol}\"\n\
                 timeout_seconds = 2\n[forward.batch]\ndelay_milliseconds = 50\n"
            );
        }
        toml
    }

    /// Those that are ever in trouble answer like this for so long.
    pub(super) async fn trouble(&self, answer: Answer, time: Duration) {
        let begins = Instant::now();
        let troubled = || self.all.iter().filter(|it| it.is_troubled);
        troubled().for_each(|it| it.backend.answer_always(answer.clone()));
        tokio::time::sleep(time).await;
        troubled().for_each(|it| it.backend.answer_always(Answer::Take));
        let mut troubles = self.troubles.lock().unwrap_or_else(PoisonError::into_inner);
        troubles.push((begins, Instant::now()));
    }

    /// Waits until every destination has all that was acknowledged.
    ///
    /// # Errors
    /// When one does not, or has something that nobody sent.
    pub(super) async fn await_everything(
        &self,
        attempts: &BTreeMap<u64, Attempt>,
        others: &BTreeSet<u64>,
        patience: Duration,
    ) -> anyhow::Result<()> {
        let deadline = Instant::now() + patience;
        for it in &self.all {
            loop {
                let arrived = arrived(&it.backend)?;
                let lacks = attempts
                    .iter()
                    .filter(|(number, attempt)| {
                        attempt.acknowledged
                            && arrived.get(number).is_none_or(|it| it.records < records(attempt))
                    })
                    .count();
                let known =
                    |number: &&u64| !attempts.contains_key(*number) && !others.contains(*number);
                ensure!(arrived.keys().find(known).is_none(), "{} has what nobody sent", it.name);
                if lacks == 0 {
                    break;
                }
                if Instant::now() > deadline {
                    bail!("{lacks} acknowledged requests are not whole with {}", it.name);
                }
                tokio::time::sleep(LOOK).await;
            }
        }
        Ok(())
    }

    /// What each got.
    ///
    /// # Errors
    /// When something that arrived cannot be decoded.
    pub(super) fn accounts(
        &self,
        attempts: &BTreeMap<u64, Attempt>,
    ) -> anyhow::Result<Vec<Account>> {
        let troubles = self.troubles.lock().unwrap_or_else(PoisonError::into_inner);
        let mut accounts = Vec::new();
        for it in &self.all {
            let arrived = arrived(&it.backend)?;
            let (mut lost, mut again, mut got) = (0, 0, 0);
            let mut delays = Delays::default();
            for (number, attempt) in attempts {
                let wanted = records(attempt);
                let found = arrived.get(number);
                let has = found.map_or(0, |it| it.records);
                got += has.min(wanted);
                again += has.saturating_sub(wanted);
                if attempt.acknowledged {
                    lost += wanted.saturating_sub(has);
                }
                if let (Some(heard), Some(found)) = (attempt.heard, found) {
                    let down = troubles.iter().any(|(from, to)| (*from..*to).contains(&heard));
                    delays.add(found.at.saturating_duration_since(heard), down);
                }
            }
            let Destination { name, is_troubled, .. } = *it;
            accounts.push(Account { name, is_troubled, records: got, lost, again, delays });
        }
        Ok(accounts)
    }
}

fn records(attempt: &Attempt) -> usize {
    attempt.request.record_count()
}

/// What arrived of an attempt.
struct Arrived {
    records: usize,
    /// When the first of it did.
    at: Instant,
}

fn arrived(backend: &Backend) -> anyhow::Result<BTreeMap<u64, Arrived>> {
    let mut arrived = BTreeMap::new();
    for it in backend.received().into_iter().filter(|it| it.is_taken) {
        let request = Request::decode(it.signal, it.encoding, &it.body)?;
        for record in split(&request) {
            // Records without a number are the collector's own.
            if let Some(number) = attempt_of(&record) {
                arrived.entry(number).or_insert(Arrived { records: 0, at: it.at }).records += 1;
            }
        }
    }
    Ok(arrived)
}
