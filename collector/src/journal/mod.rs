//! The journal: what is acknowledged is here first, synced.
//!
//! Positions count records, not requests. [`writer`] appends, [`Reader`] follows behind it, and a
//! durable [`cursor`] per consumer says what may be deleted. [`recovery`] is what happens at start.

mod backlog;
mod consumer;
mod cursor;
mod digests;
mod entry;
pub(crate) mod fuzzing;
mod lock;
mod meter;
mod prepare;
mod reader;
mod recovery;
mod segment;
mod standing;
#[cfg(test)]
pub(crate) mod tests;
mod writer;

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use blotter_disk::{Disk, durable};
use tokio::sync::{oneshot, watch};

pub(crate) use backlog::Shed;
pub(crate) use consumer::Consumer;
use digests::files::DigestFiles;
use digests::{Digest, Digests};
use entry::Incarnation;
pub(crate) use entry::{Entry, REDACTIONS_LIMIT, Record};
use lock::Lock;
use meter::JournalMeter;
use prepare::Preparer;
pub(crate) use reader::Reader;
use segment::{NotActivated, Segment};
#[cfg(test)]
pub(crate) use writer::ByHand;
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

/// Bodies up to this size are digested on the thread that read them: it takes some 20 microseconds.
const DIGESTED_AT_ONCE: usize = 64 << 10;

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
    disk: Arc<dyn Disk>,
    folder: PathBuf,
    incarnation: Incarnation,
    state: Mutex<State>,
    changed: Condvar,
    /// What `durable` is, for those who wait for it without a thread; closed last.
    published: watch::Sender<u64>,
    /// Requests that are durable. Never locked by who holds `state`.
    digests: Mutex<Digests>,
    /// Where those of deleted segments are. Locked while segments are deleted.
    digest_files: Mutex<DigestFiles>,
    config: JournalConfig,
    meter: JournalMeter,
    _lock: Lock,
}

#[derive(Debug)]
struct State {
    /// Position after the last durable record.
    durable: u64,
    /// Oldest first; the last one is being written.
    segments: Vec<Segment>,
    /// Position of the first record that each consumer still needs.
    cursors: BTreeMap<String, u64>,
    /// The consumers that may keep so many bytes and no more, before requests are refused.
    holding: Vec<(String, u64)>,
    /// Records that were deleted before a consumer had them, up to where it begins now.
    missed: BTreeMap<String, Shed>,
    failed: Option<String>,
    /// Why the last request that needed room got none.
    full: Option<&'static str>,
    closed: bool,
}

impl Journal {
    /// Opens the journal in `folder`, or starts one, for these consumers, and brings it into order.
    ///
    /// # Errors
    /// When another collector has it, when a file cannot be read or written, when something durable
    /// is damaged, or when a cursor does not fit.
    pub(crate) fn open<C: Clone + Into<Consumer>>(
        folder: &Path,
        config: &JournalConfig,
        consumers: &[C],
        disk: Arc<dyn Disk>,
    ) -> Result<Self, Error> {
        let (journal, writer, requests) =
            Self::recover(folder, config, consumers, disk, Preparer::start)?;
        let thread = std::thread::Builder::new()
            .name("journal-write".to_owned())
            .spawn(move || writer.run(&requests))
            .map_err(|error| Error::Thread {
                thread: "journal-write",
                reason: error.to_string(),
            })?;
        *journal.writer.lock().unwrap_or_else(PoisonError::into_inner) = Some(thread);
        Ok(journal)
    }

    /// All of [`Journal::open`] but the threads: the writer, and where it finds its requests.
    fn recover<C: Clone + Into<Consumer>>(
        folder: &Path,
        config: &JournalConfig,
        consumers: &[C],
        disk: Arc<dyn Disk>,
        preparer: impl FnOnce(&Arc<dyn Disk>, &Path) -> Result<Preparer, Error>,
    ) -> Result<(Self, Writer, Receiver<Message>), Error> {
        durable::create_folder(&*disk, "journal.folder", folder)
            .map_err(Error::file("create", folder))?;
        let lock = Lock::take(&*disk, folder)?;
        segment::discard_prepared(&*disk, folder).map_err(Error::file("clear", folder))?;
        // The names found here may owe their being to a process that died before its sync. From here
        // on they are built upon: nothing may be deleted because of a cursor that could go back.
        disk.sync_folder("journal.found", folder).map_err(Error::file("sync", folder))?;
        let mut config = config.clone();
        config.segment_bytes =
            config.segment_bytes.max(2 * segment::ENTRIES).next_multiple_of(segment::ENTRIES);
        let found = match recovery::find(&*disk, folder)? {
            Some(found) => found,
            None => begin(&*disk, folder, &config)?,
        };
        let recovery::Found { incarnation, mut segments } = found;
        let (Some(oldest), Some(newest)) = (segments.first().cloned(), segments.last().cloned())
        else {
            return Err(Error::Mismatch(format!("{} has no segment", folder.display())));
        };
        let (mut cursors, mut holding, mut missed) = (BTreeMap::new(), Vec::new(), BTreeMap::new());
        for consumer in consumers {
            let Consumer { name, holds, may_miss } = consumer.clone().into();
            let found = cursor::read(&*disk, folder, &name, &incarnation)?;
            let mut position = found.unwrap_or(oldest.first);
            if may_miss && position < oldest.first {
                missed.insert(name.clone(), Shed { from: position, to: oldest.first });
                position = oldest.first;
            }
            // One that is there may never have been synced; one that is not gets its space now, because
            // a disk that is full later has none for it.
            cursor::write(&*disk, folder, &name, &incarnation, position)?;
            holding.extend(holds.map(|bytes| (name.clone(), bytes)));
            cursors.insert(name, position);
        }
        let (mut digest_files, digests) = DigestFiles::open(&disk, folder, &incarnation)?;
        let digests = Mutex::new(digests);
        let mut remember = |entry: &Entry| lock_digests(&digests).add(entry.into());
        let passed = cursors.values().copied().min().unwrap_or(oldest.first);
        let (passed, until) = passed_before(&segments, passed);
        for segment in &passed {
            recovery::read_passed(&*disk, segment, &incarnation, &mut remember);
        }
        digest_files.keep_or_warn(&digests, until);
        for segment in &passed {
            delete(&*disk, segment)?;
        }
        segments.drain(..passed.len());
        for (segment, next) in segments.iter().zip(segments.iter().skip(1)) {
            recovery::verify(&*disk, segment, next, &incarnation, &mut remember)?;
        }
        let tail = recovery::recover_tail(&*disk, &newest, &incarnation, &mut remember)?;
        check_cursors(folder, &cursors, oldest.first, tail.position)?;
        let durable = tail.position;
        let state = State {
            durable,
            segments,
            cursors,
            holding,
            missed,
            failed: None,
            full: None,
            closed: false,
        };
        let preparer = preparer(&disk, folder)?;
        let shared = Arc::new(Shared {
            disk,
            folder: folder.to_owned(),
            incarnation,
            state: Mutex::new(state),
            changed: Condvar::new(),
            published: watch::Sender::new(durable),
            digests,
            digest_files: Mutex::new(digest_files),
            config: config.clone(),
            meter: JournalMeter::new(),
            _lock: lock,
        });
        let writer = Writer::new(Arc::clone(&shared), config, newest, tail, preparer);
        let (queue, requests) = mpsc::channel();
        Ok((Self { shared, queue, writer: Mutex::new(None) }, writer, requests))
    }

    /// Like [`Journal::open`], but without threads: the writer works when it is told to.
    #[cfg(test)]
    pub(crate) fn by_hand<C: Clone + Into<Consumer>>(
        folder: &Path,
        config: &JournalConfig,
        consumers: &[C],
        disk: Arc<dyn Disk>,
    ) -> Result<(Self, ByHand), Error> {
        let preparer = |disk: &Arc<dyn Disk>, folder: &Path| Ok(Preparer::by_hand(disk, folder));
        let (journal, writer, queue) = Self::recover(folder, config, consumers, disk, preparer)?;
        Ok((journal, ByHand::new(writer, queue)))
    }

    /// Hands a request in and waits until it is durable; the position of its first record. One that
    /// was taken lately is not written again: the answer is that of the first time. `ticket` is what
    /// it was admitted with, given back when it is out of memory.
    ///
    /// # Errors
    /// When it was not made durable.
    pub(crate) async fn append(
        &self,
        record: Record,
        ticket: Option<Ticket>,
    ) -> Result<u64, Refused> {
        let digest = digest(&record).await;
        self.hand_in(record, digest, ticket).await
    }

    async fn hand_in(
        &self,
        record: Record,
        digest: Digest,
        ticket: Option<Ticket>,
    ) -> Result<u64, Refused> {
        let (done, answer) = oneshot::channel();
        let append = Append { record, digest, done, ticket };
        self.queue.send(Message::Append(Box::new(append))).map_err(|_| Refused::Closed)?;
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

    /// Tells the position after the last durable record, and every change of it; ends with the journal.
    pub(crate) fn published(&self) -> watch::Receiver<u64> {
        self.shared.published.subscribe()
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
    pub(crate) fn advance(&self, consumer: &str, position: u64) -> Result<(), Error> {
        let shared = &self.shared;
        let disk = &*shared.disk;
        cursor::write(disk, &shared.folder, consumer, &shared.incarnation, position)?;
        let passed = {
            let mut state = shared.state();
            state.cursors.insert(consumer.to_owned(), position);
            state.cursors.values().copied().min().unwrap_or(0)
        };
        shared.remove_passed(passed)
    }

    /// Makes durable what was handed in, answers it, and takes nothing more.
    pub(crate) fn close(&self) {
        let _ = self.queue.send(Message::Close);
        let writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner).take();
        if writer.is_some_and(|writer| writer.join().is_err()) {
            tracing::error!("the journal's writer ended by a panic");
        }
        self.shared.close();
        let digests::Counts { again, crowded_out } = self.shared.digests().take_counts();
        if again > 0 {
            tracing::info!("{again} requests were sent again, acknowledged, and not written again");
        }
        if crowded_out > 0 {
            tracing::warn!(
                "{crowded_out} requests were forgotten before their day was over, because too many newer ones came; \
                 had they been sent again, they would have been stored twice, with the same event_id"
            );
        }
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

    fn digests(&self) -> MutexGuard<'_, Digests> {
        lock_digests(&self.digests)
    }

    /// Deletes the segments that lie before `position`. Who writes or reads does not wait for it.
    ///
    /// Without a sync: a segment that comes back lies before every cursor, and is deleted again at the
    /// next start.
    fn remove_passed(&self, position: u64) -> Result<(), Error> {
        let mut digest_files = self.digest_files.lock().unwrap_or_else(PoisonError::into_inner);
        let (passed, until) = passed_before(&self.state().segments, position);
        digest_files.keep_or_warn(&self.digests, until);
        for segment in passed {
            delete(&*self.disk, &segment)?;
            self.state().segments.retain(|other| *other != segment);
        }
        Ok(())
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

    fn add_segment(&self, segment: Segment) {
        let mut state = self.state();
        state.segments.retain(|other| other.first != segment.first);
        state.segments.push(segment);
    }

    fn publish(&self, durable: u64) {
        self.state().durable = durable;
        self.changed.notify_all();
        self.published.send_replace(durable);
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

/// The digest of a request; that of a long one is taken off the threads that serve connections.
async fn digest(record: &Record) -> Digest {
    if record.body.len() > DIGESTED_AT_ONCE
        && let Ok(runtime) = tokio::runtime::Handle::try_current()
    {
        let record = record.clone();
        if let Ok(digest) = runtime.spawn_blocking(move || Digest::of(&record)).await {
            return digest;
        }
    }
    Digest::of(record)
}

fn lock_digests(digests: &Mutex<Digests>) -> MutexGuard<'_, Digests> {
    // As with the state.
    digests.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Starts a journal: a new incarnation, positions from 0.
fn begin(disk: &dyn Disk, folder: &Path, config: &JournalConfig) -> Result<recovery::Found, Error> {
    let incarnation = *uuid::Uuid::new_v4().as_bytes();
    let segment = segment::prepare(disk, folder, segment::PREPARED, config.segment_bytes)
        .map_err(NotActivated::Unchanged)
        .and_then(|prepared| segment::activate(disk, folder, &prepared, 0, &incarnation));
    let segment = segment.map_err(|failed| match failed {
        NotActivated::Unchanged(error) | NotActivated::Unknown(error) => {
            Error::file("make a segment in", folder)(error)
        }
    })?;
    Ok(recovery::Found { incarnation, segments: vec![segment] })
}

/// The segments whose last record lies before `position`, oldest first, and where they end; never the
/// last one.
fn passed_before(segments: &[Segment], position: u64) -> (Vec<Segment>, u64) {
    let starts = segments.iter().skip(1).map(|next| next.first);
    let passed: Vec<u64> = starts.take_while(|next| *next <= position).collect();
    let until = passed.last().copied().unwrap_or(0);
    (segments.iter().take(passed.len()).cloned().collect(), until)
}

fn delete(disk: &dyn Disk, segment: &Segment) -> Result<(), Error> {
    match disk.remove("journal.delete", &segment.path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(Error::file("delete", &segment.path)(error))
        }
        _ => Ok(()),
    }
}

fn check_cursors(
    folder: &Path,
    cursors: &BTreeMap<String, u64>,
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
