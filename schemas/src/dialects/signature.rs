//! How the records of one agent are told from those of others.

use super::Origin;
use crate::names::opentelemetry as otel;
use crate::otlp::values::Attributes;

/// How the names begin that only one agent uses; any one of them is enough.
pub(super) struct Signature {
    /// Names of the service.
    pub(super) services: &'static [&'static str],
    /// Names of instrumentation scopes: they hold where the service was given another name.
    pub(super) scopes: &'static [&'static str],
    /// Names of events, in the attribute `event.name`.
    pub(super) events: &'static [&'static str],
}

impl Signature {
    /// Whether a record of this origin with these attributes bears the signature.
    pub(super) fn matches(&self, origin: &Origin<'_>, attributes: &Attributes<'_>) -> bool {
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
