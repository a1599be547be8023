//! From reports that name a call to the call.

use blotter_schemas::names::blotter::EventKind;

use super::model::{Call, Decision, Note, Outcome, Policy, ProxyDecision, Stage};
use super::pairing::{Report, agreed, told};
use super::rollout::is_filed;
use super::words::told_words;
use crate::fact::{Fact, Join};

/// Builds the call from the reports that carry its id, which are in order of time.
/// `stated` is the policy that is stated for it elsewhere.
pub(crate) fn call(call_id: Option<&str>, reports: &[&Report<'_>], stated: &Policy) -> Call {
    let of = |kind: EventKind| -> Vec<&Report<'_>> {
        reports.iter().copied().filter(|report| report.kind() == kind).collect()
    };
    let mut reviews = of(EventKind::Review);
    reviews.extend(of(EventKind::Hook));
    reviews.extend(of(EventKind::ApprovalRequest));
    reviews.extend(of(EventKind::Grant));
    reviews.extend(of(EventKind::Error));
    reviews.sort_by_key(|report| report.time());
    Call {
        call_id: call_id.map(str::to_owned),
        number: 0,
        time_unix_nano: sent(reports).map(|report| report.time()).min().unwrap_or(0),
        turn: None,
        within: None,
        joined: None,
        tool: told(reports, |row| row.tool_name.clone(), "no record names the tool"),
        namespace: told(reports, |row| row.tool_namespace.clone(), "not reported"),
        mcp_server: told(reports, |row| row.mcp_server.clone(), "not reported"),
        agent: told(reports, |row| row.agent_name.clone(), "not reported"),
        arguments: told_words(&fullest(reports), |row| row.arguments.clone(), "not reported"),
        justification: told(reports, |row| row.justification.clone(), "not reported"),
        received: received(&of(EventKind::Call)),
        stages: of(EventKind::Call).into_iter().map(stage).collect(),
        error_type: told(&of(EventKind::Call), |row| row.error_type.clone(), "not reported"),
        model: told(reports, |row| row.model.clone(), "not reported"),
        decisions: decisions(reports),
        reviews: reviews
            .into_iter()
            .map(|report| note(report, Some(Join::explicit("call id"))))
            .collect(),
        policy: policy(reports, stated),
        sandbox: told(reports, |row| row.sandbox_outcome.clone(), "not reported"),
        mcp_method: told(
            &of(EventKind::McpCall),
            |row| row.mcp_method.clone(),
            "no request to an MCP server was reported",
        ),
        transport: told(reports, |row| row.transport.clone(), "not reported"),
        executor: told(reports, |row| row.executor.clone(), "not reported"),
        proxy: of(EventKind::ProxyDecision)
            .into_iter()
            .map(|report| proxy_decision(report, Some(Join::explicit("call id"))))
            .collect(),
        result: outcome(reports),
        receipt: None,
        calls: Vec::new(),
        events: reports.iter().flat_map(|report| report.ids()).collect(),
        speakers: Vec::new(),
    }
}

/// The reports of telemetry; those of the session file where there are no others. A line is written a
/// moment after what it tells of.
fn sent<'r, 'a>(reports: &[&'r Report<'a>]) -> impl Iterator<Item = &'r Report<'a>> {
    let filed = reports.iter().all(|report| is_filed(report));
    reports.iter().copied().filter(move |report| filed || !is_filed(report))
}

fn stage(report: &Report<'_>) -> Stage {
    Stage {
        name: report.text(|row| &row.name),
        detail: report.text(|row| &row.detail),
        error_type: report.text(|row| &row.error_type),
        time_unix_nano: report.time(),
        ended_unix_nano: report.ended(),
        events: report.ids(),
    }
}

/// The reports with the fullest words first: the result repeats the arguments whole, a decision a
/// part of them, a span only the command.
fn fullest<'r, 'a>(reports: &[&'r Report<'a>]) -> Vec<&'r Report<'a>> {
    let mut reports = reports.to_vec();
    reports.sort_by_key(|report| match report.kind() {
        EventKind::Result => 0,
        EventKind::Decision => 1,
        _ => 2,
    });
    reports
}

fn received(calls: &[&Report<'_>]) -> Fact<i64> {
    sent(calls).next().map_or_else(
        || Fact::missing("no record says when the call was taken in"),
        |report| Fact::observed(report.time(), report.ids()),
    )
}

/// How many earlier decisions of a call are compared with a later one.
const DECISIONS_COMPARED: usize = 8;

/// The decisions about one call. Where a log record and a span of one speaker state the same decision,
/// it is one.
fn decisions(reports: &[&Report<'_>]) -> Vec<Decision> {
    let of = |kind: EventKind| reports.iter().copied().filter(move |report| report.kind() == kind);
    let mut stated: Vec<&Report<'_>> = of(EventKind::Decision).collect();
    if stated.is_empty() {
        // A result may repeat what was decided.
        stated.extend(
            of(EventKind::Result)
                .filter(|report| report.value(|row| row.decision.as_ref()).is_some()),
        );
    }
    let mut decisions: Vec<(Decision, Vec<Option<String>>, usize)> = Vec::new();
    for report in stated {
        let decision = decision(report);
        let sources: Vec<_> = report.rows.iter().map(|row| row.source.clone()).collect();
        let same =
            decisions.iter_mut().rev().take(DECISIONS_COMPARED).find(|(earlier, seen, speaker)| {
                *speaker == report.speaker
                    && earlier.decision.value == decision.decision.value
                    && earlier.source.value == decision.source.value
                    && !sources.iter().any(|source| seen.contains(source))
            });
        if let Some((earlier, seen, _)) = same {
            earlier.decision.events.extend(decision.decision.events);
            earlier.source.events.extend(decision.source.events);
            seen.extend(sources);
        } else {
            decisions.push((decision, sources, report.speaker));
        }
    }
    decisions.into_iter().map(|(decision, ..)| decision).collect()
}

fn decision(report: &Report<'_>) -> Decision {
    let report = &[report];
    Decision {
        time_unix_nano: report.iter().map(|report| report.time()).min().unwrap_or(0),
        decision: agreed(report, |row| row.decision.clone(), "the record does not say what"),
        source: agreed(report, |row| row.decision_source.clone(), "the record does not say who"),
        reason: told(report, |row| row.decision_reason.clone(), "not reported"),
    }
}

/// The policy a call was made under: what its own records say, else what was stated for it elsewhere.
fn policy(reports: &[&Report<'_>], stated: &Policy) -> Policy {
    let own = |fact: Fact<String>, stated: &Fact<String>| {
        if fact.is_known() || !stated.is_known() { fact } else { stated.clone() }
    };
    let missing = "not reported";
    Policy {
        profile: own(told(reports, |row| row.profile_name.clone(), missing), &stated.profile),
        approval: own(told(reports, |row| row.approval_policy.clone(), missing), &stated.approval),
        sandbox: own(told(reports, |row| row.sandbox_policy.clone(), missing), &stated.sandbox),
    }
}

fn outcome(reports: &[&Report<'_>]) -> Option<Outcome> {
    let of = |kind: EventKind| reports.iter().copied().filter(move |report| report.kind() == kind);
    let mut results: Vec<&Report<'_>> = of(EventKind::Result).collect();
    let time = sent(&results).map(|report| report.end()).max()?;
    results.extend(of(EventKind::McpCall));
    let output = told_words(&results, |row| row.output.clone(), "not reported");
    let truncated = told(&results, |row| row.output_truncated, "not reported");
    Some(Outcome {
        time_unix_nano: time,
        success: agreed(&results, |row| row.success, "not reported"),
        exit_code: agreed(&results, |row| row.exit_code, "not reported"),
        duration_ns: told(&results, |row| row.duration_ns, "not reported"),
        output_truncated: whole(truncated, &output, &results),
        output,
        error_type: told(&results, |row| row.error_type.clone(), "not reported"),
        error_message: told(&results, |row| row.error_message.clone(), "not reported"),
        detail: told(&results, |row| row.detail.clone(), "not reported"),
    })
}

/// Whether the output was cut; where the session file has more of it than was sent, that is not known.
fn whole(truncated: Fact<bool>, output: &Fact<String>, results: &[&Report<'_>]) -> Fact<bool> {
    let cut = truncated.value == Some(true);
    let is_sent =
        |report: &&Report<'_>| !is_filed(report) && report.text(|row| &row.output) == output.value;
    if cut && output.is_known() && !results.iter().any(is_sent) {
        return Fact::missing("the agent's session file has more of it than was sent");
    }
    truncated
}

/// What a network proxy decided.
pub(crate) fn proxy_decision(report: &Report<'_>, call: Option<Join>) -> ProxyDecision {
    let time_unix_nano = report.time();
    let report = &[report];
    ProxyDecision {
        time_unix_nano,
        call,
        candidates: Vec::new(),
        decision: agreed(report, |row| row.decision.clone(), "the record does not say what"),
        source: told(report, |row| row.decision_source.clone(), "not reported"),
        reason: told(report, |row| row.decision_reason.clone(), "not reported"),
        address: told(report, |row| row.server_address.clone(), "not reported"),
        port: told(report, |row| row.server_port, "not reported"),
        protocol: told(report, |row| row.network_protocol.clone(), "not reported"),
        method: told(report, |row| row.http_method.clone(), "not reported"),
    }
}

/// A report as a note; `call` says why it belongs to a call.
pub(crate) fn note(report: &Report<'_>, call: Option<Join>) -> Note {
    let kind = report.kind();
    let (time_unix_nano, ended_unix_nano) = (report.time(), report.ended());
    let events = report.ids();
    let proxy = (kind == EventKind::ProxyDecision).then(|| proxy_decision(report, None));
    let report = &[report];
    let none = "not reported";
    Note {
        kind: kind.as_str().to_owned(),
        time_unix_nano,
        ended_unix_nano,
        call,
        name: told(report, |row| row.name.clone(), none),
        detail: told(report, |row| row.detail.clone(), none),
        text: told_words(report, |row| row.text.clone(), none),
        decision: told(report, |row| row.decision.clone(), none),
        source: told(report, |row| row.decision_source.clone(), none),
        reason: told(report, |row| row.decision_reason.clone(), none),
        risk: told(report, |row| row.risk_level.clone(), none),
        mcp_server: told(report, |row| row.mcp_server.clone(), none),
        transport: told(report, |row| row.transport.clone(), none),
        success: told(report, |row| row.success, none),
        http_status: told(report, |row| row.http_status, none),
        error_type: told(report, |row| row.error_type.clone(), none),
        error_class: told(report, |row| row.error_class.clone(), none),
        error_message: told(report, |row| row.error_message.clone(), none),
        receiver: told(report, |row| row.receiver_session_id.clone(), none),
        proxy,
        events,
        speakers: Vec::new(),
    }
}
