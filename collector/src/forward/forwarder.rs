//! Brings the journal to one destination, step by step.

use std::collections::VecDeque;
use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use blotter_schemas::otlp::Signal;
use bytes::Bytes;

use super::backoff::{Backoff, random};
use super::batch::{Batch, Parcel};
use super::dead_letters::{DeadLetters, SetAside};
use super::destination::BatchLimits;
use super::outcome::{NOT_SENT, Outcome};
use super::prepare::Preparation;
use super::status::{Counts, Status};
use crate::Error;
use crate::journal::{Entry, Journal, Reader, Shed};
use crate::own_events::OwnEvents;

/// Pause after the first failed attempt; doubled after each further one.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// Longest pause between attempts.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// A destination that takes nothing for so long is recorded as down.
const DOWN_AFTER: Duration = Duration::from_secs(60);
/// Longest wait for an event to be recorded that has to be there before what it tells is done.
const RECORD_PATIENCE: Duration = Duration::from_secs(2);
/// Longest wait for something new; whatever changes ends it earlier.
const IDLE: Duration = Duration::from_secs(60);

/// Sends one request somewhere.
pub(crate) trait Deliver {
    /// Sends a request, given as Protobuf, and says what became of it.
    fn deliver(&mut self, signal: Signal, body: &Bytes) -> impl Future<Output = Outcome>;
}

/// What a forwarder works with.
#[derive(Debug)]
pub(crate) struct Work {
    /// Name of the destination.
    pub name: String,
    /// Name of its cursor.
    pub consumer: String,
    pub preparation: Preparation,
    pub limits: BatchLimits,
    /// The most bytes of the journal that may wait, where older ones are to be given up then.
    pub sheds: Option<u64>,
    pub journal: Arc<Journal>,
    pub dead_letters: DeadLetters,
    pub events: OwnEvents,
    pub status: Arc<Status>,
}

/// Brings the journal to one destination.
#[derive(Debug)]
pub(crate) struct Forwarder<D> {
    work: Work,
    deliver: D,
    reader: Reader,
    /// Position after the last request that was read.
    position: u64,
    batch: Batch,
    /// A request that did not fit into the batch before.
    held: Option<Entry>,
    sending: Option<Sending>,
    backoff: Backoff,
    failing_since: Option<Instant>,
    told_down: bool,
}

/// A batch that is being sent.
#[derive(Debug)]
struct Sending {
    from: u64,
    to: u64,
    parcels: VecDeque<Parcel>,
}

/// What a step came to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// It got on; there is more to do.
    Onward,
    /// Nothing is to be done for so long, unless something new comes.
    Idle(Duration),
    /// The destination takes nothing now; to be tried again after this pause.
    Later(Duration),
    /// Everything that the journal holds was sent; said only when that was asked for.
    End,
}

impl<D: Deliver> Forwarder<D> {
    /// Goes on where the destination's cursor says.
    pub(crate) fn new(work: Work, deliver: D) -> Self {
        let position = work.journal.cursor(&work.consumer);
        let forwarder = Self {
            reader: work.journal.reader(position),
            work,
            deliver,
            position,
            batch: Batch::new(position),
            held: None,
            sending: None,
            backoff: Backoff::new(FIRST_PAUSE, LONGEST_PAUSE),
            failing_since: None,
            told_down: false,
        };
        forwarder.tell_missed();
        forwarder
    }

    /// Tells what was deleted while the destination was not configured.
    fn tell_missed(&self) {
        let Some(missed) = self.work.journal.take_missed(&self.work.consumer) else { return };
        let event = self.work.shed(missed, "they were deleted while it was not configured");
        self.work.events.tell(event);
        self.count_shed(missed);
    }

    fn count_shed(&self, Shed { from, to }: Shed) {
        let shed = to.saturating_sub(from);
        self.work.status.add(Counts { shed, ..Counts::default() });
    }

    /// Position after the last request that was read.
    pub(super) const fn position(&self) -> u64 {
        self.position
    }

    /// Reads one request, sends one, or moves the cursor. With `finish`, a batch is sent as soon as
    /// nothing is left to read.
    ///
    /// # Errors
    /// When the journal cannot be read, or the cursor not be written over what is given up; after
    /// [`Forwarder::begin_anew`] it may be tried again.
    pub(crate) async fn step(&mut self, finish: bool) -> Result<Step, Error> {
        self.shed().await?;
        match &mut self.sending {
            Some(Sending { parcels, .. }) => match parcels.pop_front() {
                Some(parcel) => self.send(parcel).await,
                None => Ok(self.pass()),
            },
            None => self.gather(finish),
        }
    }

    /// The way to the destination.
    #[cfg(test)]
    pub(super) const fn deliver_to(&mut self) -> &mut D {
        &mut self.deliver
    }

    /// Forgets what was read and not sent, and goes on at the cursor.
    pub(super) fn begin_anew(&mut self) {
        let position = self.work.journal.cursor(&self.work.consumer);
        self.reader = self.work.journal.reader(position);
        self.position = position;
        self.batch = Batch::new(position);
        (self.held, self.sending) = (None, None);
    }

    /// Gives up the oldest records where too much waits, after that is recorded.
    ///
    /// # Errors
    /// When the cursor cannot be written.
    pub(super) async fn shed(&mut self) -> Result<(), Error> {
        let Some(budget) = self.work.sheds else { return Ok(()) };
        let Some(shed) = self.work.journal.surplus(&self.work.consumer, budget) else {
            return Ok(());
        };
        let event = self.work.shed(shed, "more waited for it than its budget allows");
        self.work.events.record(event, RECORD_PATIENCE).await;
        self.work.journal.advance(&self.work.consumer, shed.to)?;
        self.count_shed(shed);
        self.begin_anew();
        Ok(())
    }

    fn gather(&mut self, finish: bool) -> Result<Step, Error> {
        let entry = match self.held.take() {
            Some(entry) => Some(entry),
            None => self.reader.next()?,
        };
        let Some(entry) = entry else {
            return Ok(match self.batch.time_left(&self.work.limits) {
                None if finish => Step::End,
                None => Step::Idle(IDLE),
                Some(left) if finish || left.is_zero() => self.begin_sending(),
                Some(left) => Step::Idle(left),
            });
        };
        let end = entry.end();
        match self.work.preparation.prepare(&entry) {
            Ok(prepared) => {
                let bytes = prepared.iter().map(|it| it.body.len()).sum();
                if self.batch.would_overflow(bytes, &self.work.limits) {
                    self.held = Some(entry);
                    return Ok(self.begin_sending());
                }
                self.batch.push(prepared, end);
            }
            Err(reason) => {
                let record = entry.record;
                let unfit = Parcel {
                    signal: record.signal,
                    body: record.body,
                    records: u64::from(record.count),
                    part: entry.first,
                    unfit: Some(reason),
                };
                self.batch.push_unfit(unfit, end);
            }
        }
        self.position = end;
        Ok(match self.batch.time_left(&self.work.limits) {
            Some(left) if left.is_zero() => self.begin_sending(),
            _ => Step::Onward,
        })
    }

    fn begin_sending(&mut self) -> Step {
        let (from, to) = (self.batch.from, self.batch.to);
        let batch = std::mem::replace(&mut self.batch, Batch::new(to));
        if !batch.is_untouched() {
            self.sending = Some(Sending { from, to, parcels: batch.finish() });
        }
        Step::Onward
    }

    async fn send(&mut self, parcel: Parcel) -> Result<Step, Error> {
        let outcome = match &parcel.unfit {
            None => self.deliver.deliver(parcel.signal, &parcel.body).await,
            Some(reason) => {
                let (status, reason) = (NOT_SENT.to_owned(), reason.clone());
                Outcome::Never { status, reason, too_large: false }
            }
        };
        match outcome {
            Outcome::Delivered { rejected, message } => {
                self.delivered(&parcel, rejected, &message);
                Ok(Step::Onward)
            }
            Outcome::Later { reason, after } => {
                self.put_back([parcel]);
                Ok(self.later(reason, after))
            }
            Outcome::Never { status, reason, too_large } => {
                if too_large && let Some(halves) = parcel.halves() {
                    self.put_back(halves);
                    return Ok(Step::Onward);
                }
                self.set_aside(parcel, &status, &reason)
            }
        }
    }

    /// Puts requests before those that are still to be sent.
    fn put_back<const N: usize>(&mut self, requests: [Parcel; N]) {
        if let Some(Sending { parcels, .. }) = &mut self.sending {
            requests.into_iter().rev().for_each(|parcel| parcels.push_front(parcel));
        }
    }

    fn delivered(&mut self, parcel: &Parcel, rejected: u64, message: &str) {
        let rejected = rejected.min(parcel.records);
        let forwarded = parcel.records - rejected;
        self.work.status.add(Counts { forwarded, rejected, ..Counts::default() });
        self.takes_again();
        let (name, signal) = (&self.work.name, parcel.signal.name());
        if rejected > 0 {
            self.work.tell_rejected(parcel, rejected, message);
        } else if !message.is_empty() {
            tracing::warn!(destination = name, signal, "the destination warns: {message}");
        }
    }

    fn later(&mut self, reason: String, after: Option<Duration>) -> Step {
        self.work.status.add(Counts { retries: 1, ..Counts::default() });
        let since = *self.failing_since.get_or_insert_with(Instant::now);
        let name = &self.work.name;
        if self.work.status.set_failing(Some(reason.clone())).is_none() {
            tracing::warn!(destination = name, "takes nothing, is tried again: {reason}");
        } else {
            tracing::debug!(destination = name, "still takes nothing: {reason}");
        }
        if since.elapsed() >= DOWN_AFTER && !self.told_down {
            self.told_down = true;
            self.work.tell_down(since.elapsed(), &reason);
        }
        Step::Later(self.backoff.pause(after, random()))
    }

    fn takes_again(&mut self) {
        self.backoff.reset();
        self.failing_since = None;
        if self.work.status.set_failing(None).is_some() {
            tracing::info!(destination = self.work.name, "takes records again");
        }
        if std::mem::take(&mut self.told_down) {
            self.work.tell_recovered();
        }
    }

    fn set_aside(&mut self, parcel: Parcel, status: &str, reason: &str) -> Result<Step, Error> {
        let range = self.sending.as_ref().map_or((0, 0), |sending| (sending.from, sending.to));
        let put = self.work.dead_letters.put(&parcel, range, status, reason);
        let (file, removed) = match put {
            Ok(SetAside::Done { file, removed }) => (file, removed),
            Ok(SetAside::NoRoom) => {
                self.put_back([parcel]);
                let reason =
                    format!("there is no room for more dead letters; status {status}: {reason}");
                return Ok(self.later(reason, None));
            }
            // A full disk, say: nothing is lost as long as the journal has it.
            Err(error) => {
                self.put_back([parcel]);
                return Ok(self.later(error.to_string(), None));
            }
        };
        // It answers, after all.
        self.takes_again();
        for letter in &removed {
            self.work
                .status
                .add(Counts { dead_letters_removed: letter.records, ..Counts::default() });
            self.work.tell_removed(letter);
        }
        self.work.status.add(Counts { dead_letters: parcel.records, ..Counts::default() });
        self.work.tell_dead_letter(&parcel, range.0, &file, status, reason);
        Ok(Step::Onward)
    }

    /// Everything of the batch is where it belongs: it is not needed any more.
    fn pass(&mut self) -> Step {
        if let Some(Sending { to, .. }) = self.sending
            && let Err(error) = self.work.journal.advance(&self.work.consumer, to)
        {
            // Only this is tried again: nothing need be sent twice because a disk was full.
            return self.later(error.to_string(), None);
        }
        self.sending = None;
        Step::Onward
    }
}
