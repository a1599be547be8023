//! What was sent, what of it was acknowledged, and how often it is in the archive.

use std::collections::BTreeMap;
use std::fmt;

/// What the senders know of their requests.
#[derive(Debug, Clone, Default)]
pub(super) struct Ledger {
    requests: BTreeMap<u64, Request>,
}

/// A request, sent any number of times.
#[derive(Debug, Clone, Default)]
struct Request {
    table: &'static str,
    records: u32,
    sent: usize,
    acknowledged: usize,
}

/// A row of the archive.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct ArchivedRow {
    pub table: &'static str,
    /// Where its collector's journal had it.
    pub position: i64,
    /// The record's own name.
    pub name: String,
}

/// The sums.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Account {
    /// Records that were sent, each once however often it was.
    pub sent: usize,
    /// Those of them that were acknowledged.
    pub acknowledged: usize,
    /// Rows in the archive.
    pub archived: usize,
    /// Rows that should not be there: more often than sent, twice from one position, or never sent.
    pub duplicated: usize,
    /// Records that were acknowledged and are not in the archive.
    pub lost: usize,
    /// What destinations got.
    pub forwarded: Forwarded,
}

/// The sums over all destinations.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Forwarded {
    /// Records that should be with a destination or among its dead letters.
    pub due: usize,
    /// Those that a destination has.
    pub taken: usize,
    /// Those that were set aside.
    pub set_aside: usize,
    /// Deliveries of a record that its destination had before.
    pub again: usize,
    /// Those of them whose event id is another one.
    pub other_id: usize,
    /// Records that are nowhere.
    pub lost: usize,
}

impl Account {
    pub(super) const fn is_balanced(&self) -> bool {
        self.duplicated == 0
            && self.lost == 0
            && self.forwarded.lost == 0
            && self.forwarded.other_id == 0
    }

    pub(super) const fn add(&mut self, other: Self) {
        self.sent += other.sent;
        self.acknowledged += other.acknowledged;
        self.archived += other.archived;
        self.duplicated += other.duplicated;
        self.lost += other.lost;
        let Forwarded { due, taken, set_aside, again, other_id, lost } = other.forwarded;
        self.forwarded.due += due;
        self.forwarded.taken += taken;
        self.forwarded.set_aside += set_aside;
        self.forwarded.again += again;
        self.forwarded.other_id += other_id;
        self.forwarded.lost += lost;
    }
}

impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { sent, acknowledged, archived, duplicated, lost, forwarded } = self;
        write!(
            f,
            "sent {sent}, acknowledged {acknowledged}, archived {archived}, duplicated {duplicated}, lost {lost}"
        )?;
        let Forwarded { due, taken, set_aside, again, other_id, lost } = forwarded;
        if *due == 0 {
            return Ok(());
        }
        write!(
            f,
            "; forwarded {due}: taken {taken}, set aside {set_aside}, delivered again {again} (with another event id {other_id}), lost {lost}"
        )
    }
}

/// Name of a record: the request it is in, and which one of it.
pub(super) fn name(request: u64, record: u32) -> String {
    format!("{request}/{record}")
}

impl Ledger {
    pub(super) fn sent(&mut self, request: u64, table: &'static str, records: u32) {
        let entry = self.requests.entry(request).or_default();
        (entry.table, entry.records) = (table, records);
        entry.sent += 1;
    }

    pub(super) fn acknowledged(&mut self, request: u64) {
        self.requests.entry(request).or_default().acknowledged += 1;
    }

    /// Requests that nobody acknowledged: their senders send them again.
    pub(super) fn unacknowledged(&self) -> Vec<u64> {
        let open = self.requests.iter().filter(|(_, request)| request.acknowledged == 0);
        open.map(|(number, _)| *number).collect()
    }

    /// Names of the records that were acknowledged, with the table they belong to and how often they
    /// were sent.
    pub(super) fn due(&self) -> Vec<(String, &'static str, usize)> {
        let acknowledged = self.requests.iter().filter(|(_, request)| request.acknowledged > 0);
        let names = |(number, request): (&u64, &Request)| {
            let (number, table, sent) = (*number, request.table, request.sent);
            (0..request.records)
                .map(move |record| (name(number, record), table, sent))
                .collect::<Vec<_>>()
        };
        acknowledged.flat_map(names).collect()
    }

    pub(super) fn account(&self, rows: &[ArchivedRow]) -> Account {
        let mut account = Account { archived: rows.len(), ..Account::default() };
        let mut found: BTreeMap<(&str, String), usize> = BTreeMap::new();
        let mut positions: BTreeMap<&ArchivedRow, usize> = BTreeMap::new();
        for row in rows {
            *found.entry((row.table, row.name.clone())).or_default() += 1;
            *positions.entry(row).or_default() += 1;
        }
        let twice: usize = positions.values().map(|times| times - 1).sum();
        let mut too_often = 0;
        for (number, request) in &self.requests {
            for record in 0..request.records {
                let times = found.remove(&(request.table, name(*number, record))).unwrap_or(0);
                account.sent += 1;
                account.acknowledged += usize::from(request.acknowledged > 0);
                account.lost += usize::from(request.acknowledged > 0 && times == 0);
                too_often += times.saturating_sub(request.sent);
            }
        }
        account.duplicated = twice.max(too_often) + found.values().sum::<usize>();
        account
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(position: i64, name: &str) -> ArchivedRow {
        ArchivedRow { table: "events", position, name: name.to_owned() }
    }

    #[test]
    fn what_is_missing_and_what_is_too_much_is_counted() {
        let mut ledger = Ledger::default();
        ledger.sent(1, "events", 2);
        ledger.acknowledged(1);
        ledger.sent(2, "events", 1);
        let rows = [row(0, "1/0"), row(1, "1/1")];
        let balanced = Account {
            sent: 3,
            acknowledged: 2,
            archived: 2,
            duplicated: 0,
            lost: 0,
            ..Account::default()
        };
        assert_eq!(ledger.account(&rows), balanced);
        assert_eq!(ledger.unacknowledged(), [2]);
        assert_eq!(ledger.account(&rows[1..]).lost, 1);
        assert_eq!(
            ledger.account(&[rows[0].clone(), rows[1].clone(), row(1, "1/1")]).duplicated,
            1
        );
        assert_eq!(
            ledger.account(&[rows[0].clone(), rows[1].clone(), row(2, "1/1")]).duplicated,
            1
        );
        assert_eq!(
            ledger.account(&[rows[0].clone(), rows[1].clone(), row(2, "9/0")]).duplicated,
            1
        );
    }
}
