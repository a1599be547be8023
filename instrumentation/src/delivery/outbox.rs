//! Batches on their way: in memory while the collector answers, on disk while it does not.
//!
//! What is on disk is older than what is in memory, so that the order is kept.

use std::collections::VecDeque;
use std::time::Instant;

use bytes::Bytes;

use super::encode::{Batch, Signal};
use super::queue::{For, Lost, Waiting, lose};
use super::spool::Spool;
use super::ticket::Settled;

/// Batches that were not acknowledged yet, and who waits for them.
#[derive(Debug)]
pub(crate) struct Outbox {
    spool: Option<Spool>,
    memory: VecDeque<Batch>,
    /// Bytes in memory, and the most there may be.
    bytes: usize,
    limit: usize,
    /// Batches ever taken in.
    taken: u64,
    /// Who waits: up to which batch, and how many attempts had failed before.
    waiting: Vec<(u64, u64, Waiting)>,
    /// Attempts that failed.
    failures: u64,
    /// The last attempt to send failed, and why.
    down: Option<String>,
    /// What was lost and not reported yet.
    lost: Vec<Lost>,
    /// Until when to go on, where it is to end.
    pub(crate) stop: Option<Instant>,
}

impl Outbox {
    pub(crate) fn new(spool: Option<Spool>, limit: usize) -> Self {
        let taken = spool.as_ref().map_or(0, |spool| spool.len() as u64);
        Self {
            spool,
            memory: VecDeque::new(),
            bytes: 0,
            limit,
            taken,
            waiting: Vec::new(),
            failures: 0,
            down: None,
            lost: Vec::new(),
            stop: None,
        }
    }

    /// Adds to what was lost.
    pub(crate) fn add_lost(&mut self, of: &[Lost]) {
        for lost in of {
            lose(&mut self.lost, &lost.frame, lost.count);
        }
    }

    /// What was lost, to be reported: nothing while the report would be lost as well.
    pub(crate) fn take_lost(&mut self) -> Vec<Lost> {
        if self.down.is_some() { Vec::new() } else { std::mem::take(&mut self.lost) }
    }

    /// Whether something was lost, and can be reported now.
    pub(crate) fn has_to_report(&self) -> bool {
        !self.lost.is_empty() && self.down.is_none()
    }

    /// Batches that were not acknowledged yet.
    pub(crate) fn len(&self) -> usize {
        self.memory.len() + self.spool.as_ref().map_or(0, Spool::len)
    }

    /// Takes batches in. With `durable` they go to the spool, where there is one, before anybody who waits is
    /// told.
    pub(crate) fn accept(&mut self, batches: Vec<Batch>, durable: bool, waiting: Vec<Waiting>) {
        if durable || self.down.is_some() {
            self.spill();
        }
        // What is in memory for want of room on the disk is older: only what must be durable passes it.
        let in_order = self.memory.is_empty();
        let down = self.down.is_some();
        let spools = |spool: &Spool| durable || (in_order && (down || !spool.is_empty()));
        let mut written = None;
        if let Some(spool) = self.spool.as_mut().filter(|spool| spools(spool))
            && !batches.is_empty()
        {
            written = Some(spool.append(&batches));
        }
        let failed = match &written {
            Some(Err(error)) => Some(error.to_string()),
            _ => None,
        };
        let is_written = matches!(written, Some(Ok(())));
        if is_written {
            self.taken += batches.len() as u64;
        } else {
            for batch in batches {
                self.keep(batch);
            }
        }
        let on_disk = is_written || (self.memory.is_empty() && self.spool.is_some());
        for waiting in waiting {
            match (waiting.wants, &failed) {
                (For::Durable, Some(why)) => {
                    waiting.ticket.settle(Settled::Failed(format!("the spool: {why}")));
                }
                (For::Durable, None) if on_disk => waiting.ticket.settle(Settled::Spooled),
                _ => self.waiting.push((self.taken, self.failures, waiting)),
            }
        }
        self.settle();
    }

    /// Keeps a batch in memory; where there is no room, it is lost: what came first is kept.
    fn keep(&mut self, batch: Batch) {
        if self.bytes + batch.body.len() > self.limit {
            self.add_lost(&batch.of);
            return;
        }
        self.bytes += batch.body.len();
        self.taken += 1;
        self.memory.push_back(batch);
    }

    /// The batch to send next.
    pub(crate) fn front(&mut self) -> Option<(Signal, Bytes)> {
        while let Some(spool) = self.spool.as_mut().filter(|spool| !spool.is_empty()) {
            match spool.front() {
                Some(Ok(front)) => return Some(front),
                // It cannot be read any more.
                _ => {
                    let of = spool.pop();
                    self.add_lost(&of);
                }
            }
        }
        self.memory.front().map(|batch| (batch.signal, batch.body.clone()))
    }

    fn pop(&mut self) -> Vec<Lost> {
        match self.spool.as_mut().filter(|spool| !spool.is_empty()) {
            Some(spool) => spool.pop(),
            None => {
                let batch = self.memory.pop_front();
                self.bytes -= batch.as_ref().map_or(0, |batch| batch.body.len());
                batch.map(|batch| batch.of).unwrap_or_default()
            }
        }
    }

    /// The collector took the first batch, but for so many of its records.
    pub(crate) fn delivered(&mut self, rejected: u64) {
        let of = self.pop();
        if let Some(first) = of.first().filter(|_| rejected > 0) {
            lose(&mut self.lost, &first.frame, rejected);
        }
        self.down = None;
        self.settle();
    }

    /// The collector will never take the first batch.
    pub(crate) fn refused(&mut self) {
        let of = self.pop();
        self.add_lost(&of);
        self.settle();
    }

    /// The collector cannot be reached: what is in memory goes to the spool.
    pub(crate) fn failed(&mut self, why: String) {
        self.down = Some(why);
        self.failures += 1;
        self.spill();
        self.settle();
    }

    fn spill(&mut self) {
        let Some(spool) = self.spool.as_mut().filter(|_| !self.memory.is_empty()) else { return };
        if spool.append(self.memory.make_contiguous()).is_ok() {
            self.memory.clear();
            self.bytes = 0;
        }
    }

    /// Tells those who wait for what has come to be.
    pub(crate) fn settle(&mut self) {
        let now = Instant::now();
        let left = self.len();
        let done = self.taken - left as u64;
        let on_disk = self.memory.is_empty() && self.spool.is_some();
        let down = self.down.as_deref();
        let failures = self.failures;
        self.waiting.retain(|(upto, before, waiting)| {
            let settled = if done >= *upto {
                Settled::Delivered
            } else if on_disk && (failures > *before || waiting.wants == For::Durable) {
                Settled::Spooled
            } else if waiting.until <= now {
                let down = down.unwrap_or("the collector did not answer in time");
                Settled::Failed(down.to_owned())
            } else {
                return true;
            };
            waiting.ticket.settle(settled);
            false
        });
    }

    /// When the next of those who wait loses patience.
    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        self.waiting.iter().map(|(.., waiting)| waiting.until).min()
    }

    /// Whether there is nothing more to do before the end: all was delivered, or it is on the disk and the
    /// collector cannot be reached.
    pub(crate) fn may_end(&self) -> bool {
        let on_disk = self.memory.is_empty() && self.spool.is_some();
        self.len() == 0 || (on_disk && self.down.is_some())
    }

    /// Puts what is left on the disk, and tells everybody who waits; how many batches are lost.
    pub(crate) fn end(&mut self) -> usize {
        self.spill();
        let left = self.memory.len();
        let failed = Settled::Failed("the agent was shut down".to_owned());
        self.settle();
        for (.., waiting) in self.waiting.drain(..) {
            waiting.ticket.settle(failed.clone());
        }
        left
    }
}
