//! Gemini CLI. What its words mean was seen in what it sent and read in its source
//! (`packages/core/src/scheduler`, `packages/core/src/telemetry`).
//!
//! A log record of a call's end says what was decided, but never who decided: `accept` stands for a person's
//! yes and for a policy that asks nobody alike.

use super::arguments::description;
use super::{Reading, Verdict, mcp};
use crate::fact::{Claim, EventId, Fact};
use crate::receipt::circumstances::Circumstances;
use crate::receipt::tokens::{DecidedBy, Decision, Executed, Sandbox};
use crate::reconstruct::model::{Call, Decision as Stated, Outcome};

/// The reading.
pub(crate) struct GeminiCli;

/// The tool that runs commands: any end of them is a success. Its record of an end names an exit code that
/// is not 0.
const SHELL: &str = "run_shell_command";
/// Tools whose work is to ask a person, which they do in every mode.
const ASKING: [&str; 2] = ["ask_user", "exit_plan_mode"];
/// The approval mode in which nobody is asked.
const YOLO: &str = "yolo";
/// That no sandbox is configured; that one is, is said in every session.
const NO_SANDBOX: &str = "sandbox_enabled=false";
/// The span of a tool's execution.
const EXECUTION: &str = "tool_call";
/// How the names of MCP servers' tools begin, and what stands between the server and its tool.
const MCP_BEGINS: &str = "mcp_";
const MCP_BETWEEN: &str = "_";
/// A person changed the call before they let it through; they said no.
const MODIFY: &str = "modify";
const REJECT: &str = "reject";

/// Classes of error (`tool-error.ts`): of a call that never came to a control point, that the policy
/// refused, that nobody could be asked about.
const NOT_REGISTERED: &str = "tool_not_registered";
const INVALID_PARAMS: &str = "invalid_tool_params";
const POLICY_VIOLATION: &str = "policy_violation";
const UNHANDLED: &str = "unhandled_exception";
/// How the words of that exception end (`policy.ts`). The exception of a tool has another class, and a
/// decision.
const NOBODY_TO_ASK: &str =
    "requires user confirmation, which is not supported in non-interactive mode.";
/// Classes of error that also hooks before the tool, or a failure of the agent, bring about.
const NOT_OF_THE_TOOL: [&str; 6] =
    [UNHANDLED, "unknown", "execution_failed", "stop_execution", "permission_denied", CANCELLED];
/// The class of error that a span's status `cancelled` is read as.
const CANCELLED: &str = "cancelled";

impl Reading for GeminiCli {
    fn decision(&self, word: &str) -> Option<Decision> {
        Some(match word {
            "accept" | "auto_accept" | MODIFY => Decision::Allow,
            REJECT => Decision::Deny,
            _ => return None,
        })
    }

    fn decided_by(&self, _word: &str) -> Option<DecidedBy> {
        None
    }

    fn corrected(
        &self,
        call: &Call,
        stated: &Stated,
        mut verdict: Verdict,
        _around: &Circumstances<'_>,
    ) -> Verdict {
        let events = || stated.decision.events.clone();
        match stated.decision.value.as_deref() {
            Some(REJECT) => {
                let why = "only a person's answer is reported as a rejection";
                verdict.decided_by = Fact::inferred(DecidedBy::User, why, events());
                if let Some(success) = succeeded(call) {
                    // A person who lets a call through for good is reported as one who rejects it.
                    let ran = Claim {
                        value: Decision::Allow,
                        why: "a result came back that the agent calls a success".into(),
                        events: success.to_vec(),
                    };
                    let claims = [Some(ran), verdict.decision.claim()].into_iter().flatten();
                    let why = "the record says that it was rejected, and that it succeeded";
                    verdict.decision = Fact::contradicted(why, claims.collect());
                }
            }
            Some(MODIFY) => {
                let why = "only a person changes a call before it is let through";
                verdict.decided_by = Fact::inferred(DecidedBy::User, why, events());
            }
            Some(_) if verdict.decision.value == Some(Decision::Allow) && asks_nobody(call) => {
                let mut events = call.policy.approval.events.clone();
                events.extend(stated.decision.events.iter().copied());
                verdict.decided_by = Fact::inferred(DecidedBy::Config, ASKS_NOBODY, events);
            }
            _ => {}
        }
        verdict
    }

    fn concluded(&self, call: &Call, _around: &Circumstances<'_>) -> Option<Verdict> {
        let result = call.result.as_ref()?;
        let events = &result.error_type.events;
        let refused = |why| Verdict::inferred(Decision::Deny, DecidedBy::Config, why, events);
        match result.error_type.value.as_deref()? {
            NOT_REGISTERED => Some(Verdict::none("the tool is not registered", events)),
            INVALID_PARAMS => Some(Verdict::none("the parameters are invalid", events)),
            POLICY_VIOLATION => Some(refused("the policy refused it, says the class of error")),
            UNHANDLED if nobody_to_ask(result) => {
                Some(refused("a person would have had to be asked, and none could be"))
            }
            _ => None,
        }
    }

    fn executed(&self, call: &Call, _around: &Circumstances<'_>) -> Option<Fact<Executed>> {
        let executed =
            |stage: &&crate::reconstruct::model::Stage| stage.name.as_deref() == Some(EXECUTION);
        if let Some(stage) = call.stages.iter().find(executed) {
            let why = "the span of its execution was reported";
            return Some(Fact::inferred(Executed::Yes, why, stage.events.clone()));
        }
        let result = call.result.as_ref()?;
        let error = result.error_type.value.as_deref()?;
        let events = result.error_type.events.clone();
        if [NOT_REGISTERED, INVALID_PARAMS, POLICY_VIOLATION].contains(&error) {
            let why = "the class of error is of calls that do not come to be executed";
            return Some(Fact::inferred(Executed::No, why, events));
        }
        (let_through(call) && !NOT_OF_THE_TOOL.contains(&error)).then(|| {
            let why = "it was let through, and the error is of the tool";
            Fact::inferred(Executed::Yes, why, events)
        })
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

    fn success_is_the_outcome(&self, call: &Call) -> bool {
        // The log record, which alone has the decision, names an exit code that is not 0.
        let code = call.result.as_ref().is_some_and(|result| result.exit_code.is_known());
        !is(call, SHELL) || (!call.decisions.is_empty() && !code)
    }

    fn interrupted(
        &self,
        call: &Call,
        _verdict: &Verdict,
        _around: &Circumstances<'_>,
    ) -> Option<Fact<()>> {
        let result = call.result.as_ref()?;
        if result.error_type.value.as_deref() == Some(CANCELLED) {
            let why = "it was cancelled while it was executed";
            return Some(Fact::inferred((), why, result.error_type.events.clone()));
        }
        let no_error = !result.error_type.is_known() && !result.error_message.is_known();
        (result.success.value == Some(false) && no_error && let_through(call)).then(|| {
            let why = "it was let through and ended neither well nor with an error";
            Fact::inferred((), why, result.success.events.clone())
        })
    }

    fn tool(&self, call: &Call, _around: &Circumstances<'_>) -> Option<Fact<String>> {
        mcp::own_name(call, MCP_BEGINS, MCP_BETWEEN)
    }

    fn planned(&self, call: &Call) -> Option<Fact<String>> {
        description(call).filter(|_| is(call, SHELL))
    }
}

const ASKS_NOBODY: &str = "in approval mode yolo nobody is asked";

fn is(call: &Call, tool: &str) -> bool {
    call.tool.value.as_deref() == Some(tool)
}

fn asks_nobody(call: &Call) -> bool {
    let tool = call.tool.value.as_deref();
    call.policy.approval.value.as_deref() == Some(YOLO)
        && tool.is_some_and(|tool| !ASKING.contains(&tool))
}

fn let_through(call: &Call) -> bool {
    let word = call.decisions.last().and_then(|decision| decision.decision.value.as_deref());
    word.and_then(|word| GeminiCli.decision(word)) == Some(Decision::Allow)
}

/// Rows that call the call a success.
fn succeeded(call: &Call) -> Option<&[EventId]> {
    let success = &call.result.as_ref()?.success;
    (success.value == Some(true)).then_some(success.events.as_slice())
}

fn nobody_to_ask(result: &Outcome) -> bool {
    result.error_message.value.as_deref().is_some_and(|words| words.ends_with(NOBODY_TO_ASK))
}

#[cfg(test)]
mod tests {
    use blotter_schemas::names::blotter::{EventKind, Grade};
    use blotter_schemas::tables::Event;

    use super::SHELL;
    use crate::receipt::readings::rows::{all, log, span, text, told};

    const AGENT: &str = "gemini_cli";

    fn config(mode: &str) -> Event {
        Event {
            call_id: None,
            tool_name: None,
            approval_policy: text(mode),
            ..log(AGENT, EventKind::SessionStart)
        }
    }

    /// The log record of an end, which names no call.
    fn end(success: bool, decision: Option<&str>, error: Option<&str>) -> Event {
        Event {
            call_id: None,
            success: Some(success),
            decision: decision.map(str::to_owned),
            error_type: error.map(str::to_owned),
            error_message: error.map(str::to_owned),
            ..log(AGENT, EventKind::Result)
        }
    }

    #[test]
    fn accept_names_nobody_and_in_yolo_mode_it_is_the_configuration() {
        let accepted = || end(true, Some("accept"), None);
        assert_eq!(told(&[config("yolo"), accepted()]), ["allow config yes succeeded"]);
        assert_eq!(told(&[config("default"), accepted()]), ["allow unknown yes succeeded"]);
        let asking = Event { tool_name: text("ask_user"), ..accepted() };
        assert_eq!(told(&[config("yolo"), asking]), ["allow unknown yes succeeded"]);
    }

    #[test]
    fn a_change_of_the_mode_holds_from_then_on() {
        let change = Event {
            approval_policy: text("yolo"),
            detail: text("default"),
            ..log(AGENT, EventKind::ModeChange)
        };
        let change = Event { call_id: None, tool_name: None, ..change };
        let accepted = || end(true, Some("accept"), None);
        let rows = [config("default"), accepted(), change, accepted()];
        let expected = ["allow unknown yes succeeded", "allow config yes succeeded"];
        assert_eq!(told(&rows), expected);
        let modes: Vec<_> =
            all(&rows).into_iter().map(|receipt| receipt.approval_policy.value.unwrap()).collect();
        assert_eq!(modes, ["default", "yolo"]);
        assert_eq!(told(&rows[1..]), expected, "the change alone says what was before");
    }

    #[test]
    fn a_person_rejects_and_modifies() {
        assert_eq!(told(&[end(false, Some("reject"), None)]), ["deny user no refused"]);
        assert_eq!(told(&[end(true, Some("modify"), None)]), ["allow user yes succeeded"]);
    }

    #[test]
    fn a_rejection_that_succeeded_is_contradicted() {
        let receipts = all(&[end(true, Some("reject"), None)]);
        assert_eq!(receipts[0].decision.grade, Grade::Contradicted);
        let claims: Vec<_> =
            receipts[0].decision.claims.iter().map(|claim| claim.value.as_str()).collect();
        assert_eq!(claims, ["allow", "deny"]);
    }

    #[test]
    fn without_a_decision_the_class_of_error_tells() {
        for (error, expected) in [
            ("tool_not_registered", "none - no failed"),
            ("invalid_tool_params", "none - no failed"),
            ("policy_violation", "deny config no refused"),
            ("unhandled_exception", "- unknown unknown failed"),
        ] {
            let rows = [config("default"), end(false, None, Some(error))];
            assert_eq!(told(&rows), [expected], "{error}");
        }
        let nobody = Event {
            error_message: text(
                "Tool execution for \"Shell\" requires user confirmation, which is not supported in \
                 non-interactive mode.",
            ),
            ..end(false, None, Some("unhandled_exception"))
        };
        assert_eq!(told(&[nobody]), ["deny config no refused"]);
    }

    #[test]
    fn an_error_of_the_tool_that_speaks_of_a_refusal_is_not_believed() {
        let forged = Event {
            error_message: text(
                "x requires user confirmation, which is not supported in non-interactive mode.",
            ),
            ..end(false, Some("accept"), Some("mcp_tool_error"))
        };
        assert_eq!(told(&[config("yolo"), forged]), ["allow config yes failed"]);
    }

    #[test]
    fn a_call_that_ended_without_an_error_and_not_well_was_cut_off() {
        let rows = [config("yolo"), end(false, Some("accept"), None)];
        assert_eq!(told(&rows), ["allow config unknown interrupted"]);
    }

    #[test]
    fn a_command_whose_log_record_is_not_there_may_have_failed() {
        let execution = |kind| Event {
            tool_name: text(SHELL),
            name: text("tool_call"),
            span_id: text("1"),
            ..span(AGENT, kind)
        };
        let ended = Event {
            success: Some(true),
            output: text("Output: (empty)\nExit Code: 3"),
            ..execution(EventKind::Result)
        };
        let rows = [execution(EventKind::Call), ended];
        assert_eq!(told(&rows), ["allow unknown yes unknown"]);
        assert_eq!(all(&rows)[0].exit_code.value, None);
        let log = Event {
            tool_name: text(SHELL),
            span_id: text("1"),
            exit_code: Some(3),
            ..end(true, Some("accept"), None)
        };
        let rows = [config("yolo"), execution(EventKind::Call), log];
        assert_eq!(told(&rows), ["allow config yes failed"]);
    }

    #[test]
    fn the_servers_name_is_not_part_of_the_tools() {
        let call = |server: Option<&str>| Event {
            tool_name: text("mcp_lab_echo"),
            mcp_server: server.map(str::to_owned),
            ..end(true, Some("accept"), None)
        };
        let tool = |row| all(&[row]).swap_remove(0).tool;
        assert_eq!(tool(call(Some("lab"))).value, text("echo"));
        assert_eq!(tool(call(None)).value, None);
        assert_eq!(tool(call(Some("other"))).value, text("mcp_lab_echo"));
    }
}
