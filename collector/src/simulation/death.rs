//! The process is killed at every operation in turn, and the power fails later: what the next process
//! builds on must be durable by then.

use super::archived::Reader;
use super::ledger::Account;
use super::power::operations;
use super::script;
use super::world::{World, block_on};

#[test]
fn what_a_killed_process_left_unsynced_is_not_built_on() {
    block_on(async {
        let mut reader = Reader::default();
        let mut total = Account::default();
        let operations = operations().await;
        for number in 0..=operations {
            let mut world = World::new();
            world.cut_at(number);
            world.play(&script::everything()).await.unwrap();
            let account = async {
                let mut next = world.after_death(number);
                next.finish().await?;
                next.account(&mut reader)?;
                next.after_power_cut(0).settle(&mut reader).await
            };
            let account = account.await.unwrap_or_else(|broken| {
                panic!("killed at operation {number}, power cut when all was archived: {broken}")
            });
            total.add(account);
        }
        println!("killed at each of {operations} operations, then a power cut: {total}");
    });
}
