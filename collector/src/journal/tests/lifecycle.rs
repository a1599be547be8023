//! What goes in comes out, across restarts, rotation and deletion.

use proptest::prelude::*;

use super::*;

#[test]
fn what_was_acknowledged_is_read_back_whole_and_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let sent = [record(1, 10, 1), record(120, 0, 7), record(6, 1001, 3)];
    let journal = open(folder.path()).unwrap();
    assert_eq!(append(&journal, &sent), [Ok(0), Ok(1), Ok(8)]);
    assert_eq!(journal.end(), 11);
    assert_eq!(records(&read(&journal)), sent);
    assert_eq!(read(&journal).iter().map(|entry| entry.first).collect::<Vec<_>>(), [0, 1, 8]);
}

#[test]
fn positions_go_on_after_a_restart_under_the_same_incarnation() {
    let folder = tempfile::tempdir().unwrap();
    let first = open(folder.path()).unwrap();
    append(&first, &[record(1, 10, 4)]);
    let incarnation = first.incarnation();
    drop(first);
    let second = open(folder.path()).unwrap();
    assert_eq!(second.incarnation(), incarnation);
    assert_eq!(append(&second, &[record(2, 10, 1)]), [Ok(4)]);
}

#[test]
fn a_new_folder_has_another_incarnation() {
    let incarnation = || open(tempfile::tempdir().unwrap().path()).unwrap().incarnation();
    assert_ne!(incarnation(), incarnation());
}

#[test]
fn an_entry_larger_than_a_segment_gets_one_of_its_own_size() {
    let folder = tempfile::tempdir().unwrap();
    let sent = [record(1, 100, 1), record(3, 100_000, 1), record(5, 100, 1), record(7, 3900, 1)];
    let journal = open(folder.path()).unwrap();
    append(&journal, &sent);
    drop(journal);
    let journal = open(folder.path()).unwrap();
    assert_eq!(records(&read(&journal)), sent);
    let sizes: Vec<_> =
        segments(folder.path()).iter().map(|path| fs::metadata(path).unwrap().len()).collect();
    assert!(sizes.iter().any(|size| *size > 100_000), "{sizes:?}");
    assert!(sizes.iter().all(|size| *size <= 110_000), "{sizes:?}");
}

#[test]
fn a_large_first_entry_takes_the_place_of_the_empty_segment() {
    let folder = tempfile::tempdir().unwrap();
    let journal = open(folder.path()).unwrap();
    append(&journal, &[record(3, 100_000, 2), record(5, 100, 1)]);
    drop(journal);
    assert_eq!(read(&open(folder.path()).unwrap()).len(), 2);
}

#[test]
fn passed_segments_are_deleted_and_the_last_one_stays() {
    let folder = tempfile::tempdir().unwrap();
    let journal = open(folder.path()).unwrap();
    append(&journal, &vec![record(1, 3000, 1); 5]);
    assert_eq!(segments(folder.path()).len(), 5);
    journal.advance(CONSUMER, 3).unwrap();
    assert_eq!(segments(folder.path()).len(), 2);
    assert_eq!(read(&journal).len(), 2);
    journal.advance(CONSUMER, 5).unwrap();
    assert_eq!(segments(folder.path()).len(), 1);
    drop(journal);
    let journal = open(folder.path()).unwrap();
    assert_eq!(append(&journal, &[record(9, 10, 1)]), [Ok(5)]);
}

#[test]
fn a_segment_is_kept_as_long_as_one_consumer_needs_it() {
    let folder = tempfile::tempdir().unwrap();
    let consumers = [CONSUMER, "forward"];
    let journal = Journal::open(folder.path(), &config(), &consumers, Arc::new(LocalDisk)).unwrap();
    append(&journal, &vec![record(1, 3000, 1); 3]);
    journal.advance(CONSUMER, 3).unwrap();
    assert_eq!(segments(folder.path()).len(), 3);
    journal.advance("forward", 2).unwrap();
    assert_eq!(segments(folder.path()).len(), 1);
}

#[test]
fn a_cursor_survives_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let journal = open(folder.path()).unwrap();
    append(&journal, &vec![record(1, 10, 2); 3]);
    journal.advance(CONSUMER, 4).unwrap();
    drop(journal);
    let journal = open(folder.path()).unwrap();
    assert_eq!(journal.cursor(CONSUMER), 4);
    assert_eq!(read(&journal).len(), 1);
}

#[test]
fn a_damaged_cursor_means_starting_at_the_oldest_entry() {
    let folder = tempfile::tempdir().unwrap();
    let journal = open(folder.path()).unwrap();
    append(&journal, &vec![record(1, 10, 2); 3]);
    journal.advance(CONSUMER, 4).unwrap();
    drop(journal);
    for place in [0, 4096] {
        overwrite(&folder.path().join("archive.cursor"), place + 24, &[9]);
    }
    assert_eq!(open(folder.path()).unwrap().cursor(CONSUMER), 0);
}

#[test]
fn a_cursor_whose_last_write_was_torn_is_where_it_was_before() {
    let folder = tempfile::tempdir().unwrap();
    let journal = open(folder.path()).unwrap();
    append(&journal, &vec![record(1, 10, 2); 5]);
    for position in [2, 4, 6, 8] {
        journal.advance(CONSUMER, position).unwrap();
        let torn = copy(folder.path());
        let content = fs::read(torn.path().join("archive.cursor")).unwrap();
        assert_eq!(content.len(), 8192);
        let place = [0, 4096].into_iter().max_by_key(|place| content[place + 24]).unwrap();
        overwrite(&torn.path().join("archive.cursor"), place as u64 + 20, &[9; 16]);
        assert_eq!(open(torn.path()).unwrap().cursor(CONSUMER), position - 2);
    }
}

#[test]
fn a_cursor_is_written_where_it_is_also_by_a_version_that_wrote_one_place() {
    let folder = tempfile::tempdir().unwrap();
    let journal = open(folder.path()).unwrap();
    append(&journal, &vec![record(1, 10, 2); 5]);
    for position in [2, 4] {
        journal.advance(CONSUMER, position).unwrap();
    }
    drop(journal);
    let path = folder.path().join("archive.cursor");
    let content = fs::read(&path).unwrap();
    let place = [0, 4096].into_iter().max_by_key(|place| content[place + 24]).unwrap();
    fs::write(&path, &content[place..place + 36]).unwrap();
    let journal = open(folder.path()).unwrap();
    assert_eq!(journal.cursor(CONSUMER), 4);
    for position in [6, 8, 10] {
        journal.advance(CONSUMER, position).unwrap();
        assert_eq!(open(copy(folder.path()).path()).unwrap().cursor(CONSUMER), position);
    }
}

#[test]
fn a_cursor_beyond_the_end_is_refused_because_acknowledged_records_are_missing() {
    let folder = tempfile::tempdir().unwrap();
    let journal = open(folder.path()).unwrap();
    append(&journal, &[record(1, 10, 2)]);
    journal.advance(CONSUMER, 3).unwrap();
    drop(journal);
    let error = open(folder.path()).unwrap_err().to_string();
    assert!(error.contains("ends at 2"), "{error}");
}

#[test]
fn a_second_collector_is_refused_and_told_who_has_the_folder() {
    let folder = tempfile::tempdir().unwrap();
    let journal = open(folder.path()).unwrap();
    let error = open(folder.path()).unwrap_err();
    assert!(matches!(error, Error::Locked { .. }), "{error}");
    assert!(error.to_string().contains(&format!("process {}", std::process::id())), "{error}");
    drop(journal);
    assert!(open(folder.path()).is_ok());
}

#[test]
fn a_closed_journal_takes_nothing_more_but_keeps_what_was_handed_in_before() {
    let folder = tempfile::tempdir().unwrap();
    let journal = open(folder.path()).unwrap();
    append(&journal, &[record(1, 10, 1)]);
    journal.close();
    assert_eq!(append(&journal, &[record(2, 10, 1)]), [Err(Refused::Closed)]);
    assert_eq!(read(&journal).len(), 1);
}

#[test]
fn a_full_journal_refuses_until_a_consumer_has_passed() {
    let folder = tempfile::tempdir().unwrap();
    let config = JournalConfig { max_bytes: 3 * SMALL, ..config() };
    let journal = open_with(folder.path(), &config, Arc::new(LocalDisk)).unwrap();
    let answers = append(&journal, &vec![record(1, 3000, 1); 4]);
    assert_eq!(answers.get(..3), Some([Ok(0), Ok(1), Ok(2)].as_slice()));
    assert!(matches!(answers.get(3), Some(Err(Refused::Full(_)))), "{answers:?}");
    journal.advance(CONSUMER, 1).unwrap();
    assert_eq!(append(&journal, &[record(1, 3000, 1)]), [Ok(3)]);
}

#[derive(Debug, Clone)]
enum Step {
    Append { fill: u8, length: usize, count: u32 },
    Together(Vec<u8>),
    Reopen,
    Advance(usize),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (any::<u8>(), 0_usize..6000, 1_u32..5)
            .prop_map(|(fill, length, count)| Step::Append { fill, length, count }),
        2 => proptest::collection::vec(any::<u8>(), 1..6).prop_map(Step::Together),
        1 => Just(Step::Reopen),
        1 => any::<usize>().prop_map(Step::Advance),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn whatever_is_done_everything_acknowledged_and_not_passed_is_there_in_order(
        steps in proptest::collection::vec(step(), 1..24)
    ) {
        let folder = tempfile::tempdir().unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let mut journal = open(folder.path()).unwrap();
        let mut expected: Vec<(u64, Record)> = Vec::new();
        let mut end = 0;
        let mut passed = 0;
        for step in steps {
            let appended = match step {
                Step::Append { fill, length, count } => vec![record(fill, length, count)],
                Step::Together(fills) => {
                    fills.into_iter().map(|fill| record(fill, usize::from(fill), 2)).collect()
                }
                Step::Reopen => {
                    drop(journal);
                    journal = open(folder.path()).unwrap();
                    vec![]
                }
                Step::Advance(at) => {
                    if !expected.is_empty() {
                        passed = expected[at % expected.len()].0;
                        journal.advance(CONSUMER, passed).unwrap();
                        expected.retain(|(first, _)| *first >= passed);
                    }
                    vec![]
                }
            };
            let answers = appended.iter().map(|record| hand_in(&journal, record.clone()));
            let answers = runtime.block_on(futures_in_order(answers));
            for (record, answer) in appended.into_iter().zip(answers) {
                prop_assert_eq!(answer, Ok(end));
                expected.push((end, record.clone()));
                end += u64::from(record.count);
            }
        }
        drop(journal);
        let journal = open(folder.path()).unwrap();
        let found = read(&journal).into_iter().map(|entry| (entry.first, entry.record));
        prop_assert_eq!(found.collect::<Vec<_>>(), expected);
        prop_assert_eq!(journal.end(), end);
        prop_assert_eq!(journal.cursor(CONSUMER), passed);
    }
}

/// Starts all of them before it waits for any.
async fn futures_in_order<T>(futures: impl Iterator<Item = impl Future<Output = T>>) -> Vec<T> {
    let mut futures: Vec<_> = futures.map(|future| (Box::pin(future), None)).collect();
    std::future::poll_fn(|context| {
        let mut waiting = false;
        for (future, done) in &mut futures {
            if done.is_none() {
                match future.as_mut().poll(context) {
                    std::task::Poll::Ready(value) => *done = Some(value),
                    std::task::Poll::Pending => waiting = true,
                }
            }
        }
        if waiting { std::task::Poll::Pending } else { std::task::Poll::Ready(()) }
    })
    .await;
    futures.into_iter().filter_map(|(_, done)| done).collect()
}
