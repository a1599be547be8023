//! Everything is forwarded to two destinations, of which one loses answers and the other refuses as well:
//! whatever happens to the collector, each record is with its destination or among its dead letters.

use super::archived::Reader;
use super::ledger::Account;
use super::script;
use super::world::{World, block_on, late_first};

async fn operations() -> u64 {
    let mut world = World::forwarding();
    world.play(&script::forwarded()).await.unwrap();
    world.performed().len() as u64
}

#[test]
fn the_script_forwards_sets_aside_and_delivers_again() {
    block_on(async {
        let mut world = World::forwarding();
        world.play(&script::forwarded()).await.unwrap();
        let account = world.settle(&mut Reader::default()).await.unwrap();
        let forwarded = account.forwarded;
        assert!(forwarded.taken > 0 && forwarded.set_aside > 0 && forwarded.again > 0, "{account}");
    });
}

#[test]
fn a_power_cut_at_any_operation_keeps_nothing_from_any_destination() {
    block_on(async {
        let mut reader = Reader::default();
        let mut total = Account::default();
        let operations = operations().await;
        for number in 0..=operations {
            let mut world = World::forwarding();
            world.cut_at(number);
            world.play(&script::forwarded()).await.unwrap();
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
fn killed_at_any_operation_and_then_a_power_cut_keeps_nothing_from_any_destination() {
    block_on(async {
        let mut reader = Reader::default();
        let mut total = Account::default();
        let operations = operations().await;
        for number in 0..=operations {
            let mut world = World::forwarding();
            world.cut_at(number);
            world.play(&script::forwarded()).await.unwrap();
            let account = async {
                let mut next = world.after_death(number);
                next.finish().await?;
                next.account(&mut reader)?;
                next.after_power_cut(0).settle(&mut reader).await
            };
            total.add(account.await.unwrap_or_else(|broken| {
                panic!("killed at operation {number}, power cut when all was forwarded: {broken}")
            }));
        }
        println!("killed at each of {operations} operations, then a power cut: {total}");
    });
}

/// Dead letters are the only thing that forwarding makes durable by itself; its cursors are the
/// journal's.
#[test]
fn without_any_one_sync_of_a_dead_letter_something_is_lost() {
    block_on(async {
        let mut reader = Reader::default();
        let mut world = World::forwarding();
        world.play(&script::forwarded()).await.unwrap();
        let performed = world.performed();
        let mut sites: Vec<_> = performed.iter().map(|it| it.site).collect();
        sites.retain(|site| site.operation.is_sync() && site.step.starts_with("forward."));
        sites.sort_unstable();
        sites.dedup();
        assert!(!sites.is_empty());
        for site in sites {
            let mut lost = None;
            for number in late_first(performed.len() as u64) {
                let mut world = World::forwarding();
                world.disk.ignore(site);
                world.cut_at(number);
                world.play(&script::forwarded()).await.unwrap();
                for seed in [0, 2 + number] {
                    if let Err(broken) = world.after_power_cut(seed).settle(&mut reader).await {
                        lost = Some(format!("operation {number}, seed {seed}: {broken}"));
                    }
                }
                if lost.is_some() {
                    break;
                }
            }
            println!(
                "without {site}: {}",
                lost.unwrap_or_else(|| panic!("nothing is lost without {site}"))
            );
        }
    });
}
