//! Who speaks: the sources that the records of a session came from, as the collector saw them.
//!
//! A speaker is a process, where the system told which; else a user of the machine, else an address.
//! A process that opens several connections, or opens one anew, is one speaker: ports do not count.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;

use blotter_schemas::peer::{Address, Peer, Process};
use blotter_schemas::tables::Event;
use serde::Serialize;

use super::pairing::order;
use super::rollout::from_rollout;
use crate::fact::EventId;

/// Most peers that are listed of one speaker.
const PEERS_LIMIT: usize = 16;
/// Most rows that are listed of one speaker.
const EVENTS_LIMIT: usize = 256;

/// A source of records.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Speaker {
    /// Its number in this document, from 1: who sent more rows comes first.
    pub number: usize,
    /// What it is told apart by.
    pub kind: SpeakerKind,
    /// Column `sender`; absent for the collector's own user and for an import.
    pub sender: Option<String>,
    /// Address it is at; absent on a Unix socket and for an import.
    pub address: Option<IpAddr>,
    /// User, told by the kernel.
    pub uid: Option<u32>,
    /// Process.
    pub pid: Option<u32>,
    /// Name of its program when it first connected; a process may give itself any.
    pub comm: Option<String>,
    /// The column `peer` of its rows, each once, in order; the first of them.
    pub peers: Vec<String>,
    /// Rows of the session that it sent.
    pub rows: usize,
    /// When its first row was received, microseconds since the epoch.
    pub first_received_unix_micro: Option<i64>,
    /// When its last row was received, microseconds since the epoch.
    pub last_received_unix_micro: Option<i64>,
    /// First moment that its rows tell of, nanoseconds since the epoch.
    pub first_time_unix_nano: Option<i64>,
    /// Last moment that its rows tell of, nanoseconds since the epoch.
    pub last_time_unix_nano: Option<i64>,
    /// Rows of the session that it sent; the first of them.
    pub events: Vec<EventId>,
}

impl SpeakerKind {
    /// Whether its records came from files, and not over a connection.
    #[must_use]
    pub fn is_of_files(self) -> bool {
        matches!(self, Self::Import | Self::Rollout)
    }
}

impl Speaker {
    /// `process 4242 codex of user 1000, at 127.0.0.1`.
    #[must_use]
    pub fn described(&self) -> String {
        let mut text = match (self.kind, self.pid) {
            (SpeakerKind::Import, _) => return "imported files".to_owned(),
            (SpeakerKind::Rollout, _) => return "the agent's session file".to_owned(),
            (SpeakerKind::Process, Some(pid)) => format!("process {pid}"),
            _ => "a process that was not told".to_owned(),
        };
        if let Some(comm) = &self.comm {
            text = format!("{text} {comm}");
        }
        text = match self.uid {
            Some(uid) => format!("{text} of user {uid}"),
            None => format!("{text} of a user that was not told"),
        };
        if let Some(credential) = self.credential() {
            text = format!("{text}, with {credential}");
        }
        match self.address {
            Some(address) => format!("{text}, at {address}"),
            None if self.kind == SpeakerKind::Address => text,
            None => format!("{text}, over a Unix socket"),
        }
    }
}

impl Speaker {
    /// `token laptop-anna`, `certificate build-agent`: what it showed the collector.
    fn credential(&self) -> Option<String> {
        let (kind, name) = self.sender.as_deref()?.split_once(':')?;
        matches!(kind, "token" | "certificate").then(|| format!("{kind} {name}"))
    }
}

/// What a speaker is told apart by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SpeakerKind {
    /// A process of this or that user.
    Process,
    /// A user of the machine; which process was not told.
    User,
    /// An address; nothing was told of the process.
    Address,
    /// Recorded requests that were imported: the word of their files.
    Import,
    /// The agent's own session file, which was imported: the word of whoever can write it.
    Rollout,
}

/// What makes two rows one speaker's.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    kind: SpeakerKind,
    sender: Option<String>,
    uid: Option<u32>,
    pid: Option<u32>,
    start: Option<u64>,
    place: Option<String>,
}

/// The speakers of a set of rows, numbered.
#[derive(Debug, Default)]
pub(crate) struct Speakers {
    /// By the columns that tell: `sender`, `peer`, whether a collector received it, and whether it is of
    /// a session file.
    numbers: HashMap<Columns, usize>,
    /// By what makes two rows one speaker's.
    places: BTreeMap<Key, usize>,
    count: usize,
}

type Columns = (Option<String>, Option<String>, bool, bool);
/// The same, borrowed.
type Told<'a> = (Option<&'a str>, Option<&'a str>, bool, bool);

impl Speakers {
    /// Numbers the speakers of all rows: who sent more comes first, session files last.
    pub(crate) fn new(rows: &[Event]) -> Self {
        let mut seen: BTreeMap<Told<'_>, usize> = BTreeMap::new();
        for row in rows {
            *seen.entry(columns(row)).or_default() += 1;
        }
        let mut sizes: BTreeMap<Key, usize> = BTreeMap::new();
        for (columns, rows) in &seen {
            *sizes.entry(key(*columns)).or_default() += rows;
        }
        let mut order: Vec<(Key, usize)> = sizes.into_iter().collect();
        let filed = |key: &Key| key.kind == SpeakerKind::Rollout;
        order.sort_by(|(a, a_rows), (b, b_rows)| {
            let files = filed(a).cmp(&filed(b));
            files.then_with(|| b_rows.cmp(a_rows)).then_with(|| a.cmp(b))
        });
        let places: BTreeMap<Key, usize> =
            order.into_iter().zip(1..).map(|((key, _), number)| (key, number)).collect();
        let number = |columns| places.get(&key(columns)).copied().unwrap_or(0);
        let numbers = seen.into_keys().map(|columns| {
            let (sender, peer, received, filed) = columns;
            let owned = (sender.map(str::to_owned), peer.map(str::to_owned), received, filed);
            (owned, number(columns))
        });
        let numbers = numbers.collect();
        Self { numbers, count: places.len(), places }
    }

    /// Number of the speaker that a row would be of that is none of those that were numbered.
    pub(crate) fn like(&self, row: &Event) -> Option<usize> {
        self.places.get(&key(columns(row))).copied()
    }

    /// Number of the speaker of a row.
    pub(crate) fn of(&self, row: &Event) -> usize {
        if self.count <= 1 {
            return self.count;
        }
        let columns =
            (row.sender.clone(), row.peer.clone(), row.collector_id.is_some(), from_rollout(row));
        self.numbers.get(&columns).copied().unwrap_or(0)
    }

    /// The speakers of these rows, in order of their numbers.
    pub(crate) fn described(&self, rows: &[&Event]) -> Vec<Speaker> {
        let mut speakers: BTreeMap<usize, Speaker> = BTreeMap::new();
        let mut peers: BTreeMap<usize, BTreeMap<&str, ()>> = BTreeMap::new();
        let mut rows = rows.to_vec();
        rows.sort_by_key(|row| order(row));
        for row in rows {
            let number = self.of(row);
            let speaker = speakers.entry(number).or_insert_with(|| speaker(number, row));
            speaker.rows += 1;
            if speaker.events.len() < EVENTS_LIMIT {
                speaker.events.push(EventId(row.event_id));
            }
            // An import is stamped, too, but says nothing of when its speaker spoke.
            if let Some(received) = row.received_time.filter(|_| row.collector_id.is_some()) {
                let first = speaker.first_received_unix_micro.get_or_insert(received);
                *first = received.min(*first);
                let last = speaker.last_received_unix_micro.get_or_insert(received);
                *last = received.max(*last);
            }
            if let Some(time) = row.time_unix_nano {
                let first = speaker.first_time_unix_nano.get_or_insert(time);
                *first = time.min(*first);
                let last = speaker.last_time_unix_nano.get_or_insert(time);
                *last = time.max(*last);
            }
            if let Some(peer) = &row.peer {
                peers.entry(number).or_default().insert(peer, ());
            }
        }
        for (number, peers) in peers {
            if let Some(speaker) = speakers.get_mut(&number) {
                speaker.peers = peers.into_keys().take(PEERS_LIMIT).map(str::to_owned).collect();
            }
        }
        speakers.into_values().collect()
    }
}

/// Whether two texts of the column `peer` are of one speaker: ports do not count.
pub(crate) fn same_speaker(one: &str, other: &str) -> bool {
    let key = |peer| key((None, Some(peer), true, false));
    one == other || key(one) == key(other)
}

fn columns(row: &Event) -> Told<'_> {
    let received = row.collector_id.is_some();
    (row.sender.as_deref(), row.peer.as_deref(), received, from_rollout(row))
}

fn key((sender, peer, received, filed): Told<'_>) -> Key {
    let sender = sender.map(str::to_owned);
    let nobody = Key {
        kind: SpeakerKind::Import,
        sender: sender.clone(),
        uid: None,
        pid: None,
        start: None,
        place: None,
    };
    if filed {
        return Key { kind: SpeakerKind::Rollout, ..nobody };
    }
    let Some(peer) = peer else {
        let kind = if received { SpeakerKind::Address } else { SpeakerKind::Import };
        return Key { kind, ..nobody };
    };
    let Peer { address, process: Process { uid, pid, start, .. } } = Peer::parse(peer);
    match (uid, pid) {
        (_, Some(_)) => Key { kind: SpeakerKind::Process, uid, pid, start, ..nobody },
        (Some(_), None) => Key { kind: SpeakerKind::User, uid, ..nobody },
        (None, None) => {
            let place = match address {
                Address::Unix => None,
                Address::Socket(address) => Some(address.ip().to_string()),
                Address::Other(text) => Some(text),
            };
            Key { kind: SpeakerKind::Address, place, ..nobody }
        }
    }
}

fn speaker(number: usize, row: &Event) -> Speaker {
    let peer = row.peer.as_deref().map(Peer::parse);
    let process = peer.as_ref().map(|peer| peer.process.clone()).unwrap_or_default();
    Speaker {
        number,
        kind: key(columns(row)).kind,
        sender: row.sender.clone(),
        address: peer.as_ref().and_then(Peer::ip),
        uid: process.uid,
        pid: process.pid,
        comm: process.comm,
        peers: Vec::new(),
        rows: 0,
        first_received_unix_micro: None,
        last_received_unix_micro: None,
        first_time_unix_nano: None,
        last_time_unix_nano: None,
        events: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_showed_a_credential_is_told_by_its_name_and_apart_from_another_at_the_same_address() {
        let row = |sender: &str, port: u16, id: u8| Event {
            event_id: [id; 16],
            sender: Some(sender.to_owned()),
            peer: Some(format!("192.0.2.7:{port}")),
            collector_id: Some("c".to_owned()),
            ..Event::default()
        };
        let rows =
            [row("token:laptop", 1, 1), row("token:laptop", 2, 2), row("certificate:ci", 3, 3)];
        let speakers = Speakers::new(&rows).described(&rows.iter().collect::<Vec<_>>());
        let described: Vec<String> = speakers.iter().map(Speaker::described).collect();
        let [laptop, ci] = described.as_slice() else { panic!("{described:?}") };
        assert!(laptop.ends_with(", with token laptop, at 192.0.2.7"), "{laptop}");
        assert!(ci.ends_with(", with certificate ci, at 192.0.2.7"), "{ci}");
    }
}
