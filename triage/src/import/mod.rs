//! Taking in recorded OTLP request bodies.
//!
//! Start reading at [`run`]. Every body goes the way of a received one: decode, redact, normalise, append;
//! rows that the archive holds already are left out, so that importing again adds nothing.

mod append;
mod signal;
mod walk;

use std::path::{Path, PathBuf};

use blotter_archive::Archive;
use blotter_redaction::Redactor;
use blotter_schemas::normalise::{Custody, normalise};
use blotter_schemas::otlp::{Encoding, Request, Signal};

use crate::Error;
use append::Appender;
pub use signal::{Recognised, recognise};

/// Largest file that is read, in bytes.
pub const FILE_LIMIT: u64 = 1 << 30;

/// What was asked to be imported.
#[derive(Debug)]
pub struct Options {
    /// Signal of every file; otherwise told by name or content.
    pub signal: Option<Signal>,
    /// When the rows are said to have been received, nanoseconds since the epoch.
    pub received_time_unix_nano: i64,
    /// Takes the secrets out before anything is written.
    pub redactor: Redactor,
}

/// A file that was left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftOut {
    /// The file.
    pub path: PathBuf,
    /// Why; for a damaged file with the place of the damage, where it is known.
    pub reason: String,
}

/// What an import did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Summary {
    /// Files taken in.
    pub files: u64,
    /// Records in them.
    pub records: u64,
    /// Rows added to the archive, derived ones included.
    pub added: u64,
    /// Rows that the archive held already, or that came twice.
    pub known: u64,
    /// Files that are not telemetry, found in a folder.
    pub skipped: Vec<LeftOut>,
    /// Files that are telemetry by their name but cannot be decoded, and files named by the caller
    /// that cannot be read or recognised.
    pub damaged: Vec<LeftOut>,
}

/// Imports files and folders in sorted order. `progress` is told each file and its size in bytes
/// before it is read.
///
/// # Errors
/// When the archive cannot be written. What cannot be read is in the summary instead.
pub async fn run(
    archive: &Archive,
    paths: &[PathBuf],
    options: &Options,
    progress: &mut (dyn FnMut(&Path, u64) + Send),
) -> Result<Summary, Error> {
    let mut summary = Summary::default();
    let mut appender = Appender::new(archive);
    for path in paths {
        for found in walk::files(path) {
            match found {
                walk::Found::File { path, size, named } => {
                    progress(&path, size);
                    file(&path, size, named, options, &mut appender, &mut summary);
                }
                walk::Found::Unreadable { path, reason } => {
                    summary.damaged.push(LeftOut { path, reason });
                }
            }
            appender.flush_if_full(&mut summary).await?;
        }
    }
    appender.flush(&mut summary).await?;
    Ok(summary)
}

/// Imports bodies that are in memory already, each with a name that says its signal.
///
/// # Errors
/// [`Error::Archive`] when the archive cannot be written; a body that cannot be decoded is an entry of
/// the summary.
pub async fn bodies(
    archive: &Archive,
    bodies: &[(&str, &[u8])],
    options: &Options,
) -> Result<Summary, Error> {
    let mut summary = Summary::default();
    let mut appender = Appender::new(archive);
    for (name, body) in bodies {
        take(Path::new(name), body, true, options, &mut appender, &mut summary);
        appender.flush_if_full(&mut summary).await?;
    }
    appender.flush(&mut summary).await?;
    Ok(summary)
}

fn file(
    path: &Path,
    size: u64,
    named: bool,
    options: &Options,
    appender: &mut Appender<'_>,
    summary: &mut Summary,
) {
    let leave_out = |reason: String| LeftOut { path: path.to_owned(), reason };
    if !named && !signal::may_be_telemetry(path) {
        summary.skipped.push(leave_out("neither .pb nor .json".to_owned()));
        return;
    }
    if size > FILE_LIMIT {
        let reason = format!("{size} bytes, more than the {FILE_LIMIT} that are read");
        summary.damaged.push(leave_out(reason));
        return;
    }
    match walk::read(path) {
        Ok(body) => take(path, &body, named, options, appender, summary),
        Err(error) => summary.damaged.push(leave_out(error.to_string())),
    }
}

fn take(
    path: &Path,
    body: &[u8],
    named: bool,
    options: &Options,
    appender: &mut Appender<'_>,
    summary: &mut Summary,
) {
    // What is wrong with a body may be told with a part of it.
    let left_out = |reason: String| {
        let reason = options.redactor.redact_text(&reason).unwrap_or(reason);
        LeftOut { path: path.to_owned(), reason }
    };
    let (signal, encoding) = match recognise(path, body, options.signal) {
        Recognised::Telemetry(signal, encoding) => (signal, encoding),
        Recognised::Damaged(reason) => {
            summary.damaged.push(left_out(reason));
            return;
        }
        Recognised::Other(reason) if named => {
            let hint = "name it like x.logs.pb, or use --signal";
            summary.damaged.push(left_out(format!("{reason}; {hint}")));
            return;
        }
        Recognised::Other(reason) => {
            summary.skipped.push(left_out(reason));
            return;
        }
    };
    match Request::decode(signal, encoding, body) {
        Ok(mut request) => {
            let redacted = if options.redactor.may_contain(signal, encoding, body) {
                options.redactor.account(&options.redactor.redact(&mut request))
            } else {
                options.redactor.clean()
            };
            let custody = Custody {
                received_time_unix_nano: options.received_time_unix_nano,
                redacted,
                ..Custody::default()
            };
            normalise(&request, &custody, appender.rows(body.len()));
            summary.files += 1;
            summary.records += u64::try_from(request.record_count()).unwrap_or(u64::MAX);
        }
        Err(error) => summary.damaged.push(left_out(signal::damage(&error, encoding, body))),
    }
}

/// Name of an encoding as people know it.
#[must_use]
pub(crate) const fn encoding_name(encoding: Encoding) -> &'static str {
    match encoding {
        Encoding::Protobuf => "Protobuf",
        Encoding::Json => "JSON",
    }
}
