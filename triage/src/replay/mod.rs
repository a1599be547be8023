//! Replay: for every file, command and connection that a trail shows, what the permission profile in effect
//! says of it, and where the two differ.
//!
//! Start reading at [`replay`]. A profile is taken from the agent's own session file, which states its rules
//! turn by turn; else from a record that names it and a configuration that was given. What no profile governs
//! is said, not judged, and what a trail does not tell is no difference.

mod findings;
mod in_effect;
mod judge;
mod model;
mod targets;

use blotter_schemas::tables::Event;

pub use findings::{RULES, Rule};
pub use in_effect::Configured;
pub use model::{
    Agreement, Answer, Check, FORMAT, Happened, InEffect, NotGoverned, Replay, Source,
};

use crate::receipt::Receipt;
use in_effect::Known;

/// Most checks of one session.
const CHECKS: usize = 50_000;
/// What profiles do not govern, by a part of the tool's name.
const BROWSER: [&str; 2] = ["browser", "web_search"];

/// Replays a session against the profiles in effect. `rows` are the session's rows that state profiles, with
/// their records; `receipts` those of its calls, in order of time.
#[must_use]
pub fn replay(
    session_id: &str,
    rows: &[Event],
    receipts: &[&Receipt],
    configured: Option<&Configured>,
) -> Replay {
    let profiles = in_effect::of(session_id, rows, configured);
    let mut checks = Vec::new();
    let mut not_governed = Vec::new();
    for receipt in receipts {
        let profile = at(&profiles, receipt.time_unix_nano);
        let tool = receipt.tool.value.clone();
        if let Some(why) = beyond(receipt) {
            let address = receipt.address.clone();
            not_governed.push(NotGoverned { address, tool, why });
        } else if let Some(arguments) = &receipt.arguments.value {
            let wanted = targets::of(tool.as_deref().unwrap_or_default(), arguments);
            let told = judge::of_files(receipt, &wanted);
            for target in &wanted.targets {
                checks.push(judge::file(receipt, &wanted, target, &told, profile));
            }
        }
        for connection in receipt.network.value.iter().flatten() {
            let profile = at(&profiles, connection.time_unix_nano);
            checks.extend(judge::connection(receipt, connection, profile));
        }
        if checks.len() >= CHECKS {
            break;
        }
    }
    checks.truncate(CHECKS);
    let findings = findings::find(session_id, &profiles, &checks, configured.map(|it| &it.stack));
    Replay {
        format: FORMAT,
        session_id: session_id.to_owned(),
        profiles: profiles.into_iter().map(|known| known.said).collect(),
        checks,
        not_governed,
        findings,
    }
}

/// The profile in effect at a time: the last one that was stated before it.
fn at(profiles: &[Known], time: i64) -> Option<&Known> {
    let before = |known: &&Known| known.said.since_unix_nano.is_none_or(|since| since <= time);
    profiles.iter().rev().find(before)
}

/// Why no profile governs a call, where none does.
fn beyond(receipt: &Receipt) -> Option<&'static str> {
    if receipt.mcp_server.value.is_some() {
        return Some("an MCP server does what it does outside the profile");
    }
    let tool = receipt.tool.value.as_deref()?;
    if BROWSER.iter().any(|part| tool.contains(part)) {
        return Some("the browser and searches of the web are not governed by profiles");
    }
    None
}
