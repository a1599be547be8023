//! Questions that are asked of every session: one scan, session by session.

use std::collections::BTreeMap;

use blotter_archive::{Archive, Op, Predicate, ScanRequest, Value};
use blotter_schemas::tables::{Event, Row as _, Table};

use crate::Error;
use crate::import::record;
use crate::tenant::{Asked, SessionKey};

/// Dialects that agents of any name write.
const OF_MANY: [&str; 3] = ["blotter", "gen_ai", "other"];

/// Gathers what `take` takes of the rows of each session at or after `since` (microseconds since the epoch).
/// `columns` must hold `session_id`, `tenant`, `name` and `collector_id`.
pub(crate) async fn gather<T: Default>(
    archive: &Archive,
    columns: &[&str],
    since: Option<i64>,
    tenant: &Asked,
    take: impl Fn(&mut T, &Event),
) -> Result<BTreeMap<SessionKey, T>, Error> {
    let mut sessions: BTreeMap<SessionKey, T> = BTreeMap::new();
    let mut request = ScanRequest::new(Table::Events).columns(columns.iter().copied());
    let since = since.map(|since| Predicate::compare("time", Op::GtEq, Value::Time(since)));
    let filters: Vec<Predicate> = since.into_iter().chain(tenant.predicate()).collect();
    if !filters.is_empty() {
        request = request.filter(Predicate::And(filters));
    }
    let mut scan = archive.scan(request).await?;
    while let Some(batch) = scan.next().await? {
        for row in Event::from_batch(&batch)? {
            if record::is_of_import(&row) {
                continue;
            }
            if let Some(key) = SessionKey::of(&row) {
                take(sessions.entry(key).or_default(), &row);
            }
        }
    }
    Ok(sessions)
}

/// Keeps the first that is told.
pub(crate) fn fill(to: &mut Option<String>, from: Option<&String>) {
    if to.is_none() {
        *to = from.cloned();
    }
}

/// The agent as sessions are listed by: the program's own name only where agents of any name write alike.
pub(crate) fn agent(row: &Event) -> Option<String> {
    match row.dialect.as_deref() {
        Some(known) if !OF_MANY.contains(&known) => Some(known.replace('_', "-")),
        _ => row.agent_name.clone(),
    }
}
