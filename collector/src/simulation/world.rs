//! A line, the disk it works on, and its senders.

use std::path::Path;
use std::sync::Arc;

use blotter_disk::simulated::{Performed, SimulatedDisk};
use blotter_disk::{Disk, Site};

use super::archived::{Broken, Reader};
use super::ledger::{Account, Ledger};
use super::line::{ARCHIVE, Line, Step};
use super::remote::{self, Remotes};
use super::script::Event;

/// Starts after which a collector that does not get everything into the archive is given up.
const STARTS: usize = 4;

/// A line, the disk it works on, and its senders.
pub(super) struct World {
    pub disk: SimulatedDisk,
    pub ledger: Ledger,
    line: Option<Line>,
    /// What was done to earlier disks, before a restart.
    performed: Vec<Performed>,
    cut_at: Option<u64>,
    /// Where everything is forwarded to.
    remotes: Remotes,
    /// The disk reports errors: it is no surprise that the line says so.
    pub disk_fails: bool,
}

impl World {
    /// Nothing was ever done.
    pub(super) fn new() -> Self {
        Self::on(SimulatedDisk::new(), Ledger::default(), Remotes::new())
    }

    /// Nothing was ever done, and everything is to be forwarded, too.
    pub(super) fn forwarding() -> Self {
        Self { remotes: remote::fresh(), ..Self::new() }
    }

    fn on(disk: SimulatedDisk, ledger: Ledger, remotes: Remotes) -> Self {
        let (line, performed) = (None, Vec::new());
        Self { disk, ledger, line, performed, cut_at: None, remotes, disk_fails: false }
    }

    /// Nothing was ever done, and the syncs at `site` never will be.
    pub(super) fn without(site: Option<Site>) -> Self {
        let world = Self::new();
        if let Some(site) = site {
            world.disk.ignore(site);
        }
        world
    }

    /// Lets the power fail, or the process be killed, before operation `number` from the beginning.
    pub(super) fn cut_at(&mut self, number: u64) {
        self.cut_at = Some(number);
        let before = self.performed.len() as u64;
        self.disk.cut_power_at(number.saturating_sub(before));
    }

    pub(super) fn is_off(&self) -> bool {
        self.disk.is_off()
    }

    /// Everything that was done to the disk, before restarts too.
    pub(super) fn performed(&self) -> Vec<Performed> {
        let mut performed = self.performed.clone();
        performed.extend(self.disk.performed());
        performed
    }

    /// Lets things happen until they are over or the power is cut.
    pub(super) async fn play(&mut self, events: &[Event]) -> Result<(), Broken> {
        self.start().await?;
        for event in events {
            match event {
                Event::Step(step) => self.step(*step).await?,
                Event::Restart if !self.is_off() => {
                    self.restart(0);
                    self.start().await?;
                }
                Event::Restart => {}
            }
            if self.is_off() {
                break;
            }
        }
        Ok(())
    }

    /// Starts a collector, unless one runs.
    pub(super) async fn start(&mut self) -> Result<(), Broken> {
        if self.line.is_none() {
            let disk: Arc<dyn Disk> = Arc::new(self.disk.clone());
            match Line::open(&disk, &self.remotes).await {
                Ok(line) => self.line = Some(line),
                Err(_) if self.is_off() || self.disk_fails => {}
                Err(error) => return Err(format!("the collector does not start: {error}")),
            }
        }
        Ok(())
    }

    async fn step(&mut self, step: Step) -> Result<(), Broken> {
        let Some(line) = &mut self.line else { return Ok(()) };
        // Where the disk fails, maintenance says so and looks again a while later.
        let is_excused = self.disk_fails && matches!(step, Step::Compact | Step::Clean);
        match line.step(step, &mut self.ledger).await {
            Err(error) if !self.disk.is_off() && !is_excused => Err(format!("{step:?}: {error}")),
            _ => Ok(()),
        }
    }

    /// The process is killed and its disk is left to the next one.
    pub(super) fn restart(&mut self, seed: u64) {
        self.line = None;
        self.performed.extend(self.disk.performed());
        self.disk = self.disk.after_process_death(seed);
        if let Some(number) = self.cut_at {
            self.cut_at(number);
        }
    }

    /// What is left when the power fails now.
    pub(super) fn after_power_cut(&self, seed: u64) -> Self {
        let remotes = remote::copies(&self.remotes);
        Self::on(self.disk.after_power_cut(seed), self.ledger.clone(), remotes)
    }

    /// What is left when the process is killed now.
    pub(super) fn after_death(&self, seed: u64) -> Self {
        let remotes = remote::copies(&self.remotes);
        Self::on(self.disk.after_process_death(seed), self.ledger.clone(), remotes)
    }

    /// Starts, has the senders send again what was not acknowledged, and brings everything into the
    /// archive. Ends early where the power is cut.
    pub(super) async fn finish(&mut self) -> Result<(), Broken> {
        for _ in 0..STARTS {
            self.start().await?;
            if let Some(line) = &mut self.line {
                for request in self.ledger.unacknowledged() {
                    line.step(Step::Send(request), &mut self.ledger)
                        .await
                        .map_err(|error| error.to_string())?;
                }
                match line.drain(&mut self.ledger).await {
                    Ok(true) if self.ledger.unacknowledged().is_empty() => return Ok(()),
                    Err(error) if !self.disk.is_off() => return Err(error.to_string()),
                    _ => {}
                }
            }
            if self.is_off() {
                return Ok(());
            }
            if !self.disk_fails {
                break;
            }
            self.restart(0);
        }
        Err("not everything gets into the archive".to_owned())
    }

    /// Compares what was acknowledged with what is in the archive and at every destination.
    pub(super) fn account(&self, reader: &mut Reader) -> Result<Account, Broken> {
        let rows = reader.rows(&self.disk, Path::new(ARCHIVE))?;
        let mut account = self.ledger.account(&rows);
        account.forwarded = remote::account(&self.ledger, &self.remotes, &self.disk)?;
        if account.is_balanced() { Ok(account) } else { Err(account.to_string()) }
    }

    /// [`World::finish`], then [`World::account`].
    pub(super) async fn settle(mut self, reader: &mut Reader) -> Result<Account, Broken> {
        self.finish().await?;
        self.account(reader)
    }
}

/// A runtime of one thread.
pub(super) fn block_on<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.unwrap().block_on(future)
}

/// Numbers from the end: first some far apart, then those between. Whatever is wrong shows early.
pub(super) fn late_first(count: u64) -> Vec<u64> {
    let mut numbers: Vec<u64> = (0..=count).rev().collect();
    numbers.sort_by_key(|number| !(count - number).is_multiple_of(11));
    numbers
}
