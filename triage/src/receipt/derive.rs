//! From a call to its receipt: the rules that hold for every agent.

use blotter_schemas::names::blotter::EventKind;

use super::address::Addressed;
use super::circumstances::Circumstances;
use super::model::{Connection, FORMAT, Grant, GrantScope, Receipt, Within};
use super::readings::{Reading, Verdict};
use super::tokens::{DecidedBy, Decision, Executed, Outcome, Sandbox};
use super::who;
use crate::fact::{EventId, Fact};
use crate::reconstruct::model::{Call, Decision as Stated, ProxyDecision};

/// The receipt of one call of the session that `around` tells of.
pub(crate) fn receipt(
    addressed: &Addressed<'_>,
    reading: &dyn Reading,
    around: &Circumstances<'_>,
) -> Receipt {
    let Addressed { call, address, turn, within } = addressed;
    let session = around.session;
    let exit_code = exit_code(call, reading, around);
    let verdict = verdict(call, &exit_code, reading, around);
    let sandbox = sandbox(call, &verdict, reading, around);
    let executed = executed(call, &verdict, &exit_code, reading, around);
    let outcome = outcome(call, &verdict, &executed, &sandbox, &exit_code, reading, around);
    Receipt {
        checks: Vec::new(),
        format: FORMAT,
        address: address.clone(),
        session_id: session.session_id.clone(),
        call_id: call.call_id.clone(),
        number: call.number,
        time_unix_nano: call.time_unix_nano,
        turn: *turn,
        turn_join: call.turn.clone(),
        within: within.and_then(|number| {
            let address = (*around.addresses().get(&number)?).to_owned();
            Some(Within { address, join: call.within.clone()? })
        }),
        calls: call
            .calls
            .iter()
            .map(|inner| super::address::address(&session.session_id, inner))
            .collect(),
        asked: who::asked(*turn, around),
        planned: reading.planned(call).unwrap_or_else(|| who::not_planned(around)),
        tool: reading
            .tool(call, around)
            .unwrap_or_else(|| or_absent(&call.tool, EventKind::Call, "tool_name", around)),
        arguments: or_absent(&call.arguments, EventKind::Result, "arguments", around),
        agent: who::agent(call, session),
        model: who::model(call, around),
        user: session.user.clone(),
        host: session.host.clone(),
        auth_mode: or_absent(&session.auth, EventKind::Prompt, "auth_mode", around),
        token_type: or_absent(&session.token_type, EventKind::Prompt, "token_type", around),
        sender: who::sender(call, session),
        tenant: session.tenant.clone(),
        profile: or_absent(&call.policy.profile, EventKind::Profile, "profile_name", around),
        approval_policy: or_absent(
            &call.policy.approval,
            EventKind::SessionStart,
            "approval_policy",
            around,
        ),
        grants: grants(call, reading, around),
        executor: or_absent(&call.executor, EventKind::Result, "executor", around),
        transport: who::transport(call, &executed, around),
        mcp_server: or_absent(&call.mcp_server, EventKind::Result, "mcp_server", around),
        network: network(call, around),
        output: output(call, reading, around),
        duration: duration(call, around),
        decision: verdict.decision,
        decided_by: verdict.decided_by,
        executed,
        sandbox,
        outcome,
        exit_code,
    }
}

/// The fact, or why there is none.
fn or_absent(
    fact: &Fact<String>,
    kind: EventKind,
    column: &str,
    around: &Circumstances<'_>,
) -> Fact<String> {
    if fact.is_known() { fact.clone() } else { around.absent(kind, column) }
}

fn verdict(
    call: &Call,
    exit_code: &Fact<i64>,
    reading: &dyn Reading,
    around: &Circumstances<'_>,
) -> Verdict {
    if let Some(stated) = call.decisions.last() {
        let verdict = stated_verdict(stated, reading, around);
        return reading.corrected(call, stated, verdict, around);
    }
    if let Some(verdict) = reading.concluded(call, around) {
        return verdict;
    }
    let ran = ran(call, exit_code, reading, around);
    let decision = match ran.filter(|ran| ran.value == Some(Executed::Yes)) {
        Some(ran) => Fact::inferred(Decision::Allow, "it ran, so it was let through", ran.events),
        None => around.absent(EventKind::Decision, "decision"),
    };
    let decided_by = around.absent(EventKind::Decision, "decision_source");
    Verdict { decision, decided_by: decided_by.or_unknown(DecidedBy::Unknown) }
}

fn stated_verdict(stated: &Stated, reading: &dyn Reading, around: &Circumstances<'_>) -> Verdict {
    let decision = mapped(&stated.decision, |word| reading.decision(word));
    let decision = decision.unwrap_or_else(|| around.absent(EventKind::Decision, "decision"));
    let decided_by = mapped(&stated.source, |word| reading.decided_by(word));
    let decided_by =
        decided_by.unwrap_or_else(|| around.absent(EventKind::Decision, "decision_source"));
    Verdict { decision, decided_by: decided_by.or_unknown(DecidedBy::Unknown) }
}

/// A fact in the agent's words as a token: `None` where it states nothing, missing where the word is not
/// known.
fn mapped<T: Clone + PartialEq>(
    fact: &Fact<String>,
    token: impl Fn(&str) -> Option<T>,
) -> Option<Fact<T>> {
    let word = fact.value.as_deref()?;
    let Some(value) = token(word) else {
        return Some(Fact {
            events: fact.events.clone(),
            ..Fact::missing(format!("the agent's word `{word}` for it has no known meaning"))
        });
    };
    let mut mapped = fact.clone().map(|_| value);
    mapped.claims = fact
        .claims
        .iter()
        .filter_map(|claim| {
            let value = token(&claim.value)?;
            let (why, events) = (claim.why.clone(), claim.events.clone());
            Some(crate::fact::Claim { value, why, events })
        })
        .collect();
    Some(mapped)
}

fn exit_code(call: &Call, reading: &dyn Reading, around: &Circumstances<'_>) -> Fact<i64> {
    let stated = call.result.as_ref().map(|result| &result.exit_code);
    if let Some(stated) = stated.filter(|stated| stated.is_known()) {
        return stated.clone();
    }
    reading.exit_code(call).unwrap_or_else(|| around.absent(EventKind::Result, "exit_code"))
}

fn sandbox(
    call: &Call,
    verdict: &Verdict,
    reading: &dyn Reading,
    around: &Circumstances<'_>,
) -> Fact<Sandbox> {
    mapped(&call.sandbox, |word| reading.sandbox_word(word))
        .or_else(|| reading.sandbox(call, verdict, around))
        .unwrap_or_else(|| around.absent(EventKind::Sandbox, "sandbox_outcome"))
        .or_unknown(Sandbox::Unknown)
}

/// Whether the call was refused before it ran, by the word of the verdict.
fn turned_down(verdict: &Verdict) -> bool {
    matches!(verdict.decision.value, Some(Decision::Deny | Decision::Cancel))
}

fn executed(
    call: &Call,
    verdict: &Verdict,
    exit_code: &Fact<i64>,
    reading: &dyn Reading,
    around: &Circumstances<'_>,
) -> Fact<Executed> {
    if let Some(ran) = ran(call, exit_code, reading, around) {
        return ran;
    }
    match verdict.decision.value {
        Some(Decision::Deny | Decision::Cancel) => Fact::inferred(
            Executed::No,
            "it was refused, and no record shows that it ran all the same",
            verdict.decision.events.clone(),
        ),
        Some(Decision::None) => Fact::inferred(
            Executed::No,
            "it never came so far that it could run",
            verdict.decision.events.clone(),
        ),
        _ => unknown(call, around, Executed::Unknown, "no record shows whether it ran"),
    }
}

/// That the tool began to act, where a record shows it.
fn ran(
    call: &Call,
    exit_code: &Fact<i64>,
    reading: &dyn Reading,
    around: &Circumstances<'_>,
) -> Option<Fact<Executed>> {
    let shown = |why: &'static str, events: &[EventId]| {
        Some(Fact::inferred(Executed::Yes, why, events.to_vec()))
    };
    if let Some(fact) = reading.executed(call, around) {
        return Some(fact);
    }
    if exit_code.is_known() {
        return shown("its process came to an end", &exit_code.events);
    }
    if call.mcp_method.is_known() {
        return shown("the request was sent to the MCP server", &call.mcp_method.events);
    }
    let sandboxed = ["denied", "timed_out", "signal", "escalated"];
    if call.sandbox.value.as_deref().is_some_and(|word| sandboxed.contains(&word)) {
        return shown("the sandbox met it while it ran", &call.sandbox.events);
    }
    let success = success(call, reading)?;
    if success.value == Some(true) {
        return shown("a result came back that the agent calls a success", &success.events);
    }
    None
}

/// Whether the agent calls it a success; none where no result was reported.
fn success(call: &Call, reading: &dyn Reading) -> Option<Fact<bool>> {
    let stated = &call.result.as_ref()?.success;
    let told = if stated.is_known() { None } else { reading.success(call) };
    Some(told.unwrap_or_else(|| stated.clone()))
}

/// The token for "cannot be told": pending while records may come.
fn unknown<T>(call: &Call, around: &Circumstances<'_>, token: T, why: &'static str) -> Fact<T> {
    let fact = if around.open && call.result.is_none() {
        Fact::pending("the session is open, and the record may still come")
    } else {
        Fact::missing(why)
    };
    fact.or_unknown(token)
}

fn outcome(
    call: &Call,
    verdict: &Verdict,
    executed: &Fact<Executed>,
    sandbox: &Fact<Sandbox>,
    exit_code: &Fact<i64>,
    reading: &dyn Reading,
    around: &Circumstances<'_>,
) -> Fact<Outcome> {
    let inferred = |outcome, why: &'static str, events: &[EventId]| {
        Fact::inferred(outcome, why, events.to_vec())
    };
    if let Some(stated) = reading.stated_outcome(call) {
        return stated;
    }
    let decision = &verdict.decision;
    let ran = executed.value == Some(Executed::Yes);
    match decision.value {
        Some(Decision::Cancel) => {
            return inferred(Outcome::Cancelled, "it was ended at the prompt", &decision.events);
        }
        Some(Decision::Deny) if verdict.decided_by.value == Some(DecidedBy::Hook) => {
            return inferred(Outcome::Blocked, "a hook refused it", &verdict.decided_by.events);
        }
        _ => {}
    }
    if sandbox.value == Some(Sandbox::Denied) {
        return inferred(Outcome::Blocked, "the sandbox stopped it", &sandbox.events);
    }
    if turned_down(verdict) && !ran {
        return inferred(Outcome::Refused, "it was refused before it ran", &decision.events);
    }
    if let Some(told) = reading.outcome(call) {
        return told;
    }
    if let Some(cut) = reading.interrupted(call, verdict, around) {
        return cut.map(|()| Outcome::Interrupted);
    }
    let (Some(result), Some(success)) = (&call.result, success(call, reading)) else {
        return unknown(call, around, Outcome::Unknown, "no result was reported");
    };
    // A call that was refused is no success either: a failure is one of a call that came past that, or
    // that has a class of error, of which the reading knows those that mean a refusal.
    let past = ran
        || matches!(decision.value, Some(Decision::Allow | Decision::None))
        || result.error_type.is_known();
    match (exit_code.value, success.value) {
        (Some(code), _) if code != 0 => {
            inferred(Outcome::Failed, "its exit code is not 0", &exit_code.events)
        }
        (_, Some(false)) if past && reading.failure_is_the_outcome(call) => {
            inferred(Outcome::Failed, "the agent calls it a failure", &success.events)
        }
        (_, None) if past && result.error_type.is_known() => {
            inferred(Outcome::Failed, "the result is an error", &result.error_type.events)
        }
        (Some(_), _) => {
            inferred(Outcome::Succeeded, "its exit code is 0", &exit_code.events)
        }
        (None, Some(true)) if reading.success_is_the_outcome(call) => {
            inferred(Outcome::Succeeded, "the agent calls it a success", &success.events)
        }
        (None, Some(true)) => Fact::missing(
            "the agent calls the end of a command a success whatever its exit code, which is not known",
        )
        .or_unknown(Outcome::Unknown),
        (None, Some(false)) => unknown(
            call,
            around,
            Outcome::Unknown,
            "it is no success, but whether it was refused, stopped or failed cannot be told",
        ),
        (None, None) => unknown(
            call,
            around,
            Outcome::Unknown,
            "a result was reported, but not whether it succeeded",
        ),
    }
}

/// What was granted for longer than one call before this one, and still held.
fn grants(call: &Call, reading: &dyn Reading, around: &Circumstances<'_>) -> Fact<Vec<Grant>> {
    let mut grants = Vec::new();
    let mut events = Vec::new();
    for earlier in around.calls.iter().filter(|earlier| earlier.call.number < call.number) {
        for given in reading.given(earlier.call) {
            let same_turn = around.turn_of(call) == earlier.turn;
            if given.time_unix_nano > call.time_unix_nano
                || (given.scope == GrantScope::Turn && !same_turn)
            {
                continue;
            }
            events.extend(given.events);
            grants.push(Grant {
                address: earlier.address.clone(),
                time_unix_nano: given.time_unix_nano,
                scope: given.scope,
                what: given.what,
            });
        }
    }
    if grants.is_empty() {
        return Fact::missing("no record tells of a grant; one that was not reported may hold");
    }
    if reading.grants_are_stated() {
        return Fact::observed(grants, events);
    }
    Fact::inferred(grants, "given before, for longer than one call", events)
}

/// What the network proxy decided while the call was open.
fn network(call: &Call, around: &Circumstances<'_>) -> Fact<Vec<Connection>> {
    if call.proxy.is_empty() {
        return around.absent(EventKind::ProxyDecision, "decision");
    }
    let addresses = around.addresses();
    let connection = |decision: &ProxyDecision| Connection {
        host: decision.address.value.clone(),
        port: decision.port.value,
        decision: decision.decision.value.clone(),
        reason: decision.reason.value.clone(),
        source: decision.source.value.clone(),
        method: decision.method.value.clone(),
        time_unix_nano: decision.time_unix_nano,
        join: decision.call.clone(),
        candidates: decision
            .candidates
            .iter()
            .filter(|number| **number != call.number)
            .filter_map(|number| Some((*addresses.get(number)?).to_owned()))
            .collect(),
    };
    let connections = call.proxy.iter().map(connection).collect();
    let events =
        call.proxy.iter().flat_map(|decision| decision.decision.events.iter().copied()).collect();
    let named = |decision: &ProxyDecision| {
        decision.call.as_ref().is_some_and(|join| join.kind == crate::fact::JoinKind::Explicit)
    };
    if call.proxy.iter().all(named) {
        return Fact::observed(connections, events);
    }
    Fact::inferred(connections, "the proxy decided while the call was open", events)
}

fn output(call: &Call, reading: &dyn Reading, around: &Circumstances<'_>) -> Fact<String> {
    let Some(output) = call.result.as_ref().map(|result| &result.output) else {
        return around.absent(EventKind::Result, "output");
    };
    let Some(text) = &output.value else { return around.absent(EventKind::Result, "output") };
    match reading.output_withheld(text).and_then(|id| around.setting(id)) {
        Some(how) => Fact::withheld(how, output.events.clone()),
        None => output.clone(),
    }
}

fn duration(call: &Call, around: &Circumstances<'_>) -> Fact<i64> {
    let stated = call.result.as_ref().map(|result| &result.duration_ns);
    match stated.filter(|stated| stated.is_known()) {
        Some(stated) => stated.clone(),
        None => around.absent(EventKind::Result, "duration_ns"),
    }
}
