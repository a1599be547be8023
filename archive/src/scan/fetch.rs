//! Fetching byte ranges of one file, counting them.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use object_store::ObjectStore;
use object_store::path::Path;
use parquet::arrow::arrow_reader::ArrowReaderOptions;
use parquet::arrow::async_reader::AsyncFileReader;
use parquet::errors::{ParquetError, Result};
use parquet::file::metadata::{PageIndexPolicy, ParquetMetaData, ParquetMetaDataReader};

use crate::scan::statistics::Counters;

/// Bytes at the end of a file that are fetched first: they hold the footer of most files and, of
/// small ones, the Bloom filters and page indexes too.
const TAIL: u64 = 48 * 1024;
/// Ranges with less than this between them are fetched as one.
const GAP: u64 = 4 * 1024;

/// Fetches byte ranges of one file, counting them.
#[derive(Debug, Clone)]
pub(crate) struct Fetch {
    store: Arc<dyn ObjectStore>,
    path: Path,
    size: u64,
    /// The end of the file, once it was fetched.
    tail: Bytes,
    pages: Arc<Pages>,
    counters: Arc<Counters>,
}

impl Fetch {
    pub(crate) fn new(
        store: Arc<dyn ObjectStore>,
        path: Path,
        size: u64,
        counters: Arc<Counters>,
    ) -> Self {
        Self { store, path, size, tail: Bytes::new(), pages: Arc::default(), counters }
    }

    /// Fetches the end of the file and reads the footer.
    pub(crate) async fn footer(&mut self) -> Result<ParquetMetaData> {
        let size = self.size;
        self.tail = self.get(size.saturating_sub(TAIL)..size).await?;
        ParquetMetaDataReader::new()
            .with_page_index_policy(PageIndexPolicy::Skip)
            .with_prefetch_hint(Some(self.tail.len()))
            .load_and_finish(&mut *self, size)
            .await
    }

    /// Adds the page indexes to a footer, where the file has any.
    pub(crate) async fn page_index(&mut self, footer: ParquetMetaData) -> Result<ParquetMetaData> {
        let mut reader = ParquetMetaDataReader::new_with_metadata(footer)
            .with_page_index_policy(PageIndexPolicy::Optional);
        reader.load_page_index(&mut *self).await?;
        reader.finish()
    }

    /// Counts the data pages among the ranges that are fetched from now on.
    pub(crate) fn count_pages(&mut self, mut starts: Vec<u64>) {
        starts.sort_unstable();
        self.counters.pages_total.add(starts.len() as u64);
        let read = starts.iter().map(|_| false).collect();
        self.pages = Arc::new(Pages { starts, read: std::sync::Mutex::new(read) });
    }

    async fn get(&self, range: Range<u64>) -> Result<Bytes> {
        let mut fetched = self.get_all(vec![range]).await?;
        fetched.pop().ok_or_else(|| ParquetError::General("the store gave nothing".to_owned()))
    }

    async fn get_all(&self, ranges: Vec<Range<u64>>) -> Result<Vec<Bytes>> {
        let missing: Vec<_> =
            ranges.iter().filter(|range| self.in_tail(range).is_none()).cloned().collect();
        let merged = merge(missing);
        let fetched = if merged.is_empty() {
            Vec::new()
        } else {
            self.store.get_ranges(&self.path, &merged).await.map_err(external)?
        };
        self.counters.bytes_read.add(fetched.iter().map(|bytes| bytes.len() as u64).sum());
        self.counters.pages_read.add(self.pages.note(&ranges));
        ranges
            .iter()
            .map(|range| {
                self.in_tail(range)
                    .or_else(|| {
                        let index = merged.partition_point(|whole| whole.end < range.end);
                        part(fetched.get(index)?, merged.get(index)?.start, range)
                    })
                    .ok_or_else(|| ParquetError::EOF(format!("{} ends too early", self.path)))
            })
            .collect()
    }

    fn in_tail(&self, range: &Range<u64>) -> Option<Bytes> {
        part(&self.tail, self.size.checked_sub(self.tail.len() as u64)?, range)
    }
}

impl AsyncFileReader for Fetch {
    fn get_bytes(&mut self, range: Range<u64>) -> BoxFuture<'_, Result<Bytes>> {
        self.get(range).boxed()
    }

    fn get_byte_ranges(&mut self, ranges: Vec<Range<u64>>) -> BoxFuture<'_, Result<Vec<Bytes>>> {
        self.get_all(ranges).boxed()
    }

    fn get_metadata<'a>(
        &'a mut self,
        _options: Option<&'a ArrowReaderOptions>,
    ) -> BoxFuture<'a, Result<Arc<ParquetMetaData>>> {
        async move { self.footer().await.map(Arc::new) }.boxed()
    }
}

/// Data pages of a file, by where they start.
#[derive(Debug, Default)]
struct Pages {
    starts: Vec<u64>,
    read: std::sync::Mutex<Vec<bool>>,
}

impl Pages {
    /// How many pages begin in `ranges` that were not read before.
    fn note(&self, ranges: &[Range<u64>]) -> u64 {
        let mut read = self.read.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let mut new = 0;
        for range in ranges {
            let first = self.starts.partition_point(|start| *start < range.start);
            let after = self.starts.partition_point(|start| *start < range.end);
            for page in read.get_mut(first..after).unwrap_or_default() {
                new += u64::from(!std::mem::replace(page, true));
            }
        }
        new
    }
}

/// `range` of the bytes that begin at `start`, if they hold it.
fn part(bytes: &Bytes, start: u64, range: &Range<u64>) -> Option<Bytes> {
    let from = usize::try_from(range.start.checked_sub(start)?).ok()?;
    let to = usize::try_from(range.end.checked_sub(start)?).ok()?;
    (from <= to && to <= bytes.len()).then(|| bytes.slice(from..to))
}

/// The same bytes in fewer ranges, in order.
fn merge(mut ranges: Vec<Range<u64>>) -> Vec<Range<u64>> {
    ranges.sort_unstable_by_key(|range| range.start);
    let mut merged: Vec<Range<u64>> = Vec::with_capacity(ranges.len());
    for range in ranges {
        match merged.last_mut() {
            Some(last) if range.start <= last.end.saturating_add(GAP) => {
                last.end = last.end.max(range.end);
            }
            _ => merged.push(range),
        }
    }
    merged
}

fn external(error: object_store::Error) -> ParquetError {
    ParquetError::External(Box::new(error))
}

#[cfg(test)]
mod tests {
    use object_store::ObjectStoreExt as _;

    use super::*;

    #[tokio::test]
    async fn every_range_comes_back_whole_and_neighbours_are_fetched_once() {
        let store = Arc::new(object_store::memory::InMemory::new());
        let content: Vec<u8> = (0..200_000_u32).map(|index| (index % 251) as u8).collect();
        let path = Path::from("file");
        store.put(&path, content.clone().into()).await.unwrap();
        let counters = Arc::new(Counters::default());
        let mut fetch = Fetch::new(store, path, content.len() as u64, Arc::clone(&counters));
        let ranges = vec![100_000..100_010, 5..10, 12..20, 0..0, 20..21];
        let fetched = fetch.get_byte_ranges(ranges.clone()).await.unwrap();
        for (range, bytes) in ranges.into_iter().zip(fetched) {
            assert_eq!(bytes, content[range.start as usize..range.end as usize]);
        }
        assert_eq!(counters.snapshot().bytes_read, 21 + 10);
        fetch.get_bytes(199_999..200_001).await.unwrap_err();
    }

    #[test]
    fn a_page_is_counted_once_however_often_it_is_read() {
        let pages = Pages { starts: vec![4, 10, 20], read: vec![false; 3].into() };
        assert_eq!(pages.note(&[0..4, 4..11]), 2);
        assert_eq!(pages.note(&[0..11, 20..30]), 1);
    }
}
