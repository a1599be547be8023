//! Segments made ahead, beside the writer.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread::JoinHandle;

use blotter_disk::Disk;

use super::segment::{self, PREPARED, PREPARED_LARGE, Prepared};
use crate::Error;

/// Has segments of the usual size made by a [`Maker`] beside it.
#[derive(Debug)]
pub(super) struct Preparer {
    disk: Arc<dyn Disk>,
    folder: PathBuf,
    requests: Option<Sender<u64>>,
    making: Making,
    ready: Receiver<io::Result<Prepared>>,
    /// Size of the segment that was asked for and not taken yet.
    asked: Option<u64>,
}

/// Makes the segments that a [`Preparer`] asks for.
#[derive(Debug)]
struct Maker {
    disk: Arc<dyn Disk>,
    folder: PathBuf,
    asked: Receiver<u64>,
    done: Sender<io::Result<Prepared>>,
}

/// Who makes them.
#[derive(Debug)]
enum Making {
    /// A thread of its own. It is waited for at the end, so that it cannot touch a file of whoever
    /// opens the journal next.
    Thread(Option<JoinHandle<()>>),
    /// Whoever calls [`Preparer::step`].
    ByHand(Maker),
}

impl Preparer {
    /// One with a thread of its own.
    pub(super) fn start(disk: &Arc<dyn Disk>, folder: &Path) -> Result<Self, Error> {
        let (mut preparer, maker) = Self::new(disk, folder);
        let work = move || {
            while let Ok(size) = maker.asked.recv() {
                if !maker.make(size) {
                    break;
                }
            }
        };
        let thread =
            std::thread::Builder::new().name("journal-prepare".to_owned()).spawn(work).map_err(
                |error| Error::Thread { thread: "journal-prepare", reason: error.to_string() },
            )?;
        preparer.making = Making::Thread(Some(thread));
        Ok(preparer)
    }

    /// One that works when it is told to.
    pub(super) fn by_hand(disk: &Arc<dyn Disk>, folder: &Path) -> Self {
        let (mut preparer, maker) = Self::new(disk, folder);
        preparer.making = Making::ByHand(maker);
        preparer
    }

    fn new(disk: &Arc<dyn Disk>, folder: &Path) -> (Self, Maker) {
        let (requests, asked) = mpsc::channel();
        let (done, ready) = mpsc::channel();
        let maker = Maker { disk: Arc::clone(disk), folder: folder.to_owned(), asked, done };
        let preparer = Self {
            disk: Arc::clone(disk),
            folder: folder.to_owned(),
            requests: Some(requests),
            making: Making::Thread(None),
            ready,
            asked: None,
        };
        (preparer, maker)
    }

    /// Has a segment made, unless one was asked for already.
    pub(super) fn ask(&mut self, size: u64) {
        let sent = |requests: &Sender<u64>| requests.send(size).is_ok();
        if self.asked.is_none() && self.requests.as_ref().is_some_and(sent) {
            self.asked = Some(size);
        }
    }

    /// Makes the segment that was asked for, where there is no thread for it.
    pub(super) fn step(&self) {
        if let Making::ByHand(maker) = &self.making
            && let Ok(size) = maker.asked.try_recv()
        {
            maker.make(size);
        }
    }

    /// A segment of `size` bytes: the one asked for if it has that size, else made on the spot.
    pub(super) fn take(&mut self, size: u64) -> io::Result<Prepared> {
        if self.asked != Some(size) {
            let name = if self.asked.is_some() { PREPARED_LARGE } else { PREPARED };
            return segment::prepare(&*self.disk, &self.folder, name, size);
        }
        self.step();
        self.asked = None;
        self.ready.recv().unwrap_or_else(|_| Err(io::Error::other("the preparing thread ended")))
    }
}

impl Maker {
    /// Whether somebody still wants it.
    fn make(&self, size: u64) -> bool {
        self.done.send(segment::prepare(&*self.disk, &self.folder, PREPARED, size)).is_ok()
    }
}

impl Drop for Preparer {
    fn drop(&mut self) {
        self.requests = None;
        if let Making::Thread(thread) = &mut self.making
            && let Some(thread) = thread.take()
        {
            let _ = thread.join();
        }
    }
}
