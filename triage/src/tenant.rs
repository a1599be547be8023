//! Tenants: records of two tenants under one session id are two sessions.
//!
//! A record's tenant is that of the credential that its sender showed the collector, and of nothing in the
//! record. An agent's ids are its own word: without the tenant beside it, whoever guesses the id of a session
//! could tell a part of its story.

use blotter_archive::Predicate;
use blotter_schemas::tables::Event;

/// How records without a tenant are asked for, and written where others have one. No tenant is called so.
pub const NOBODY: &str = "-";

/// The column of all three tables.
const COLUMN: &str = "tenant";

/// What tells one session from another.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct SessionKey {
    /// Its id, as the agent gives it.
    pub session_id: String,
    /// The tenant of its records, where they have one.
    pub tenant: Option<String>,
}

impl SessionKey {
    /// The session that a row names.
    #[must_use]
    pub fn of(row: &Event) -> Option<Self> {
        Some(Self { session_id: row.session_id.clone()?, tenant: row.tenant.clone() })
    }

    /// The session of this id of the same tenant.
    #[must_use]
    pub fn beside(&self, session_id: &str) -> Self {
        Self { session_id: session_id.to_owned(), tenant: self.tenant.clone() }
    }
}

/// Whose records are asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Asked {
    /// Anybody's.
    #[default]
    Anybody,
    /// Those without a tenant.
    Nobody,
    /// Those of this tenant.
    Of(String),
}

impl Asked {
    /// Exactly the records of a tenant, or exactly those without one.
    #[must_use]
    pub fn exactly(tenant: Option<&str>) -> Self {
        tenant.map_or(Self::Nobody, |tenant| Self::Of(tenant.to_owned()))
    }

    /// As it is written on a command line: `-` for the records without a tenant, nothing for all.
    #[must_use]
    pub fn written(text: Option<&str>) -> Self {
        match text {
            None => Self::Anybody,
            Some(NOBODY) => Self::Nobody,
            Some(tenant) => Self::Of(tenant.to_owned()),
        }
    }

    /// Which rows that are; absent where all are.
    #[must_use]
    pub fn predicate(&self) -> Option<Predicate> {
        match self {
            Self::Anybody => None,
            Self::Nobody => Some(Predicate::is_null(COLUMN)),
            Self::Of(tenant) => Some(Predicate::equals(COLUMN, tenant.as_str())),
        }
    }

    /// Narrows a predicate to these rows.
    #[must_use]
    pub fn within(&self, predicate: Predicate) -> Predicate {
        match self.predicate() {
            Some(own) => predicate.and(own),
            None => predicate,
        }
    }
}

/// A session as somebody names it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wanted {
    /// The start of its id, or all of it.
    pub prefix: String,
    /// Whose it is.
    pub tenant: Asked,
}

impl From<&str> for Wanted {
    fn from(prefix: &str) -> Self {
        Self { prefix: prefix.to_owned(), tenant: Asked::Anybody }
    }
}

impl From<&String> for Wanted {
    fn from(prefix: &String) -> Self {
        Self::from(prefix.as_str())
    }
}

impl From<&SessionKey> for Wanted {
    fn from(key: &SessionKey) -> Self {
        Self { prefix: key.session_id.clone(), tenant: Asked::exactly(key.tenant.as_deref()) }
    }
}

/// A tenant as it is shown where others have one.
#[must_use]
pub(crate) fn shown(tenant: Option<&str>) -> &str {
    tenant.unwrap_or(NOBODY)
}
