//! The errors of this crate.

use std::path::PathBuf;

use crate::tenant::Asked;

/// What can go wrong at the desk. Every text names the place and what to do next.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No session begins so.
    #[error(
        "no session{} begins with `{prefix}` in {archive}; `triage sessions` lists them",
        of_tenant(.tenant)
    )]
    NoSession {
        /// What was asked for.
        prefix: String,
        /// Whose it was to be.
        tenant: Asked,
        /// Where it was looked for.
        archive: String,
    },
    /// Several sessions begin so.
    #[error("`{prefix}` begins {count} sessions; give more of the id:\n{}", listed(.candidates))]
    Ambiguous {
        /// What was asked for.
        prefix: String,
        /// How many sessions begin so, `candidates` at most; `+` where there are more.
        count: String,
        /// The first of them, in order of their ids.
        candidates: Vec<String>,
    },
    /// Several tenants have a session of this id.
    #[error(
        "several tenants have a session `{session_id}`, and each is a session of its own; say which with \
         --tenant NAME (`-`: the one without a tenant):\n{}",
        listed(.tenants)
    )]
    SeveralTenants {
        /// The session.
        session_id: String,
        /// The tenants, in order; `-` for records without one.
        tenants: Vec<String>,
    },
    /// A session has more rows than are read at once.
    #[error("session {session_id} has more than {limit} rows, which is more than `show` reads")]
    TooLarge {
        /// The session.
        session_id: String,
        /// Most rows that are read.
        limit: usize,
    },
    /// What was given names no call.
    #[error("`{text}` names no call; give SESSION/CALL, SESSION/@n, or a call id that is unique")]
    NoAddress {
        /// What was given.
        text: String,
    },
    /// Several sessions have a call of this id.
    #[error("{count} sessions have a call `{call}`; give SESSION/CALL:\n{}", listed(.candidates))]
    SeveralCalls {
        /// The call that was asked for.
        call: String,
        /// How many sessions have it.
        count: usize,
        /// The first of them, in order of their ids.
        candidates: Vec<String>,
    },
    /// The session has no such call.
    #[error("no call `{call}` in {place}; `triage show` lists the calls of a session")]
    NoCall {
        /// The call that was asked for.
        call: String,
        /// Where it was looked for.
        place: String,
    },
    /// The archive could not be read or written.
    #[error(transparent)]
    Archive(#[from] blotter_archive::Error),
    /// Secrets cannot be taken out as configured.
    #[error("redaction: {0}")]
    Redaction(#[from] blotter_redaction::Error),
    /// There is no key file.
    #[error(
        "there is no key file {}; a collector makes it at its first start and `triage key rotate` at any time; --archive or --key-file name another place",
        path.display()
    )]
    NoKeyFile {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// There is no folder for a key file.
    #[error(
        "there is no folder {} to make a key file in; --archive or --key-file name another place",
        path.display()
    )]
    NoKeyFolder {
        /// The folder.
        path: PathBuf,
    },
    /// An agent cannot send to a Unix socket.
    #[error(
        "{agent} cannot send to a Unix socket: {why}; use its address instead: `triage connect {agent}`"
    )]
    NoUnixSocket {
        /// The agent.
        agent: &'static str,
        /// Why not.
        why: &'static str,
    },
    /// An agent has no file of settings for its telemetry.
    #[error(
        "{agent} has no file for these settings, only its environment; put what `triage connect {agent}` prints into the profile of your shell"
    )]
    NoFile {
        /// The agent.
        agent: &'static str,
    },
    /// The folder that an agent's settings are in is not known.
    #[error(
        "the folder of these settings is not known; set {variable}, or put the settings in by hand"
    )]
    NoHome {
        /// The variable that names the folder.
        variable: &'static str,
    },
    /// An agent's file of settings cannot be understood, and is left as it is.
    #[error("{}:{line}: {reason}; mend it, or put the settings in by hand", path.display())]
    Settings {
        /// The file.
        path: PathBuf,
        /// Line, from 1.
        line: usize,
        /// What is wrong.
        reason: String,
    },
    /// Rows could not be read from or written to a batch.
    #[error("rows of the archive: {0}")]
    Arrow(#[from] arrow_schema::ArrowError),
    /// A file or folder named for an import cannot be read.
    #[error("{}: {source}; check the path and its permissions", path.display())]
    Read {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A file cannot be written.
    #[error("{}: {source}; nothing was changed", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A file that is no snapshot stands where one was to be written.
    #[error("{} is there and is no snapshot; --force replaces it all the same", path.display())]
    NotOverwritten {
        /// The file.
        path: PathBuf,
    },
    /// Something is no snapshot that can be read.
    #[error(
        "{name} is no snapshot that can be read: {why}; `triage snapshot SESSION -o FILE` makes one"
    )]
    SnapshotUnreadable {
        /// What was to be read.
        name: String,
        /// Why not.
        why: String,
    },
    /// A snapshot was made by another version.
    #[error(
        "{name} has the format `{found}`, this triage reads `{}`; take it again with this triage from its \
         session, or compare with the triage that made it",
        crate::snapshot::model::FORMAT
    )]
    SnapshotVersion {
        /// What was to be read.
        name: String,
        /// The format that it names.
        found: String,
    },
    /// The patterns that texts are normalised by cannot be used.
    #[error("the rules of snapshots: {0}; please report this")]
    Rules(regex::Error),
}

fn of_tenant(tenant: &Asked) -> String {
    match tenant {
        Asked::Anybody => String::new(),
        Asked::Nobody => " without a tenant".to_owned(),
        Asked::Of(tenant) => format!(" of tenant `{}`", crate::render::terminal::escape(tenant)),
    }
}

fn listed(candidates: &[String]) -> String {
    candidates
        .iter()
        .map(|id| format!("  {}", crate::render::terminal::escape(id)))
        .collect::<Vec<_>>()
        .join("\n")
}
