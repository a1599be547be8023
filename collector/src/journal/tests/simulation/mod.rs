//! The journal on a disk that forgets: a power cut at any operation, and every sync is needed.
//!
//! `BLOTTER_SIMULATION_SEED=<seed>` runs that seed alone, `BLOTTER_SIMULATION_RUNS=<number>` as many
//! random ones.

mod ledger;
mod world;

use std::collections::BTreeSet;
use std::time::Instant;

use blotter_disk::Site;
use ledger::{Broken, Totals};
use world::{End, Plan, World};

use super::digests::FOLDER_SYNC;

/// Who reads these journals.
const CONSUMERS: [&str; 2] = ["archive", "forward"];
/// Seeds whose operations are cut one by one.
const CUT_SEEDS: std::ops::Range<u64> = 0..6;
/// Seeds whose recoveries are cut as well.
const RECOVERY_SEEDS: std::ops::Range<u64> = 6..10;
/// Operations that a recovery takes at most, and a few more.
const RECOVERY: u64 = 14;
/// Random runs in an ordinary test run.
const RUNS: u64 = 3000;
/// Random runs in which a missing sync must show.
const ENOUGH: u64 = 20_000;

fn run(plan: Plan) -> Result<(Totals, Vec<Site>), Broken> {
    let mut world = World::new(plan);
    let outcome = world.run();
    let told =
        |broken| format!("{plan:?}: {broken}; the last operations:\n{}", world.last_operations());
    Ok((outcome.map_err(told)?, world.sites))
}

fn setting(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|value| value.parse().unwrap())
}

fn print(what: &str, totals: Totals, since: Instant) {
    let seconds = since.elapsed().as_secs_f64();
    let Totals { runs, starts, power_cuts, deaths, sent, acknowledged, archived } = totals;
    println!(
        "{what}: {runs} runs in {seconds:.1} s ({:.0} a minute), {starts} starts, {power_cuts} power cuts, {deaths} deaths; \
         sent {sent}, acknowledged {acknowledged}, archived {archived}, duplicated 0, lost 0",
        runs as f64 / seconds * 60.0
    );
}

#[test]
fn whatever_a_seed_decides_nothing_acknowledged_is_lost_or_doubled() {
    let start = Instant::now();
    let seeds = match setting("BLOTTER_SIMULATION_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..setting("BLOTTER_SIMULATION_RUNS").unwrap_or(RUNS),
    };
    let mut totals = Totals::default();
    for seed in seeds {
        for failures in [false, true] {
            let plan = Plan { seed, failures, ..Plan::default() };
            totals.add(run(plan).unwrap_or_else(|broken| panic!("{broken}")).0);
        }
    }
    print("random seeds", totals, start);
    assert!(totals.acknowledged > 0 && totals.power_cuts > 0 && totals.deaths > 0, "{totals:?}");
}

#[test]
fn after_a_power_cut_at_every_operation_in_turn_nothing_acknowledged_is_lost_or_doubled() {
    let start = Instant::now();
    let mut totals = Totals::default();
    for seed in CUT_SEEDS {
        let uncut = Plan { seed, first: Some((u64::MAX, End::Death)), ..Plan::default() };
        let operations = run(uncut).unwrap_or_else(|broken| panic!("{broken}")).1.len() as u64;
        for number in 0..operations {
            for end in [End::PowerCut(0), End::PowerCut(1), End::PowerCut(number), End::Death] {
                let plan = Plan { seed, first: Some((number, end)), ..Plan::default() };
                totals.add(run(plan).unwrap_or_else(|broken| panic!("{broken}")).0);
            }
        }
    }
    print("a cut at every operation", totals, start);
}

#[test]
fn after_a_power_cut_at_every_operation_of_a_recovery_nothing_acknowledged_is_lost_or_doubled() {
    let start = Instant::now();
    let mut totals = Totals::default();
    for seed in RECOVERY_SEEDS {
        let uncut = Plan { seed, first: Some((u64::MAX, End::Death)), ..Plan::default() };
        let operations = run(uncut).unwrap_or_else(|broken| panic!("{broken}")).1.len() as u64;
        for number in 0..operations {
            for end in [End::PowerCut(2 + number), End::Death] {
                for recovering in 0..RECOVERY {
                    let second = Some((recovering, 2 + number * RECOVERY + recovering));
                    let plan = Plan { seed, first: Some((number, end)), second, ..Plan::default() };
                    totals.add(run(plan).unwrap_or_else(|broken| panic!("{broken}")).0);
                }
            }
        }
    }
    print("a cut at every operation of a recovery", totals, start);
}

/// The syncs of these runs.
pub(crate) fn syncs() -> BTreeSet<Site> {
    let run = |seed| run(Plan { seed, ..Plan::default() }).unwrap();
    let sites = (0..200).flat_map(|seed| run(seed).1);
    sites.filter(|site| site.operation.is_sync()).collect()
}

#[test]
fn without_any_one_sync_something_is_lost() {
    let syncs = syncs();
    let mut unneeded = Vec::new();
    // It takes a rarer run than chance makes, and is taken out in a test of its own.
    for site in syncs.iter().filter(|site| **site != FOLDER_SYNC) {
        let without = Some(*site);
        let broken =
            (0..ENOUGH).find_map(|seed| run(Plan { seed, without, ..Plan::default() }).err());
        match broken {
            Some(broken) => println!("without {site}: {}", broken.lines().next().unwrap()),
            None => unneeded.push(site.to_string()),
        }
    }
    assert!(syncs.len() >= 8, "{syncs:?}");
    assert!(unneeded.is_empty(), "nothing is lost without: {unneeded:?}");
}
