//! The delivery thread.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use blotter_schemas::names::blotter::{self, EventName};
use blotter_schemas::names::opentelemetry as otel;
use tokio::sync::Notify;
use tokio::time::{sleep_until, timeout};

use super::encode::Encoder;
use super::outbox::Outbox;
use super::queue::{For, Lost, Queue};
use super::sender::{Answer, Sender};
use super::ticket::{Settled, Ticket};
use crate::record::{Record, What, now};
use crate::value::Attributes;

/// First and longest time between two attempts.
const BACKOFF: Duration = Duration::from_millis(200);
const LONGEST_BACKOFF: Duration = Duration::from_secs(30);

/// What the thread is made of.
pub(crate) struct Worker {
    pub(crate) queue: Arc<Queue>,
    pub(crate) encoder: Encoder,
    pub(crate) sender: Sender,
    pub(crate) outbox: Outbox,
    /// How long records are gathered before they are sent.
    pub(crate) interval: Duration,
    /// Whether everything goes to the spool before it is sent.
    pub(crate) write_ahead: bool,
    /// Settled at the end: delivered, spooled, or lost.
    pub(crate) ended: Arc<Ticket>,
}

struct Running {
    queue: Arc<Queue>,
    encoder: Encoder,
    sender: Sender,
    outbox: Mutex<Outbox>,
    interval: Duration,
    write_ahead: bool,
    /// There is something to send, or to try again.
    work: Notify,
    /// Somebody waits, or it is to end.
    clock: Notify,
    /// The last record was taken in.
    closed: Mutex<bool>,
}

/// Starts the thread.
pub(crate) fn start(worker: Worker) -> io::Result<JoinHandle<()>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    std::thread::Builder::new().name("blotter-delivery".to_owned()).spawn(move || {
        let Worker { queue, encoder, sender, outbox, interval, write_ahead, ended } = worker;
        let running = Running {
            queue,
            encoder,
            sender,
            outbox: Mutex::new(outbox),
            interval,
            write_ahead,
            work: Notify::new(),
            clock: Notify::new(),
            closed: Mutex::new(false),
        };
        runtime.block_on(running.run());
        // A name that is being looked up does not hold the thread.
        runtime.shutdown_background();
        let mut outbox = running.outbox();
        let lost = outbox.end();
        ended.settle(match (lost, outbox.len()) {
            (0, 0) => Settled::Delivered,
            (0, _) => Settled::Spooled,
            (lost, _) => Settled::Failed(lost.to_string()),
        });
    })
}

impl Running {
    fn outbox(&self) -> MutexGuard<'_, Outbox> {
        self.outbox.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn run(&self) {
        tokio::join!(self.take_in(), self.send(), self.look_at_the_clock());
    }

    fn is_closed(&self) -> bool {
        *self.closed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes records in, and makes them durable where that is asked for.
    async fn take_in(&self) {
        loop {
            self.queue.arrival().await;
            let _ = timeout(self.interval, self.queue.hurry()).await;
            let taken = self.queue.take();
            let mut records = taken.records;
            let lost = {
                let mut outbox = self.outbox();
                outbox.add_lost(&taken.lost);
                outbox.take_lost()
            };
            records.extend(lost.into_iter().map(report));
            let batches = self.encoder.batches(records);
            let durable =
                self.write_ahead || taken.waiting.iter().any(|it| it.wants == For::Durable);
            let flush = taken.waiting.iter().any(|it| it.wants == For::Flushed);
            let waited_for = !taken.waiting.is_empty();
            let stop = taken.stop;
            let mut outbox = self.outbox();
            outbox.stop = stop;
            outbox.accept(batches, durable, taken.waiting);
            drop(outbox);
            if stop.is_some() {
                *self.closed.lock().unwrap_or_else(PoisonError::into_inner) = true;
            }
            if flush || stop.is_some() || self.outbox().len() > 0 {
                self.work.notify_one();
            }
            if waited_for || stop.is_some() {
                self.clock.notify_one();
            }
            if stop.is_some() {
                return;
            }
        }
    }

    /// Sends batches, one after the other.
    async fn send(&self) {
        let mut backoff = BACKOFF;
        loop {
            let (front, stop) = {
                let mut outbox = self.outbox();
                (outbox.front(), outbox.stop)
            };
            let over = |stop: Option<Instant>| stop.is_some_and(|stop| stop <= Instant::now());
            if self.is_closed() && (front.is_none() || over(stop)) {
                return;
            }
            let Some((signal, body)) = front else {
                self.work.notified().await;
                continue;
            };
            let sending = self.sender.send(signal, body);
            let answer = tokio::select! {
                answer = sending => answer,
                () = self.end_of_time() => return,
            };
            match answer {
                Answer::Taken { rejected } => {
                    backoff = BACKOFF;
                    let mut outbox = self.outbox();
                    outbox.delivered(rejected);
                    if outbox.has_to_report() {
                        self.queue.nudge();
                    }
                }
                Answer::Refused(_) => self.outbox().refused(),
                Answer::Later { why, after } => {
                    self.outbox().failed(why);
                    if self.is_closed() && self.outbox().may_end() {
                        return;
                    }
                    let spread = Duration::from_millis(fastrand::u64(0..=100));
                    let pause = after.unwrap_or(backoff) + spread;
                    backoff = (backoff * 2).min(LONGEST_BACKOFF);
                    // Whoever flushes, or ends, has it tried at once.
                    tokio::select! {
                        () = tokio::time::sleep(pause) => {}
                        () = self.hurried() => {}
                        () = self.end_of_time() => return,
                    }
                }
            }
        }
    }

    /// Waits until somebody wants it to be tried at once.
    async fn hurried(&self) {
        loop {
            self.work.notified().await;
            if self.is_closed() || self.outbox().next_deadline().is_some() {
                return;
            }
        }
    }

    /// Waits until it must end.
    async fn end_of_time(&self) {
        loop {
            let stop = self.outbox().stop;
            match stop {
                Some(stop) => return sleep_until(stop.into()).await,
                None => tokio::time::sleep(CLOCK).await,
            }
        }
    }

    /// Tells those who have waited long enough.
    async fn look_at_the_clock(&self) {
        loop {
            let ended = self.is_closed() && {
                let outbox = self.outbox();
                outbox.len() == 0
                    || outbox.may_end()
                    || outbox.stop.is_some_and(|stop| stop <= Instant::now())
            };
            if ended {
                return;
            }
            let next = self.outbox().next_deadline();
            match next {
                Some(next) => {
                    let soon = Instant::now() + CLOCK;
                    sleep_until(next.min(soon).into()).await;
                    self.outbox().settle();
                }
                None if self.is_closed() => tokio::time::sleep(CLOCK).await,
                None => self.clock.notified().await,
            }
        }
    }
}

/// How often the clock is looked at while nothing else happens.
const CLOCK: Duration = Duration::from_millis(100);

/// The record that says how many were lost.
fn report(lost: Lost) -> Record {
    let count = i64::try_from(lost.count).unwrap_or(i64::MAX);
    let mut attributes = Attributes::with_capacity(2);
    attributes.add(blotter::BLOTTER_RECORDS_DROPPED, count);
    attributes.add(otel::ERROR_MESSAGE, "records could not be delivered and are lost");
    Record {
        what: What::Log {
            name: EventName::RecordsDropped,
            time: now(),
            error: true,
            sequence: lost.frame.next(),
            place: None,
        },
        frame: lost.frame,
        around: [None, None],
        attributes,
    }
}
