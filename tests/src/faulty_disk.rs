//! The disk of this machine, with a fault at a place that a test names.
//!
//! A place is an operation and what it is done for: `write journal.append`, `remove journal.delete`;
//! reading is `read` and the file's extension: `read segment`. A recorded run tells which there are.

use std::collections::BTreeMap;
use std::io::{self, IoSlice};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use blotter_disk::{Access, Disk, DiskFile, Listed, LocalDisk, Metadata, Operation};
use rustix::process::{Signal, getpid, kill_process};

/// What happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// This process gets SIGKILL before the operation; a write is done by half.
    Kill,
    /// The operation fails with this error of the system, and so do all later ones at that place.
    Error(rustix::io::Errno),
    /// The operation takes so much longer.
    Delay(Duration),
}

/// Where and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// The place; none for every operation that changes something.
    pub place: Option<String>,
    /// How often the place is passed before.
    pub after: u64,
    /// What happens there.
    pub fault: Fault,
}

/// A disk with a fault; clones have the same.
#[derive(Debug, Clone, Default)]
pub struct FaultyDisk {
    script: Arc<Mutex<Script>>,
}

#[derive(Debug, Default)]
struct Script {
    rule: Option<Rule>,
    /// How often each place was passed.
    passed: BTreeMap<String, u64>,
    /// How often the fault happened.
    happened: u64,
}

impl FaultyDisk {
    /// From now on, `rule` holds alone.
    pub fn set(&self, rule: Rule) {
        let mut script = self.script();
        script.passed.clear();
        script.rule = Some(rule);
    }

    /// From now on, nothing fails.
    pub fn heal(&self) {
        self.script().rule = None;
    }

    /// How often each place was passed.
    #[must_use]
    pub fn passed(&self) -> BTreeMap<String, u64> {
        self.script().passed.clone()
    }

    /// How often the fault happened.
    #[must_use]
    pub fn happened(&self) -> u64 {
        self.script().happened
    }

    fn script(&self) -> MutexGuard<'_, Script> {
        self.script.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is to happen at a place now.
    fn at(&self, place: &str, changes: bool) -> Option<Fault> {
        let mut script = self.script();
        let passed = script.passed.entry(place.to_owned()).or_default();
        *passed += 1;
        let passed = *passed;
        let fault = script.rule.as_ref().and_then(|rule| {
            let here = rule.place.as_ref().map_or(changes, |it| it == place);
            (here && passed > rule.after).then_some(rule.fault)
        })?;
        script.happened += 1;
        Some(fault)
    }

    fn change(&self, operation: Operation, step: &str) -> io::Result<()> {
        match self.at(&format!("{operation} {step}"), true) {
            None => Ok(()),
            Some(Fault::Kill) => kill(),
            Some(Fault::Error(error)) => Err(error.into()),
            Some(Fault::Delay(time)) => {
                std::thread::sleep(time);
                Ok(())
            }
        }
    }
}

/// Ends this process at once.
fn kill() -> ! {
    let _ = kill_process(getpid(), Signal::KILL);
    loop {
        std::thread::park();
    }
}

impl Disk for FaultyDisk {
    fn open(
        &self,
        step: &'static str,
        path: &Path,
        access: Access,
    ) -> io::Result<Box<dyn DiskFile>> {
        if matches!(access, Access::Create | Access::CreateNew) {
            self.change(Operation::Create, step)?;
        }
        let file = LocalDisk.open(step, path, access)?;
        let extension = path.extension().unwrap_or_default().to_string_lossy();
        Ok(Box::new(FaultyFile { file, disk: self.clone(), read: format!("read {extension}") }))
    }

    fn rename(&self, step: &'static str, from: &Path, to: &Path) -> io::Result<()> {
        self.change(Operation::Rename, step)?;
        LocalDisk.rename(step, from, to)
    }

    fn link(&self, step: &'static str, from: &Path, to: &Path) -> io::Result<()> {
        self.change(Operation::Link, step)?;
        LocalDisk.link(step, from, to)
    }

    fn remove(&self, step: &'static str, path: &Path) -> io::Result<()> {
        self.change(Operation::Remove, step)?;
        LocalDisk.remove(step, path)
    }

    fn create_folder(&self, step: &'static str, path: &Path) -> io::Result<()> {
        self.change(Operation::CreateFolder, step)?;
        LocalDisk.create_folder(step, path)
    }

    fn sync_folder(&self, step: &'static str, path: &Path) -> io::Result<()> {
        self.change(Operation::SyncFolder, step)?;
        LocalDisk.sync_folder(step, path)
    }

    fn list(&self, path: &Path) -> io::Result<Vec<Listed>> {
        LocalDisk.list(path)
    }

    fn metadata(&self, path: &Path) -> io::Result<Metadata> {
        LocalDisk.metadata(path)
    }
}

#[derive(Debug)]
struct FaultyFile {
    file: Box<dyn DiskFile>,
    disk: FaultyDisk,
    /// The place of reading it.
    read: String,
}

impl DiskFile for FaultyFile {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        match self.disk.at(&self.read, false) {
            None => self.file.read_at(buffer, offset),
            Some(Fault::Kill) => kill(),
            Some(Fault::Error(error)) => Err(error.into()),
            Some(Fault::Delay(time)) => {
                std::thread::sleep(time);
                self.file.read_at(buffer, offset)
            }
        }
    }

    fn write_at(
        &self,
        step: &'static str,
        slices: &mut [IoSlice<'_>],
        offset: u64,
    ) -> io::Result<()> {
        let fault = self.disk.at(&format!("{} {step}", Operation::Write), true);
        let Some(fault) = fault else {
            return self.file.write_at(step, slices, offset);
        };
        if let Fault::Delay(time) = fault {
            std::thread::sleep(time);
            return self.file.write_at(step, slices, offset);
        }
        let mut half: Vec<u8> = slices.iter().flat_map(|slice| slice.iter().copied()).collect();
        half.truncate(half.len() / 2);
        // A failed write may leave anything.
        self.file.write_at(step, &mut [IoSlice::new(&half)], offset)?;
        match fault {
            Fault::Kill => kill(),
            Fault::Error(error) => Err(error.into()),
            Fault::Delay(_) => Ok(()),
        }
    }

    fn allocate(&self, step: &'static str, length: u64) -> io::Result<()> {
        self.disk.change(Operation::Allocate, step)?;
        self.file.allocate(step, length)
    }

    fn set_len(&self, step: &'static str, length: u64) -> io::Result<()> {
        self.disk.change(Operation::SetLength, step)?;
        self.file.set_len(step, length)
    }

    fn length(&self) -> io::Result<u64> {
        self.file.length()
    }

    fn write_out(&self, step: &'static str) -> io::Result<()> {
        self.disk.change(Operation::WriteOut, step)?;
        self.file.write_out(step)
    }

    fn sync(&self, step: &'static str) -> io::Result<()> {
        self.disk.change(Operation::SyncFile, step)?;
        self.file.sync(step)
    }

    fn try_lock(&self) -> io::Result<bool> {
        self.file.try_lock()
    }
}
