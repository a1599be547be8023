//! Compaction, and the deletion of the files that it replaced: the power fails, the process dies or the
//! disk reports an error at every operation of them.

use blotter_disk::simulated::Failure;

use super::archived::Reader;
use super::ledger::Account;
use super::line::Step::{Clean, Commit, Compact, Flush, Send, Write};
use super::script::Event;
use super::world::{World, block_on};

/// Requests to every table, each committed by itself.
fn commits(requests: std::ops::Range<u64>) -> Vec<Event> {
    // Numbers whose records are small, but for one.
    let steps = requests.flat_map(|request| [Send(request), Write, Flush, Commit, Commit]);
    steps.map(Event::Step).collect()
}

/// A table of several files.
async fn before() -> World {
    let mut world = World::new();
    world.play(&commits(0..8)).await.unwrap();
    world.after_death(0)
}

/// Compacted and cleaned, with commits before, between and after.
fn maintained() -> Vec<Event> {
    let mut events = vec![Event::Step(Compact)];
    events.extend(commits(8..10));
    events.extend([Clean, Compact, Clean].map(Event::Step));
    events.extend(commits(10..12));
    events
}

async fn played(before: &World, prepare: impl FnOnce(&mut World)) -> World {
    let mut world = before.after_death(0);
    prepare(&mut world);
    world.play(&maintained()).await.unwrap();
    world
}

/// How many operations there are, once it is certain that files were replaced and deleted.
async fn operations(before: &World) -> u64 {
    let world = played(before, |_| {}).await;
    let performed = world.performed();
    let of_data = |site: &str, path: &str| site.contains("remove") && path.ends_with(".parquet");
    let deleted = performed
        .iter()
        .filter(|it| of_data(&it.site.to_string(), &it.path.to_string_lossy()))
        .count();
    assert!(deleted >= 8, "{deleted} files were deleted");
    performed.len() as u64
}

#[test]
fn a_power_cut_at_any_operation_of_a_compaction_loses_nothing_and_doubles_nothing() {
    block_on(async {
        let mut reader = Reader::default();
        let mut total = Account::default();
        let before = before().await;
        let operations = operations(&before).await;
        for number in 0..=operations {
            let world = played(&before, |world| world.cut_at(number)).await;
            for seed in [0, 2 + number] {
                let account = world.after_power_cut(seed).settle(&mut reader).await;
                total.add(account.unwrap_or_else(|broken| {
                    panic!("power cut at operation {number}, seed {seed}: {broken}")
                }));
            }
        }
        println!("power cut at each of {operations} operations, twice: {total}");
    });
}

#[test]
fn killed_at_any_operation_of_a_compaction_and_then_a_power_cut_loses_nothing() {
    block_on(async {
        let mut reader = Reader::default();
        let mut total = Account::default();
        let before = before().await;
        let operations = operations(&before).await;
        for number in (0..=operations).step_by(2) {
            let world = played(&before, |world| world.cut_at(number)).await;
            let account = async {
                let mut next = world.after_death(number);
                next.finish().await?;
                // What the next one compacts and deletes is built on what the killed one left.
                next.play(&[Compact, Clean].map(Event::Step)).await?;
                next.account(&mut reader)?;
                next.after_power_cut(0).settle(&mut reader).await
            };
            total.add(account.await.unwrap_or_else(|broken| {
                panic!("killed at operation {number}, then a power cut: {broken}")
            }));
        }
        println!("killed at every other of {operations} operations, then a power cut: {total}");
    });
}

#[test]
fn an_error_at_an_operation_of_a_compaction_loses_nothing_and_doubles_nothing() {
    block_on(async {
        let mut reader = Reader::default();
        let mut total = Account::default();
        let before = before().await;
        let operations = operations(&before).await;
        for number in (0..=operations).step_by(3) {
            let failure = if number % 2 == 0 { Failure::Broken } else { Failure::Full };
            let mut world = played(&before, |world| {
                world.disk_fails = true;
                world.disk.fail_at(number, failure);
            })
            .await;
            let account = async {
                world.finish().await?;
                world.account(&mut reader)?;
                world.after_power_cut(0).settle(&mut reader).await
            };
            total.add(
                account
                    .await
                    .unwrap_or_else(|broken| panic!("{failure:?} at operation {number}: {broken}")),
            );
        }
        println!("an error at every third of {operations} operations: {total}");
    });
}
