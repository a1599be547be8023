//! Brings the journal to one destination, step by step.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use blotter_schemas::otlp::Signal;
use bytes::Bytes;

use super::backoff::{Backoff, random};
use super::batch::{Batch, Parcel};
use super::dead_letters::{DeadLetters, SetAside};
use super::destination::BatchLimits;
use super::health::{Health, Side};
use super::outcome::{NOT_SENT, Outcome, joined};
use super::pause::Pause;
use super::prepare::Preparation;
use super::status::{Counts, Status};
use crate::Error;
use crate::journal::{Entry, Journal, Reader, Shed};
use crate::own_events::OwnEvents;

/// Pause after the first failed attempt; doubled after each further one.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// Longest pause between attempts.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// An answer that takes longer than this is told to be missing, however long it is waited for.
pub(crate) const UNUSUAL: Duration = Duration::from_secs(10);
/// Pause between looks at how much waits, while the destination is waited for.
pub(super) const LOOK: Duration = Duration::from_millis(200);
/// Longest wait for an event to be recorded that has to be there before what it tells is done.
const RECORD_PATIENCE: Duration = Duration::from_secs(2);
/// Longest wait for something new; whatever changes ends it earlier.
const IDLE: Duration = Duration::from_secs(60);

/// Sends one request somewhere.
pub(crate) trait Deliver {
    /// Sends a request, given as Protobuf, and says what became of it.
    fn deliver(&mut self, signal: Signal, body: &Bytes) -> impl Future<Output = Outcome>;
}

/// How many bytes of the journal may wait for a destination before the oldest are given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sheds {
    /// Before another request is sent, and while an answer is late.
    pub budget: u64,
    /// Even while an answer is waited for: more would soon fill the journal. Who is slow is not disturbed
    /// earlier, or would never get anything.
    pub at_once: u64,
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
    /// How much of the journal may wait, where the oldest are given up beyond that.
    pub sheds: Option<Sheds>,
    pub journal: Arc<Journal>,
    pub dead_letters: DeadLetters,
    pub pause: Pause,
    /// How long an answer may take before it is told to be missing.
    pub patience: Duration,
    pub events: OwnEvents,
    pub status: Arc<Status>,
}

impl Work {
    /// The oldest records that are to be given up before anything else is sent.
    fn surplus(&self) -> Option<Shed> {
        self.journal.surplus(&self.consumer, self.sheds?.budget)
    }

    /// Whether a request that has waited so long for its answer is to be given up with the oldest.
    fn gives_up(&self, waited: Duration) -> bool {
        let Some(Sheds { budget, at_once }) = self.sheds else { return false };
        let most = if waited < self.patience { at_once } else { budget };
        self.journal.surplus(&self.consumer, most).is_some()
    }

    /// Looks now and then at what lies among the dead letters.
    fn look_at_letters(&mut self) {
        if let Err(error) = self.dead_letters.look() {
            tracing::debug!(destination = self.name, "{error}");
        }
        self.status.set_kept(self.dead_letters.kept());
    }
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
    health: Health,
    /// Whether the destination asked for the pause that is made now.
    was_asked: bool,
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
            health: Health::default(),
            was_asked: false,
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
            None => {
                let step = self.gather(finish)?;
                if matches!(step, Step::Idle(_) | Step::End) {
                    // All of the journal can be read.
                    self.health.disk_recovers(&self.work);
                }
                Ok(step)
            }
        }
    }

    /// Looks now and then at what lies among the dead letters.
    pub(super) fn look_at_letters(&mut self) {
        self.work.look_at_letters();
    }

    /// Nothing goes there because something on this machine fails.
    pub(super) fn fails_here(&mut self, error: &Error) {
        self.health.fails(&self.work, Side::Ours, error.to_string(), Instant::now());
    }

    /// Remembers over a restart that nothing is to be sent for so long, where the destination asked for
    /// that; whether it did.
    pub(super) fn keep_pause(&self, pause: Duration) -> bool {
        if self.was_asked {
            self.work.pause.keep(pause);
        }
        self.was_asked
    }

    /// How long nothing is to be sent yet, because the destination asked for that before the last end.
    pub(super) fn pause_left(&mut self) -> Option<Duration> {
        let left = self.work.pause.left()?;
        let reason =
            format!("it asked, before the last start, for nothing within {} s", left.as_secs());
        self.health.fails(&self.work, Side::Theirs, reason, Instant::now());
        Some(left)
    }

    /// The pause that was left is over.
    pub(super) fn pause_is_over(&mut self) {
        self.health.forget(&self.work);
    }

    /// Remembers that everything that the journal holds was sent.
    pub(super) fn complete(&self) {
        self.work.status.set_complete();
    }

    /// What it works with.
    #[cfg(test)]
    pub(super) const fn work(&mut self) -> &mut Work {
        &mut self.work
    }

    /// The same, for another forwarder.
    #[cfg(test)]
    pub(super) fn into_work(self) -> Work {
        self.work
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
        let Some(shed) = self.work.surplus() else { return Ok(()) };
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
            None => match self.answer(&parcel).await {
                Some(outcome) => outcome,
                None => {
                    // The next step gives up the oldest, this among them.
                    self.put_back([parcel]);
                    return Ok(Step::Onward);
                }
            },
            Some(reason) => {
                let (status, reason) = (NOT_SENT.to_owned(), reason.clone());
                Outcome::Never { status, reason, too_large: false }
            }
        };
        match outcome {
            Outcome::Delivered { rejected, message, unexpected } => {
                self.delivered(&parcel, rejected, &message);
                self.wonder(unexpected);
                Ok(Step::Onward)
            }
            Outcome::Later { reason, after } => {
                self.put_back([parcel]);
                self.work.status.add(Counts { retries: 1, ..Counts::default() });
                Ok(self.later(Side::Theirs, reason, after))
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

    /// Sends a request and waits for its outcome; none where the waiting is given up, because by now more
    /// waits behind it than may.
    async fn answer(&mut self, parcel: &Parcel) -> Option<Outcome> {
        let Self { deliver, work, health, .. } = self;
        let (begun, mut told) = (Instant::now(), 0);
        let mut delivering = pin!(deliver.deliver(parcel.signal, &parcel.body));
        loop {
            if let Ok(outcome) = tokio::time::timeout(LOOK, delivering.as_mut()).await {
                return Some(outcome);
            }
            let waited = begun.elapsed();
            let seconds = waited.as_secs();
            if work.gives_up(waited) {
                let reason = format!("no answer for {seconds} s, and too much waited behind it");
                health.fails(work, Side::Theirs, reason, begun);
                return None;
            }
            work.look_at_letters();
            if waited >= work.patience && (told == 0 || seconds > told) {
                told = seconds.max(1);
                health.fails(work, Side::Theirs, format!("no answer for {seconds} s"), begun);
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

    /// Says, once, that something answers there that may be no backend.
    fn wonder(&self, content_type: Option<String>) {
        let Some(content_type) = content_type else {
            self.work.status.set_warning(None);
            return;
        };
        self.work.status.add(Counts { unexpected_answers: 1, ..Counts::default() });
        let warning = format!(
            "it takes requests with answers of type {content_type:?}, which no OTLP backend gives: is the endpoint right?"
        );
        if self.work.status.set_warning(Some(warning.clone())).is_none() {
            tracing::warn!(destination = self.work.name, "{warning}");
        }
    }

    fn later(&mut self, side: Side, reason: String, after: Option<Duration>) -> Step {
        self.health.fails(&self.work, side, reason, Instant::now());
        self.was_asked = after.is_some();
        Step::Later(self.backoff.pause(after, random()))
    }

    fn takes_again(&mut self) {
        self.backoff.reset();
        self.health.recovers(&self.work);
    }

    fn set_aside(&mut self, parcel: Parcel, status: &str, reason: &str) -> Result<Step, Error> {
        let range = self.sending.as_ref().map_or((0, 0), |sending| (sending.from, sending.to));
        let put = self.work.dead_letters.put(&parcel, range, status, reason);
        let (file, removed) = match put {
            Ok(SetAside::Done { file, removed }) => (file, removed),
            Ok(SetAside::NoRoom) => {
                self.put_back([parcel]);
                let said = joined(status, reason);
                let reason = format!("there is no room for more dead letters; it said {said}");
                return Ok(self.later(Side::Theirs, reason, None));
            }
            // A full disk, say: nothing is lost as long as the journal has it.
            Err(error) => {
                self.put_back([parcel]);
                let reason = format!("a dead letter cannot be set aside here: {error}");
                return Ok(self.later(Side::Ours, reason, None));
            }
        };
        self.work.status.set_kept(self.work.dead_letters.kept());
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
            let reason = format!("how far it has come cannot be written here: {error}");
            return self.later(Side::Ours, reason, None);
        }
        self.health.disk_recovers(&self.work);
        self.sending = None;
        Step::Onward
    }
}
