//! How the records of one agent are told from those of others.

use super::Origin;
use crate::names::opentelemetry as otel;
use crate::otlp::values::Attributes;

/// Name of a dialect, and how the names begin that only its agent uses; any one of them is enough.
#[derive(Debug)]
pub struct Signature {
    /// Name as it stands in the column `dialect`.
    pub name: &'static str,
    /// Version as it stands in the column `dialect_version`; raised whenever the same record would fill a
    /// column differently.
    pub version: i64,
    /// Names of the service.
    pub services: &'static [&'static str],
    /// Names of instrumentation scopes: they hold where the service was given another name.
    pub scopes: &'static [&'static str],
    /// Names of events, in the attribute `event.name`.
    pub events: &'static [&'static str],
}

impl Signature {
    /// Whether a record of this origin with these attributes bears the signature.
    #[must_use]
    pub fn matches(&self, origin: &Origin<'_>, attributes: &Attributes<'_>) -> bool {
        let begins =
            |name: &str, prefixes: &[&str]| prefixes.iter().any(|prefix| name.starts_with(prefix));
        begins(origin.scope, self.scopes)
            || origin
                .resource
                .str(otel::SERVICE_NAME)
                .is_some_and(|name| begins(name, self.services))
            || attributes.str(otel::EVENT_NAME).is_some_and(|name| begins(name, self.events))
    }
}
