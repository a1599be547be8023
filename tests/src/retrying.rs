//! A sender as OpenTelemetry SDKs are: a request that is refused for now, or whose answer did not
//! come, is sent again, the same bytes, until it is acknowledged.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{bail, ensure};
use blotter_schemas::otlp::Request;

use crate::captures;
use crate::client::{Answer, Sender};
use crate::flood::{Attempt, generated};
use crate::processes::Addresses;

/// Longest time for all requests to be acknowledged once nothing is in the way.
const PATIENCE: Duration = Duration::from_secs(30);
/// Pause after a round in which something was refused.
const PAUSE: Duration = Duration::from_millis(50);

/// Requests on their way to a receiver.
#[derive(Debug)]
pub struct Retrying {
    attempts: BTreeMap<u64, Attempt>,
    /// Acknowledged, but as if the answer had not come: sent once more.
    unheard: Vec<u64>,
}

/// What came of sending everything once.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Round {
    /// Requests that were acknowledged.
    pub acknowledged: usize,
    /// Why requests were refused for now.
    pub refused: Vec<String>,
    /// Whether the connection failed.
    pub lost: bool,
}

impl Retrying {
    /// `count` requests of log records, spans and metrics, no two alike.
    ///
    /// # Errors
    /// When the captures cannot be read.
    pub fn new(count: u64) -> anyhow::Result<Self> {
        let mut captured = Vec::new();
        for export in captures::named("claude-code/02-ok-full-traces")?.exports()? {
            captured.push(Request::decode(export.signal, export.encoding, &export.body)?);
        }
        let mut attempts = BTreeMap::new();
        for number in 0..count {
            let capture = usize::try_from(number / 2).unwrap_or(0) % captured.len().max(1);
            let request = match captured.get(capture) {
                Some(request) if number % 2 == 1 => request.clone(),
                _ => generated(number),
            };
            attempts.insert(number, Attempt::new(request, number));
        }
        Ok(Self { attempts, unheard: Vec::new() })
    }

    /// Adds `count` more requests.
    ///
    /// # Errors
    /// When the captures cannot be read.
    pub fn more(&mut self, count: u64) -> anyhow::Result<()> {
        let before = u64::try_from(self.attempts.len())?;
        let more = Self::new(before + count)?;
        self.attempts.extend(more.attempts.into_iter().skip(usize::try_from(before)?));
        Ok(())
    }

    /// Whether everything is acknowledged.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.unheard.is_empty() && self.attempts.values().all(|attempt| attempt.acknowledged)
    }

    /// Sends what is not acknowledged yet, each once, over HTTP and gRPC in turn; and now and then
    /// something acknowledged, as if its answer had been lost.
    ///
    /// # Errors
    /// When a request is refused for good: all of them are valid.
    pub async fn round(&mut self, to: Addresses) -> anyhow::Result<Round> {
        let mut round = Round::default();
        let (Ok(http), Ok(grpc)) = (Sender::http(to.http).await, Sender::grpc(to.grpc).await)
        else {
            return Ok(Round { lost: true, ..round });
        };
        let mut senders = [http, grpc];
        let mut waiting = std::mem::take(&mut self.unheard);
        let open = |(number, attempt): (&u64, &Attempt)| (!attempt.acknowledged).then_some(*number);
        waiting.extend(self.attempts.iter().filter_map(open));
        let mut unsent = Vec::new();
        for (index, number) in waiting.clone().iter().enumerate() {
            let Some(attempt) = self.attempts.get_mut(number) else { continue };
            let Some(sender) = senders.get_mut(index % 2) else { continue };
            match sender.send(&attempt.export()).await {
                Ok(Answer::Acknowledged(_)) => {
                    round.acknowledged += 1;
                    if !attempt.acknowledged && number % 3 == 0 {
                        self.unheard.push(*number);
                    }
                    attempt.acknowledged = true;
                }
                Ok(Answer::Retryable(reason)) => round.refused.push(reason),
                Ok(Answer::Permanent(reason)) => bail!("attempt {number}: {reason}"),
                Err(_) => {
                    round.lost = true;
                    unsent = waiting.split_off(index);
                    break;
                }
            }
        }
        let is_acknowledged =
            |number: &u64| self.attempts.get(number).is_some_and(|attempt| attempt.acknowledged);
        unsent.retain(is_acknowledged);
        self.unheard.append(&mut unsent);
        Ok(round)
    }

    /// Sends until everything is acknowledged.
    ///
    /// # Errors
    /// When it is not in time, with the last reason.
    pub async fn finish(&mut self, to: Addresses) -> anyhow::Result<()> {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        while !self.is_done() {
            let round = self.round(to).await?;
            ensure!(tokio::time::Instant::now() < deadline, "not acknowledged in time: {round:?}");
            if !round.refused.is_empty() || round.lost {
                tokio::time::sleep(PAUSE).await;
            }
        }
        Ok(())
    }

    /// Takes every acknowledgement as lost: everything is to be sent again.
    pub fn forget_answers(&mut self) {
        self.unheard = self.attempts.keys().copied().collect();
    }

    /// The requests by their numbers.
    #[must_use]
    pub fn attempts(&self) -> &BTreeMap<u64, Attempt> {
        &self.attempts
    }
}
