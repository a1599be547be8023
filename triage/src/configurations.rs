//! What steered agents beside the prompt: settings, standing instructions, hooks, skills, plugins and MCP
//! definitions, and which sessions ran under which version of them.
//!
//! Only instrumented agents report it. A session that reports nothing may have run under anything: such
//! sessions are counted, and nothing is said of them.

use std::collections::{BTreeMap, BTreeSet};

use blotter_archive::Archive;
use blotter_schemas::tables::Event;
use serde::Serialize;

use crate::Error;
use crate::credentials::Use;
use crate::session_rows::{self, agent, fill};
use crate::tenant::{Asked, SessionKey};

/// Columns that say what was taken up, and by whom.
const COLUMNS: [&str; 15] = [
    "event_id",
    "session_id",
    "tenant",
    "parent_session_id",
    "name",
    "collector_id",
    "time_unix_nano",
    "agent_name",
    "dialect",
    "host_name",
    "user_email",
    "user_id",
    "configuration_kind",
    "configuration_name",
    "configuration_digest",
];
/// How digests begin.
pub(crate) const ALGORITHM: &str = "sha256:";

/// One version of a file or definition, and where it held.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Configuration {
    /// `config`, `instructions`, `hook`, `skill`, `plugin` or `mcp_server`.
    pub kind: String,
    /// Its path or name.
    pub name: String,
    /// `sha256:` and 64 hexadecimal digits.
    pub digest: String,
    /// How many versions of the same kind and name there are, this one included.
    pub versions: usize,
    /// Hosts that it was taken up on.
    pub hosts: BTreeSet<String>,
    /// Users it was taken up for.
    pub users: BTreeSet<String>,
    /// When it was first taken up, nanoseconds since the epoch.
    pub first_unix_nano: Option<i64>,
    /// When it was last known to hold.
    pub last_unix_nano: Option<i64>,
    /// The sessions, the last one first: each from when it was taken up until another version was, or the
    /// session's last record.
    pub sessions: Vec<Use>,
}

/// What sessions ran under.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Configurations {
    /// By kind and name, the version seen last first.
    pub configurations: Vec<Configuration>,
    /// Sessions of which no record says what they ran under.
    pub sessions_without: usize,
}

/// A version as one session took it up.
type Version = (String, String, String);

/// A session as its rows tell it.
#[derive(Debug, Default)]
struct Told {
    parent: Option<String>,
    agent: Option<String>,
    host: Option<String>,
    user: Option<String>,
    last: Option<i64>,
    loaded: Vec<(Option<i64>, Version)>,
}

/// Lists what was taken up by sessions with a record at or after `since` (microseconds since the epoch).
///
/// # Errors
/// When the archive cannot be read.
pub async fn list(
    archive: &Archive,
    since: Option<i64>,
    tenant: &Asked,
) -> Result<Configurations, Error> {
    let mut sessions = session_rows::gather(archive, &COLUMNS, None, tenant, Told::take).await?;
    if let Some(since) = since {
        let since = since.saturating_mul(1_000);
        sessions.retain(|_, told: &mut Told| told.last.is_some_and(|last| last >= since));
    }
    Ok(gathered(sessions))
}

impl Configurations {
    /// Those whose digest begins with `prefix`, with or without `sha256:`.
    #[must_use]
    pub fn of_digest(mut self, prefix: &str) -> Self {
        let prefix = prefix.strip_prefix(ALGORITHM).unwrap_or(prefix).to_ascii_lowercase();
        let begins =
            |digest: &str| digest.strip_prefix(ALGORITHM).unwrap_or(digest).starts_with(&prefix);
        self.configurations.retain(|it| begins(&it.digest));
        self
    }
}

impl Told {
    fn take(&mut self, row: &Event) {
        fill(&mut self.parent, row.parent_session_id.as_ref());
        fill(&mut self.agent, agent(row).as_ref());
        fill(&mut self.host, row.host_name.as_ref());
        fill(&mut self.user, row.user_email.as_ref());
        fill(&mut self.user, row.user_id.as_ref());
        self.last = self.last.max(row.time_unix_nano);
        if let (Some(kind), Some(name), Some(digest)) =
            (&row.configuration_kind, &row.configuration_name, &row.configuration_digest)
        {
            let version = (kind.clone(), name.clone(), digest.clone());
            self.loaded.push((row.time_unix_nano, version));
        }
    }

    /// Each version with the time it was taken up and the time it was last known to hold.
    fn periods(&mut self) -> Vec<(Version, Option<i64>, Option<i64>)> {
        self.loaded.sort();
        let mut held: BTreeMap<(String, String), (String, Option<i64>)> = BTreeMap::new();
        let mut periods = Vec::new();
        for (time, (kind, name, digest)) in std::mem::take(&mut self.loaded) {
            let key = (kind, name);
            match held.get(&key) {
                Some((before, _)) if *before == digest => {}
                _ => {
                    if let Some((before, since)) = held.insert(key.clone(), (digest, time)) {
                        periods.push(((key.0, key.1, before), since, time));
                    }
                }
            }
        }
        for ((kind, name), (digest, since)) in held {
            periods.push(((kind, name, digest), since, self.last));
        }
        periods
    }
}

fn gathered(mut sessions: BTreeMap<SessionKey, Told>) -> Configurations {
    let reports: BTreeSet<SessionKey> = sessions
        .iter()
        .filter(|(_, told)| !told.loaded.is_empty())
        .map(|(key, _)| key.clone())
        .collect();
    // A sub-agent runs under what its parent took up.
    let told = |key: &SessionKey, session: &Told| {
        let of_parent = |id: &String| reports.contains(&key.beside(id));
        reports.contains(key) || session.parent.as_ref().is_some_and(of_parent)
    };
    let sessions_without = sessions.iter().filter(|(key, session)| !told(key, session)).count();
    let mut found: BTreeMap<Version, Configuration> = BTreeMap::new();
    for (key, session) in &mut sessions {
        for (version, since, until) in session.periods() {
            let (kind, name, digest) = version.clone();
            let held = found.entry(version).or_insert_with(|| Configuration {
                kind,
                name,
                digest,
                versions: 0,
                hosts: BTreeSet::new(),
                users: BTreeSet::new(),
                first_unix_nano: None,
                last_unix_nano: None,
                sessions: Vec::new(),
            });
            held.hosts.extend(session.host.clone());
            held.users.extend(session.user.clone());
            held.first_unix_nano = [held.first_unix_nano, since].into_iter().flatten().min();
            held.last_unix_nano = held.last_unix_nano.max(until);
            held.sessions.push(Use {
                session_id: key.session_id.clone(),
                tenant: key.tenant.clone(),
                agent: session.agent.clone(),
                first_unix_nano: since,
                last_unix_nano: until,
            });
        }
    }
    let mut versions: BTreeMap<(String, String), usize> = BTreeMap::new();
    for (kind, name, _) in found.keys() {
        *versions.entry((kind.clone(), name.clone())).or_default() += 1;
    }
    let mut configurations: Vec<Configuration> = found.into_values().collect();
    for it in &mut configurations {
        it.versions = versions.get(&(it.kind.clone(), it.name.clone())).copied().unwrap_or(1);
        it.sessions.sort_by(|a, b| {
            b.last_unix_nano.cmp(&a.last_unix_nano).then_with(|| a.key().cmp(&b.key()))
        });
    }
    configurations.sort_by(|a, b| {
        (&a.kind, &a.name)
            .cmp(&(&b.kind, &b.name))
            .then_with(|| b.last_unix_nano.cmp(&a.last_unix_nano))
            .then_with(|| a.digest.cmp(&b.digest))
    });
    Configurations { configurations, sessions_without }
}
