//! Who is let in, before anything else is looked at.

use std::net::{IpAddr, Ipv4Addr};

use http::header::EXPECT;
use http::request::Parts;
use http::{HeaderMap, Version};

use super::activity::Open;
use super::host;
use super::intake::Intake;
use super::origin::Origin;
use super::status::Refusal;
use crate::access::{Denied, Identity, Scope};

/// How much is listened to of somebody who is not let in, in bytes.
const LISTENED: usize = 1 << 20;

/// Whose a request is, once it was let in.
pub(super) fn admit(
    intake: &Intake,
    origin: &Origin,
    open: &Open,
    head: &Parts,
) -> Result<Origin, Refusal> {
    let mut admitted = origin.clone();
    if let Some(Identity { sender, tenant }) = known(intake, origin, open, head, Scope::Ingest)? {
        admitted.rated.clone_from(&sender);
        admitted.sender = Some(sender);
        admitted.tenant = tenant;
    }
    let begun = intake.rates.begin(rated(&admitted));
    begun.map_err(|pause| Refusal::RateLimited { pause })?;
    Ok(admitted)
}

/// Whether this sender may look at how the collector is doing.
pub(super) fn look(
    intake: &Intake,
    origin: &Origin,
    open: &Open,
    head: &Parts,
) -> Result<(), Refusal> {
    known(intake, origin, open, head, Scope::Read).map(drop)
}

fn known(
    intake: &Intake,
    origin: &Origin,
    open: &Open,
    head: &Parts,
    scope: Scope,
) -> Result<Option<Identity>, Refusal> {
    let is_socket = origin.address.is_none();
    let certificate = origin.certificate.as_deref();
    let admitted = match host::foreign(head) {
        Some(host) if !is_socket && intake.gate.trusts_this_machine() => Err(Denied::Host(host)),
        _ => intake.gate.admit(&head.headers, certificate, is_socket, scope),
    };
    match admitted {
        Ok(identity) => {
            open.let_in();
            Ok(identity)
        }
        Err(denied) => {
            let refusal = refusal(intake, origin, &denied);
            if refusal.ends_connection() {
                open.turn_away();
            }
            Err(refusal)
        }
    }
}

fn refusal(intake: &Intake, origin: &Origin, denied: &Denied) -> Refusal {
    let reason = denied.to_string();
    // Those behind the Unix socket are of one user, like those of one address.
    let address = origin.address.unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST));
    match intake.gate.failed(address, &reason) {
        Err(pause) => Refusal::Throttled { pause },
        Ok(()) if denied.is_known() => Refusal::Forbidden(reason),
        Ok(()) => Refusal::Unauthenticated(reason),
    }
}

/// Makes sure that there is a place for the connection of one who was let in.
pub(super) async fn seat(intake: &Intake, open: &Open) -> Result<(), Refusal> {
    if open.secure(intake.limits.admission_wait).await {
        return Ok(());
    }
    open.turn_away();
    Err(Refusal::crowded())
}

/// The name that a sender is counted under: its credential's, else its user's or network's.
pub(super) fn rated(origin: &Origin) -> &str {
    &origin.rated
}

/// How a request is sent, as far as it matters for listening to what is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Manner {
    /// Whether others are on the same connection, and it can be broken off by itself.
    is_stream: bool,
    /// Whether its body comes only when we ask for it.
    waits: bool,
}

impl Manner {
    pub(super) fn of(version: Version, headers: &HeaderMap) -> Self {
        Self { is_stream: version >= Version::HTTP_2, waits: headers.contains_key(EXPECT) }
    }

    /// How much of the body of a refused request is listened to, in bytes.
    pub(super) fn listened(self, intake: &Intake, refusal: &Refusal) -> usize {
        let limit = intake.limits.request_bytes;
        let is_of_sender = refusal.is_of_sender();
        if self.waits || (self.is_stream && is_of_sender) {
            0
        } else if is_of_sender {
            limit.min(LISTENED)
        } else {
            limit
        }
    }
}
