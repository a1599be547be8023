//! Taking in recorded OTLP request bodies and session files.
//!
//! Start reading at [`run`]. Every body goes the way of a received one: decode, redact, normalise, append;
//! rows that the archive holds already are left out, so that importing again adds nothing.

mod append;
mod line_file;
mod lines;
pub(crate) mod record;
mod signal;
mod walk;

use std::io::{BufRead, Cursor};
use std::path::{Path, PathBuf};

use blotter_archive::Archive;
use blotter_redaction::{Counts, Redactor};
use blotter_schemas::normalise::{Custody, Rows, normalise};
use blotter_schemas::otlp::{self, Encoding, Request, Signal};

use crate::Error;
use append::Appender;
pub use lines::{LINE_LIMIT, LINES_LIMIT, TEXT_LIMIT};
pub use signal::{Recognised, recognise};

/// Largest file that is read, in bytes.
pub const FILE_LIMIT: u64 = 1 << 30;

/// Most bytes of a request's records once each has its resource and scope beside it.
pub const EXPANDED_LIMIT: usize = 128 << 20;
/// Most memory that a request may take once it is decoded, in bytes.
const MEMORY_LIMIT: usize = 1 << 30;

/// What was asked to be imported.
#[derive(Debug)]
pub struct Options {
    /// Signal of every file; otherwise told by name or content.
    pub signal: Option<Signal>,
    /// When the rows are said to have been received, nanoseconds since the epoch.
    pub received_time_unix_nano: i64,
    /// The tenant that the rows are to have.
    pub tenant: Option<String>,
    /// Takes the secrets out before anything is written.
    pub redactor: Redactor,
}

/// A file, or a line of one, that was left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftOut {
    /// The file.
    pub path: PathBuf,
    /// The line, from 1; none where it is the whole file.
    pub line: Option<u64>,
    /// Why; for a damaged file with the place of the damage, where it is known.
    pub reason: String,
    /// What was taken out of the reason, which may quote what the file says.
    pub redactions: Counts,
}

impl LeftOut {
    /// A file, or a line of one, left out for a reason that holds nothing of what it says.
    fn new(path: &Path, line: Option<u64>, reason: impl Into<String>) -> Self {
        let (path, reason) = (path.to_owned(), reason.into());
        Self { path, line, reason, redactions: Counts::new() }
    }

    /// The same for a reason that may quote what the file says.
    fn quoting(redactor: &Redactor, path: &Path, line: Option<u64>, reason: String) -> Self {
        let mut redactions = Counts::new();
        let reason = redactor.redact_text_counted(&reason, &mut redactions).unwrap_or(reason);
        Self { redactions, ..Self::new(path, line, reason) }
    }
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
    /// Files that are telemetry by their name but cannot be decoded, files named by the caller that
    /// cannot be read or recognised, and lines that cannot be read.
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
    let mut importer = Importer::new(archive, options);
    for path in paths {
        let before = (importer.summary.skipped.len(), importer.summary.damaged.len());
        for found in walk::files(path) {
            match found {
                walk::Found::File { path, size, named } => {
                    progress(&path, size);
                    importer.file(&path, size, named).await?;
                }
                walk::Found::Unreadable { path, reason } => {
                    importer.summary.damaged.push(LeftOut::new(&path, None, reason));
                }
            }
        }
        importer.record_left_out(path, before);
    }
    importer.finish().await
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
    let mut importer = Importer::new(archive, options);
    for (name, body) in bodies {
        importer.body(Path::new(name), body, true).await?;
    }
    importer.finish().await
}

/// An import on its way.
struct Importer<'a> {
    options: &'a Options,
    appender: Appender<'a>,
    summary: Summary,
    /// Rows that say what was left out.
    left_out: Rows,
}

impl<'a> Importer<'a> {
    fn new(archive: &'a Archive, options: &'a Options) -> Self {
        let (appender, summary) = (Appender::new(archive), Summary::default());
        Self { options, appender, summary, left_out: Rows::default() }
    }

    /// Keeps in the archive what was left out below a path that was asked for, since there were so many
    /// skipped and damaged.
    fn record_left_out(&mut self, asked: &Path, (skipped, damaged): (usize, usize)) {
        let Summary { skipped: all_skipped, damaged: all_damaged, .. } = &self.summary;
        let new = all_skipped.iter().skip(skipped).chain(all_damaged.iter().skip(damaged));
        let left_out: Vec<(String, &LeftOut)> =
            new.map(|entry| (record::file_within(asked, &entry.path), entry)).collect();
        if left_out.is_empty() {
            return;
        }
        let mut request = record::request(&left_out);
        let redactor = &self.options.redactor;
        let mut redactions = redactor.redact(&mut request);
        record::add_to(&mut redactions, &left_out);
        let custody = self.custody(redactor.account(&redactions));
        normalise(&request, &custody, &mut self.left_out);
    }

    fn custody(&self, redacted: blotter_schemas::redacted::Redacted) -> Custody {
        let received_time_unix_nano = self.options.received_time_unix_nano;
        let tenant = self.options.tenant.clone();
        Custody { received_time_unix_nano, tenant, redacted, ..Custody::default() }
    }

    async fn finish(mut self) -> Result<Summary, Error> {
        self.appender.flush(&mut self.summary).await?;
        // What was left out is no row of what went in.
        self.appender.write(self.left_out, &mut Summary::default()).await?;
        Ok(self.summary)
    }

    async fn file(&mut self, path: &Path, size: u64, named: bool) -> Result<(), Error> {
        let leave_out = |reason: String| LeftOut::new(path, None, reason);
        let lines = lines::are_in(path);
        if !named && !lines && !signal::may_be_telemetry(path) {
            let reason = "neither .pb nor .json nor .jsonl";
            self.summary.skipped.push(leave_out(reason.to_owned()));
            return Ok(());
        }
        if size > FILE_LIMIT {
            let reason = format!("{size} bytes, more than the {FILE_LIMIT} that are read");
            self.summary.damaged.push(leave_out(reason));
            return Ok(());
        }
        let read = if lines {
            lines::open(path).map(Read::Lines)
        } else {
            walk::read(path).map(Read::Body)
        };
        match read {
            Ok(Read::Lines(input)) => self.lines(path, input, named).await,
            Ok(Read::Body(body)) if lines::are_several(&body) => {
                self.lines(path, Box::new(Cursor::new(body)), named).await
            }
            Ok(Read::Body(body)) => self.body(path, &body, named).await,
            Err(error) => {
                self.summary.damaged.push(leave_out(error.to_string()));
                Ok(())
            }
        }
    }

    async fn body(&mut self, path: &Path, body: &[u8], named: bool) -> Result<(), Error> {
        self.take(path, body, named);
        self.appender.flush_if_full(&mut self.summary).await
    }

    fn take(&mut self, path: &Path, body: &[u8], named: bool) {
        // What is wrong with a body may be told with a part of it.
        let options = self.options;
        let left_out = |reason| LeftOut::quoting(&options.redactor, path, None, reason);
        let (signal, encoding) = match recognise(path, body, options.signal) {
            Recognised::Telemetry(signal, encoding) => (signal, encoding),
            Recognised::Damaged(reason) => {
                self.summary.damaged.push(left_out(reason));
                return;
            }
            Recognised::Other(reason) if named => {
                let hint = "name it like x.logs.pb, or use --signal";
                self.summary.damaged.push(left_out(format!("{reason}; {hint}")));
                return;
            }
            Recognised::Other(reason) => {
                self.summary.skipped.push(left_out(reason));
                return;
            }
        };
        match self.request(signal, encoding, body) {
            Ok(()) => self.summary.files += 1,
            Err(error) => {
                let left_out = left_out(signal::damage(&error, encoding, body));
                self.summary.damaged.push(left_out);
            }
        }
    }

    /// Takes in one request.
    fn request(
        &mut self,
        signal: Signal,
        encoding: Encoding,
        body: &[u8],
    ) -> Result<(), blotter_schemas::Error> {
        let mut request = Request::decode_within(signal, encoding, body, MEMORY_LIMIT)?;
        // What stands around the records is kept with each of them.
        let expanded = request.expanded_bytes();
        if expanded > EXPANDED_LIMIT {
            return Err(blotter_schemas::Error::TooLargeExpanded {
                bytes: expanded,
                limit: EXPANDED_LIMIT,
            });
        }
        let redactor = &self.options.redactor;
        let has_odd_ids =
            || otlp::measure(signal, &request.encode()).is_ok_and(|measure| measure.odd_ids > 0);
        let redacted = if redactor.may_contain(signal, encoding, body) || has_odd_ids() {
            redactor.account(&redactor.redact(&mut request))
        } else {
            redactor.clean()
        };
        let custody = self.custody(redacted);
        normalise(&request, &custody, self.appender.rows(expanded.max(body.len())));
        self.summary.records += u64::try_from(request.record_count()).unwrap_or(u64::MAX);
        Ok(())
    }
}

/// A file that was opened or read.
enum Read {
    Lines(Box<dyn BufRead + Send>),
    Body(Vec<u8>),
}

/// Name of an encoding as people know it.
#[must_use]
pub(crate) const fn encoding_name(encoding: Encoding) -> &'static str {
    match encoding {
        Encoding::Protobuf => "Protobuf",
        Encoding::Json => "JSON",
    }
}
