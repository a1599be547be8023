//! The journal: what is acknowledged is here first, synced.
//!
//! Positions count records, not requests. [`writer`] appends, [`Reader`] follows behind it, and a
//! durable [`cursor`] per consumer says what may be deleted. [`recovery`] is what happens at start.

mod cursor;
mod disk;
mod entry;
pub(crate) mod files;
mod lock;
mod prepare;
mod reader;
mod recovery;
mod segment;
#[cfg(test)]
mod tests;
mod writer;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::oneshot;

pub(crate) use disk::{Disk, LocalDisk};
use entry::Incarnation;
pub(crate) use entry::{Entry, Record};
use lock::Lock;
use prepare::Preparer;
pub(crate) use reader::Reader;
use segment::Segment;
use writer::{Append, Message, Writer};

use crate::Error;
use crate::admit::Ticket;
use crate::config::JournalConfig;

/// Why the journal does not take a request. All of them may be over later: the sender may retry.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refused {
    /// There is no space.
    #[error("the journal is full: {0}")]
    Full(&'static str),
    /// The disk has failed; nothing is taken until the collector is restarted.
    #[error("the journal has failed: {0}")]
    Failed(String),
    /// The collector is stopping.
    #[error("the collector is stopping")]
    Closed,
}

/// An open journal.
#[derive(Debug)]
pub(crate) struct Journal {
    shared: Arc<Shared>,
    queue: Sender<Message>,
    writer: Mutex<Option<JoinHandle<()>>>,
}

/// What writer, readers and consumers know in common.
#[derive(Debug)]
pub(crate) struct Shared {
    folder: PathBuf,
    incarnation: Incarnation,
    state: Mutex<State>,
    changed: Condvar,
    _lock: Lock,
}

#[derive(Debug)]
struct State {
    /// Position after the last durable record.
    durable: u64,
    /// Oldest first; the last one is being written.
    segments: Vec<Segment>,
    /// Position of the first record that each consumer still needs.
    cursors: BTreeMap<&'static str, u64>,
    failed: Option<String>,
    closed: bool,
}

impl Journal {
    /// Opens the journal in `folder`, or starts one, for these consumers, and brings it into order.
    ///
    /// # Errors
    /// When another collector has it, when a file cannot be read or written, when something durable
    /// is damaged, or when a cursor does not fit.
    pub(crate) fn open(
        folder: &Path,
        config: &JournalConfig,
        consumers: &[&'static str],
        disk: Arc<dyn Disk>,
    ) -> Result<Self, Error> {
        files::create_folder(folder).map_err(Error::file("create", folder))?;
        let lock = Lock::take(folder)?;
        segment::discard_prepared(folder).map_err(Error::file("clear", folder))?;
        let mut config = config.clone();
        config.segment_bytes =
            config.segment_bytes.max(2 * segment::ENTRIES).next_multiple_of(segment::ENTRIES);
        let found = match recovery::find(folder)? {
            Some(found) => found,
            None => begin(folder, &config, &*disk)?,
        };
        let recovery::Found { incarnation, mut segments } = found;
        let (Some(oldest), Some(newest)) = (segments.first().cloned(), segments.last().cloned())
        else {
            return Err(Error::Mismatch(format!("{} has no segment", folder.display())));
        };
        let mut cursors = BTreeMap::new();
        for consumer in consumers {
            let position = cursor::read(folder, consumer, &incarnation)?.unwrap_or(oldest.first);
            cursors.insert(*consumer, position);
        }
        let passed = cursors.values().copied().min().unwrap_or(oldest.first);
        remove_passed(folder, &mut segments, passed)?;
        for (segment, next) in segments.iter().zip(segments.iter().skip(1)) {
            recovery::verify(segment, next, &incarnation)?;
        }
        let tail = recovery::recover_tail(&newest, &incarnation, &*disk)?;
        files::sync_folder(folder).map_err(Error::file("sync", folder))?;
        check_cursors(folder, &cursors, oldest.first, tail.position)?;
        let state =
            State { durable: tail.position, segments, cursors, failed: None, closed: false };
        let shared = Arc::new(Shared {
            folder: folder.to_owned(),
            incarnation,
            state: Mutex::new(state),
            changed: Condvar::new(),
            _lock: lock,
        });
        let preparer = Preparer::start(folder)?;
        let writer = Writer::new(Arc::clone(&shared), disk, config, newest, tail, preparer);
        let (queue, requests) = mpsc::channel();
        let writer = std::thread::Builder::new()
            .name("journal-write".to_owned())
            .spawn(move || writer.run(&requests))
            .map_err(|error| Error::Thread {
                thread: "journal-write",
                reason: error.to_string(),
            })?;
        Ok(Self { shared, queue, writer: Mutex::new(Some(writer)) })
    }

    /// Hands a request in and waits until it is durable; the position of its first record. `ticket`
    /// is what it was admitted with, given back when it is out of memory.
    ///
    /// # Errors
    /// When it was not made durable.
    pub(crate) async fn append(
        &self,
        record: Record,
        ticket: Option<Ticket>,
    ) -> Result<u64, Refused> {
        let (done, answer) = oneshot::channel();
        let append = Append { record, done, ticket };
        self.queue.send(Message::Append(append)).map_err(|_| Refused::Closed)?;
        answer.await.unwrap_or(Err(Refused::Closed))
    }

    /// The id under which versions of this journal are stored.
    pub(crate) fn incarnation(&self) -> String {
        hex::encode(self.shared.incarnation)
    }

    /// The folder it lies in.
    pub(crate) fn folder(&self) -> &Path {
        &self.shared.folder
    }

    /// Position after the last durable record.
    pub(crate) fn end(&self) -> u64 {
        self.shared.state().durable
    }

    /// Position of the first record that `consumer` still needs.
    pub(crate) fn cursor(&self, consumer: &str) -> u64 {
        let state = self.shared.state();
        let oldest = state.segments.first().map_or(0, |segment| segment.first);
        state.cursors.get(consumer).copied().unwrap_or(oldest)
    }

    /// Reads what is durable, from the entry that holds `position` on.
    pub(crate) fn reader(&self, position: u64) -> Reader {
        Reader::new(Arc::clone(&self.shared), position)
    }

    /// Waits until there is something durable at `position`, until `timeout`, until the journal is
    /// closed, or until [`Journal::wake`].
    pub(crate) fn wait(&self, position: u64, timeout: Duration) {
        let state = self.shared.state();
        if state.durable <= position && !state.closed {
            drop(
                self.shared
                    .changed
                    .wait_timeout(state, timeout)
                    .unwrap_or_else(PoisonError::into_inner),
            );
        }
    }

    /// Ends every [`Journal::wait`] early.
    pub(crate) fn wake(&self) {
        // With the lock held, nobody can be between looking at the state and waiting.
        let _state = self.shared.state();
        self.shared.changed.notify_all();
    }

    /// Remembers, durably, that `consumer` needs nothing before `position` any more, and deletes the
    /// segments that nobody needs.
    ///
    /// # Errors
    /// When the cursor cannot be written or a segment cannot be deleted.
    pub(crate) fn advance(&self, consumer: &'static str, position: u64) -> Result<(), Error> {
        let shared = &self.shared;
        cursor::write(&shared.folder, consumer, &shared.incarnation, position)?;
        let mut state = shared.state();
        state.cursors.insert(consumer, position);
        let passed = state.cursors.values().copied().min().unwrap_or(0);
        remove_passed(&shared.folder, &mut state.segments, passed)
    }

    /// Makes durable what was handed in, answers it, and takes nothing more.
    pub(crate) fn close(&self) {
        let _ = self.queue.send(Message::Close);
        let writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner).take();
        if writer.is_some_and(|writer| writer.join().is_err()) {
            tracing::error!("the journal's writer ended by a panic");
        }
        self.shared.close();
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        self.close();
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        // No code that holds the lock can leave the state half changed.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The segment that holds the durable record `position`; none where there is none yet.
    fn segment_of(&self, position: u64) -> Result<Option<Segment>, Error> {
        let state = self.state();
        if position >= state.durable {
            return Ok(None);
        }
        let segment = state.segments.iter().rev().find(|segment| segment.first <= position);
        match segment {
            Some(segment) => Ok(Some(segment.clone())),
            None => Err(Error::Mismatch(format!(
                "record {position} is no longer in the journal {}",
                self.folder.display()
            ))),
        }
    }

    fn has_room_for(&self, size: u64, max_bytes: u64) -> bool {
        let state = self.state();
        let total: u64 = state.segments.iter().map(|segment| segment.size).sum();
        // The segment in use cannot be deleted, so beside it there is always room for another.
        state.segments.len() < 2 || total.saturating_add(size) <= max_bytes
    }

    fn add_segment(&self, segment: Segment) {
        let mut state = self.state();
        state.segments.retain(|other| other.first != segment.first);
        state.segments.push(segment);
    }

    fn publish(&self, durable: u64) {
        self.state().durable = durable;
        self.changed.notify_all();
    }

    fn failed(&self) -> Option<String> {
        self.state().failed.clone()
    }

    fn fail(&self, reason: String) {
        self.state().failed = Some(reason);
    }

    fn close(&self) {
        self.state().closed = true;
        self.changed.notify_all();
    }
}

/// Starts a journal: a new incarnation, positions from 0.
fn begin(folder: &Path, config: &JournalConfig, disk: &dyn Disk) -> Result<recovery::Found, Error> {
    let incarnation = *uuid::Uuid::new_v4().as_bytes();
    let segment = segment::prepare(folder, segment::PREPARED, config.segment_bytes)
        .and_then(|prepared| segment::activate(folder, &prepared, 0, &incarnation, disk))
        .map_err(Error::file("make a segment in", folder))?;
    Ok(recovery::Found { incarnation, segments: vec![segment] })
}

/// Deletes the segments whose last record lies before `position`, oldest first, so that what remains
/// has no hole; never the last one.
fn remove_passed(folder: &Path, segments: &mut Vec<Segment>, position: u64) -> Result<(), Error> {
    let starts = segments.iter().skip(1).map(|next| next.first);
    let passed = starts.take_while(|next| *next <= position).count();
    if passed == 0 {
        return Ok(());
    }
    for segment in segments.drain(..passed) {
        fs::remove_file(&segment.path).map_err(Error::file("delete", &segment.path))?;
    }
    files::sync_folder(folder).map_err(Error::file("sync", folder))
}

fn check_cursors(
    folder: &Path,
    cursors: &BTreeMap<&'static str, u64>,
    oldest: u64,
    end: u64,
) -> Result<(), Error> {
    for (consumer, position) in cursors {
        let file = cursor::path(folder, consumer);
        let file = file.display();
        if *position > end {
            return Err(Error::Mismatch(format!(
                "{file} says that records up to {position} were taken from the journal, which ends at {end}: \
                 acknowledged records are missing (an older copy of the folder, or a damaged disk). \
                 To go on with what is left, move the folder away and start again"
            )));
        }
        if *position < oldest {
            return Err(Error::Mismatch(format!(
                "records {position} to {oldest} are missing from the journal although {file} says that they are still needed. \
                 To go on without them, delete that file"
            )));
        }
    }
    Ok(())
}
