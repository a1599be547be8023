//! Every sync is needed: without any one of them, something acknowledged is lost somewhere.

use std::collections::BTreeSet;

use blotter_disk::Site;

use super::archived::{Broken, Reader};
use super::script;
use super::world::{World, block_on, late_first};
use crate::journal;

/// The syncs of a run that nothing interrupts, and the number of its operations.
async fn sites() -> (BTreeSet<Site>, u64) {
    let mut world = World::new();
    world.play(&script::everything()).await.unwrap();
    let performed = world.performed();
    let syncs = performed.iter().map(|it| it.site).filter(|site| site.operation.is_sync());
    (syncs.collect(), performed.len() as u64)
}

/// What goes wrong without the syncs at `site`; none where nothing does.
async fn without(site: Site, operations: u64, reader: &mut Reader) -> Option<Broken> {
    for number in late_first(operations) {
        let mut world = World::without(Some(site));
        world.cut_at(number);
        if let Err(broken) = world.play(&script::everything()).await {
            return Some(broken);
        }
        for seed in [0, 2 + number] {
            if let Err(broken) = world.after_power_cut(seed).settle(reader).await {
                return Some(format!("power cut at operation {number}, seed {seed}: {broken}"));
            }
        }
        let killed = async {
            let mut next = world.after_death(0);
            next.finish().await?;
            next.after_power_cut(0).settle(reader).await
        };
        if let Err(broken) = killed.await {
            return Some(format!("killed at operation {number}, then a power cut: {broken}"));
        }
    }
    None
}

#[test]
fn without_any_one_sync_of_the_archive_something_is_lost() {
    block_on(async {
        let mut reader = Reader::default();
        let (sites, operations) = sites().await;
        let mut needless = Vec::new();
        for site in sites.into_iter().filter(of_the_archive) {
            match without(site, operations, &mut reader).await {
                Some(broken) => println!("without {site}: {broken}"),
                None => needless.push(site.to_string()),
            }
        }
        assert!(needless.is_empty(), "nothing is lost without {needless:?}");
    });
}

/// The journal's own suite takes out each of its syncs, a thousand times faster.
#[test]
fn the_other_syncs_of_the_line_are_those_that_the_journals_own_suite_takes_out() {
    let (sites, _) = block_on(sites());
    let others: BTreeSet<Site> = sites.into_iter().filter(|site| !of_the_archive(site)).collect();
    let known = journal::tests::simulation::syncs();
    let unknown: Vec<&Site> = others.difference(&known).collect();
    assert!(unknown.is_empty(), "{unknown:?}");
}

fn of_the_archive(site: &Site) -> bool {
    site.step.starts_with("store.")
}
