//! The one thread that writes the journal: it takes what waits, writes it with one call, syncs once,
//! and only then acknowledges it.

use std::collections::HashMap;
use std::io::{self, IoSlice};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, TryRecvError};
use std::time::{Duration, Instant};

use blotter_disk::durable;
use tokio::sync::oneshot;

use super::digests::{Digest, Taken};
use super::entry::{self, ALIGNMENT, Record};
use super::prepare::Preparer;
use super::recovery::Tail;
use super::segment::{self, ENTRIES, NotActivated, Segment};
use super::{Refused, Shared};
use crate::admit::Ticket;
use crate::config::JournalConfig;

/// What the writer is asked.
#[derive(Debug)]
pub(super) enum Message {
    /// Write this.
    Append(Box<Append>),
    /// Write what was asked before this, then end.
    Close,
}

/// A request that waits to be durable.
#[derive(Debug)]
pub(super) struct Append {
    pub record: Record,
    /// By which the same request is known when it comes again.
    pub digest: Digest,
    pub done: oneshot::Sender<Result<u64, Refused>>,
    /// Held until the answer is given: what waits here is admitted memory.
    pub ticket: Option<Ticket>,
}

impl Append {
    fn answer(self, answer: Result<u64, Refused>) {
        // The bytes leave memory and the room they took is free before the sender hears of it.
        let Self { record, ticket, done, .. } = self;
        drop((record, ticket));
        let _ = done.send(answer);
    }
}

/// Name of what is done to the disk for a group of requests.
const STEP: &str = "journal.append";
/// How long a full disk is left alone before space is asked for again.
const FULL_PAUSE: Duration = Duration::from_secs(1);
static PADDING: [u8; ALIGNMENT as usize] = [0; ALIGNMENT as usize];

#[derive(Debug)]
pub(super) struct Writer {
    shared: Arc<Shared>,
    config: JournalConfig,
    segment: Segment,
    tail: Tail,
    pub(super) preparer: Preparer,
    /// The next request, where the one before left no place for it.
    waiting: Option<Append>,
    /// Told to close: what waits is still written.
    closing: bool,
    /// Where a failed write may have left something.
    dirty: Option<(u64, u64)>,
    full_until: Option<Instant>,
    pub(super) full_pause: Duration,
}

/// What a step of the writer has come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// Something was answered.
    Done,
    /// Nothing waits.
    Idle,
    /// Everything is answered that ever will be.
    Closed,
}

/// Requests that are written and synced together.
#[derive(Debug, Default)]
struct Group {
    appends: Vec<Append>,
    lengths: Vec<u32>,
    bytes: u64,
    /// Place of each request by its digest.
    places: HashMap<Digest, usize>,
    /// Requests that are in the group already, with the place of the one that is written for both.
    again: Vec<(usize, Append)>,
}

impl Group {
    fn push(&mut self, append: Append, length: u32) {
        self.places.insert(append.digest, self.appends.len());
        self.appends.push(append);
        self.lengths.push(length);
        self.bytes += entry::stride(length);
    }

    /// Lets a request wait for the answer of the same one, where that is in the group; any other is
    /// given back.
    fn join(&mut self, append: Append) -> Option<Append> {
        let Some(place) = self.places.get(&append.digest) else { return Some(append) };
        self.again.push((*place, append));
        None
    }

    fn answer(self, answer: &Result<u64, Refused>) {
        let mut answers = Vec::with_capacity(self.appends.len());
        let mut position = answer.as_ref().ok().copied().unwrap_or(0);
        for append in self.appends {
            let one = answer.clone().map(|_| position);
            answers.push(one.clone());
            position += u64::from(append.record.count);
            append.answer(one);
        }
        for (place, append) in self.again {
            append.answer(answers.get(place).cloned().unwrap_or(Err(Refused::Closed)));
        }
    }
}

impl Writer {
    pub(super) fn new(
        shared: Arc<Shared>,
        config: JournalConfig,
        segment: Segment,
        tail: Tail,
        preparer: Preparer,
    ) -> Self {
        Self {
            shared,
            config,
            segment,
            tail,
            preparer,
            waiting: None,
            closing: false,
            dirty: None,
            full_until: None,
            full_pause: FULL_PAUSE,
        }
    }

    /// Works until it is told to close or nobody can ask any more.
    pub(super) fn run(mut self, queue: &Receiver<Message>) {
        loop {
            match self.step(queue) {
                Step::Done => {}
                Step::Idle => match queue.recv() {
                    Ok(message) => self.hear(message),
                    Err(_) => break,
                },
                Step::Closed => break,
            }
        }
        self.shared.close();
    }

    /// Writes, syncs and answers what waits in `queue` and goes together; does not wait for more.
    pub(super) fn step(&mut self, queue: &Receiver<Message>) -> Step {
        let Some(next) = self.next(queue) else {
            return if self.closing { Step::Closed } else { Step::Idle };
        };
        let Some(next) = self.answer_again(next) else { return Step::Done };
        let mut group = Group::default();
        match self.admit(&next.record) {
            Ok(length) => group.push(next, length),
            Err(refused) => {
                next.answer(Err(refused));
                return Step::Done;
            }
        }
        while group.bytes < self.config.group_bytes as u64
            && let Some(next) = self.next(queue)
        {
            let Some(next) = self.answer_again(next).and_then(|next| group.join(next)) else {
                continue;
            };
            match entry::length(&next.record) {
                Some(length) if self.fits(group.bytes, length) => group.push(next, length),
                _ => {
                    self.waiting = Some(next);
                    break;
                }
            }
        }
        let answer = self.write(&group);
        group.answer(&answer);
        self.prepare_ahead();
        Step::Done
    }

    /// The request that is next, if one waits.
    fn next(&mut self, queue: &Receiver<Message>) -> Option<Append> {
        if self.waiting.is_none() && !self.closing {
            match queue.try_recv() {
                Ok(message) => self.hear(message),
                Err(TryRecvError::Empty) => {}
                Err(TryRecvError::Disconnected) => self.closing = true,
            }
        }
        self.waiting.take()
    }

    fn hear(&mut self, message: Message) {
        match message {
            Message::Append(next) => self.waiting = Some(*next),
            Message::Close => self.closing = true,
        }
    }

    /// Acknowledges a request that is durable already; any other is given back.
    fn answer_again(&self, append: Append) -> Option<Append> {
        if self.shared.failed().is_some() {
            return Some(append);
        }
        let received = append.record.received_unix_nano;
        let position = self.shared.digests().find(&append.digest, received);
        let Some(position) = position else { return Some(append) };
        append.answer(Ok(position));
        None
    }

    /// Remembers the requests of a group that is durable.
    fn remember(&self, group: &Group, mut position: u64) {
        let mut digests = self.shared.digests();
        for Append { record, digest, .. } in &group.appends {
            let (digest, received_unix_nano) = (*digest, record.received_unix_nano);
            digests.add(Taken { digest, position, received_unix_nano });
            position += u64::from(record.count);
        }
        group.again.iter().for_each(|_| digests.count_again());
    }

    fn fits(&self, taken: u64, length: u32) -> bool {
        self.tail.offset + taken + entry::stride(length) <= self.segment.size
    }

    /// Makes sure that the entry of `record` has a place in the segment in use; its length.
    fn admit(&mut self, record: &Record) -> Result<u32, Refused> {
        if let Some(reason) = self.shared.failed() {
            return Err(Refused::Failed(reason));
        }
        let length = entry::length(record).ok_or(Refused::Full("a request of over 4 GiB"))?;
        if self.full_until.is_some_and(|until| Instant::now() < until) {
            return Err(Refused::Full("the disk is full"));
        }
        self.full_until = None;
        self.repair().map_err(|error| self.refuse("clear a failed write in", &error))?;
        if !self.fits(0, length) {
            self.rotate(entry::stride(length))?;
        }
        Ok(length)
    }

    /// Clears what a failed write left, so that it cannot be found behind a later entry. The sync of
    /// that entry makes this durable too.
    fn repair(&mut self) -> io::Result<()> {
        if let Some((from, to)) = self.dirty {
            durable::zero(&*self.tail.file, "journal.repair", from, to)?;
            self.dirty = None;
        }
        Ok(())
    }

    /// Goes on in a new segment with room for an entry of `stride` bytes.
    fn rotate(&mut self, stride: u64) -> Result<(), Refused> {
        let size = self.config.segment_bytes.max((ENTRIES + stride).next_multiple_of(ENTRIES));
        if let Err(reason) = self.shared.room_for(size, self.config.max_bytes) {
            self.shared.set_full(Some(reason));
            return Err(Refused::Full(reason));
        }
        let prepared =
            self.preparer.take(size).map_err(|error| self.refuse("make a segment in", &error))?;
        let position = self.tail.position;
        let Shared { disk, folder, incarnation, .. } = &*self.shared;
        let segment = segment::activate(&**disk, folder, &prepared, position, incarnation);
        let segment = segment.map_err(|failed| match failed {
            NotActivated::Unchanged(error) => self.refuse("take a segment into use in", &error),
            // It may be found at the next start: nothing more may go into the one before it.
            NotActivated::Unknown(error) => self.fail("sync the folder of", &error),
        })?;
        self.shared.add_segment(segment.clone());
        self.segment = segment;
        self.tail = Tail { file: prepared.file, offset: ENTRIES, position };
        Ok(())
    }

    /// Writes and syncs; position of the group's first record.
    fn write(&mut self, group: &Group) -> Result<u64, Refused> {
        let first = self.tail.position;
        let mut position = first;
        let mut prefixes = Vec::with_capacity(group.appends.len());
        for (append, length) in group.appends.iter().zip(&group.lengths) {
            let record = &append.record;
            let incarnation = &self.shared.incarnation;
            prefixes.push(entry::prefix(record, *length, position, first, incarnation));
            position += u64::from(record.count);
        }
        let mut slices = Vec::with_capacity(3 * prefixes.len());
        for ((append, length), prefix) in group.appends.iter().zip(&group.lengths).zip(&prefixes) {
            let padding = entry::stride(*length) - u64::from(*length);
            slices.push(IoSlice::new(prefix));
            slices.push(IoSlice::new(&append.record.body));
            let padding = usize::try_from(padding).ok().and_then(|it| PADDING.get(..it));
            slices.push(IoSlice::new(padding.unwrap_or_default()));
        }
        let Tail { file, offset, .. } = &self.tail;
        let (from, to) = (*offset, *offset + group.bytes);
        let started = Instant::now();
        if let Err(error) = file.write_at(STEP, &mut slices, from) {
            self.dirty = Some((from, to));
            return Err(self.refuse("write to", &error));
        }
        // After a failed sync the kernel may have thrown the pages away and call the next one a
        // success: nothing more may be promised on top of it.
        let written = started.elapsed();
        if let Err(error) = file.sync(STEP) {
            return Err(self.fail("sync", &error));
        }
        let meter = &self.shared.meter;
        let synced = started.elapsed();
        meter.append.observe(synced);
        meter.sync.observe(synced.saturating_sub(written));
        meter.bytes.fetch_add(group.bytes, Ordering::Relaxed);
        self.tail.offset = to;
        self.tail.position = position;
        // Before a consumer can pass them, and their segment be deleted.
        self.remember(group, first);
        self.shared.publish(position);
        self.shared.set_full(None);
        Ok(first)
    }

    /// A full disk may have space again later; any other failure ends the journal.
    fn refuse(&mut self, action: &str, error: &io::Error) -> Refused {
        if is_full(error) {
            self.full_until = Some(Instant::now() + self.full_pause);
            self.shared.set_full(Some("the disk is full"));
            tracing::error!(folder = %self.shared.folder.display(), "cannot {action} the journal: {error}; refusing requests until there is space");
            return Refused::Full("the disk is full");
        }
        self.fail(action, error)
    }

    fn fail(&self, action: &str, error: &io::Error) -> Refused {
        let reason = format!("cannot {action} {}: {error}", self.segment.path.display());
        tracing::error!(
            "{reason}; the journal accepts nothing more until the collector is restarted"
        );
        self.shared.fail(reason.clone());
        Refused::Failed(reason)
    }

    /// Has the next segment made while half of this one is still free.
    fn prepare_ahead(&mut self) {
        if self.tail.offset > self.segment.size / 2 && self.shared.failed().is_none() {
            self.preparer.ask(self.config.segment_bytes);
        }
    }
}

/// A writer without a thread, and where it finds its requests.
#[cfg(test)]
#[derive(Debug)]
pub(crate) struct ByHand {
    writer: Writer,
    queue: Receiver<Message>,
}

#[cfg(test)]
impl ByHand {
    pub(super) const fn new(mut writer: Writer, queue: Receiver<Message>) -> Self {
        writer.full_pause = Duration::ZERO;
        Self { writer, queue }
    }

    /// Writes, syncs and answers what waits and goes together.
    pub(crate) fn step(&mut self) {
        self.writer.step(&self.queue);
    }

    /// Makes the segment that was asked for ahead.
    pub(crate) fn prepare(&self) {
        self.writer.preparer.step();
    }
}

/// Whether more space on the disk would have helped.
fn is_full(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge
    )
}
