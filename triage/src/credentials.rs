//! Which credentials acted: types and fingerprints, in which sessions, from when until when.
//!
//! Agents say what kind of credential they hold, and instrumented agents also its keyed fingerprint, as
//! redaction writes it: never the value. What no record says is not guessed.

use std::collections::{BTreeMap, BTreeSet};

use blotter_archive::{Archive, Predicate, ScanRequest};
use blotter_schemas::names::blotter::{BLOTTER_TOKEN_FINGERPRINT, EventKind};
use blotter_schemas::tables::{Event, Row as _, Table};
use serde::Serialize;
use serde_json::Value as Json;

use crate::Error;
use crate::session_rows::{self, agent, fill};

/// Columns that say who acted with what.
const COLUMNS: [&str; 13] = [
    "event_id",
    "session_id",
    "name",
    "collector_id",
    "time_unix_nano",
    "token_type",
    "auth_mode",
    "agent_name",
    "host_name",
    "user_email",
    "user_id",
    "account_id",
    "dialect",
];
/// The dialect whose records hold fingerprints, and the kinds of records that do.
const DIALECT: &str = "blotter";
const KINDS: [EventKind; 3] = [EventKind::SessionStart, EventKind::Prompt, EventKind::Call];
/// Longest fingerprint that is taken.
const LONGEST: usize = 128;

/// What tells one credential from another, as far as records do. `null` means that no record says.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Kind {
    /// Its type: `personal_access_token`, `api_key`, ...
    pub token_type: Option<String>,
    /// How the agent was signed in, in its own words.
    pub auth_mode: Option<String>,
    /// Its keyed fingerprint: key id, a dot, 16 hexadecimal digits.
    pub fingerprint: Option<String>,
}

/// A credential and where it acted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Credential {
    /// Which one.
    #[serde(flatten)]
    pub kind: Kind,
    /// Agents that used it.
    pub agents: BTreeSet<String>,
    /// Hosts that it was used on.
    pub hosts: BTreeSet<String>,
    /// Users, by email address where one is given, else by id or account.
    pub users: BTreeSet<String>,
    /// When it was first and last seen to act, nanoseconds since the epoch.
    pub first_unix_nano: Option<i64>,
    /// See `first_unix_nano`.
    pub last_unix_nano: Option<i64>,
    /// The sessions, the one that acted last first.
    pub sessions: Vec<Use>,
}

/// A session that used a credential.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Use {
    /// The session.
    pub session_id: String,
    /// Its agent.
    pub agent: Option<String>,
    /// Its first record, nanoseconds since the epoch.
    pub first_unix_nano: Option<i64>,
    /// Its last record, nanoseconds since the epoch.
    pub last_unix_nano: Option<i64>,
}

/// A credential that was revoked, and the sessions that went on with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Revoked {
    /// Its fingerprint.
    pub fingerprint: String,
    /// When it was revoked, nanoseconds since the epoch.
    pub at_unix_nano: i64,
    /// Sessions with a record after that.
    pub went_on: Vec<Use>,
}

/// A session as its rows tell it.
#[derive(Debug, Default)]
struct Told {
    token_type: Option<String>,
    auth_mode: Option<String>,
    fingerprint: Option<String>,
    agent: Option<String>,
    host: Option<String>,
    user: Option<String>,
    times: Option<(i64, i64)>,
}

/// Lists the credentials that acted at or after `since` (microseconds since the epoch), the one seen last
/// first. Sessions of which no record says anything of a credential stand together under one without a type.
///
/// # Errors
/// When the archive cannot be read.
pub async fn list(archive: &Archive, since: Option<i64>) -> Result<Vec<Credential>, Error> {
    let mut sessions = session_rows::gather(archive, &COLUMNS, since, Told::take).await?;
    fingerprints(archive, &mut sessions).await?;
    Ok(gathered(sessions))
}

/// The sessions that had a record after a credential was revoked.
#[must_use]
pub fn revoked(credentials: &[Credential], fingerprint: &str, at_unix_nano: i64) -> Revoked {
    let own = |it: &&Credential| it.kind.fingerprint.as_deref() == Some(fingerprint);
    let after = |used: &&Use| used.last_unix_nano.is_some_and(|last| last > at_unix_nano);
    let went_on = credentials.iter().filter(own).flat_map(|it| &it.sessions).filter(after);
    Revoked {
        fingerprint: fingerprint.to_owned(),
        at_unix_nano,
        went_on: went_on.cloned().collect(),
    }
}

/// Reads the fingerprints, which stand in the records alone.
async fn fingerprints(
    archive: &Archive,
    sessions: &mut BTreeMap<String, Told>,
) -> Result<(), Error> {
    let filter = Predicate::And(vec![
        Predicate::equals("dialect", DIALECT),
        Predicate::one_of("kind", KINDS.map(EventKind::as_str)),
    ]);
    let request = ScanRequest::new(Table::Events).filter(filter).columns([
        "event_id",
        "session_id",
        "time_unix_nano",
        "record",
    ]);
    let mut scan = archive.scan(request).await?;
    while let Some(batch) = scan.next().await? {
        for row in Event::from_batch(&batch)? {
            let Some(told) = row.session_id.as_ref().and_then(|id| sessions.get_mut(id)) else {
                continue;
            };
            if told.fingerprint.is_none() {
                told.fingerprint = row.record.as_deref().and_then(fingerprint);
            }
        }
    }
    Ok(())
}

/// The fingerprint on a record or its resource.
fn fingerprint(record: &str) -> Option<String> {
    if !record.contains(BLOTTER_TOKEN_FINGERPRINT) {
        return None;
    }
    fn find(value: &Json) -> Option<&str> {
        match value {
            Json::Object(fields) => {
                if fields.get("key").and_then(Json::as_str) == Some(BLOTTER_TOKEN_FINGERPRINT) {
                    return fields.get("value")?.get("stringValue")?.as_str();
                }
                fields.values().find_map(find)
            }
            Json::Array(items) => items.iter().find_map(find),
            _ => None,
        }
    }
    let record: Json = serde_json::from_str(record).ok()?;
    find(&record).filter(|text| !text.is_empty() && text.len() <= LONGEST).map(str::to_owned)
}

impl Told {
    fn take(&mut self, row: &Event) {
        fill(&mut self.token_type, row.token_type.as_ref());
        fill(&mut self.auth_mode, row.auth_mode.as_ref());
        fill(&mut self.agent, agent(row).as_ref());
        fill(&mut self.host, row.host_name.as_ref());
        for user in [&row.user_email, &row.user_id, &row.account_id] {
            fill(&mut self.user, user.as_ref());
        }
        if let Some(time) = row.time_unix_nano {
            let (first, last) = self.times.unwrap_or((time, time));
            self.times = Some((first.min(time), last.max(time)));
        }
    }
}

fn gathered(sessions: BTreeMap<String, Told>) -> Vec<Credential> {
    let mut credentials: BTreeMap<Kind, Credential> = BTreeMap::new();
    for (session_id, told) in sessions {
        let Told { token_type, auth_mode, fingerprint, agent, host, user, times } = told;
        let kind = Kind { token_type, auth_mode, fingerprint };
        let credential = credentials.entry(kind.clone()).or_insert_with(|| Credential {
            kind,
            agents: BTreeSet::new(),
            hosts: BTreeSet::new(),
            users: BTreeSet::new(),
            first_unix_nano: None,
            last_unix_nano: None,
            sessions: Vec::new(),
        });
        let (first, last) = (times.map(|it| it.0), times.map(|it| it.1));
        let earlier = [credential.first_unix_nano, first].into_iter().flatten().min();
        credential.first_unix_nano = earlier;
        credential.last_unix_nano = credential.last_unix_nano.max(last);
        credential.agents.extend(agent.clone());
        credential.hosts.extend(host);
        credential.users.extend(user);
        let used = Use { session_id, agent, first_unix_nano: first, last_unix_nano: last };
        credential.sessions.push(used);
    }
    let mut credentials: Vec<Credential> = credentials.into_values().collect();
    for credential in &mut credentials {
        credential.sessions.sort_by(|a, b| {
            b.last_unix_nano.cmp(&a.last_unix_nano).then_with(|| a.session_id.cmp(&b.session_id))
        });
    }
    credentials
        .sort_by(|a, b| b.last_unix_nano.cmp(&a.last_unix_nano).then_with(|| a.kind.cmp(&b.kind)));
    credentials
}
