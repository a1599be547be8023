//! Checks that Protobuf bytes decode, without building the message.

use super::{Encoding, Request, Signal};
use crate::Error;

/// Checks and counts; see [`super::check`].
pub(super) fn check(signal: Signal, body: &[u8]) -> Result<usize, Error> {
    Ok(Request::decode(signal, Encoding::Protobuf, body)?.record_count())
}
