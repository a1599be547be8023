//! What a power cut may take from a simulated disk, and what it may not.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeSet;
use std::io::IoSlice;
use std::path::Path;

use blotter_disk::simulated::{Failure, SimulatedDisk};
use blotter_disk::{Access, Disk, DiskFile, Operation, Site, durable};

/// Cuts looked at: what can happen, happens in one of them.
const CUTS: u64 = 500;

fn path(name: &str) -> &Path {
    Path::new(name)
}

fn create(disk: &SimulatedDisk, name: &str) -> Box<dyn DiskFile> {
    disk.open("test", path(name), Access::CreateNew).unwrap()
}

fn write(file: &dyn DiskFile, offset: u64, bytes: &[u8]) {
    file.write_at("test", &mut [IoSlice::new(bytes)], offset).unwrap();
}

fn sync_root(disk: &SimulatedDisk) {
    disk.sync_folder("test", path("/")).unwrap();
}

/// All that `look` sees after power cuts.
fn seen<T: Ord>(disk: &SimulatedDisk, look: impl Fn(&SimulatedDisk) -> T) -> BTreeSet<T> {
    (0..CUTS).map(|seed| look(&disk.after_power_cut(seed))).collect()
}

fn content(disk: &SimulatedDisk, name: &str) -> Option<Vec<u8>> {
    durable::read(disk, path(name)).ok()
}

fn names(disk: &SimulatedDisk) -> Vec<String> {
    let listed = disk.list(path("/")).unwrap();
    listed.into_iter().map(|it| it.name.into_string().unwrap()).collect()
}

#[test]
fn what_was_synced_stays() {
    let disk = SimulatedDisk::new();
    let file = create(&disk, "/a");
    write(&*file, 0, &[7; 2000]);
    file.sync("test").unwrap();
    sync_root(&disk);
    assert_eq!(seen(&disk, |disk| content(disk, "/a")), [Some(vec![7; 2000])].into());
}

#[test]
fn a_synced_file_without_its_folder_may_be_gone() {
    let disk = SimulatedDisk::new();
    let file = create(&disk, "/a");
    write(&*file, 0, b"x");
    file.sync("test").unwrap();
    assert_eq!(seen(&disk, |disk| content(disk, "/a")), [None, Some(b"x".to_vec())].into());
}

#[test]
fn a_synced_folder_says_nothing_about_the_content_of_its_files() {
    let disk = SimulatedDisk::new();
    let file = create(&disk, "/a");
    write(&*file, 0, b"x");
    sync_root(&disk);
    let expected = [Some(vec![]), Some(vec![0]), Some(b"x".to_vec())];
    assert_eq!(seen(&disk, |disk| content(disk, "/a")), expected.into());
}

#[test]
fn sectors_are_kept_whole_each_for_itself() {
    let disk = SimulatedDisk::new();
    let file = create(&disk, "/a");
    write(&*file, 0, &[1; 1536]);
    file.sync("test").unwrap();
    sync_root(&disk);
    write(&*file, 0, &[2; 1536]);
    let sectors = |disk: &SimulatedDisk| {
        let content = content(disk, "/a").unwrap();
        content
            .chunks(512)
            .map(|sector| {
                assert!(sector.iter().all(|byte| *byte == sector[0]), "half a sector");
                sector[0]
            })
            .collect::<Vec<_>>()
    };
    let expected = (0..8).map(|bits| (0..3).map(|at| 1 + (bits >> at & 1)).collect());
    assert_eq!(seen(&disk, sectors), expected.collect::<BTreeSet<Vec<u8>>>());
}

#[test]
fn a_later_write_may_stay_where_an_earlier_one_is_lost() {
    let disk = SimulatedDisk::new();
    let file = create(&disk, "/a");
    write(&*file, 0, &[1; 1024]);
    file.sync("test").unwrap();
    sync_root(&disk);
    write(&*file, 0, &[2; 512]);
    write(&*file, 512, &[2; 512]);
    let found = seen(&disk, |disk| content(disk, "/a").unwrap());
    assert!(found.contains(&[[1; 512], [2; 512]].concat()));
}

#[test]
fn a_length_that_was_not_synced_may_be_shorter() {
    let disk = SimulatedDisk::new();
    let file = create(&disk, "/a");
    sync_root(&disk);
    write(&*file, 0, &[1; 5000]);
    let lengths = seen(&disk, |disk| content(disk, "/a").unwrap().len());
    assert!(lengths.contains(&0) && lengths.contains(&5000), "{lengths:?}");
    assert!(lengths.iter().any(|length| (1..5000).contains(length)), "{lengths:?}");
}

#[test]
fn a_rename_is_there_or_not_but_never_half() {
    let disk = SimulatedDisk::new();
    create(&disk, "/a");
    sync_root(&disk);
    disk.rename("test", path("/a"), path("/b")).unwrap();
    assert_eq!(seen(&disk, names), [vec!["a".to_owned()], vec!["b".to_owned()]].into());
}

#[test]
fn names_come_and_go_in_any_order_but_those_of_one_name_in_theirs() {
    let disk = SimulatedDisk::new();
    for name in ["/a", "/b"] {
        create(&disk, name);
    }
    sync_root(&disk);
    disk.remove("test", path("/a")).unwrap();
    disk.remove("test", path("/b")).unwrap();
    create(&disk, "/a");
    let found = seen(&disk, |disk| names(disk).concat());
    assert_eq!(found, ["", "a", "ab", "b"].map(str::to_owned).into());
}

#[test]
fn a_folder_that_was_not_synced_takes_everything_in_it_along() {
    let disk = SimulatedDisk::new();
    disk.create_folder("test", path("/f")).unwrap();
    create(&disk, "/f/a").sync("test").unwrap();
    disk.sync_folder("test", path("/f")).unwrap();
    assert_eq!(seen(&disk, |disk| content(disk, "/f/a")), [None, Some(vec![])].into());
    sync_root(&disk);
    assert_eq!(seen(&disk, |disk| content(disk, "/f/a")), [Some(vec![])].into());
}

#[test]
fn the_death_of_a_process_takes_nothing_and_syncs_nothing() {
    let disk = SimulatedDisk::new();
    let file = create(&disk, "/a");
    write(&*file, 0, b"x");
    assert!(file.try_lock().unwrap());
    let found = disk.after_process_death(3);
    assert_eq!(content(&found, "/a"), Some(b"x".to_vec()));
    assert!(found.open("test", path("/a"), Access::Write).unwrap().try_lock().unwrap());
    assert!(seen(&found, |disk| content(disk, "/a")).contains(&None));
}

#[test]
fn after_the_power_is_cut_nothing_works() {
    let disk = SimulatedDisk::new();
    disk.cut_power_at(1);
    let file = create(&disk, "/a");
    assert!(!disk.is_off());
    assert!(file.write_at("test", &mut [IoSlice::new(b"x")], 0).is_err());
    assert!(disk.is_off());
    assert!(file.length().is_err());
    assert!(disk.list(path("/")).is_err());
}

#[test]
fn after_a_failed_sync_the_next_one_does_not_bring_the_pages_back() {
    let disk = SimulatedDisk::new();
    let file = create(&disk, "/a");
    sync_root(&disk);
    write(&*file, 0, &[1; 8192]);
    disk.fail_at(disk.operations(), Failure::Broken);
    assert!(file.sync("test").is_err());
    assert_eq!(content(&disk, "/a"), Some(vec![1; 8192]), "they are still read");
    file.sync("test").unwrap();
    let found = seen(&disk, |disk| content(disk, "/a"));
    assert!(!found.contains(&Some(vec![1; 8192])));
}

#[test]
fn a_sync_that_is_ignored_protects_nothing_and_nor_after_a_restart() {
    let site = Site { step: "test", operation: Operation::SyncFile };
    let disk = SimulatedDisk::new();
    disk.ignore(site);
    let file = create(&disk, "/a");
    sync_root(&disk);
    let disk = disk.after_power_cut(1);
    drop(file);
    let file = disk.open("test", path("/a"), Access::Write).unwrap();
    write(&*file, 0, b"x");
    file.sync("test").unwrap();
    assert!(seen(&disk, |disk| content(disk, "/a")).contains(&Some(vec![])));
}

#[test]
fn the_same_seed_leaves_the_same() {
    let disk = SimulatedDisk::new();
    for name in ["/a", "/b", "/c"] {
        write(&*create(&disk, name), 0, &[5; 3000]);
    }
    let all = |disk: &SimulatedDisk| ["/a", "/b", "/c"].map(|name| content(disk, name));
    for seed in 0..CUTS {
        assert_eq!(all(&disk.after_power_cut(seed)), all(&disk.after_power_cut(seed)));
    }
}

#[test]
fn a_file_is_replaced_whole_or_not_at_all_whenever_the_power_goes() {
    let build = |cut: u64| {
        let disk = SimulatedDisk::new();
        disk.cut_power_at(cut);
        let first = durable::replace(&disk, "test", path("/a"), &[1; 900]).is_ok();
        let second = durable::replace(&disk, "test", path("/a"), &[2; 1900]).is_ok();
        (disk, first, second)
    };
    let all = build(u64::MAX).0.operations();
    for cut in 0..=all {
        let (disk, first, second) = build(cut);
        for found in seen(&disk, |disk| content(disk, "/a")) {
            match found {
                None => assert!(!first),
                Some(found) if found == [1; 900] => assert!(!second),
                Some(found) => assert_eq!(found, [2; 1900]),
            }
        }
    }
}

#[test]
fn a_folder_left_by_a_process_that_died_is_made_durable_by_the_next() {
    let disk = SimulatedDisk::new();
    disk.create_folder("test", path("/f")).unwrap();
    let disk = disk.after_process_death(0);
    durable::create_folder(&disk, "test", path("/f/g")).unwrap();
    assert_eq!(seen(&disk, |disk| disk.metadata(path("/f/g")).is_ok()), [true].into());
}
