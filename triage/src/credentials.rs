//! Which credentials acted: types and fingerprints, in which sessions, from when until when.
//!
//! Agents say what kind of credential they hold, and instrumented agents also its keyed fingerprint, as
//! redaction writes it: never the value. What no record says is not guessed.

use std::collections::{BTreeMap, BTreeSet};

use blotter_archive::Archive;
use blotter_schemas::tables::Event;
use serde::Serialize;

use crate::Error;
use crate::session_rows::{self, agent, fill};
use crate::tenant::{Asked, SessionKey};

/// Columns that say who acted with what.
const COLUMNS: [&str; 15] = [
    "event_id",
    "session_id",
    "tenant",
    "name",
    "collector_id",
    "time_unix_nano",
    "token_type",
    "auth_mode",
    "token_fingerprint",
    "agent_name",
    "host_name",
    "user_email",
    "user_id",
    "account_id",
    "dialect",
];
/// Most credentials of one session that are compared with each other.
const COMPARED: usize = 64;

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

/// A session that used a credential: from the first record that says so to the last, and for the one that
/// was said last, to the session's end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Use {
    /// The session.
    pub session_id: String,
    /// The tenant of its records, where they have one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tenant: Option<String>,
    /// Its agent.
    pub agent: Option<String>,
    /// Its first record, nanoseconds since the epoch.
    pub first_unix_nano: Option<i64>,
    /// Its last record, nanoseconds since the epoch.
    pub last_unix_nano: Option<i64>,
}

impl Use {
    /// What tells the session from others.
    pub(crate) fn key(&self) -> SessionKey {
        SessionKey { session_id: self.session_id.clone(), tenant: self.tenant.clone() }
    }
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

/// First and last time.
type Times = Option<(i64, i64)>;

/// A session as its rows tell it.
#[derive(Debug, Default)]
struct Told {
    /// What single records say of a credential, and when.
    kinds: BTreeMap<Kind, Times>,
    agent: Option<String>,
    host: Option<String>,
    user: Option<String>,
    times: Times,
}

/// Lists the credentials that acted at or after `since` (microseconds since the epoch), the one seen last
/// first. What two records say is put together only where the one says nothing that the other does not. Sessions of which no record says anything of a credential stand together under one without a type.
///
/// # Errors
/// When the archive cannot be read.
pub async fn list(
    archive: &Archive,
    since: Option<i64>,
    tenant: &Asked,
) -> Result<Vec<Credential>, Error> {
    let sessions = session_rows::gather(archive, &COLUMNS, None, tenant, Told::take).await?;
    Ok(gathered(sessions, since.map(|since| since.saturating_mul(1_000))))
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

fn widen(times: &mut Times, more: Times) {
    *times = match (*times, more) {
        (Some((first, last)), Some((from, to))) => Some((first.min(from), last.max(to))),
        (one, other) => one.or(other),
    };
}

impl Kind {
    /// Whether all that this says is said by `other`, which says more.
    fn is_part_of(&self, other: &Self) -> bool {
        let within = |own: &Option<String>, other: &Option<String>| own.is_none() || own == other;
        self != other
            && within(&self.token_type, &other.token_type)
            && within(&self.auth_mode, &other.auth_mode)
            && within(&self.fingerprint, &other.fingerprint)
    }
}

impl Told {
    fn take(&mut self, row: &Event) {
        fill(&mut self.agent, agent(row).as_ref());
        fill(&mut self.host, row.host_name.as_ref());
        for user in [&row.user_email, &row.user_id, &row.account_id] {
            fill(&mut self.user, user.as_ref());
        }
        let times = row.time_unix_nano.map(|time| (time, time));
        widen(&mut self.times, times);
        let kind = Kind {
            token_type: row.token_type.clone(),
            auth_mode: row.auth_mode.clone(),
            fingerprint: row.token_fingerprint.clone(),
        };
        if kind != Kind::default() {
            widen(self.kinds.entry(kind).or_default(), times);
        }
    }

    /// The credentials of the session, each with when it acted.
    fn used(&mut self) -> BTreeMap<Kind, Times> {
        let told = std::mem::take(&mut self.kinds);
        let mut used: BTreeMap<Kind, Times> = BTreeMap::new();
        let known: Vec<&Kind> = told.keys().collect();
        for (kind, times) in &told {
            let mut whole = None;
            if known.len() <= COMPARED {
                // Of the fullest statements, it must be the only one that it can be a part of.
                let mut fuller = known.iter().filter(|other| {
                    kind.is_part_of(other) && !known.iter().any(|more| other.is_part_of(more))
                });
                whole = fuller.next().filter(|_| fuller.next().is_none());
            }
            widen(used.entry(whole.map_or(kind, |it| *it).clone()).or_default(), *times);
        }
        // The session went on with the one that was said last.
        let last = used.iter_mut().max_by_key(|(_, times)| times.map(|it| it.1));
        match last {
            Some((_, times)) => {
                let end = self.times.map(|(_, last)| (last, last)).filter(|_| times.is_some());
                widen(times, end);
            }
            None => {
                used.insert(Kind::default(), self.times);
            }
        }
        used
    }
}

fn gathered(sessions: BTreeMap<SessionKey, Told>, since: Option<i64>) -> Vec<Credential> {
    let mut credentials: BTreeMap<Kind, Credential> = BTreeMap::new();
    for (key, mut told) in sessions {
        for (kind, times) in told.used() {
            if since.is_some_and(|since| times.is_none_or(|(_, last)| last < since)) {
                continue;
            }
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
            credential.agents.extend(told.agent.clone());
            credential.hosts.extend(told.host.clone());
            credential.users.extend(told.user.clone());
            credential.sessions.push(Use {
                session_id: key.session_id.clone(),
                tenant: key.tenant.clone(),
                agent: told.agent.clone(),
                first_unix_nano: first,
                last_unix_nano: last,
            });
        }
    }
    let mut credentials: Vec<Credential> = credentials.into_values().collect();
    for credential in &mut credentials {
        credential.sessions.sort_by(|a, b| {
            b.last_unix_nano.cmp(&a.last_unix_nano).then_with(|| a.key().cmp(&b.key()))
        });
    }
    credentials
        .sort_by(|a, b| b.last_unix_nano.cmp(&a.last_unix_nano).then_with(|| a.kind.cmp(&b.kind)));
    credentials
}
