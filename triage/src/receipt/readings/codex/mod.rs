//! Codex. What its words mean was seen in what it sent and read in its source (`codex-rs/otel`,
//! `codex-rs/core`).

mod header;
mod permissions;

use blotter_schemas::names::blotter::EventKind;

use super::arguments::argument;
use super::{Given, Reading, Verdict};
use crate::fact::{Claim, EventId, Fact};
use crate::receipt::circumstances::Circumstances;
use crate::receipt::model::GrantScope;
use crate::receipt::tokens::{DecidedBy, Decision, Executed, Outcome, Sandbox};
use crate::reconstruct::model::{Call, Decision as Stated, Note, Stage};

/// The reading.
pub(crate) struct Codex;

/// Tools that run a command in a process: any end of it is a success to Codex.
const COMMANDS: [&str; 4] = ["exec_command", "shell", "local_shell", "write_stdin"];
/// The tool that changes files; it writes a header of its own before its output.
const PATCH: &str = "apply_patch";
/// The tool that runs the code of code mode.
const CODE: &str = "exec";
/// How the namespace of an MCP server's tools begins.
const MCP: &str = "mcp__";
/// The approval policy under which nobody is asked.
const NEVER: &str = "never";
/// The sandbox policy that is none.
const NO_SANDBOX: &str = "danger-full-access";
/// What a call's span that was cut off has as its class of error.
const ABORTED: &str = "aborted";
/// The span of a command that was handed to what runs commands, and how it says that a process ran.
const UNIFIED_EXEC: &str = "unified_exec.exec_command";
const EXITED: &str = "exited";
/// An answer that holds for the session, and one that adds a rule.
const FOR_SESSION: &str = "approved_for_session";
const WITH_AMENDMENT: &str = "approved_with_amendment";

/// How the whole output begins of a command that was refused before it ran. The output of a command that
/// ran begins with a header, so a command cannot print this.
const REJECTED: &str = "exec_command failed: CreateProcess { message: \"Rejected(";
/// How the whole output begins of a patch that was refused, and of one that does not apply.
const PATCH_REJECTED: &str = "patch rejected: ";
const PATCH_FAILED: &str = "apply_patch verification failed: ";
/// How the whole output begins of a command whose process was stopped because the proxy refused it a host.
const PROCESS_FAILED: &str = "exec_command failed: ProcessFailed {";
const NETWORK_BLOCKED: &str = "exec_command failed: ProcessFailed { message: \"Network access to ";
/// How the whole output begins of a command that asked to leave the sandbox where nobody is asked.
const ESCALATION_REFUSED: &str = "approval policy is Never; reject command";
/// How the whole output begins of code that came to its end.
const SCRIPT_COMPLETED: &str = "Script completed\n";
/// The part of a refusal that a person spoke.
const BY_USER: &str = "rejected by user";
/// The whole result of a call of a tool that there is not.
const UNSUPPORTED: &str = "unsupported call: ";
/// How the whole output begins of a call that a hook refused, as the session file has it.
const HOOK_BLOCKED: &str = "Command blocked by PreToolUse hook: ";
/// How the whole output ends of a call that was cut off, as the session file has it, behind how long it took.
const ABORTED_BY_USER: &str = "aborted by user";
const WALL_TIME: &str = "Wall time: ";
/// The answer that stands for an output of which nothing was to be sent.
const PREVIEW_CUT: &str = "[... telemetry preview truncated ...]";

impl Reading for Codex {
    fn decision(&self, word: &str) -> Option<Decision> {
        Some(match word {
            "approved"
            | FOR_SESSION
            | WITH_AMENDMENT
            | "approved_execpolicy_amendment"
            | "network_policy_amendment" => Decision::Allow,
            "denied" | "timed_out" => Decision::Deny,
            "abort" | "aborted" => Decision::Cancel,
            _ => return None,
        })
    }

    fn decided_by(&self, word: &str) -> Option<DecidedBy> {
        Some(match word {
            "User" => DecidedBy::User,
            "Config" => DecidedBy::Config,
            "AutomatedReviewer" => DecidedBy::Reviewer,
            _ => return None,
        })
    }

    fn corrected(
        &self,
        call: &Call,
        stated: &Stated,
        mut verdict: Verdict,
        around: &Circumstances<'_>,
    ) -> Verdict {
        if answer(call).is_some() {
            return verdict;
        }
        if let Some(grant) = earlier_grant(call, stated, around) {
            verdict.decided_by = Fact::inferred(DecidedBy::SessionGrant, GRANTED_BEFORE, grant);
            return verdict;
        }
        if stated.decision.value.as_deref() == Some(FOR_SESSION) {
            let events = verdict.decided_by.events;
            let why =
                "a person approved it for the session, but no record tells whether now or before";
            verdict.decided_by =
                Fact { events, ..Fact::missing(why) }.or_unknown(DecidedBy::Unknown);
            return verdict;
        }
        if verdict.decided_by.value == Some(DecidedBy::User) && asks_nobody(call) {
            let policy = Claim {
                value: DecidedBy::Config,
                why: "under this approval policy nobody is asked".into(),
                events: call.policy.approval.events.clone(),
            };
            let claims = [Some(policy), verdict.decided_by.claim()].into_iter().flatten().collect();
            verdict.decided_by = Fact::contradicted(
                "the record says User, but the approval policy `never` asks nobody",
                claims,
            );
        }
        verdict
    }

    fn concluded(&self, call: &Call, around: &Circumstances<'_>) -> Option<Verdict> {
        let from = |decision, decided_by, why: &'static str, events: &[EventId]| {
            Some(Verdict::inferred(decision, decided_by, why, events))
        };
        if let Some(answer) = answered_as_it_was_cut_off(call) {
            let why = "the call was cut off while a person's answer to its approval was taken in";
            return from(Decision::Cancel, DecidedBy::User, why, &answer.events);
        }
        if let Some(given) = permissions::answer(call) {
            return Some(permissions::verdict(&given, answer(call)));
        }
        if let Some(review) =
            call.reviews.iter().rfind(|note| note.kind == EventKind::Review.as_str())
        {
            let word = review.decision.value.as_deref();
            if let Some(decision) = word.and_then(|word| self.decision(word)) {
                let why = "the automated reviewer's assessment says so";
                return from(decision, DecidedBy::Reviewer, why, &review.events);
            }
        }
        if let Some((text, events)) = failed_output(call) {
            if text.starts_with(HOOK_BLOCKED) && !is_mcp(call) {
                let why = "the agent's own output says that a hook refused it";
                return from(Decision::Deny, DecidedBy::Hook, why, events);
            }
            if is_a_command(call) && text.starts_with(REJECTED) {
                return if text.contains(BY_USER) && !asks_nobody(call) {
                    from(Decision::Deny, DecidedBy::User, "the agent's own output says so", events)
                } else {
                    let why =
                        "the agent's own output says that a rule or the approval policy refused it";
                    from(Decision::Deny, DecidedBy::Config, why, events)
                };
            }
            if is_a_command(call) && text.starts_with(ESCALATION_REFUSED) {
                let why = "the agent's own output says that the approval policy refused it";
                return from(Decision::Deny, DecidedBy::Config, why, events);
            }
            if is_a_command(call) && asks_to_leave_the_sandbox(call) && asks_nobody(call) {
                let why = "it asked to run outside the sandbox and failed, under a policy that refuses that";
                let mut events = events.to_vec();
                events.extend(call.policy.approval.events.iter().copied());
                return from(Decision::Deny, DecidedBy::Config, why, &events);
            }
            if is(call, PATCH) && text.starts_with(PATCH_REJECTED) {
                let why = "the agent's own output says that its settings refused the patch";
                return from(Decision::Deny, DecidedBy::Config, why, events);
            }
            if is(call, PATCH) && text.starts_with(PATCH_FAILED) {
                return Some(Verdict::none(
                    "the patch does not apply, says the agent's own output",
                    events,
                ));
            }
            if text.starts_with(UNSUPPORTED) {
                return Some(Verdict::none(
                    "there is no such tool, says the agent's own output",
                    events,
                ));
            }
        }
        blocked_by_a_hook(call, around)
            .or_else(|| granted_for_the_server(call, around))
            .or_else(|| nobody_to_ask(call))
    }

    fn executed(&self, call: &Call, _around: &Circumstances<'_>) -> Option<Fact<Executed>> {
        if permissions::is_a_request(call) {
            let why = "a request for permissions does nothing by itself";
            return Some(Fact::missing(why).or_unknown(Executed::Unknown));
        }
        let ran = |stage: &&Stage| handed_over(stage) && stage.detail.as_deref() == Some(EXITED);
        if let Some(stage) = call.stages.iter().find(ran) {
            let why = "its process came to an end";
            return Some(Fact::inferred(Executed::Yes, why, stage.events.clone()));
        }
        let (text, events) = failed_output(call)?;
        if is_a_command(call) && text.starts_with(PROCESS_FAILED) {
            let why = "its process failed, says the agent's own output";
            return Some(Fact::inferred(Executed::Yes, why, events.to_vec()));
        }
        let own_words = (is_a_command(call) && text.starts_with(REJECTED))
            || (is(call, PATCH)
                && (text.starts_with(PATCH_REJECTED) || text.starts_with(PATCH_FAILED)));
        own_words.then(|| {
            Fact::inferred(Executed::No, "the agent's own output says so", events.to_vec())
        })
    }

    fn sandbox(
        &self,
        call: &Call,
        verdict: &Verdict,
        _around: &Circumstances<'_>,
    ) -> Option<Fact<Sandbox>> {
        if is_mcp(call) {
            let events = call.namespace.events.clone();
            let why = "the sandbox does not hold MCP servers";
            return Some(Fact::inferred(Sandbox::None, why, events));
        }
        let policy = &call.policy.sandbox;
        if policy.value.as_deref() == Some(NO_SANDBOX) {
            let why = "the sandbox policy is to have none";
            return Some(Fact::inferred(Sandbox::None, why, policy.events.clone()));
        }
        let asked_out = asks_to_leave_the_sandbox(call);
        let allowed = verdict.decision.value == Some(Decision::Allow);
        (asked_out && allowed).then(|| {
            let why = "the call asked to run outside the sandbox, and was allowed to";
            Fact::inferred(Sandbox::Escalated, why, verdict.decision.events.clone())
        })
    }

    fn exit_code(&self, call: &Call) -> Option<Fact<i64>> {
        if !is_a_command(call) && !is(call, PATCH) {
            return None;
        }
        let output = &call.result.as_ref()?.output;
        let code = header::exit_code(output.value.as_deref()?)?;
        Some(Fact::inferred(code, "the header of the output text says so", output.events.clone()))
    }

    fn success_is_the_outcome(&self, call: &Call) -> bool {
        if is(call, CODE) {
            let output = call.result.as_ref().and_then(|result| result.output.value.as_deref());
            return output.is_some_and(|output| output.starts_with(SCRIPT_COMPLETED));
        }
        let unanswered = permissions::is_a_request(call) && permissions::answer(call).is_none();
        !is_a_command(call) && !unanswered
    }

    fn failure_is_the_outcome(&self, call: &Call) -> bool {
        // Only the words tell a command that failed from one that the network proxy stopped.
        let words = call.result.as_ref().is_some_and(|result| result.output.is_known());
        words || !is_a_command(call)
    }

    fn outcome(&self, call: &Call) -> Option<Fact<Outcome>> {
        if let Some(answer) = permissions::answer(call).filter(|answer| !answer.any) {
            let why = "the answer to the request grants nothing";
            return Some(Fact::inferred(Outcome::Refused, why, answer.given().events));
        }
        let (text, events) = failed_output(call)?;
        (is_a_command(call) && text.starts_with(NETWORK_BLOCKED)).then(|| {
            let why = "the network proxy stopped it, says the agent's own output";
            Fact::inferred(Outcome::Blocked, why, events.to_vec())
        })
    }

    fn interrupted(
        &self,
        call: &Call,
        verdict: &Verdict,
        _around: &Circumstances<'_>,
    ) -> Option<Fact<()>> {
        // A call that a person ended at the prompt is cut off too: this one must have come past it.
        let past = asks_nobody(call) || verdict.decision.value == Some(Decision::Allow);
        let cut = call.error_type.value.as_deref() == Some(ABORTED);
        (cut && past && !came_back(call))
            .then(|| Fact::inferred((), "its span was cut off", call.error_type.events.clone()))
    }

    fn planned(&self, call: &Call) -> Option<Fact<String>> {
        let words = argument(call, "justification")?;
        Some(Fact::observed(words, call.arguments.events.clone()))
    }

    fn output_withheld(&self, output: &str) -> Option<&'static str> {
        (output.trim() == PREVIEW_CUT).then_some("output")
    }

    fn given(&self, call: &Call) -> Vec<Given> {
        let held = |decision: &&Stated| {
            let word = decision.decision.value.as_deref();
            word.is_some_and(|word| [FOR_SESSION, WITH_AMENDMENT].contains(&word))
        };
        let of_decision = |decision: &Stated| Given {
            scope: GrantScope::Session,
            what: decision.decision.value.clone().unwrap_or_default(),
            time_unix_nano: decision.time_unix_nano,
            events: decision.decision.events.clone(),
        };
        let decisions = call.decisions.iter().filter(held).map(of_decision);
        let permissions = permissions::answer(call).filter(|answer| answer.any);
        decisions.chain(permissions.map(permissions::Answer::given)).collect()
    }
}

/// Whether the approval policy is to ask nobody.
fn asks_nobody(call: &Call) -> bool {
    call.policy.approval.value.as_deref() == Some(NEVER)
}

fn asks_to_leave_the_sandbox(call: &Call) -> bool {
    argument(call, "sandbox_permissions").as_deref() == Some("require_escalated")
}

fn is(call: &Call, tool: &str) -> bool {
    call.tool.value.as_deref() == Some(tool)
}

fn is_a_command(call: &Call) -> bool {
    call.tool.value.as_deref().is_some_and(|tool| COMMANDS.contains(&tool)) && !is_mcp(call)
}

fn is_mcp(call: &Call) -> bool {
    call.namespace.value.as_deref().is_some_and(|namespace| namespace.starts_with(MCP))
}

/// The answer of a person, or of a client in their place, to the call's approval.
fn answer(call: &Call) -> Option<&Note> {
    call.reviews.iter().rfind(|note| note.kind == EventKind::ApprovalRequest.as_str())
}

/// The answer during which the call's span was cut off.
fn answered_as_it_was_cut_off(call: &Call) -> Option<&Note> {
    if call.error_type.value.as_deref() != Some(ABORTED) || came_back(call) {
        return None;
    }
    let cut = |stage: &&Stage| stage.error_type.as_deref() == Some(ABORTED);
    let end = call.stages.iter().find(cut)?.ended_unix_nano?;
    answer(call).filter(|answer| {
        let until = answer.ended_unix_nano.unwrap_or(answer.time_unix_nano);
        answer.time_unix_nano <= end && end <= until
    })
}

/// Rows of an earlier answer for the session to the same command.
fn earlier_grant(call: &Call, stated: &Stated, around: &Circumstances<'_>) -> Option<Vec<EventId>> {
    let command =
        argument(call, "cmd").filter(|_| stated.decision.value.as_deref() == Some(FOR_SESSION))?;
    let same = |earlier: &Call| {
        earlier.tool.value == call.tool.value && argument(earlier, "cmd").as_ref() == Some(&command)
    };
    held_answer(call, around, same)
}

/// An MCP tool that was approved for the session runs again without a decision.
fn granted_for_the_server(call: &Call, around: &Circumstances<'_>) -> Option<Verdict> {
    if !is_mcp(call) || !call.mcp_method.is_known() {
        return None;
    }
    let same = |earlier: &Call| {
        earlier.tool.value == call.tool.value && earlier.namespace.value == call.namespace.value
    };
    let mut events = held_answer(call, around, same)?;
    events.extend(call.mcp_method.events.iter().copied());
    Some(Verdict {
        decision: Fact::inferred(Decision::Allow, GRANTED_BEFORE, events.clone()),
        decided_by: Fact::inferred(DecidedBy::SessionGrant, GRANTED_BEFORE, events),
    })
}

const GRANTED_BEFORE: &str = "a person approved the same for the session before, and it ran";

/// Rows of an answer for longer than its call that an earlier call got for which `same` holds.
fn held_answer(
    call: &Call,
    around: &Circumstances<'_>,
    same: impl Fn(&Call) -> bool,
) -> Option<Vec<EventId>> {
    let earlier = around.calls.iter().map(|one| one.call);
    let mut earlier = earlier.filter(|earlier| earlier.number < call.number && same(earlier));
    earlier.find_map(|earlier| Codex.given(earlier).into_iter().next().map(|given| given.events))
}

/// Whether something came back from a call. The session file tells the model of a call that was cut off in
/// words of its own.
fn came_back(call: &Call) -> bool {
    let Some(result) = &call.result else { return false };
    let output = result.output.value.as_deref().filter(|_| !result.success.is_known());
    let cut = output
        .and_then(|output| output.split_once('\n'))
        .is_some_and(|(time, rest)| time.starts_with(WALL_TIME) && rest == ABORTED_BY_USER);
    !cut
}

/// The output of a call that failed, and its rows. The session file does not say whether a call succeeded.
fn failed_output(call: &Call) -> Option<(&str, &[EventId])> {
    let result = call.result.as_ref()?;
    let failed = match result.success.value {
        Some(success) => !success,
        None => !result.exit_code.is_known(),
    };
    let text = result.output.value.as_deref().filter(|_| failed)?;
    Some((text, &result.output.events))
}

/// A counter says how often a hook refused a call, and no more calls than that were taken in, met such a
/// hook, and left no other trace.
fn blocked_by_a_hook(call: &Call, around: &Circumstances<'_>) -> Option<Verdict> {
    let (blocked, rows) = around.counters.hooks_blocked.as_ref()?;
    if !met_a_hook_and_no_more(call) {
        return None;
    }
    let candidates = around.calls.iter().filter(|one| met_a_hook_and_no_more(one.call)).count();
    if i64::try_from(candidates).ok()? != *blocked {
        return None;
    }
    let mut events = rows.clone();
    events.extend(call.received.events.iter().copied());
    let why =
        "a counter says how many calls a hook refused, and only these met one and left no trace";
    Some(Verdict {
        decision: Fact::inferred(Decision::Deny, why, events.clone()),
        decided_by: Fact::inferred(DecidedBy::Hook, why, events),
    })
}

fn met_a_hook_and_no_more(call: &Call) -> bool {
    let hook = call.reviews.iter().any(|note| {
        note.kind == EventKind::Hook.as_str() && note.detail.value.as_deref() == Some("PreToolUse")
    });
    hook && !came_back(call)
        && call.decisions.is_empty()
        && !call.mcp_method.is_known()
        && !call.error_type.is_known()
        && !call.stages.iter().any(handed_over)
}

/// A call that ran although nobody can be asked was let through by the configuration.
fn nobody_to_ask(call: &Call) -> Option<Verdict> {
    let policy = &call.policy.approval;
    let result = call.result.as_ref()?;
    let ran = result.success.value == Some(true) || call.mcp_method.is_known();
    if !asks_nobody(call) || !ran {
        return None;
    }
    let mut events = policy.events.clone();
    events.extend(result.success.events.iter().copied());
    let why = "it ran, and under the approval policy nobody is asked";
    Some(Verdict {
        decision: Fact::inferred(Decision::Allow, why, events.clone()),
        decided_by: Fact::inferred(DecidedBy::Config, why, events),
    })
}

/// Whether a stage is that the command was handed to what runs commands.
fn handed_over(stage: &Stage) -> bool {
    stage.name.as_deref() == Some(UNIFIED_EXEC)
}
