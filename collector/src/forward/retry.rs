//! What an operator does with dead letters: look at them, send them again, give them up.

use std::io;
use std::path::Path;
use std::time::Duration;

use blotter_disk::{Disk as _, LocalDisk, durable};
use blotter_schemas::otlp::{Encoding, Request, Signal};
use bytes::Bytes;

use super::client::Client;
use super::dead_letters::{DeadLetter, drop_one, folder, list};
use super::destination::Destination;
use super::filter::Filter;
use super::outcome::{NOT_SENT, Outcome, joined};
use crate::Error;

/// What became of a dead letter that was sent again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Retried {
    /// It was taken, and is gone from the folder; so many of its records were rejected.
    Taken {
        /// Records that the destination did not take.
        rejected: u64,
        /// What it said.
        message: String,
    },
    /// It was not now, and is still there; later it may be.
    Later {
        /// Why not.
        reason: String,
        /// The pause that the destination asked for.
        after: Option<Duration>,
    },
    /// It was not, and is still there.
    Refused(String),
    /// Somebody else has dealt with it meanwhile.
    Gone,
}

/// The dead letters of all destinations below the data folder `data`, by destination and position.
///
/// # Errors
/// When a folder or file cannot be read.
pub fn dead_letters(data: &Path) -> Result<Vec<DeadLetter>, Error> {
    let all = folder(data);
    let listed = match LocalDisk.list(&all) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        listed => listed.map_err(Error::file("list", &all))?,
    };
    let mut letters = Vec::new();
    for destination in listed.into_iter().filter(|it| it.is_folder) {
        let found = list(&LocalDisk, &all.join(&destination.name))?;
        // One that says that it belongs elsewhere was put there by somebody else.
        letters.extend(found.into_iter().filter(|it| *it.destination == *destination.name));
    }
    Ok(letters)
}

/// Sends a dead letter to `destination`, at once and once: what the destination asks to be waited is for
/// the caller to keep.
///
/// # Errors
/// When it cannot be read or removed, or the destination not be used.
pub async fn retry_dead_letter(
    data: &Path,
    letter: &DeadLetter,
    destination: &Destination,
) -> Result<Retried, Error> {
    let wrong = |reason| Error::Destination { name: destination.name.clone(), reason };
    if letter.status == NOT_SENT {
        // It lies here as it came: what the destination is not to get could not be taken out of it.
        return Ok(Retried::Refused(letter.reason.clone()));
    }
    let at = folder(data).join(&letter.destination);
    let signal = letter.signal().ok_or_else(|| wrong(format!("{} has no signal", letter.file)))?;
    let path = at.join(&letter.file);
    let body = match durable::read(&LocalDisk, &path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Retried::Gone),
        read => read.map_err(Error::file("read", &path))?,
    };
    let body = match by_filters_of_now(destination, signal, body) {
        Ok(body) => body,
        Err(reason) => return Ok(Retried::Refused(reason)),
    };
    let mut client = Client::new(destination).map_err(wrong)?;
    Ok(match client.send(signal, &body).await {
        Outcome::Delivered { rejected, message, .. } => {
            drop_one(&LocalDisk, &at, letter)?;
            Retried::Taken { rejected, message }
        }
        Outcome::Later { reason, after } => Retried::Later { reason, after },
        Outcome::Never { status, reason, .. } => Retried::Refused(joined(&status, &reason)),
    })
}

/// What of a request goes to `destination` as it is configured now, which may be less than when it was set
/// aside.
fn by_filters_of_now(
    destination: &Destination,
    signal: Signal,
    body: Vec<u8>,
) -> Result<Bytes, String> {
    // Events in place of logs are logs.
    if !destination.takes(signal) {
        return Err(format!("{} do not go there by its configuration now", signal.name()));
    }
    let filter = Filter::of(destination);
    if filter.is_idle() {
        return Ok(body.into());
    }
    let mut request = Request::decode(signal, Encoding::Protobuf, &body)
        .map_err(|error| format!("it cannot be filtered as configured now: {error}"))?;
    filter.apply(&mut request);
    if request.record_count() == 0 {
        return Err("nothing of it goes there by its filters now".to_owned());
    }
    Ok(request.encode().into())
}

/// Removes a dead letter.
///
/// # Errors
/// When it cannot be removed.
pub fn drop_dead_letter(data: &Path, letter: &DeadLetter) -> Result<(), Error> {
    drop_one(&LocalDisk, &folder(data).join(&letter.destination), letter)
}
