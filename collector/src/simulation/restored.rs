//! A journal that was restored from an older copy.

use std::io::IoSlice;
use std::path::Path;

use blotter_disk::simulated::SimulatedDisk;
use blotter_disk::{Access, Disk, durable};

use super::archived::Reader;
use super::line::{DATA, Step};
use super::script::Event;
use super::world::{World, block_on};

const STEP: &str = "operator";

fn events(requests: std::ops::Range<u64>) -> Vec<Event> {
    requests.flat_map(|request| [Step::Send(request), Step::Write]).map(Event::Step).collect()
}

/// Removes every file of the journal, as who moves its folder away.
fn remove_journal(disk: &SimulatedDisk) {
    let folder = Path::new(DATA).join("journal");
    for file in disk.list(&folder).unwrap() {
        disk.remove(STEP, &folder.join(file.name)).unwrap();
    }
}

/// Puts the journal of `from` into the place of that of `to`.
fn restore_journal(from: &SimulatedDisk, to: &SimulatedDisk) {
    remove_journal(to);
    let folder = Path::new(DATA).join("journal");
    for file in from.list(&folder).unwrap() {
        let path = folder.join(file.name);
        let content = durable::read(from, &path).unwrap();
        let copy = to.open(STEP, &path, Access::CreateNew).unwrap();
        copy.write_at(STEP, &mut [IoSlice::new(&content)], 0).unwrap();
    }
}

#[test]
fn a_journal_restored_from_before_the_archives_end_is_refused_with_what_to_do() {
    block_on(async {
        let mut reader = Reader::default();
        let mut world = World::new();
        world.play(&events(0..6)).await.unwrap();
        world.finish().await.unwrap();
        let old = world.after_death(0);
        world.play(&events(6..12)).await.unwrap();
        world.finish().await.unwrap();

        let mut restored = world.after_death(0);
        restore_journal(&old.disk, &restored.disk);
        let refused = restored.start().await.unwrap_err();
        assert!(refused.contains("is an older copy"), "{refused}");
        assert!(refused.contains("Move the journal's folder away and start again"), "{refused}");

        // What it advises works: a new journal counts anew, and nothing is mixed up.
        let mut again = restored.after_death(0);
        remove_journal(&again.disk);
        again.play(&events(12..18)).await.unwrap();
        let account = again.settle(&mut reader).await.unwrap();
        println!("after a journal restored from an older copy: {account}");
    });
}

#[test]
fn a_journal_restored_from_where_the_archive_ends_goes_on() {
    block_on(async {
        let mut reader = Reader::default();
        let mut world = World::new();
        world.play(&events(0..6)).await.unwrap();
        let old = world.after_death(0);
        world.finish().await.unwrap();
        // The copy has the records but neither the cursor nor the deletions.
        let mut restored = world.after_death(0);
        restore_journal(&old.disk, &restored.disk);
        restored.play(&events(6..12)).await.unwrap();
        let account = restored.settle(&mut reader).await.unwrap();
        println!("after a journal restored from a copy without its cursor: {account}");
    });
}
