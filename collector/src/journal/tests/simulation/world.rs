//! A journal on a simulated disk, what is done with it, and what happens to it: one seed decides all.

use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::time::Duration;

use blotter_disk::simulated::{Failure, Random, SimulatedDisk};
use blotter_disk::{Disk, Site};
use bytes::Bytes;
use tokio::sync::oneshot;

use super::super::super::digests::Digest;
use super::super::super::prepare::Preparer;
use super::super::super::writer::{Append, Message, Step, Writer};
use super::super::super::{Journal, Record, Refused};
use super::super::{SMALL, record};
use super::CONSUMERS;
use super::ledger::{Broken, Ledger, Totals};
use crate::config::JournalConfig;
use crate::{Error, identity};

const DATA: &str = "/srv/data";
/// Steps that are taken between the first start and the end.
const STEPS: u64 = 40;

/// What ends a process.
#[derive(Debug, Clone, Copy)]
pub(super) enum End {
    /// The power goes; the seed says what is left.
    PowerCut(u64),
    /// It is killed.
    Death,
}

/// What is decided beforehand about a run.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Plan {
    /// Decides everything else.
    pub seed: u64,
    /// How and at which operation the first process ends.
    pub first: Option<(u64, End)>,
    /// At which operation after that the power goes, and what decides what is left.
    pub second: Option<(u64, u64)>,
    /// A sync that does nothing.
    pub without: Option<Site>,
    /// Whether the disk reports errors and is full at times.
    pub failures: bool,
}

/// A run.
#[derive(Debug)]
pub(super) struct World {
    plan: Plan,
    random: Random,
    disk: SimulatedDisk,
    config: JournalConfig,
    running: Option<Running>,
    ledger: Ledger,
    next: u64,
    /// Whether all requests are of one size.
    same_size: bool,
    totals: Totals,
    /// Operation at which the disk reports an error.
    failure: Option<u64>,
    pub sites: Vec<Site>,
}

/// A process.
#[derive(Debug)]
struct Running {
    journal: Journal,
    writer: Writer,
    queue: Receiver<Message>,
    waiting: Vec<(u64, oneshot::Receiver<Result<u64, Refused>>)>,
}

impl World {
    pub(super) fn new(plan: Plan) -> Self {
        let mut random = Random::new(plan.seed);
        let disk = SimulatedDisk::new();
        if let Some(site) = plan.without {
            disk.ignore(site);
        }
        if let Some((number, _)) = plan.first {
            disk.cut_power_at(number);
        }
        let config = JournalConfig {
            segment_bytes: SMALL + 4096 * random.below(2),
            max_bytes: [4 * SMALL, 1 << 30][random.index(2)],
            group_bytes: [1, 3000, 1 << 20][random.index(3)],
        };
        let same_size = random.chance(1, 3);
        let totals = Totals { runs: 1, ..Totals::default() };
        Self {
            plan,
            random,
            disk,
            config,
            running: None,
            ledger: Ledger::default(),
            next: 1,
            same_size,
            totals,
            failure: None,
            sites: Vec::new(),
        }
    }

    /// Runs to the end; what it came to, or which promise was broken.
    pub(super) fn run(&mut self) -> Result<Totals, Broken> {
        for _ in 0..STEPS {
            let outcome = self.step();
            if self.disk.is_off() {
                // What fails without power has broken no promise.
                if let Some((_, end)) = self.plan.first.take() {
                    self.end(end);
                    match self.plan.second {
                        Some((number, _)) => self.disk.cut_power_at(number),
                        None => self.prepare_trouble(),
                    }
                } else {
                    let second = self.plan.second.take();
                    let end =
                        second.map_or_else(|| self.any_end(), |(_, seed)| End::PowerCut(seed));
                    self.end(end);
                    self.prepare_trouble();
                }
            } else {
                outcome?;
            }
        }
        // Whatever was promised holds without power as well.
        let end = End::PowerCut(self.random.below(8));
        self.end(end);
        let Running { journal, .. } = self.start()?;
        let closed = self.ledger.close(&journal)?;
        self.totals.add(closed);
        self.note_sites();
        Ok(self.totals)
    }

    fn step(&mut self) -> Result<(), Broken> {
        if self.running.is_none() {
            self.running = match self.start() {
                Err(_) if self.has_failed() => None,
                started => Some(started?),
            };
            return Ok(());
        }
        match self.random.below(16) {
            0..5 => (0..1 + self.random.below(4)).for_each(|_| self.send()),
            5..9 => self.write(),
            9 => self.with(|running| running.writer.preparer.step()),
            10..12 => {
                let most = self.random.index(5);
                let consumer = CONSUMERS[self.random.index(2)];
                if let Some(running) = &self.running {
                    self.ledger.take(&running.journal, consumer, most)?;
                }
            }
            12..14 => self.advance(),
            // What is to happen first has not happened yet.
            _ if self.plan.first.is_some() => {}
            14 if self.random.chance(1, 2) => self.close(),
            _ if self.random.chance(1, 3) => {
                let end = self.any_end();
                self.end(end);
                self.prepare_trouble();
            }
            _ => {}
        }
        self.hear()
    }

    fn with(&mut self, act: impl FnOnce(&mut Running)) {
        if let Some(running) = &mut self.running {
            act(running);
        }
    }

    fn send(&mut self) {
        // An acknowledgement that was lost: what was acknowledged is not stored again. Where the disk
        // reports errors, its digest may be lost.
        if !self.plan.failures && self.random.chance(1, 4) {
            let nth = self.random.index(1 << 16);
            if let Some((number, record)) = self.ledger.any_acknowledged(nth) {
                self.hand_in(number, record);
                return;
            }
        }
        let number = self.next;
        self.next += 1;
        let length = match self.random.below(8) {
            // What lies where something else of its size was.
            _ if self.same_size => 400,
            0 => 4000 + self.random.index(6000),
            1..4 => self.random.index(2500),
            _ => self.random.index(300),
        };
        let count = if self.same_size { 0 } else { self.random.below(3) };
        let count = u32::try_from(1 + count).unwrap();
        let fill = if self.same_size { 2 } else { u8::try_from(number & 0xff).unwrap() };
        let mut record = record(fill, length, count);
        record.body = Bytes::from([&number.to_le_bytes()[..], &record.body].concat());
        self.ledger.send(number, record.clone());
        self.hand_in(number, record);
    }

    fn hand_in(&mut self, number: u64, record: Record) {
        let (done, answer) = oneshot::channel();
        let digest = Digest::of(&record);
        self.with(|running| {
            let append = Append { record, digest, done, ticket: None };
            running.journal.queue.send(Message::Append(Box::new(append))).unwrap();
            running.waiting.push((number, answer));
        });
    }

    fn write(&mut self) {
        let all = self.random.chance(1, 2);
        self.with(|running| while running.writer.step(&running.queue) == Step::Done && all {});
    }

    /// Reads the answers that have come.
    fn hear(&mut self) -> Result<(), Broken> {
        let Some(running) = &mut self.running else { return Ok(()) };
        for (number, mut answer) in std::mem::take(&mut running.waiting) {
            match answer.try_recv() {
                Ok(Ok(position)) => self.ledger.acknowledge(number, position)?,
                Ok(Err(Refused::Full(_))) => self.ledger.refuse(number),
                Ok(Err(_)) | Err(oneshot::error::TryRecvError::Closed) => {}
                Err(oneshot::error::TryRecvError::Empty) => running.waiting.push((number, answer)),
            }
        }
        Ok(())
    }

    fn advance(&mut self) {
        let name = CONSUMERS[self.random.index(2)];
        let Some(running) = &self.running else { return };
        let from = running.journal.cursor(name);
        let to = self.ledger.consumer(name).end;
        // Not always as far as it could.
        let to = if self.random.chance(1, 4) { from + (to.saturating_sub(from)) / 2 } else { to };
        if to > from {
            let done = running.journal.advance(name, to).is_ok();
            self.ledger.advance(name, to, done);
        }
    }

    /// A stop as it should be.
    fn close(&mut self) {
        self.with(|running| {
            running.journal.queue.send(Message::Close).unwrap();
            while running.writer.step(&running.queue) == Step::Done {}
        });
        let _ = self.hear();
        self.end(End::Death);
        self.prepare_trouble();
    }

    fn any_end(&mut self) -> End {
        if self.random.chance(1, 3) {
            End::Death
        } else if self.random.chance(1, 2) {
            End::PowerCut(self.random.next())
        } else {
            End::PowerCut(self.random.below(2))
        }
    }

    /// Ends the process.
    fn end(&mut self, end: End) {
        // An answer that was given before the end was given.
        let heard = self.hear();
        debug_assert!(heard.is_ok(), "{heard:?}");
        self.running = None;
        self.note_sites();
        let seed = self.random.next();
        self.disk = match end {
            End::PowerCut(seed) => {
                self.totals.power_cuts += 1;
                self.disk.after_power_cut(seed)
            }
            End::Death => {
                self.totals.deaths += 1;
                self.disk.after_process_death(seed)
            }
        };
        self.failure = None;
    }

    /// Decides what happens to the next process.
    fn prepare_trouble(&mut self) {
        if self.random.chance(1, 2) {
            // Often in the recovery itself.
            let most = if self.random.chance(1, 2) { 12 } else { 80 };
            self.disk.cut_power_at(self.random.below(most));
        }
        if self.plan.failures && self.random.chance(1, 3) {
            let at = self.random.below(60);
            let failure = [Failure::Full, Failure::Broken][self.random.index(2)];
            self.disk.fail_at(at, failure);
            self.failure = Some(at);
        }
    }

    fn has_failed(&self) -> bool {
        self.failure.is_some_and(|at| self.disk.operations() > at)
    }

    fn note_sites(&mut self) {
        self.sites.extend(self.disk.performed().iter().map(|it| it.site));
    }

    fn start(&mut self) -> Result<Running, Broken> {
        self.totals.starts += 1;
        let (running, collector_id) =
            self.open().map_err(|error| format!("the start was refused: {error}"))?;
        self.ledger.started(&running.journal, &collector_id)?;
        Ok(running)
    }

    fn open(&self) -> Result<(Running, String), Error> {
        let data = Path::new(DATA);
        let disk: Arc<dyn Disk> = Arc::new(self.disk.clone());
        let by_hand = |disk: &Arc<dyn Disk>, folder: &Path| Ok(Preparer::by_hand(disk, folder));
        let (journal, mut writer, queue) = Journal::recover(
            &data.join("journal"),
            &self.config,
            &CONSUMERS,
            Arc::clone(&disk),
            by_hand,
        )?;
        let collector_id = identity::collector_id(&*disk, data)?;
        writer.full_pause = Duration::ZERO;
        Ok((Running { journal, writer, queue, waiting: Vec::new() }, collector_id))
    }

    /// The last operations of the process that runs or ran last.
    pub(super) fn last_operations(&self) -> String {
        let performed = self.disk.performed();
        let from = performed.len().saturating_sub(30);
        let lines = performed.iter().enumerate().skip(from);
        lines.map(|(at, it)| format!("{at:4} {} {}\n", it.site, it.path.display())).collect()
    }
}
