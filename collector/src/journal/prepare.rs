//! Segments made ahead, beside the writer.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread::JoinHandle;

use super::segment::{self, PREPARED, PREPARED_LARGE, Prepared};
use crate::Error;

/// Has segments of the usual size made by a thread of its own. Dropping this waits for the thread, so
/// that it cannot touch a file of whoever opens the journal next.
#[derive(Debug)]
pub(super) struct Preparer {
    folder: PathBuf,
    requests: Option<Sender<u64>>,
    thread: Option<JoinHandle<()>>,
    ready: Receiver<io::Result<Prepared>>,
    /// Size of the segment that was asked for and not taken yet.
    asked: Option<u64>,
}

impl Preparer {
    pub(super) fn start(folder: &Path) -> Result<Self, Error> {
        let (requests, asked) = mpsc::channel();
        let (done, ready) = mpsc::channel();
        let path = folder.to_owned();
        let work = move || {
            for size in asked {
                if done.send(segment::prepare(&path, PREPARED, size)).is_err() {
                    break;
                }
            }
        };
        let thread =
            std::thread::Builder::new().name("journal-prepare".to_owned()).spawn(work).map_err(
                |error| Error::Thread { thread: "journal-prepare", reason: error.to_string() },
            )?;
        let requests = Some(requests);
        Ok(Self { folder: folder.to_owned(), requests, thread: Some(thread), ready, asked: None })
    }

    /// Has a segment made, unless one was asked for already.
    pub(super) fn ask(&mut self, size: u64) {
        let sent = |requests: &Sender<u64>| requests.send(size).is_ok();
        if self.asked.is_none() && self.requests.as_ref().is_some_and(sent) {
            self.asked = Some(size);
        }
    }

    /// A segment of `size` bytes: the one asked for if it has that size, else made on the spot.
    pub(super) fn take(&mut self, size: u64) -> io::Result<Prepared> {
        if self.asked != Some(size) {
            let name = if self.asked.is_some() { PREPARED_LARGE } else { PREPARED };
            return segment::prepare(&self.folder, name, size);
        }
        self.asked = None;
        self.ready.recv().unwrap_or_else(|_| Err(io::Error::other("the preparing thread ended")))
    }
}

impl Drop for Preparer {
    fn drop(&mut self) {
        self.requests = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
