//! One call.

use blotter_schemas::names::blotter::Grade;

use super::layout::{Page, mark, said};
use super::note;
use super::replay;
use super::speakers::named;
use crate::fact::{Fact, Join, JoinKind};
use crate::receipt::Receipt;
use crate::receipt::tokens::{DecidedBy, Decision, Executed, Outcome};
use crate::reconstruct::Session;
use crate::reconstruct::model::{self, Call, Policy, ProxyDecision};
use crate::render::terminal::Look;
use crate::render::time;
use crate::sessions::refuses;

/// Lines of arguments that are shown.
const ARGUMENT_LINES: usize = 4;
/// Lines of an output that are shown.
const OUTPUT_LINES: usize = 8;
/// Longest arguments that are taken apart, in bytes.
const ARGUMENTS_LIMIT: usize = 1 << 20;

pub(super) fn call(page: &mut Page, session: &Session, call: &Call) {
    page.indent(|page| {
        let tool = call.tool.value.as_deref().unwrap_or("(tool not reported)");
        let namespace = call.namespace.value.as_deref().filter(|name| *name != "functions");
        let time = format!("{}  ", time::clock(call.time_unix_nano));
        let id = match &call.call_id {
            Some(call_id) => format!("  {call_id}"),
            None => format!("  @{}", call.number),
        };
        let namespace = namespace.map(|name| format!("{name}."));
        page.heading(&[
            (Look::Dim, &time),
            (Look::Strong, namespace.as_deref().unwrap_or_default()),
            (Look::Strong, tool),
            (Look::Dim, &id),
        ]);
        body(page, session, call);
        for inner in &call.calls {
            page.blank();
            self::call(page, session, inner);
        }
    });
}

fn body(page: &mut Page, session: &Session, call: &Call) {
    if let Some(receipt) = &call.receipt {
        verdict(page, receipt);
    }
    let program = session.program.value.as_ref();
    if let Some(agent) = call.agent.value.as_ref().filter(|agent| Some(*agent) != program) {
        page.line("agent", &[(Look::Plain, agent.clone())]);
    }
    match &call.arguments.value {
        Some(arguments) => page.value("arguments", &readable(arguments), ARGUMENT_LINES),
        None => page.unknown("arguments", "not reported"),
    }
    page.marks(&call.arguments);
    if !session.is_one_sender(&call.speakers) {
        page.line("told by", &[(Look::Bad, named(&call.speakers))]);
    }
    for (name, join) in [("turn", &call.turn), ("within", &call.within)] {
        if let Some(text) = join.as_ref().and_then(inferred) {
            page.unknown(name, &text);
        }
    }
    policy(page, &session.policy, &call.policy);
    for check in call.receipt.iter().flat_map(|receipt| &receipt.checks) {
        replay::check(page, check);
    }
    if call.decisions.is_empty() {
        page.unknown("decision", "no decision was reported");
    }
    for one in &call.decisions {
        decision(page, one);
    }
    for review in &call.reviews {
        note::of_call(page, review);
    }
    mcp(page, call);
    if let Some(outcome) = &call.sandbox.value {
        let mut pieces = vec![(Look::Bad, outcome.clone())];
        pieces.extend(mark(&call.sandbox));
        page.line("sandbox", &pieces);
    }
    for decision in &call.proxy {
        proxy(page, "proxy", decision);
    }
    match &call.result {
        Some(result) => {
            let exit_code = call.receipt.as_ref().map(|receipt| &receipt.exit_code);
            outcome(page, result, exit_code.unwrap_or(&result.exit_code));
        }
        None => {
            let mut text = "no result was reported".to_owned();
            if let Some(error) = &call.error_type.value {
                text = format!("{text}; the call says: {error}");
            }
            page.line("result", &[(Look::Bad, text)]);
        }
    }
    let unknown: Vec<&str> = [
        ("sandbox outcome", call.sandbox.is_known()),
        ("transport", call.transport.is_known()),
        ("executor", call.executor.is_known()),
    ]
    .into_iter()
    .filter(|(_, known)| !known)
    .map(|(name, _)| name)
    .collect();
    if !unknown.is_empty() {
        page.unknown("unreported", &unknown.join(", "));
    }
}

/// Arguments as people read them: the fields of a JSON object one a line, anything else as it stands.
fn readable(arguments: &str) -> String {
    let object = (arguments.len() <= ARGUMENTS_LIMIT)
        .then(|| serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(arguments).ok())
        .flatten()
        .filter(|object| !object.is_empty());
    let Some(object) = object else { return arguments.to_owned() };
    let line = |(key, value): (&String, &serde_json::Value)| match value {
        serde_json::Value::String(text) => format!("{key}: {text}"),
        value => format!("{key}: {value}"),
    };
    object.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// `refused, denied by config, it did not run`, from the receipt; what records disagree about is marked.
fn verdict(page: &mut Page, receipt: &Receipt) {
    let outcome = receipt.outcome.value.unwrap_or(Outcome::Unknown);
    let look = match outcome {
        Outcome::Succeeded => Look::Good,
        Outcome::Unknown => Look::Dim,
        _ => Look::Bad,
    };
    let mut pieces = vec![match outcome {
        Outcome::Unknown => (look, "outcome unknown".to_owned()),
        outcome => (look, outcome.to_string()),
    }];
    match (receipt.decision.value, receipt.decided_by.value) {
        (None, _) => pieces.push((Look::Dim, ", decision unknown".to_owned())),
        (Some(Decision::None), _) => pieces.push((Look::Plain, ", nothing decided".to_owned())),
        (Some(decision), None | Some(DecidedBy::Unknown)) => {
            pieces.push((Look::Plain, format!(", {}", past(decision))));
            pieces.push((Look::Dim, "by whom unknown".to_owned()));
        }
        (Some(decision), Some(by)) => {
            pieces.push((Look::Plain, format!(", {} by {by}", past(decision))));
            if receipt.decided_by.grade == Grade::Contradicted {
                pieces.push((Look::Bad, "(contradicted)".to_owned()));
            }
        }
    }
    let (look, ran) = match receipt.executed.value {
        Some(Executed::Yes) => (Look::Plain, ", it ran"),
        Some(Executed::No) => (Look::Plain, ", it did not run"),
        _ => (Look::Dim, ", whether it ran unknown"),
    };
    pieces.push((look, ran.to_owned()));
    page.line("receipt", &pieces);
}

fn past(decision: Decision) -> &'static str {
    match decision {
        Decision::Allow => "allowed",
        Decision::Deny => "denied",
        Decision::Cancel => "cancelled",
        Decision::None => "not decided",
    }
}

fn inferred(join: &Join) -> Option<String> {
    (join.kind == JoinKind::Inferred).then(|| format!("(inferred: {})", join.by))
}

fn policy(page: &mut Page, session: &Policy, call: &Policy) {
    let mut pieces: Vec<(Look, String)> = Vec::new();
    let facts = [
        ("approval", &session.approval, &call.approval),
        ("sandbox", &session.sandbox, &call.sandbox),
        ("profile", &session.profile, &call.profile),
    ];
    for (name, session, call) in facts {
        if let Some(value) = call.value.as_ref().filter(|_| call.value != session.value) {
            let comma = if pieces.is_empty() { "" } else { ", " };
            pieces.push((Look::Plain, format!("{comma}{name} {value}")));
        }
    }
    if !pieces.is_empty() {
        page.line("policy", &pieces);
    }
}

fn decision(page: &mut Page, decision: &model::Decision) {
    let mut pieces = words(&decision.decision, &decision.source);
    if let Some(reason) = &decision.reason.value {
        pieces.push((Look::Plain, format!(": {reason}")));
    }
    page.line("decision", &pieces);
}

/// `approved by Config`.
pub(super) fn words(decision: &Fact<String>, source: &Fact<String>) -> Vec<(Look, String)> {
    let mut pieces = Vec::new();
    match &decision.value {
        Some(value) => {
            let look = if refuses(value) { Look::Bad } else { Look::Good };
            pieces.push((look, value.clone()));
        }
        None => pieces.push((Look::Dim, "not reported what".to_owned())),
    }
    let mut marks = mark(decision);
    if source.is_known() && source.speakers == decision.speakers {
        // Said once, behind both.
        let said = said(&decision.speakers);
        marks.retain(|mark| Some(mark) != said.as_ref());
    }
    pieces.extend(marks);
    match &source.value {
        Some(value) => pieces.push((Look::Plain, format!("by {value}"))),
        None => pieces.push((Look::Dim, "(by whom was not reported)".to_owned())),
    }
    pieces.extend(mark(source));
    pieces
}

fn mcp(page: &mut Page, call: &Call) {
    let namespace = call.namespace.value.as_deref().unwrap_or_default();
    let server = call.mcp_server.value.as_deref();
    if server.is_none() && !call.mcp_method.is_known() && !namespace.starts_with("mcp__") {
        return;
    }
    let mut pieces = Vec::new();
    match server {
        Some(server) => pieces.push((Look::Plain, format!("server {server}"))),
        None => pieces.push((Look::Dim, "server not reported".to_owned())),
    }
    if let Some(transport) = &call.transport.value {
        pieces.push((Look::Plain, format!(", over {transport}")));
    }
    match &call.mcp_method.value {
        Some(method) => pieces.push((Look::Plain, format!(", request {method}"))),
        None => pieces.push((Look::Dim, ", request not reported".to_owned())),
    }
    page.line("mcp", &pieces);
}

/// What the network proxy decided.
pub(super) fn proxy(page: &mut Page, label: &str, decision: &ProxyDecision) {
    let mut pieces = words(&decision.decision, &decision.source);
    let reason = decision.reason.value.as_ref();
    let port = decision.port.value.map(|port| format!(":{port}")).unwrap_or_default();
    let target = decision.address.value.as_deref().unwrap_or("(host not reported)");
    pieces.push((Look::Plain, format!(": {target}{port}")));
    for value in [&decision.protocol.value, &decision.method.value].into_iter().flatten() {
        pieces.push((Look::Plain, format!(", {value}")));
    }
    pieces.extend(reason.map(|reason| (Look::Plain, format!(", reason {reason}"))));
    if let Some(text) = decision.call.as_ref().and_then(inferred) {
        pieces.push((Look::Dim, text));
    }
    page.line(label, &pieces);
}

fn outcome(page: &mut Page, result: &model::Outcome, exit_code: &Fact<i64>) {
    let mut pieces: Vec<(Look, String)> = Vec::new();
    let failed_exit = exit_code.value.is_some_and(|code| code != 0);
    match result.success.value {
        Some(true) if failed_exit => {
            pieces.push((Look::Bad, "reported as success although the exit code is not 0".into()));
        }
        Some(true) => pieces.push((Look::Good, "success".into())),
        Some(false) => pieces.push((Look::Bad, "failure".into())),
        None => pieces.push((Look::Dim, "whether it succeeded was not reported".into())),
    }
    pieces.extend(mark(&result.success));
    if let Some(nanos) = result.duration_ns.value {
        pieces.push((Look::Plain, format!(", {}", time::duration(nanos))));
    }
    match exit_code.value {
        Some(code) => {
            let look = if code == 0 { Look::Plain } else { Look::Bad };
            pieces.push((look, format!(", exit code {code}")));
            pieces.extend(mark(exit_code));
        }
        None => pieces.push((Look::Dim, ", exit code not reported".into())),
    }
    page.line("result", &pieces);
    let error: Vec<&str> = [&result.error_type.value, &result.error_message.value]
        .into_iter()
        .filter_map(|value| value.as_deref())
        .collect();
    if !error.is_empty() {
        page.value("error", &error.join(": "), ARGUMENT_LINES);
    }
    match &result.output.value {
        Some(output) => page.value("output", output, OUTPUT_LINES),
        None => page.unknown("output", "not reported"),
    }
    page.marks(&result.output);
    if result.output_truncated.value == Some(true) {
        page.unknown("", "(the sender cut the output)");
    }
}
