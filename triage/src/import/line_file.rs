//! Files of one JSON object a line: OTLP requests as the OpenTelemetry Collector's file exporter writes
//! them, and Codex's session files. What a file is, is told by its lines, not by its name.

use std::io::BufRead;
use std::path::Path;

use blotter_redaction::Redactor;
use blotter_schemas::normalise::Custody;
use blotter_schemas::otlp::{Encoding, Signal};
use blotter_schemas::rollout::{Rollout, attribute_of};
use serde_json::Value;

use super::lines::Lines;
use super::signal::{Recognised, damage, of_json};
use super::{Importer, LeftOut};
use crate::Error;

/// Lines that are looked at to tell what a file is.
const LOOKED_AT: usize = 16;
/// Lines of a file that are named one by one when they cannot be read.
const NAMED: usize = 100;

/// What a file is.
enum Kind {
    /// Every line an OTLP request.
    Otlp,
    /// A session file of Codex.
    Rollout(Box<Rollout>),
}

/// The lines of one file that cannot be read; the first of them by name.
struct Problems<'a> {
    path: &'a Path,
    redactor: &'a Redactor,
    named: Vec<LeftOut>,
    more: u64,
}

impl Problems<'_> {
    fn add(&mut self, line: u64, reason: String) {
        if self.named.len() < NAMED {
            // What is wrong with a line may be told with a part of it.
            self.named.push(LeftOut::quoting(self.redactor, self.path, Some(line), reason));
        } else {
            self.more += 1;
        }
    }

    fn finish(mut self) -> Vec<LeftOut> {
        if self.more > 0 {
            let reason = format!("{} more lines cannot be read", self.more);
            self.named.push(LeftOut::new(self.path, None, reason));
        }
        self.named
    }
}

impl Importer<'_> {
    /// Imports a file of lines. `named` says whether the caller named it.
    pub(super) async fn lines(
        &mut self,
        path: &Path,
        input: Box<dyn BufRead + Send>,
        named: bool,
    ) -> Result<(), Error> {
        let mut lines = Lines::new(input);
        let redactor = &self.options.redactor;
        let mut problems = Problems { path, redactor, named: Vec::new(), more: 0 };
        let mut kind = None;
        let mut looked_at = 0;
        while let Some((number, line)) = lines.next() {
            looked_at += 1;
            let taken = match line {
                Ok(line) => {
                    if kind.is_none() {
                        kind = self.kind(&line, looked_at == 1);
                    }
                    match &mut kind {
                        Some(Kind::Otlp) => self.otlp_line(&line),
                        Some(Kind::Rollout(rollout)) => self.rollout_line(rollout, &line),
                        None => Err(unknown(&line)),
                    }
                }
                Err(unreadable) => Err(unreadable.reason),
            };
            if let Err(reason) = taken {
                problems.add(number, reason);
            }
            if kind.is_none() && looked_at >= LOOKED_AT {
                break;
            }
            self.appender.flush_if_full(&mut self.summary).await?;
        }
        let problems = problems.finish();
        if kind.is_some() {
            self.summary.files += 1;
            self.summary.damaged.extend(problems);
            return Ok(());
        }
        let first = problems.into_iter().next();
        let first = first.unwrap_or_else(|| LeftOut::new(path, None, "it has no lines"));
        let to = if named { &mut self.summary.damaged } else { &mut self.summary.skipped };
        to.push(first);
        Ok(())
    }

    fn kind(&self, line: &str, first: bool) -> Option<Kind> {
        if self.options.signal.is_some()
            || matches!(of_json(line.as_bytes()), Recognised::Telemetry(..))
        {
            return Some(Kind::Otlp);
        }
        // Only the first line says whose file it is: a later one may be another thread's.
        let value: Value = first.then(|| serde_json::from_str(line).ok()).flatten()?;
        Rollout::begin(&value).map(|rollout| Kind::Rollout(Box::new(rollout)))
    }

    fn otlp_line(&mut self, line: &str) -> Result<(), String> {
        let body = line.as_bytes();
        let signal = match (self.options.signal, of_json(body)) {
            (Some(signal), _) | (None, Recognised::Telemetry(signal, _)) => signal,
            (None, Recognised::Damaged(reason) | Recognised::Other(reason)) => return Err(reason),
        };
        self.request(signal, Encoding::Json, body)
            .map_err(|error| damage(&error, Encoding::Json, body))
    }

    fn rollout_line(&mut self, rollout: &mut Rollout, line: &str) -> Result<(), String> {
        let value: Value =
            serde_json::from_str(line).map_err(|error| format!("no JSON: {error}"))?;
        if !value.is_object() {
            return Err("no JSON object".to_owned());
        }
        let options = self.options;
        let redactor = &options.redactor;
        let found = redactor.redact_json(line, &|place| attribute_of(&value, place));
        let (text, value, redacted) = match found {
            None => (None, value, redactor.clean()),
            Some((text, counts)) => {
                let value = serde_json::from_str(&text)
                    .map_err(|error| format!("no JSON after redaction: {error}"))?;
                (Some(text), value, redactor.account_of_one(counts))
            }
        };
        let custody = Custody {
            received_time_unix_nano: options.received_time_unix_nano,
            redacted,
            ..Custody::default()
        };
        let rows = self.appender.rows(line.len());
        rollout.take(text.as_deref().unwrap_or(line), &value, &custody, rows);
        self.summary.records += 1;
        Ok(())
    }
}

/// Why a line does not tell what its file is.
fn unknown(line: &str) -> String {
    match of_json(line.as_bytes()) {
        Recognised::Damaged(reason) | Recognised::Other(reason) => {
            format!("{reason}; nor the first line of a Codex session file")
        }
        Recognised::Telemetry(signal, _) => format!("{} in an unknown place", Signal::name(signal)),
    }
}
