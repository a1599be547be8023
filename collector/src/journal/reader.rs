//! Reading the journal behind the writer.

use std::sync::Arc;

use blotter_disk::{Disk, DiskFile};

use super::Shared;
use super::entry::{Entry, Invalid};
use super::recovery::{self, damaged};
use super::segment::{self, ENTRIES, Segment};
use crate::Error;

/// Gives back the entries of a journal in order, and only what is durable.
#[derive(Debug)]
pub(crate) struct Reader {
    shared: Arc<Shared>,
    /// Position of the next record.
    position: u64,
    at: Option<Place>,
}

#[derive(Debug)]
struct Place {
    file: Box<dyn DiskFile>,
    segment: Segment,
    offset: u64,
    /// Position of the entry at `offset`.
    position: u64,
}

impl Reader {
    pub(super) const fn new(shared: Arc<Shared>, position: u64) -> Self {
        Self { shared, position, at: None }
    }

    /// The next entry; none where all that is durable has been read. The first one may begin before
    /// the position at which reading started, if that lies inside it.
    ///
    /// # Errors
    /// [`Error::Damaged`] with file and offset when something durable cannot be read any more.
    pub(crate) fn next(&mut self) -> Result<Option<Entry>, Error> {
        loop {
            let Some(segment) = self.shared.segment_of(self.position)? else {
                return Ok(None);
            };
            let mut place = match self.at.take() {
                Some(place) if place.segment == segment => place,
                _ => Place::start(&*self.shared.disk, segment)?,
            };
            let (entry, next) = place.read(&self.shared)?;
            place.offset = next;
            place.position = entry.end();
            self.at = Some(place);
            if entry.end() > self.position {
                self.position = entry.end();
                return Ok(Some(entry));
            }
        }
    }
}

impl Place {
    fn start(disk: &dyn Disk, segment: Segment) -> Result<Self, Error> {
        let file = recovery::open(disk, &segment.path)?;
        let position = segment.first;
        Ok(Self { file, segment, offset: ENTRIES, position })
    }

    fn read(&self, shared: &Shared) -> Result<(Entry, u64), Error> {
        let Segment { path, size, .. } = &self.segment;
        let read = segment::read_entry(&*self.file, self.offset, *size, &shared.incarnation)
            .map_err(Error::file("read", path))?;
        read.and_then(|(entry, next)| {
            if entry.first == self.position { Ok((entry, next)) } else { Err(Invalid::Content) }
        })
        .map_err(|invalid| {
            damaged(path, self.offset, format!("{invalid}, where record {} was", self.position))
        })
    }
}
