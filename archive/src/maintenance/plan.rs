//! Which files are rewritten together.

use std::collections::BTreeMap;

use chrono::NaiveDate;

use crate::maintenance::compact::CompactOptions;
use crate::scan::files::DataFile;

/// Files below this are small; larger ones are left alone.
pub(crate) const SMALL_BYTES: u64 = 96 * 1024 * 1024;
/// Files that are merged at once: each is open and holds a part of the memory.
const FAN_IN: usize = 64;
/// Bytes that are rewritten in one commit at most, roughly: a rewrite that loses is lost work.
const GROUP_BYTES: u64 = 1024 * 1024 * 1024;
/// A file joins smaller ones if it is at most this many times as large as they are together, or
/// smaller than [`ALWAYS_BYTES`]: so that a byte is rewritten a few times and not with every new file.
const RATIO: u64 = 2;
const ALWAYS_BYTES: u64 = 1024 * 1024;

/// Files of one day that are rewritten together.
#[derive(Debug)]
pub(crate) struct Group {
    pub(crate) date: NaiveDate,
    pub(crate) files: Vec<DataFile>,
}

impl Group {
    pub(crate) fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.size).sum()
    }
}

/// The groups of files that are worth rewriting, oldest day first.
pub(crate) fn groups(files: Vec<DataFile>, options: &CompactOptions) -> Vec<Group> {
    let mut days: BTreeMap<NaiveDate, Vec<DataFile>> = BTreeMap::new();
    for file in files.into_iter().filter(|file| file.size < SMALL_BYTES) {
        if let Some(date) = file.date {
            days.entry(date).or_default().push(file);
        }
    }
    let least = options.least_files.max(2);
    let mut groups = Vec::new();
    for (date, mut files) in days {
        if options.tiered {
            files = lowest_tier(files);
        }
        if files.len() < least {
            continue;
        }
        // Neighbours in time hold what was sent twice, and sessions that are still going on.
        files.sort_by(|one, other| (one.modified, &one.path).cmp(&(other.modified, &other.path)));
        let mut group = Group { date, files: Vec::new() };
        for file in files {
            if group.files.len() >= FAN_IN || group.bytes() + file.size > GROUP_BYTES {
                groups.push(std::mem::replace(&mut group, Group { date, files: Vec::new() }));
            }
            group.files.push(file);
        }
        groups.push(group);
    }
    groups.retain(|group| group.files.len() >= 2);
    groups
}

/// The smallest files, as long as none is much larger than those before it together.
fn lowest_tier(mut files: Vec<DataFile>) -> Vec<DataFile> {
    files.sort_by(|one, other| (one.size, &one.path).cmp(&(other.size, &other.path)));
    let mut before = 0;
    let joined = files
        .iter()
        .take_while(|file| {
            let joins = before == 0 || file.size <= (RATIO * before).max(ALWAYS_BYTES);
            before += file.size;
            joins
        })
        .count();
    files.truncate(joined);
    files
}

#[cfg(test)]
mod tests {
    use object_store::path::Path;

    use super::*;

    fn file(day: u32, number: u32, size: u64) -> DataFile {
        DataFile {
            path: Path::from(format!("{day}/{number}")),
            size,
            date: NaiveDate::from_ymd_opt(2026, 3, day),
            modified: i64::from(number),
            known: BTreeMap::new(),
        }
    }

    fn sizes(groups: &[Group]) -> Vec<Vec<u64>> {
        groups.iter().map(|group| group.files.iter().map(|file| file.size).collect()).collect()
    }

    const MIB: u64 = 1024 * 1024;

    #[test]
    fn days_are_not_mixed_and_large_files_are_left_alone() {
        let files = vec![
            file(2, 1, 5 * MIB),
            file(1, 1, 7 * MIB),
            file(2, 2, 6 * MIB),
            file(1, 2, SMALL_BYTES),
            file(1, 3, 8 * MIB),
            file(3, 1, MIB),
        ];
        let all = CompactOptions { least_files: 2, tiered: false };
        assert_eq!(sizes(&groups(files, &all)), [[7 * MIB, 8 * MIB], [5 * MIB, 6 * MIB]]);
    }

    #[test]
    fn no_more_are_merged_at_once_than_may_be_open() {
        let files = (0..150).map(|number| file(1, number, 1000)).collect();
        let all = CompactOptions { least_files: 2, tiered: false };
        let lengths: Vec<_> = groups(files, &all).iter().map(|it| it.files.len()).collect();
        assert_eq!(lengths, [64, 64, 22]);
        let one_left = (0..65).map(|number| file(1, number, 1000)).collect();
        assert_eq!(groups(one_left, &all).len(), 1, "a file alone is not rewritten");
    }

    #[test]
    fn a_tier_is_rewritten_only_when_there_is_enough_of_it() {
        let options = CompactOptions { least_files: 4, tiered: true };
        let mut files: Vec<_> = (0..3).map(|number| file(1, number, 4 * MIB)).collect();
        files.push(file(1, 9, 90 * MIB));
        assert!(groups(files.clone(), &options).is_empty(), "three small ones are too few");
        files.push(file(1, 10, 4 * MIB));
        assert_eq!(sizes(&groups(files, &options)), [[4 * MIB; 4]], "not the large one");
        let grown: Vec<_> = (0..5).map(|number| file(1, number, (10 << number) * MIB)).collect();
        let sizes = sizes(&groups(grown, &CompactOptions { least_files: 2, tiered: true }));
        assert_eq!(sizes, [[10 * MIB, 20 * MIB, 40 * MIB, 80 * MIB]]);
    }
}
