//! One receipt.

use std::fmt::Display;

use blotter_schemas::names::blotter::Grade;

use super::layout::{Page, mark};
use super::replay;
use crate::fact::Fact;
use crate::receipt::Receipt;
use crate::receipt::model::{Connection, Grant};
use crate::render::terminal::Look;
use crate::render::time;

/// Lines of a long value that are shown.
const LINES: usize = 8;

pub(super) fn receipt(page: &mut Page, receipt: &Receipt) {
    let tool = receipt.tool.value.as_deref().unwrap_or("(tool not reported)");
    let at = format!("  {}", time::date_time(receipt.time_unix_nano));
    page.heading(&[(Look::Strong, "Receipt  "), (Look::Strong, tool), (Look::Dim, &at)]);
    page.line("call", &[(Look::Plain, receipt.address.clone())]);
    if let Some(within) = &receipt.within {
        page.line("within", &[(Look::Plain, within.address.clone())]);
        page.unknown("", &format!("({})", within.join.by));
    }
    if !receipt.calls.is_empty() {
        page.line("made calls", &[(Look::Plain, receipt.calls.join(" "))]);
    }
    section(page, "What was asked");
    long(page, "asked", &receipt.asked);
    long(page, "planned", &receipt.planned);
    long(page, "arguments", &receipt.arguments);
    section(page, "Who");
    for (label, fact) in [
        ("agent", &receipt.agent),
        ("model", &receipt.model),
        ("user", &receipt.user),
        ("host", &receipt.host),
        ("auth mode", &receipt.auth_mode),
        ("token type", &receipt.token_type),
        ("sender", &receipt.sender),
    ] {
        short(page, label, fact, Look::Plain);
    }
    if let Some(tenant) = &receipt.tenant {
        page.line("tenant", &[(Look::Plain, tenant.clone())]);
    }
    section(page, "Under which rules");
    short(page, "profile", &receipt.profile, Look::Plain);
    short(page, "approval", &receipt.approval_policy, Look::Plain);
    grants(page, &receipt.grants);
    short(page, "decision", &receipt.decision, Look::Strong);
    short(page, "decided by", &receipt.decided_by, Look::Strong);
    if !receipt.checks.is_empty() {
        section(page, "What the profile says");
        for check in &receipt.checks {
            replay::check(page, check);
        }
    }
    section(page, "What happened");
    short(page, "executed", &receipt.executed, Look::Strong);
    short(page, "sandbox", &receipt.sandbox, Look::Plain);
    short(page, "executor", &receipt.executor, Look::Plain);
    short(page, "transport", &receipt.transport, Look::Plain);
    short(page, "mcp server", &receipt.mcp_server, Look::Plain);
    network(page, &receipt.network);
    short(page, "outcome", &receipt.outcome, Look::Strong);
    short(page, "exit code", &receipt.exit_code, Look::Plain);
    short(page, "duration", &receipt.duration.clone().map(time::duration), Look::Plain);
    long(page, "output", &receipt.output);
}

fn section(page: &mut Page, name: &str) {
    page.blank();
    page.heading(&[(Look::Dim, name)]);
}

/// A value in one line with its grade; why, and what else is said, behind it.
fn short<T: Display>(page: &mut Page, label: &str, fact: &Fact<T>, look: Look) {
    let Some(value) = &fact.value else { return absent(page, label, fact) };
    let mut pieces = vec![(look, value.to_string())];
    pieces.extend(grade(fact));
    page.line(label, &pieces);
    claims(page, fact);
}

/// A value of many lines.
fn long(page: &mut Page, label: &str, fact: &Fact<String>) {
    let Some(value) = &fact.value else { return absent(page, label, fact) };
    page.value(label, value, LINES);
    let marks = grade(fact);
    if !marks.is_empty() {
        page.line("", &marks);
    }
}

fn absent<T>(page: &mut Page, label: &str, fact: &Fact<T>) {
    page.unknown(label, &format!("{}: {}", fact.grade, fact.why));
}

/// Marks what no record says outright.
fn grade<T>(fact: &Fact<T>) -> Vec<(Look, String)> {
    match fact.grade {
        Grade::Missing | Grade::Pending | Grade::Withheld => {
            vec![(Look::Dim, format!("({}: {})", fact.grade, fact.why))]
        }
        _ => mark(fact),
    }
}

fn claims<T: Display>(page: &mut Page, fact: &Fact<T>) {
    for claim in &fact.claims {
        let mut pieces = vec![(Look::Bad, format!("says {}", claim.value))];
        if !claim.why.is_empty() {
            pieces.push((Look::Dim, format!("({})", claim.why)));
        }
        page.line("", &pieces);
    }
}

fn grants(page: &mut Page, grants: &Fact<Vec<Grant>>) {
    let Some(all) = &grants.value else { return absent(page, "grants", grants) };
    for grant in all {
        let text = format!("{} at {}", grant.what, time::clock(grant.time_unix_nano));
        page.line("grant", &[(Look::Plain, text), (Look::Dim, grant.address.clone())]);
    }
}

fn network(page: &mut Page, network: &Fact<Vec<Connection>>) {
    let Some(connections) = &network.value else { return absent(page, "network", network) };
    for connection in connections {
        let host = connection.host.as_deref().unwrap_or("(host not reported)");
        let port = connection.port.map(|port| format!(":{port}")).unwrap_or_default();
        let decision = connection.decision.as_deref().unwrap_or("(decision not reported)");
        let look = if decision == "allow" { Look::Good } else { Look::Bad };
        let mut pieces = vec![(look, decision.to_owned()), (Look::Plain, format!("{host}{port}"))];
        if let Some(reason) = &connection.reason {
            pieces.push((Look::Plain, format!(", reason {reason}")));
        }
        if let Some(join) = &connection.join {
            pieces.push((Look::Dim, format!("({})", join.by)));
        }
        page.line("network", &pieces);
        if !connection.candidates.is_empty() {
            let others = connection.candidates.join(" ");
            page.unknown("", &format!("(or of {others})"));
        }
    }
}
