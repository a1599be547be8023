//! The disk reports errors: commits whose answer is lost, archives that cannot be written for a while.

use blotter_disk::simulated::Failure;

use super::archived::Reader;
use super::ledger::Account;
use super::power::operations;
use super::script;
use super::world::{World, block_on};

/// Lets `count` operations from each on fail, in turn.
async fn failing(count: u64, failure: Failure, step: usize) -> Account {
    let mut reader = Reader::default();
    let mut total = Account::default();
    for number in (0..=operations().await).step_by(step) {
        let mut world = World::new();
        world.disk_fails = true;
        for operation in number..number + count {
            world.disk.fail_at(operation, failure);
        }
        let account = async {
            world.play(&script::everything()).await?;
            world.finish().await?;
            world.account(&mut reader)?;
            world.after_power_cut(0).settle(&mut reader).await
        };
        let account = account
            .await
            .unwrap_or_else(|broken| panic!("{failure:?} from operation {number} on: {broken}"));
        total.add(account);
    }
    total
}

#[test]
fn one_error_at_an_operation_loses_nothing_and_doubles_nothing() {
    println!("one error at every third operation: {}", block_on(failing(1, Failure::Broken, 3)));
}

#[test]
fn a_disk_that_fails_for_a_while_loses_nothing_and_doubles_nothing() {
    println!("seven errors in a row: {}", block_on(failing(7, Failure::Broken, 7)));
}

#[test]
fn a_disk_that_is_full_for_a_while_loses_nothing_and_doubles_nothing() {
    println!("full for seven operations: {}", block_on(failing(7, Failure::Full, 7)));
}
