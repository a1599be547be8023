//! The JSON of `triage show` and `triage sessions`.
//!
//! `show` writes one document, [`Document`]: the `session` is a
//! [`Session`], whose fields are documented there. Every
//! statement is a [`Fact`](crate::fact::Fact): `{"value": ..., "grade": "observed", "events": [...]}`
//! with the ids of the rows it rests on; `why` says which rule concluded it or what is missing. Every
//! join says `explicit` or `inferred` and by what. Every call has a `call_id`. Times are nanoseconds
//! since the epoch. Nothing is cut and nothing is escaped but what JSON demands.
//!
//! `sessions` writes one [`Summary`](crate::sessions::Summary) a line.

use serde::Serialize;
use serde_json::json;

use crate::diff::Diff;
use crate::gaps::{RULES, Rule};
use crate::receipt::Receipt;
use crate::reconstruct::Session;
use crate::reconstruct::findings::Finding;

/// Name and version of the document that `show` writes. A field may be added within a version.
pub const SHOW: &str = "blotter.show/1";

/// The document that `triage show --format json` writes.
#[derive(Debug, Serialize)]
pub struct Document<'a> {
    /// [`SHOW`].
    pub format: &'static str,
    /// The session that was asked for.
    pub session: &'a Session,
}

/// The session as one document, indented, with a line end.
///
/// # Errors
/// Never in practice: every field can be written as JSON.
pub fn show(session: &Session) -> serde_json::Result<String> {
    let mut text = serde_json::to_string_pretty(&Document { format: SHOW, session })?;
    text.push('\n');
    Ok(text)
}

/// A receipt as one document, indented, with a line end.
///
/// # Errors
/// Never in practice: every field can be written as JSON.
pub fn receipt(receipt: &Receipt) -> serde_json::Result<String> {
    let mut text = serde_json::to_string_pretty(receipt)?;
    text.push('\n');
    Ok(text)
}

/// Findings as JSON Lines.
///
/// # Errors
/// Never in practice: every field can be written as JSON.
pub fn findings(findings: &[&Finding]) -> serde_json::Result<String> {
    lines(findings)
}

/// The rules that make findings, as JSON Lines.
///
/// # Errors
/// Never in practice: every field can be written as JSON.
pub fn rules() -> serde_json::Result<String> {
    let mut text = String::new();
    for Rule { name, severity, finds, false_positive, .. } in &RULES {
        let rule = json!({
            "rule": name,
            "severity": severity,
            "finds": finds,
            "false_positive": false_positive,
        });
        text.push_str(&serde_json::to_string(&rule)?);
        text.push('\n');
    }
    Ok(text)
}

/// A comparison as one document, indented, with a line end.
///
/// # Errors
/// Never in practice: every field can be written as JSON.
pub fn diff(diff: &Diff) -> serde_json::Result<String> {
    let mut text = serde_json::to_string_pretty(diff)?;
    text.push('\n');
    Ok(text)
}

/// JSON Lines: one value a line.
///
/// # Errors
/// Never in practice: every field can be written as JSON.
pub fn lines<T: Serialize>(values: &[T]) -> serde_json::Result<String> {
    let mut text = String::new();
    for value in values {
        text.push_str(&serde_json::to_string(value)?);
        text.push('\n');
    }
    Ok(text)
}
