//! The power is cut at every operation in turn.

use super::archived::Reader;
use super::ledger::Account;
use super::script;
use super::world::{World, block_on};

/// Operations of a start within which a second cut falls.
const RECOVERY: u64 = 40;

/// Operations of a script that nothing interrupts.
pub(super) async fn operations() -> u64 {
    let mut world = World::new();
    world.play(&script::everything()).await.unwrap();
    world.performed().len() as u64
}

#[test]
fn a_power_cut_at_any_operation_loses_nothing_and_doubles_nothing() {
    block_on(async {
        let mut reader = Reader::default();
        let mut total = Account::default();
        let operations = operations().await;
        for number in 0..=operations {
            let mut world = World::new();
            world.cut_at(number);
            world.play(&script::everything()).await.unwrap();
            for seed in [0, 2 + number] {
                let account = world.after_power_cut(seed).settle(&mut reader).await;
                let account = account.unwrap_or_else(|broken| {
                    panic!("power cut at operation {number}, seed {seed}: {broken}")
                });
                total.add(account);
            }
        }
        println!("power cut at each of {operations} operations, twice: {total}");
    });
}

#[test]
fn a_second_power_cut_while_the_first_is_recovered_from_loses_nothing() {
    block_on(async {
        let mut reader = Reader::default();
        let mut total = Account::default();
        let operations = operations().await;
        let mut runs = 0;
        for number in (0..=operations).step_by(7) {
            let mut world = World::new();
            world.cut_at(number);
            world.play(&script::everything()).await.unwrap();
            let mut again = world.after_power_cut(number);
            let second = number * 11 % RECOVERY;
            again.cut_at(second);
            let account = async {
                again.finish().await?;
                again.after_power_cut(number + 1).settle(&mut reader).await
            };
            let account = account.await.unwrap_or_else(|broken| {
                panic!("power cuts at operation {number} and, after it, {second}: {broken}")
            });
            total.add(account);
            runs += 1;
        }
        println!("{runs} runs with two power cuts: {total}");
    });
}

/// The commit after which the log of a table is summed up in a checkpoint.
const CHECKPOINT: u64 = 99;

#[test]
fn a_power_cut_around_a_checkpoint_of_the_log_loses_nothing() {
    block_on(async {
        use super::line::Step::{Commit, Flush, Send, Write};
        let mut reader = Reader::default();
        let mut world = World::new();
        let commit = |number: u64| {
            // Log records only: they go to one table.
            let request = number / 2 * 20 + number % 2 * 4;
            [Send(request), Write, Flush, Commit, Commit].map(script::Event::Step)
        };
        for number in 1..CHECKPOINT - 1 {
            world.play(&commit(number)).await.unwrap();
        }
        let before = world.after_death(0);
        let mut events = Vec::new();
        for number in CHECKPOINT - 1..CHECKPOINT + 3 {
            events.extend(commit(number));
        }
        let run = |cut: Option<u64>| {
            let mut world = before.after_death(0);
            if let Some(number) = cut {
                world.cut_at(number);
            }
            let events = &events;
            async move {
                world.play(events).await.unwrap();
                world
            }
        };
        let whole = run(None).await;
        let performed = whole.performed();
        let checkpoints =
            performed.iter().filter(|it| it.path.to_string_lossy().contains("checkpoint"));
        assert!(checkpoints.count() > 0, "no checkpoint was made");
        let mut total = Account::default();
        for number in (0..=performed.len() as u64).step_by(2) {
            let world = run(Some(number)).await;
            let account = world.after_power_cut(number).settle(&mut reader).await;
            total.add(account.unwrap_or_else(|broken| panic!("operation {number}: {broken}")));
        }
        println!(
            "power cut at every other of {} operations around a checkpoint: {total}",
            performed.len()
        );
    });
}
