//! Destinations: machines elsewhere, whose power is not cut, and which answer as badly as they can.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::rc::Rc;

use blotter_disk::Disk;
use blotter_schemas::normalise::{self, Custody, Rows};
use blotter_schemas::otlp::{Encoding, Request, Signal};
use blotter_schemas::tables::Row as _;
use bytes::Bytes;

use super::archived::Broken;
use super::ledger::{Forwarded, Ledger};
use super::line::DATA;
use crate::forward::dead_letters;
use crate::forward::forwarder::Deliver;
use crate::forward::{Destination, Outcome};

/// Names of the destinations: one gets everything and is only unreliable; one refuses spans for good,
/// and requests of more than three records for being too large.
pub(super) const NAMES: [&str; 2] = ["steady", "strict"];

/// What a destination got, over all lives of the collector.
#[derive(Debug, Clone, Default)]
pub(super) struct Remote {
    attempts: u64,
    taken: Vec<(Signal, Bytes)>,
}

/// All destinations; `None` where nothing is forwarded.
pub(super) type Remotes = BTreeMap<&'static str, Rc<RefCell<Remote>>>;

/// The way to one of them.
#[derive(Debug)]
pub(super) struct Way {
    pub name: &'static str,
    pub remote: Rc<RefCell<Remote>>,
}

/// Destinations that have got nothing yet.
pub(super) fn fresh() -> Remotes {
    NAMES.into_iter().map(|name| (name, Rc::default())).collect()
}

/// The same, with lives of their own.
pub(super) fn copies(remotes: &Remotes) -> Remotes {
    let copy = |remote: &Rc<RefCell<Remote>>| Rc::new(RefCell::new(remote.borrow().clone()));
    remotes.iter().map(|(name, remote)| (*name, copy(remote))).collect()
}

/// As it stands in a configuration.
pub(super) fn destination(name: &str) -> Destination {
    let text = format!("name = \"{name}\"\nendpoint = \"http://{name}\"\n");
    toml_edit::de::from_str(&text).unwrap()
}

impl Deliver for Way {
    async fn deliver(&mut self, signal: Signal, body: &Bytes) -> Outcome {
        let mut remote = self.remote.borrow_mut();
        remote.attempts += 1;
        let request = Request::decode(signal, Encoding::Protobuf, body).unwrap();
        let later = |reason: &str| Outcome::Later { reason: reason.to_owned(), after: None };
        let never = |status: &str, too_large| Outcome::Never {
            status: status.to_owned(),
            reason: String::new(),
            too_large,
        };
        match remote.attempts % 5 {
            1 => return later("busy"),
            // It has it, but nobody hears of that.
            3 => {
                let answer = if self.refuses(&request) { later("busy") } else { later("lost") };
                if !self.refuses(&request) {
                    remote.taken.push((signal, body.clone()));
                }
                return answer;
            }
            _ => {}
        }
        if self.name == "strict" && request.record_count() > 3 {
            return never("413", true);
        }
        if self.refuses(&request) {
            return never("400", false);
        }
        remote.taken.push((signal, body.clone()));
        Outcome::Delivered { rejected: 0, message: String::new(), unexpected: None }
    }
}

impl Way {
    fn refuses(&self, request: &Request) -> bool {
        self.name == "strict" && (request.signal() == Signal::Traces || request.record_count() > 3)
    }
}

/// Records of a request: table, name, event id.
fn records(signal: Signal, body: &[u8]) -> Vec<(&'static str, String, [u8; 16])> {
    let request = Request::decode(signal, Encoding::Protobuf, body).unwrap();
    let mut rows = Rows::default();
    normalise::normalise(&request, &Custody::default(), &mut rows);
    let Rows { events, spans, metrics } = rows;
    let events = events.iter().filter(|it| it.record.is_some());
    let events = events.map(|it| ("events", it.text.clone(), it.event_id()));
    let spans = spans.iter().map(|it| ("spans", it.name.clone(), it.event_id()));
    let metrics = metrics.iter().map(|it| ("metrics", it.name.clone(), it.event_id()));
    let all = events.chain(spans).chain(metrics);
    all.map(|(table, name, id)| (table, name.unwrap_or_default(), id)).collect()
}

/// Compares what was acknowledged with what the destinations have and what was set aside for them.
pub(super) fn account(
    ledger: &Ledger,
    remotes: &Remotes,
    disk: &dyn Disk,
) -> Result<Forwarded, Broken> {
    let mut account = Forwarded::default();
    for (name, remote) in remotes {
        let mut taken: BTreeMap<(&str, String), Vec<[u8; 16]>> = BTreeMap::new();
        for (signal, body) in &remote.borrow().taken {
            for (table, name, id) in records(*signal, body) {
                taken.entry((table, name)).or_default().push(id);
            }
        }
        let mut set_aside: BTreeSet<(&str, String)> = BTreeSet::new();
        let folder = Path::new(DATA).join("dead-letters").join(name);
        let letters = dead_letters::list(disk, &folder).map_err(|error| error.to_string())?;
        for letter in letters {
            let body = dead_letters::read(disk, &folder, &letter)
                .map_err(|error| format!("a dead letter without its request: {error}"))?;
            let signal = letter.signal().ok_or("a dead letter without a signal")?;
            let found = records(signal, &body);
            if found.len() as u64 != letter.records {
                return Err(format!("{letter} has {} records", found.len()));
            }
            set_aside.extend(found.into_iter().map(|(table, name, _)| (table, name)));
        }
        for (record, table, sent) in ledger.due() {
            let key = (table, record);
            account.due += 1;
            let times = taken.get(&key).map_or(0, Vec::len);
            account.taken += usize::from(times > 0);
            account.set_aside += usize::from(set_aside.contains(&key));
            account.lost += usize::from(times == 0 && !set_aside.contains(&key));
            account.again += times.saturating_sub(1);
            let ids: BTreeSet<_> = taken.get(&key).into_iter().flatten().collect();
            // A request that its sender sent twice may be in the journal twice; two equal facts in one
            // request have two ids.
            account.other_id += ids.len().saturating_sub(sent);
        }
    }
    Ok(account)
}
