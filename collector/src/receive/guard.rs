//! Who is let in, before anything else is looked at.

use std::net::{IpAddr, Ipv4Addr};

use http::HeaderMap;

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
    headers: &HeaderMap,
) -> Result<Origin, Refusal> {
    let trusted = origin.address.is_none();
    let certificate = origin.certificate.as_deref();
    let mut admitted = origin.clone();
    match intake.gate.admit(headers, certificate, trusted, Scope::Ingest) {
        Ok(None) => {}
        Ok(Some(Identity { sender, tenant })) => {
            admitted.sender = Some(sender);
            admitted.tenant = tenant;
        }
        Err(denied) => return Err(refusal(intake, origin, &denied)),
    }
    let begun = intake.rates.begin(rated(&admitted));
    begun.map_err(|pause| Refusal::RateLimited { pause })?;
    Ok(admitted)
}

/// Whether this sender may look at how the collector is doing.
pub(super) fn look(intake: &Intake, origin: &Origin, headers: &HeaderMap) -> Result<(), Refusal> {
    let trusted = origin.address.is_none();
    let certificate = origin.certificate.as_deref();
    let looked = intake.gate.admit(headers, certificate, trusted, Scope::Read);
    looked.map(drop).map_err(|denied| refusal(intake, origin, &denied))
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

/// The name that a sender's rate is counted under: its credential's, else its user's or address's.
pub(super) fn rated(origin: &Origin) -> &str {
    origin.sender.as_deref().unwrap_or_default()
}

/// How much of the body of a refused request is listened to, in bytes.
pub(super) fn listened(intake: &Intake, refusal: &Refusal) -> usize {
    let limit = intake.limits.request_bytes;
    if refusal.is_of_sender() { limit.min(LISTENED) } else { limit }
}
