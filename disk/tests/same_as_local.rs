//! Without a power cut, the simulated disk does what the disk of this machine does.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use std::io::{self, IoSlice};
use std::path::{Path, PathBuf};

use blotter_disk::simulated::SimulatedDisk;
use blotter_disk::{Access, Disk, LocalDisk};
use proptest::prelude::*;

#[derive(Debug, Clone)]
enum Action {
    Open(Access, usize),
    Write { name: usize, offset: u64, bytes: Vec<u8> },
    Read { name: usize, offset: u64, length: usize },
    SetLen { name: usize, length: u64 },
    Allocate { name: usize, length: u64 },
    Sync(usize),
    Rename(usize, usize),
    Link(usize, usize),
    Remove(usize),
    CreateFolder(usize),
    SyncFolder(usize),
    List(usize),
    Metadata(usize),
    Lock(usize),
}

/// Few names, so that actions meet.
const NAMES: [&str; 7] = ["a", "b", "c", "f", "f/a", "f/b", "f/g/a"];

fn action() -> impl Strategy<Value = Action> {
    let name = || 0..NAMES.len();
    let access = prop_oneof![
        Just(Access::Read),
        Just(Access::Write),
        Just(Access::Create),
        Just(Access::CreateNew)
    ];
    prop_oneof![
        4 => (access, name()).prop_map(|(access, name)| Action::Open(access, name)),
        4 => (name(), 0_u64..2000, proptest::collection::vec(any::<u8>(), 0..1500))
            .prop_map(|(name, offset, bytes)| Action::Write { name, offset, bytes }),
        3 => (name(), 0_u64..3000, 0_usize..2000)
            .prop_map(|(name, offset, length)| Action::Read { name, offset, length }),
        1 => (name(), 0_u64..3000).prop_map(|(name, length)| Action::SetLen { name, length }),
        1 => (name(), 1_u64..3000).prop_map(|(name, length)| Action::Allocate { name, length }),
        1 => name().prop_map(Action::Sync),
        2 => (name(), name()).prop_map(|(from, to)| Action::Rename(from, to)),
        2 => (name(), name()).prop_map(|(from, to)| Action::Link(from, to)),
        1 => name().prop_map(Action::Remove),
        2 => name().prop_map(Action::CreateFolder),
        1 => name().prop_map(Action::SyncFolder),
        2 => name().prop_map(Action::List),
        2 => name().prop_map(Action::Metadata),
        1 => name().prop_map(Action::Lock),
    ]
}

/// What can be seen of an action's outcome.
fn perform(disk: &dyn Disk, root: &Path, action: &Action) -> io::Result<String> {
    let at = |name: &usize| -> PathBuf { root.join(NAMES[*name]) };
    let open = |name: &usize, access| disk.open("test", &at(name), access);
    Ok(match action {
        Action::Open(access, name) => {
            // The system opens a folder to be read, but does not read it.
            open(name, *access)?.read_at(&mut [0], 0)?.to_string()
        }
        Action::Write { name, offset, bytes } => {
            let (first, second) = bytes.split_at(bytes.len() / 3);
            let mut slices = [IoSlice::new(first), IoSlice::new(&[]), IoSlice::new(second)];
            open(name, Access::Write)?.write_at("test", &mut slices, *offset)?;
            String::new()
        }
        Action::Read { name, offset, length } => {
            let mut buffer = vec![0; *length];
            let read = open(name, Access::Read)?.read_up_to(&mut buffer, *offset)?;
            format!("{:?}", &buffer[..read])
        }
        Action::SetLen { name, length } => {
            open(name, Access::Write)?.set_len("test", *length)?;
            String::new()
        }
        Action::Allocate { name, length } => {
            let file = open(name, Access::Write)?;
            file.allocate("test", *length)?;
            file.length()?.to_string()
        }
        Action::Sync(name) => {
            open(name, Access::Write)?.sync("test")?;
            String::new()
        }
        Action::Rename(from, to) => {
            disk.rename("test", &at(from), &at(to))?;
            String::new()
        }
        Action::Link(from, to) => {
            disk.link("test", &at(from), &at(to))?;
            String::new()
        }
        Action::Remove(name) => {
            disk.remove("test", &at(name))?;
            String::new()
        }
        Action::CreateFolder(name) => {
            disk.create_folder("test", &at(name))?;
            String::new()
        }
        Action::SyncFolder(name) => {
            disk.sync_folder("test", at(name).parent().unwrap())?;
            String::new()
        }
        Action::List(name) => format!("{:?}", disk.list(&at(name))?),
        Action::Metadata(name) => {
            let found = disk.metadata(&at(name))?;
            let length = if found.is_folder { 0 } else { found.length };
            format!("{} {length}", found.is_folder)
        }
        Action::Lock(name) => {
            let (first, second) = (open(name, Access::Write)?, open(name, Access::Write)?);
            let taken = (first.try_lock()?, first.try_lock()?, second.try_lock()?);
            drop(first);
            format!("{taken:?} {}", second.try_lock()?)
        }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn the_simulated_disk_does_what_the_local_one_does(
        actions in proptest::collection::vec(action(), 1..60)
    ) {
        let folder = tempfile::tempdir().unwrap();
        let simulated = SimulatedDisk::new();
        for action in &actions {
            // The system's errors about folders in place of files differ in kind; that there is one
            // must not. Renaming a folder is not simulated.
            if let Action::Rename(from, to) = action
                && [from, to].iter().any(|it| folder.path().join(NAMES[**it]).is_dir())
            {
                continue;
            }
            let real = perform(&LocalDisk, folder.path(), action);
            let seen = perform(&simulated, Path::new("/"), action);
            match (&real, &seen) {
                (Ok(real), Ok(seen)) => prop_assert_eq!(real, seen, "{:?}", action),
                (Err(real), Err(seen)) => {
                    use io::ErrorKind::{AlreadyExists, NotFound};
                    for kind in [AlreadyExists, NotFound] {
                        prop_assert_eq!(real.kind() == kind, seen.kind() == kind, "{:?}: {} {}", action, real, seen);
                    }
                }
                _ => prop_assert!(false, "{action:?}: {real:?} {seen:?}"),
            }
        }
    }
}
