//! An hour's outage of one destination, in simulated time: what happens next is what is due next, and waits
//! cost nothing.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::future::Future as _;
use std::path::Path;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use blotter_disk::Disk;
use blotter_disk::simulated::SimulatedDisk;
use blotter_schemas::normalise::{self, Custody, Rows};
use blotter_schemas::otlp::{Encoding, Request, Signal};
use blotter_schemas::tables::Row as _;
use bytes::Bytes;

use super::line::{DATA, generate, work};
use super::remote;
use super::world::block_on;
use crate::config::JournalConfig;
use crate::forward::Outcome;
use crate::forward::forwarder::{Deliver, Forwarder, Step};
use crate::journal::{ByHand, Consumer, Journal};

const SECOND: Duration = Duration::from_secs(1);
/// The outage begins and ends.
const DOWN: (Duration, Duration) = (Duration::from_secs(60), Duration::from_secs(60 + 3_600));
/// The last request is sent.
const LAST: Duration = Duration::from_secs(3_900);
/// The collector is restarted, in the middle of the outage.
const RESTART: Duration = Duration::from_secs(1_800);
/// Everything has to be over.
const END: Duration = Duration::from_secs(4 * 3_600);
/// How long a request and its answer take.
const LATENCY: Duration = Duration::from_millis(20);
/// What the destination that is down asks for now and then.
const ASKED: Duration = Duration::from_secs(30);

/// Everything that a destination took: event ids with the bytes of their records, and when each came first.
#[derive(Debug, Default)]
struct Taken {
    records: BTreeMap<[u8; 16], (String, Duration)>,
    again: usize,
    refused: u64,
    delivered: u64,
}

/// The way to a destination, which may be down.
#[derive(Debug)]
struct Way {
    now: Rc<Cell<Duration>>,
    down: Option<(Duration, Duration)>,
    taken: Rc<RefCell<Taken>>,
}

impl Deliver for Way {
    async fn deliver(&mut self, signal: Signal, body: &Bytes) -> Outcome {
        let (now, mut taken) = (self.now.get(), self.taken.borrow_mut());
        if self.down.is_some_and(|(from, to)| (from..to).contains(&now)) {
            taken.refused += 1;
            let after = taken.refused.is_multiple_of(3).then_some(ASKED);
            return Outcome::Later { reason: "503".to_owned(), after };
        }
        taken.delivered += 1;
        for (id, record) in records(signal, body) {
            let again = taken.records.insert(id, (record, now + LATENCY));
            if let Some(before) = again {
                taken.again += 1;
                taken.records.insert(id, before);
            }
        }
        Outcome::Delivered { rejected: 0, message: String::new(), unexpected: None }
    }
}

/// Event ids and canonical bytes of the records of a request.
fn records(signal: Signal, body: &[u8]) -> Vec<([u8; 16], String)> {
    let request = Request::decode(signal, Encoding::Protobuf, body).unwrap();
    let mut rows = Rows::default();
    normalise::normalise(&request, &Custody::default(), &mut rows);
    let events = rows.events.iter().filter_map(|it| {
        let record = it.canonical_record().unwrap()?;
        Some((it.event_id(), record))
    });
    let spans = rows.spans.iter().map(|it| (it.event_id(), it.record.clone().unwrap()));
    let metrics = rows.metrics.iter().map(|it| (it.event_id(), it.record.clone().unwrap()));
    events.chain(spans).chain(metrics).collect()
}

/// A collector's journal and its two destinations, of which one is down for an hour.
struct Site {
    disk: Arc<dyn Disk>,
    now: Rc<Cell<Duration>>,
    taken: [Rc<RefCell<Taken>>; 2],
    /// When each record was acknowledged.
    acknowledged: BTreeMap<[u8; 16], Duration>,
}

struct Running {
    journal: Arc<Journal>,
    writer: ByHand,
    forwarders: Vec<(Forwarder<Way>, Duration)>,
}

impl Site {
    fn start(&self) -> Running {
        let config =
            JournalConfig { segment_bytes: 64 << 10, max_bytes: 1 << 30, group_bytes: 4096 };
        let consumers = remote::NAMES.map(|name| Consumer {
            name: remote::destination(name).consumer(),
            holds: None,
            may_miss: true,
        });
        let folder = Path::new(DATA).join("journal");
        let (journal, writer) =
            Journal::by_hand(&folder, &config, &consumers, Arc::clone(&self.disk)).unwrap();
        let journal = Arc::new(journal);
        let forwarder = |at: usize| {
            let taken = Rc::clone(&self.taken[at]);
            let down = (at == 1).then_some(DOWN);
            let way = Way { now: Rc::clone(&self.now), down, taken };
            let work = work(remote::NAMES[at], "a collector", &self.disk, &journal);
            (Forwarder::new(work, way), self.now.get())
        };
        let forwarders = vec![forwarder(0), forwarder(1)];
        Running { journal, writer, forwarders }
    }

    /// Sends the request of this number; it is acknowledged at once.
    fn send(&mut self, running: &mut Running, number: u64) {
        let (_, record) = generate(number);
        for (id, _) in records(record.signal, &record.body) {
            self.acknowledged.entry(id).or_insert(self.now.get());
        }
        let mut append = pin!(running.journal.append(record, None));
        let mut context = Context::from_waker(Waker::noop());
        assert!(append.as_mut().poll(&mut context).is_pending());
        running.writer.step();
        let answer = append.as_mut().poll(&mut context);
        assert!(matches!(answer, Poll::Ready(Ok(_))), "{answer:?}");
    }

    /// Lets a forwarder do what it can now; when it is to be asked again.
    async fn forward(&self, at: usize, forwarder: &mut Forwarder<Way>) -> Duration {
        loop {
            let before = self.taken[at].borrow().delivered;
            let step = forwarder.step(true).await.unwrap();
            if self.taken[at].borrow().delivered > before {
                return self.now.get() + LATENCY;
            }
            match step {
                Step::Onward => {}
                Step::Later(pause) => return self.now.get() + pause,
                Step::Idle(_) | Step::End => return self.now.get() + SECOND,
            }
        }
    }

    /// The delay of which 99 of 100 records are not longer, from acknowledgement to arrival, of those
    /// acknowledged while the other destination was down.
    fn p99_while_down(&self, at: usize) -> Duration {
        let taken = self.taken[at].borrow();
        let down = self.acknowledged.iter().filter(|(_, at)| (DOWN.0..DOWN.1).contains(*at));
        let mut delays: Vec<Duration> =
            down.map(|(id, at)| taken.records[id].1.saturating_sub(*at)).collect();
        delays.sort_unstable();
        delays[(delays.len() * 99).div_ceil(100) - 1]
    }
}

#[test]
fn after_an_hour_of_outage_both_destinations_have_the_same_bytes_and_neither_waited_for_the_other()
{
    block_on(async {
        let mut site = Site {
            disk: Arc::new(SimulatedDisk::new()),
            now: Rc::default(),
            taken: [Rc::default(), Rc::default()],
            acknowledged: BTreeMap::new(),
        };
        let mut running = site.start();
        let (mut number, mut send_at, mut restarted) = (0, Duration::ZERO, false);
        while send_at <= LAST
            || site.taken.iter().any(|it| it.borrow().records.len() < site.acknowledged.len())
        {
            // Else the runtime thinks that this takes more than its turn, and lets answers wait.
            tokio::task::yield_now().await;
            if !restarted && site.now.get() >= RESTART {
                restarted = true;
                drop(running);
                running = site.start();
            }
            if send_at <= LAST && site.now.get() >= send_at {
                site.send(&mut running, number);
                (number, send_at) = (number + 1, send_at + SECOND);
            }
            for at in 0..2 {
                let (forwarder, due) = &mut running.forwarders[at];
                if *due <= site.now.get() {
                    *due = site.forward(at, forwarder).await;
                }
            }
            let due = running.forwarders.iter().map(|(_, due)| *due);
            let next = due.chain((send_at <= LAST).then_some(send_at)).min().unwrap();
            site.now.set(next.max(site.now.get() + Duration::from_millis(1)));
            assert!(site.now.get() < END, "it does not end");
        }
        let [steady, strict] = &site.taken;
        println!(
            "acknowledged {} records; down for an hour, refused {} times, had everything {:.0} s after; again {} and {}; \
             p99 delay of the other while it was down {:?}",
            site.acknowledged.len(),
            strict.borrow().refused,
            (site.now.get() - DOWN.1).as_secs_f64(),
            steady.borrow().again,
            strict.borrow().again,
            site.p99_while_down(0),
        );
        let bytes = |taken: &Rc<RefCell<Taken>>| -> BTreeMap<[u8; 16], String> {
            let taken = taken.borrow();
            taken.records.iter().map(|(id, (record, _))| (*id, record.clone())).collect()
        };
        assert_eq!(bytes(steady), bytes(strict));
        let sent: Vec<_> = site.acknowledged.keys().copied().collect();
        assert_eq!(bytes(strict).into_keys().collect::<Vec<_>>(), sent);
        assert!(strict.borrow().refused > 50, "it was tried again, and not too often");
        // Simulated time: on any machine the same.
        assert!(site.p99_while_down(0) <= 2 * SECOND);
        assert!(site.p99_while_down(1) > Duration::from_secs(600));
    });
}
