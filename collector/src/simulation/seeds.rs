//! Chance decides: what happens next, when the power fails, and what that leaves.

use std::time::Instant;

use blotter_disk::simulated::Random;

use super::archived::{Broken, Reader};
use super::ledger::Account;
use super::script;
use super::world::{World, block_on};

/// Runs of the suite; more with `BLOTTER_SIMULATION_RUNS`.
const RUNS: u64 = 150;
/// The first seed; another with `BLOTTER_SIMULATION_SEED`.
const SEED: u64 = 1;

/// Some lives of a collector, each ended by a power cut or a kill.
async fn lives(seed: u64, reader: &mut Reader) -> Result<Account, Broken> {
    let mut random = Random::new(seed);
    let mut world = if seed.is_multiple_of(2) { World::forwarding() } else { World::new() };
    let mut next = 0;
    for _ in 0..random.below(4) + 1 {
        let length = random.index(40) + 5;
        let events = script::random(&mut random, &mut next, length);
        world.cut_at(random.below(220));
        world.play(&events).await?;
        let leaves = random.below(1 << 32);
        world = if random.chance(1, 3) {
            world.after_death(leaves)
        } else {
            world.after_power_cut(leaves)
        };
    }
    world.finish().await?;
    world.account(reader)?;
    world.after_power_cut(random.below(4)).settle(reader).await
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}

#[test]
fn whatever_happens_in_whatever_order_nothing_is_lost_or_doubled() {
    let runs = number("BLOTTER_SIMULATION_RUNS").unwrap_or(RUNS);
    let first = number("BLOTTER_SIMULATION_SEED").unwrap_or(SEED);
    let started = Instant::now();
    let mut total = Account::default();
    let mut reader = Reader::default();
    for seed in first..first + runs {
        let account = block_on(lives(seed, &mut reader));
        total.add(account.unwrap_or_else(|broken| {
            panic!("{broken}; again with BLOTTER_SIMULATION_SEED={seed} BLOTTER_SIMULATION_RUNS=1")
        }));
    }
    let per_minute = 60.0 * runs as f64 / started.elapsed().as_secs_f64();
    println!("{runs} random runs, {per_minute:.0} a minute: {total}");
}
