//! Where a secret that an analyst holds was seen: its marks are looked for in the archive.

use std::collections::{BTreeMap, BTreeSet};

use arrow_array::RecordBatch;
use blotter_archive::{Archive, ScanRequest};
use blotter_redaction::Redactor;
use blotter_schemas::tables::{Event, MetricPoint, Row, Span, Table};
use serde::Serialize;

use crate::Error;

/// Most rows that are listed one by one.
const ROWS_LIMIT: usize = 1_000;
/// How a mark begins.
const OPEN: &str = "[redacted:";
/// Longest rule in a mark that is told.
const RULE_LIMIT: usize = 128;

/// A secret's fingerprint under one key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Fingerprint {
    /// The key.
    pub key_id: String,
    /// 16 hexadecimal digits.
    pub fingerprint: String,
    /// What every mark of the secret under this key ends with, before its `]`.
    pub search: String,
    /// The marks of the rules that find the secret where it stands alone; beside a name, or hashed with
    /// its field, it has the mark of another rule.
    pub marks: Vec<String>,
}

/// The fingerprints of a secret, those of the newest key first.
#[must_use]
pub fn fingerprints(redactor: &Redactor, secret: &str) -> Vec<Fingerprint> {
    let alone = redactor.redact_text(secret).unwrap_or_default();
    let rules: BTreeSet<&str> = alone
        .split(OPEN)
        .skip(1)
        .filter_map(|mark| mark.split_once(':').map(|(rule, _)| rule))
        .collect();
    let fingerprint = |(key_id, fingerprint): (String, String)| {
        let search = format!("{key_id}.{fingerprint}");
        let marks = rules.iter().map(|rule| format!("{OPEN}{rule}:{search}]")).collect();
        Fingerprint { key_id, fingerprint, search, marks }
    };
    redactor.fingerprint(secret).into_iter().map(fingerprint).collect()
}

/// Where a secret was seen.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Sightings {
    /// Rows of the archive with a mark of it.
    pub total: u64,
    /// By session; the empty id stands for rows that name none.
    pub sessions: BTreeMap<String, Seen>,
    /// The first of the rows, in order of session, time and id.
    pub rows: Vec<Sighting>,
}

/// How a secret was seen in one session.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Seen {
    /// Rows with a mark of it.
    pub rows: u64,
    /// First time, nanoseconds since the epoch.
    pub first_unix_nano: Option<i64>,
    /// Last time, nanoseconds since the epoch.
    pub last_unix_nano: Option<i64>,
    /// The rules that found it.
    pub rules: BTreeSet<String>,
    /// The tenants of those rows, where they have one.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub tenants: BTreeSet<String>,
}

/// A row with a mark of the secret.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Sighting {
    /// Session, where the row names one.
    pub session_id: Option<String>,
    /// The tenant of the row, where it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tenant: Option<String>,
    /// When, nanoseconds since the epoch.
    pub time_unix_nano: Option<i64>,
    /// The row, in hexadecimal.
    pub event_id: String,
    /// Its table.
    pub table: &'static str,
    /// The sender's name for it.
    pub name: Option<String>,
    /// The rules that found it.
    pub rules: Vec<String>,
    /// Keys that the marks were made with.
    pub key_ids: Vec<String>,
}

/// Looks through every row of the archive: a mark may stand in any string.
///
/// # Errors
/// When the archive cannot be read.
pub async fn search(
    archive: &Archive,
    fingerprints: &[Fingerprint],
    progress: &mut (dyn FnMut(u64) + Send),
) -> Result<Sightings, Error> {
    let needles = fingerprints
        .iter()
        .map(|it| (it.key_id.clone(), memchr::memmem::Finder::new(&it.search).into_owned()))
        .collect();
    let mut search = Search { needles, found: Sightings::default(), rows: BTreeSet::new() };
    for table in Table::ALL {
        let mut columns =
            vec!["event_id", "session_id", "tenant", "time_unix_nano", "name", "record"];
        if table == Table::Events {
            // Long strings stand there instead of in the record.
            columns.extend(["text", "arguments", "output", "decision_reason", "error_message"]);
        }
        let mut scan = archive.scan(ScanRequest::new(table).columns(columns)).await?;
        while let Some(batch) = scan.next().await? {
            search.batch(table, &batch)?;
            progress(u64::try_from(batch.num_rows()).unwrap_or(0));
        }
    }
    search.found.rows = search.rows.into_iter().collect();
    Ok(search.found)
}

struct Search {
    needles: Vec<(String, memchr::memmem::Finder<'static>)>,
    found: Sightings,
    rows: BTreeSet<Sighting>,
}

/// The session and the tenant of a row.
struct Owner<'a>(Option<&'a String>, Option<&'a String>);

impl Search {
    fn batch(&mut self, table: Table, batch: &RecordBatch) -> Result<(), Error> {
        match table {
            Table::Events => {
                for row in Event::from_batch(batch)? {
                    let texts = [
                        &row.record,
                        &row.text,
                        &row.arguments,
                        &row.output,
                        &row.decision_reason,
                        &row.error_message,
                    ];
                    self.row(
                        table,
                        &texts,
                        row.event_id,
                        Owner(row.session_id.as_ref(), row.tenant.as_ref()),
                        row.time_unix_nano,
                        row.name.as_ref(),
                    );
                }
            }
            Table::Spans => {
                for row in Span::from_batch(batch)? {
                    self.row(
                        table,
                        &[&row.record],
                        row.event_id,
                        Owner(row.session_id.as_ref(), row.tenant.as_ref()),
                        row.time_unix_nano,
                        row.name.as_ref(),
                    );
                }
            }
            Table::Metrics => {
                for row in MetricPoint::from_batch(batch)? {
                    self.row(
                        table,
                        &[&row.record],
                        row.event_id,
                        Owner(row.session_id.as_ref(), row.tenant.as_ref()),
                        row.time_unix_nano,
                        row.name.as_ref(),
                    );
                }
            }
        }
        Ok(())
    }

    fn row(
        &mut self,
        table: Table,
        texts: &[&Option<String>],
        event_id: [u8; 16],
        Owner(session_id, tenant): Owner<'_>,
        time_unix_nano: Option<i64>,
        name: Option<&String>,
    ) {
        let (mut rules, mut key_ids) = (BTreeSet::new(), BTreeSet::new());
        for text in texts.iter().filter_map(|text| text.as_deref()) {
            for (key_id, needle) in &self.needles {
                for at in needle.find_iter(text.as_bytes()) {
                    if let Some(rule) = rule_before(text, at) {
                        rules.insert(rule.to_owned());
                        key_ids.insert(key_id.clone());
                    }
                }
            }
        }
        if rules.is_empty() {
            return;
        }
        self.found.total += 1;
        let seen = self.found.sessions.entry(session_id.cloned().unwrap_or_default()).or_default();
        seen.rows += 1;
        seen.first_unix_nano = [seen.first_unix_nano, time_unix_nano].into_iter().flatten().min();
        seen.last_unix_nano = seen.last_unix_nano.max(time_unix_nano);
        seen.rules.extend(rules.iter().cloned());
        seen.tenants.extend(tenant.cloned());
        self.rows.insert(Sighting {
            session_id: session_id.cloned(),
            tenant: tenant.cloned(),
            time_unix_nano,
            event_id: hex::encode(event_id),
            table: table.name(),
            name: name.cloned(),
            rules: rules.into_iter().collect(),
            key_ids: key_ids.into_iter().collect(),
        });
        if self.rows.len() > ROWS_LIMIT {
            self.rows.pop_last();
        }
    }
}

/// The rule of the mark whose fingerprint begins at `at`.
fn rule_before(text: &str, at: usize) -> Option<&str> {
    let before = text.get(..at)?.strip_suffix(':')?;
    let from = before.floor_char_boundary(before.len().saturating_sub(RULE_LIMIT));
    let (_, rule) = before.get(from..)?.rsplit_once(OPEN)?;
    Some(rule)
}
