//! Replay: for every file, command and connection that a trail shows, what the permission profile in effect
//! says of it, and where the two differ.
//!
//! Start reading at [`replay`]. A profile is taken from the agent's own session file, which states its rules
//! turn by turn; else from a record that names it and a configuration that was given. What no profile governs
//! is said, not judged, and what a trail does not tell is no difference.

mod compiled;
mod findings;
mod in_effect;
mod judge;
mod model;
mod programs;
mod targets;
mod widened;

use std::collections::BTreeMap;

use blotter_schemas::tables::Event;

pub use findings::{RULES, Rule};
pub use in_effect::Configured;
pub use model::{
    Agreement, Answer, Check, FORMAT, Happened, InEffect, LeftOut, NotGoverned, Replay, Source,
};

use crate::receipt::{Receipt, address};
use crate::reconstruct::Session;
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
    let mut profiles = in_effect::of(session_id, rows, configured);
    let mut left_out =
        LeftOut { comparisons: widened::compare(&mut profiles), ..LeftOut::default() };
    let mut checks = Vec::new();
    let mut not_governed = Vec::new();
    for receipt in receipts {
        let tool = receipt.tool.value.clone();
        if let Some(why) = beyond(receipt) {
            let address = receipt.address.clone();
            not_governed.push(NotGoverned { address, tool, why });
        } else if let Some(arguments) = &receipt.arguments.value {
            if checks.len() < CHECKS {
                files(receipt, arguments, &profiles, &mut checks, &mut left_out);
            } else {
                left_out.calls += 1;
            }
        }
        for connection in receipt.network.value.iter().flatten() {
            if checks.len() < CHECKS {
                let profile = at(&profiles, connection.time_unix_nano);
                checks.extend(judge::connection(receipt, connection, profile));
            } else {
                left_out.connections += 1;
            }
        }
    }
    let findings = findings::find(session_id, &profiles, &checks, configured.map(|it| &it.stack));
    Replay {
        format: FORMAT,
        session_id: session_id.to_owned(),
        tenant: None,
        profiles: profiles.into_iter().map(|known| known.said).collect(),
        checks,
        not_governed,
        left_out,
        findings,
    }
}

/// Checks the files of a call.
fn files(
    receipt: &Receipt,
    arguments: &str,
    profiles: &[Known],
    checks: &mut Vec<Check>,
    left_out: &mut LeftOut,
) {
    let profile = at(profiles, receipt.time_unix_nano);
    let tool = receipt.tool.value.as_deref().unwrap_or_default();
    let wanted = targets::of(tool, arguments);
    let told = judge::of_files(receipt, &wanted);
    for target in &wanted.targets {
        checks.push(judge::file(receipt, &wanted, target, &told, profile));
    }
    if wanted.more > 0 {
        left_out.files += wanted.more;
        let what = format!("{} more files", wanted.more);
        checks.push(judge::unread(receipt, what, "the call names more files than are checked"));
    }
    if let Some(why) = wanted.unread {
        left_out.calls += 1;
        checks.push(judge::unread(receipt, "what the arguments name".to_owned(), why));
    }
}

/// Replays a session that was examined, and those nested in it, and gives each receipt its checks. Sessions
/// of which no profile is known come back without any check.
pub fn family(
    session: &mut Session,
    rows: &[Event],
    configured: Option<&Configured>,
) -> Vec<Replay> {
    let calls = address::calls(session);
    let receipts: Vec<&Receipt> =
        calls.iter().filter_map(|addressed| addressed.call.receipt.as_deref()).collect();
    let own = Configured::of_agent(configured, session.agent.value.as_deref());
    let mut replay = replay(&session.session_id, rows, &receipts, own);
    replay.tenant.clone_from(&session.tenant);
    for finding in &mut replay.findings {
        finding.tenant.clone_from(&session.tenant);
    }
    if replay.profiles.is_empty() {
        replay.checks.clear();
    }
    let mut by_address: BTreeMap<&str, Vec<Check>> = BTreeMap::new();
    for check in &replay.checks {
        by_address.entry(&check.address).or_default().push(check.clone());
    }
    session.calls_mut(&mut |call| {
        if let Some(receipt) = &mut call.receipt {
            receipt.checks = by_address.remove(receipt.address.as_str()).unwrap_or_default();
        }
    });
    let mut replays = vec![replay];
    for nested in &mut session.sessions {
        replays.extend(family(nested, rows, configured));
    }
    replays
}

/// Gives each of a session's receipts its checks, where a profile is known. `agent` is the session's: a
/// configuration says nothing of other agents than those of its kind.
pub fn attach(
    session_id: &str,
    agent: Option<&str>,
    receipts: &mut [Receipt],
    rows: &[Event],
    configured: Option<&Configured>,
) {
    let read: Vec<&Receipt> = receipts.iter().collect();
    let configured = Configured::of_agent(configured, agent);
    let replay = replay(session_id, rows, &read, configured);
    if replay.profiles.is_empty() {
        return;
    }
    for receipt in receipts {
        let own = |check: &&Check| check.address == receipt.address;
        receipt.checks = replay.checks.iter().filter(own).cloned().collect();
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
