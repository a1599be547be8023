//! Qwen Code. What its words mean was seen in what it sent and read in its source
//! (`packages/core/src/core/coreToolScheduler.ts`, `packages/core/src/telemetry`).
//!
//! Why a call did not come to its end stands on its span (`tool.failure_kind`); without spans, in the class
//! and the words of the error on its log record.

use super::arguments::description;
use super::{Given, Reading, Verdict, mcp};
use crate::fact::{EventId, Fact};
use crate::receipt::circumstances::Circumstances;
use crate::receipt::model::GrantScope;
use crate::receipt::tokens::{DecidedBy, Decision, Executed, Outcome, Sandbox};
use crate::reconstruct::model::{Call, Decision as Stated};

/// The reading.
pub(crate) struct QwenCode;

/// The tool that runs commands.
const SHELL: &str = "run_shell_command";
/// The tool whose work is to ask a person, which it does in every mode.
const ASKING: &str = "ask_user_question";
/// The approval modes in which nobody is asked, and in which a model judges commands.
const YOLO: &str = "yolo";
const AUTO: &str = "auto";
/// That no sandbox is configured.
const NO_SANDBOX: &str = "sandbox_enabled=false";
/// How the names of MCP servers' tools begin, and what stands between the server and its tool.
const MCP_BEGINS: &str = "mcp__";
const MCP_BETWEEN: &str = "__";
/// Let through without a question, or by an answer that holds for the session; the answer itself, on the
/// span of the wait for it.
const AUTO_ACCEPT: &str = "auto_accept";
const PROCEED_ALWAYS: &str = "proceed_always";
const REJECT: &str = "reject";
/// Kinds of failure: a person cancelled it; nobody could be asked; a hook stopped it after it ran.
const CANCELLED: &str = "cancelled";
const NON_INTERACTIVE: &str = "non_interactive_denied";
const POST_HOOK: &str = "post_hook_stopped";
const PERMISSION_DENIED: &str = "permission_denied";
/// Classes of error on log records.
const EXECUTION_DENIED: &str = "execution_denied";
const NEVER_DECIDED: [&str; 3] = ["tool_not_registered", "invalid_tool_params", "output_truncated"];
/// Where the execution of a tool came to (`execution_status`).
const NOT_STARTED: &str = "not_started";
const STARTED: [&str; 4] = ["success", "error", CANCELLED, "timeout"];

impl Reading for QwenCode {
    fn decision(&self, word: &str) -> Option<Decision> {
        Some(match word {
            "accept" | AUTO_ACCEPT | "modify" | "proceed_once" | PROCEED_ALWAYS
            | "auto_approved" => Decision::Allow,
            REJECT | "cancel" => Decision::Deny,
            "aborted" => Decision::Cancel,
            _ => return None,
        })
    }

    fn decided_by(&self, word: &str) -> Option<DecidedBy> {
        Some(match word {
            "cli" | "ide" => DecidedBy::User,
            "hook" => DecidedBy::Hook,
            // Another call's answer that holds for the session was given while this one waited.
            "auto" => DecidedBy::SessionGrant,
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
        // A hook, or a guard, has the last word.
        if let Some(refused) = refused_by_kind(call) {
            return refused;
        }
        if verdict.decided_by.value.is_some_and(|by| by != DecidedBy::Unknown) {
            return verdict;
        }
        match stated.decision.value.as_deref() {
            Some(AUTO_ACCEPT) => {
                if let Some((why, rows)) = nobody_is_asked(call, around) {
                    let mut events = stated.decision.events.clone();
                    events.extend(rows);
                    verdict.decided_by = Fact::inferred(DecidedBy::Config, why, events);
                }
            }
            Some(REJECT) => {
                let error = call.result.as_ref().map(|result| &result.error_type);
                let (by, why, events) = match error.filter(|error| is_denied(error)) {
                    Some(error) => {
                        let why = "a hook's refusal alone ends with this class of error";
                        (DecidedBy::Hook, why, &error.events)
                    }
                    None => {
                        let why = "a rejection without an error is a person's";
                        (DecidedBy::User, why, &stated.decision.events)
                    }
                };
                verdict.decided_by = Fact::inferred(by, why, events.clone());
            }
            _ => {}
        }
        verdict
    }

    fn concluded(&self, call: &Call, _around: &Circumstances<'_>) -> Option<Verdict> {
        if let Some(refused) = refused_by_kind(call) {
            return Some(refused);
        }
        let result = call.result.as_ref()?;
        let (error, events) = (&result.error_type, &result.error_type.events);
        let not_started = result.detail.value.as_deref() == Some(NOT_STARTED);
        if call.error_type.value.as_deref() == Some(CANCELLED) && not_started {
            let why = "the agent says that the user cancelled it before it was executed";
            let events = &call.error_type.events;
            return Some(Verdict::inferred(Decision::Cancel, DecidedBy::User, why, events));
        }
        if is_denied(error) {
            let why = "the class of error says so";
            let words = result.error_message.value.as_deref().unwrap_or_default();
            return Some(match words_of_the_configuration(words) {
                true => {
                    let why = "the class of error says so, and the agent's words that a rule or the mode did";
                    Verdict::inferred(Decision::Deny, DecidedBy::Config, why, events)
                }
                false => {
                    let unknown = "the error does not say who refused it";
                    Verdict::by_unknown(Decision::Deny, why, unknown, events)
                }
            });
        }
        let never = error.value.as_deref().is_some_and(|error| NEVER_DECIDED.contains(&error));
        never.then(|| {
            Verdict::none("the class of error is of calls that are not decided about", events)
        })
    }

    fn executed(&self, call: &Call, _around: &Circumstances<'_>) -> Option<Fact<Executed>> {
        let status = &call.result.as_ref()?.detail;
        let word = status.value.as_deref()?;
        let why = "the status of its execution says so";
        let executed = match word {
            NOT_STARTED => Executed::No,
            word if STARTED.contains(&word) => Executed::Yes,
            _ => return None,
        };
        Some(Fact::inferred(executed, why, status.events.clone()))
    }

    fn sandbox(
        &self,
        call: &Call,
        _verdict: &Verdict,
        _around: &Circumstances<'_>,
    ) -> Option<Fact<Sandbox>> {
        if call.mcp_server.is_known() {
            return Some(mcp::no_sandbox(&call.mcp_server.events));
        }
        let policy = &call.policy.sandbox;
        (policy.value.as_deref() == Some(NO_SANDBOX)).then(|| {
            Fact::inferred(Sandbox::None, "no sandbox is configured", policy.events.clone())
        })
    }

    fn outcome(&self, call: &Call) -> Option<Fact<Outcome>> {
        (call.error_type.value.as_deref() == Some(POST_HOOK)).then(|| {
            let why = "a hook stopped it after it ran";
            Fact::inferred(Outcome::Blocked, why, call.error_type.events.clone())
        })
    }

    fn interrupted(
        &self,
        call: &Call,
        _verdict: &Verdict,
        _around: &Circumstances<'_>,
    ) -> Option<Fact<()>> {
        let status = call.result.as_ref().and_then(|result| result.detail.value.as_deref());
        let started = status.is_none_or(|status| status != NOT_STARTED);
        let kind = &call.error_type;
        let cancelled = kind.value.as_deref() == Some(CANCELLED);
        if cancelled && started {
            let why = "the user cancelled it, and it is not said to have not started";
            return Some(Fact::inferred((), why, kind.events.clone()));
        }
        let result = call.result.as_ref().filter(|_| status == Some(CANCELLED))?;
        let why = "the status of its execution says that it was cancelled";
        Some(Fact::inferred((), why, result.detail.events.clone()))
    }

    fn tool(&self, call: &Call, _around: &Circumstances<'_>) -> Option<Fact<String>> {
        mcp::own_name(call, MCP_BEGINS, MCP_BETWEEN)
    }

    fn planned(&self, call: &Call) -> Option<Fact<String>> {
        description(call).filter(|_| is(call, SHELL))
    }

    fn given(&self, call: &Call) -> Vec<Given> {
        let always =
            |decision: &&Stated| decision.decision.value.as_deref() == Some(PROCEED_ALWAYS);
        let given = |decision: &Stated| Given {
            scope: GrantScope::Session,
            what: PROCEED_ALWAYS.to_owned(),
            time_unix_nano: decision.time_unix_nano,
            events: decision.decision.events.clone(),
        };
        call.decisions.iter().filter(always).map(given).collect()
    }
}

fn is(call: &Call, tool: &str) -> bool {
    call.tool.value.as_deref() == Some(tool)
}

fn is_denied(error: &Fact<String>) -> bool {
    error.value.as_deref() == Some(EXECUTION_DENIED)
}

/// The refusal that the kind of failure on the call's span tells of.
fn refused_by_kind(call: &Call) -> Option<Verdict> {
    let kind = &call.error_type;
    let (by, why) = match kind.value.as_deref()? {
        "pre_hook_blocked" | "permission_hook_denied" => {
            (DecidedBy::Hook, "the kind of failure is that a hook refused it")
        }
        // In this mode also a model refuses; its refusals begin with other words.
        PERMISSION_DENIED if in_auto_mode(call) && !refused_by_a_rule(call) => {
            let why = "the kind of failure is that permission was denied";
            let unknown =
                "in approval mode auto a rule or a model refuses, and no record says which";
            return Some(Verdict::by_unknown(Decision::Deny, why, unknown, &kind.events));
        }
        PERMISSION_DENIED => (DecidedBy::Config, "the kind of failure is that a rule denied it"),
        "plan_mode_blocked" => {
            (DecidedBy::Config, "the kind of failure is that plan mode blocked it")
        }
        NON_INTERACTIVE => (DecidedBy::Config, "the kind of failure is that nobody could be asked"),
        "background_agent_denied" => {
            (DecidedBy::Config, "the kind of failure is that a background agent can ask nobody")
        }
        "invocation_guard_denied" => {
            (DecidedBy::Config, "the kind of failure is that a built-in guard refused it")
        }
        _ => return None,
    };
    Some(Verdict::inferred(Decision::Deny, by, why, &kind.events))
}

fn in_auto_mode(call: &Call) -> bool {
    call.policy.approval.value.as_deref() == Some(AUTO)
}

fn refused_by_a_rule(call: &Call) -> bool {
    let words = call.result.as_ref().and_then(|result| result.error_message.value.as_deref());
    words.is_some_and(words_of_the_configuration)
}

/// Whether the words of an error are those of a rule, or of a mode that can ask nobody. A call that was
/// denied ran nothing that could have said them.
fn words_of_the_configuration(words: &str) -> bool {
    words.starts_with("Qwen Code requires permission to use ")
        || words.starts_with("Tool blocked by plan mode: ")
        || (words.starts_with("This \"")
            && words.contains("\" invocation was denied by permission rules."))
        || (words.starts_with("Tool \"")
            && (words.ends_with("\" is denied.")
                || words.ends_with(
                    "background agents cannot prompt for confirmation. The tool call was denied.",
                )))
}

/// Why nobody is asked in the session, and the rows that say so.
fn nobody_is_asked(
    call: &Call,
    around: &Circumstances<'_>,
) -> Option<(&'static str, Vec<EventId>)> {
    let policy = &call.policy.approval;
    if policy.value.as_deref() == Some(YOLO) && call.tool.is_known() && !is(call, ASKING) {
        return Some(("in approval mode yolo nobody is asked", policy.events.clone()));
    }
    // Whether anybody can be asked does not change within a session.
    let refused = around
        .calls
        .iter()
        .map(|one| one.call)
        .find(|other| other.error_type.value.as_deref() == Some(NON_INTERACTIVE))?;
    Some((
        "another call of the session was refused because nobody can be asked",
        refused.error_type.events.clone(),
    ))
}

#[cfg(test)]
mod tests {
    use blotter_schemas::names::blotter::EventKind;
    use blotter_schemas::tables::Event;

    use crate::receipt::readings::rows::{all, log, span, text, told};

    const AGENT: &str = "qwen_code";

    fn config(mode: &str) -> Event {
        Event {
            call_id: None,
            tool_name: None,
            approval_policy: text(mode),
            sandbox_policy: text("sandbox_enabled=false"),
            ..log(AGENT, EventKind::Config)
        }
    }

    fn tool(kind: &str) -> Event {
        Event { success: Some(false), error_type: text(kind), ..span(AGENT, EventKind::Call) }
    }

    fn end(success: bool, status: &str, decision: Option<&str>, error: Option<&str>) -> Event {
        Event {
            success: Some(success),
            detail: text(status),
            decision: decision.map(str::to_owned),
            error_type: error.map(str::to_owned),
            ..log(AGENT, EventKind::Result)
        }
    }

    #[test]
    fn every_kind_of_failure_is_a_decision_or_an_end() {
        let denied = |decision| end(false, "not_started", decision, Some("execution_denied"));
        let ran = |status| end(false, status, Some("auto_accept"), Some("x"));
        for (kind, record, expected) in [
            ("permission_denied", denied(None), "deny config no refused"),
            ("plan_mode_blocked", denied(None), "deny config no refused"),
            ("non_interactive_denied", denied(None), "deny config no refused"),
            ("background_agent_denied", denied(None), "deny config no refused"),
            ("invocation_guard_denied", denied(None), "deny config no refused"),
            ("pre_hook_blocked", denied(Some("auto_accept")), "deny hook no blocked"),
            ("permission_hook_denied", denied(Some("reject")), "deny hook no blocked"),
            ("post_hook_stopped", ran("success"), "allow config yes blocked"),
            ("tool_error", ran("error"), "allow config yes failed"),
            ("tool_exception", ran("error"), "allow config yes failed"),
            ("timeout", ran("timeout"), "allow config yes failed"),
            ("cancelled", ran("cancelled"), "allow config yes interrupted"),
        ] {
            let rows = [config("yolo"), tool(kind), record];
            assert_eq!(told(&rows), [expected], "{kind}");
        }
        let rows = [tool("cancelled"), end(false, "not_started", None, None)];
        assert_eq!(told(&rows), ["cancel user no cancelled"]);
    }

    #[test]
    fn the_answer_on_the_span_of_the_wait_is_the_one_who_gave_it() {
        for (answer, source, expected) in [
            ("proceed_once", "cli", "allow user yes succeeded"),
            ("proceed_always", "ide", "allow user yes succeeded"),
            ("proceed_once", "hook", "allow hook yes succeeded"),
            ("auto_approved", "auto", "allow session_grant yes succeeded"),
        ] {
            let wait = Event {
                decision: text(answer),
                decision_source: text(source),
                ..span(AGENT, EventKind::Decision)
            };
            let rows = [wait, end(true, "success", Some("accept"), None)];
            assert_eq!(told(&rows), [expected], "{answer}");
        }
        let wait = |answer| Event {
            decision: text(answer),
            decision_source: text("cli"),
            ..span(AGENT, EventKind::Decision)
        };
        assert_eq!(told(&[wait("cancel")]), ["deny user no refused"]);
        assert_eq!(told(&[wait("aborted")]), ["cancel user no cancelled"]);
    }

    #[test]
    fn accepted_without_a_question_is_the_configuration_where_nobody_can_be_asked() {
        let accepted = || end(true, "success", Some("auto_accept"), None);
        assert_eq!(told(&[config("default"), accepted()]), ["allow unknown yes succeeded"]);
        let refused = Event { call_id: text("a"), ..tool("non_interactive_denied") };
        let rows = [config("default"), refused, accepted()];
        assert_eq!(told(&rows)[1], "allow config yes succeeded");
    }

    #[test]
    fn without_spans_the_error_tells() {
        let denied = |words: &str| Event {
            error_message: text(words),
            ..end(false, "not_started", None, Some("execution_denied"))
        };
        for words in [
            "Qwen Code requires permission to use \"x\", but that permission was declined.",
            "This \"x\" invocation was denied by permission rules. Matching deny rule: \"y\".",
            "Tool \"x\" is denied.",
        ] {
            assert_eq!(told(&[denied(words)]), ["deny config no refused"], "{words}");
        }
        assert_eq!(told(&[denied("no, says the hook")]), ["deny unknown no refused"]);
        let missing = end(false, "not_started", None, Some("tool_not_registered"));
        assert_eq!(told(&[missing]), ["none - no failed"]);
    }

    #[test]
    fn what_a_command_wrote_is_not_believed() {
        let forged = Event {
            error_message: text(
                "Qwen Code requires permission to use \"x\", but that permission was declined.\nExit Code: 0",
            ),
            ..end(false, "error", Some("auto_accept"), Some("shell_execute_error"))
        };
        let receipts = all(&[config("yolo"), forged.clone()]);
        assert_eq!(receipts[0].exit_code.value, None);
        assert_eq!(told(&[config("yolo"), forged]), ["allow config yes failed"]);
    }

    #[test]
    fn no_sandbox_takes_part_where_none_is_configured() {
        let receipts = all(&[config("yolo"), end(true, "success", Some("auto_accept"), None)]);
        assert_eq!(receipts[0].sandbox.value.unwrap().as_str(), "none");
    }
}
