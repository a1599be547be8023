//! Claude Code. What its words mean was seen in what it sent and read in its documentation
//! (code.claude.com, monitoring).

use super::arguments::description;
use super::{Given, Reading, Verdict, mcp};
use crate::fact::Fact;
use crate::receipt::circumstances::Circumstances;
use crate::receipt::model::GrantScope;
use crate::receipt::tokens::{DecidedBy, Decision, Executed, Sandbox};
use crate::reconstruct::model::{Call, Decision as Stated};

/// The reading.
pub(crate) struct ClaudeCode;

/// The tool that runs commands.
const BASH: &str = "Bash";
/// What stands for the name of an MCP server's tool where names are kept back, and the setting that
/// reveals them.
const MCP_TOOL: &str = "mcp_tool";
const TOOL_DETAILS: &str = "tool_details";
/// The mode in which nobody is asked.
const BYPASS: &str = "bypassPermissions";
/// A person answered: once; always; ended the turn instead.
const ONCE: &str = "user_temporary";
const ALWAYS: &str = "user_permanent";
const ABORT: &str = "user_abort";

impl Reading for ClaudeCode {
    fn decision(&self, word: &str) -> Option<Decision> {
        Some(match word {
            "accept" => Decision::Allow,
            "reject" => Decision::Deny,
            _ => return None,
        })
    }

    fn decided_by(&self, word: &str) -> Option<DecidedBy> {
        Some(match word {
            "config" => DecidedBy::Config,
            "hook" => DecidedBy::Hook,
            ONCE | ALWAYS | ABORT | "user_reject" => DecidedBy::User,
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
        let allowed = verdict.decision.value == Some(Decision::Allow);
        match stated.source.value.as_deref() {
            Some(ABORT) if verdict.decision.value == Some(Decision::Deny) => {
                let why =
                    "the person ended the turn at the prompt, says the source of the decision";
                let events = stated.source.events.clone();
                verdict.decision = Fact::inferred(Decision::Cancel, why, events);
            }
            Some(ALWAYS) if allowed => {
                let earlier = earlier_answer(call, around);
                let events = stated.source.events.clone();
                verdict.decided_by = match earlier {
                    Some(mut earlier) => {
                        let why = "a person chose before to always allow this very call";
                        earlier.extend(events);
                        Fact::inferred(DecidedBy::SessionGrant, why, earlier)
                    }
                    None => Fact::inferred(DecidedBy::User, SAME_WORD, events),
                };
            }
            Some(ONCE) if allowed => {
                let events = stated.source.events.clone();
                verdict.decided_by = Fact::inferred(DecidedBy::User, SAME_WORD, events);
            }
            None if allowed && bypasses(call) => {
                let events = call.policy.approval.events.clone();
                verdict.decided_by = Fact::inferred(DecidedBy::Config, ASKS_NOBODY, events);
            }
            _ => {}
        }
        verdict
    }

    fn concluded(&self, call: &Call, _around: &Circumstances<'_>) -> Option<Verdict> {
        let result = call.result.as_ref().filter(|_| bypasses(call))?;
        let mut events = call.policy.approval.events.clone();
        events.extend(result.success.events.iter().copied());
        Some(Verdict::inferred(Decision::Allow, DecidedBy::Config, ASKS_NOBODY, &events))
    }

    fn executed(&self, call: &Call, _around: &Circumstances<'_>) -> Option<Fact<Executed>> {
        let result = call.result.as_ref()?;
        let told = [&result.success.events, &result.duration_ns.events, &result.output.events];
        let events = told.into_iter().find(|events| !events.is_empty())?;
        let why = "a result is reported, and there is none of a tool that was not executed";
        Some(Fact::inferred(Executed::Yes, why, events.clone()))
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
        is(call, MCP_TOOL).then(|| mcp::no_sandbox(&call.tool.events))
    }

    fn tool(&self, call: &Call, around: &Circumstances<'_>) -> Option<Fact<String>> {
        let how = around.setting(TOOL_DETAILS).filter(|_| is(call, MCP_TOOL))?;
        Some(Fact::withheld(how, call.tool.events.clone()))
    }

    fn planned(&self, call: &Call) -> Option<Fact<String>> {
        description(call).filter(|_| is(call, BASH))
    }

    fn given(&self, call: &Call) -> Vec<Given> {
        let always = |decision: &&Stated| {
            decision.source.value.as_deref() == Some(ALWAYS)
                && decision.decision.value.as_deref().and_then(|word| self.decision(word))
                    == Some(Decision::Allow)
        };
        let given = |decision: &Stated| Given {
            scope: GrantScope::Session,
            what: ALWAYS.to_owned(),
            time_unix_nano: decision.time_unix_nano,
            events: decision.source.events.clone(),
        };
        call.decisions.iter().filter(always).map(given).collect()
    }
}

const SAME_WORD: &str = "the agent says that a person did; it says the same where an earlier answer of \
                         theirs still holds";
const ASKS_NOBODY: &str = "in permission mode bypassPermissions nobody is asked";

fn is(call: &Call, tool: &str) -> bool {
    call.tool.value.as_deref() == Some(tool)
}

fn bypasses(call: &Call) -> bool {
    call.policy.approval.value.as_deref() == Some(BYPASS)
}

/// Rows of an answer to an earlier call of the same tool with the same arguments that was to always allow
/// it.
fn earlier_answer(call: &Call, around: &Circumstances<'_>) -> Option<Vec<crate::fact::EventId>> {
    let same = |earlier: &Call| {
        earlier.number < call.number
            && earlier.tool.is_known()
            && earlier.tool.value == call.tool.value
            && earlier.arguments.is_known()
            && earlier.arguments.value == call.arguments.value
    };
    let mut earlier = around.calls.iter().map(|one| one.call).filter(|earlier| same(earlier));
    earlier
        .find_map(|earlier| ClaudeCode.given(earlier).into_iter().next())
        .map(|given| given.events)
}

#[cfg(test)]
mod tests {
    use blotter_schemas::names::blotter::{EventKind, Grade};
    use blotter_schemas::tables::Event;

    use crate::receipt::readings::rows::{all, log, text, told};

    const AGENT: &str = "claude_code";

    fn decision(decision: &str, source: &str) -> Event {
        Event {
            decision: text(decision),
            decision_source: text(source),
            approval_policy: text("default"),
            ..log(AGENT, EventKind::Decision)
        }
    }

    fn result(success: bool) -> Event {
        Event { success: Some(success), ..log(AGENT, EventKind::Result) }
    }

    #[test]
    fn a_refusal_is_that_of_its_source() {
        for (source, expected) in [
            ("config", "deny config no refused"),
            ("hook", "deny hook no blocked"),
            ("user_reject", "deny user no refused"),
            ("user_abort", "cancel user no cancelled"),
        ] {
            assert_eq!(told(&[decision("reject", source)]), [expected], "{source}");
        }
    }

    #[test]
    fn a_call_that_was_let_through_and_reports_a_result_ran() {
        for (success, expected) in
            [(true, "allow config yes succeeded"), (false, "allow config yes failed")]
        {
            assert_eq!(told(&[decision("accept", "config"), result(success)]), [expected]);
        }
        assert_eq!(told(&[decision("accept", "config")]), ["allow config unknown unknown"]);
    }

    #[test]
    fn an_answer_to_always_allow_is_a_grant_for_the_same_call_later() {
        let arguments = |row: Event, arguments: &str, call: &str| Event {
            arguments: text(arguments),
            call_id: text(call),
            ..row
        };
        let always = || decision("accept", "user_permanent");
        let first = arguments(always(), "{\"command\":\"ls\"}", "a");
        let same = arguments(always(), "{\"command\":\"ls\"}", "b");
        let other = arguments(always(), "{\"command\":\"pwd\"}", "c");
        let receipts = all(&[first, same, other]);
        let by: Vec<_> = receipts.iter().map(|it| it.decided_by.value.unwrap().as_str()).collect();
        assert_eq!(by, ["user", "session_grant", "user"]);
        let grants: Vec<_> =
            receipts.iter().map(|it| it.grants.value.as_ref().map_or(0, Vec::len)).collect();
        assert_eq!(grants, [0, 1, 2]);
    }

    #[test]
    fn in_bypass_mode_nobody_was_asked_about_a_call_that_ran() {
        let bypass = |row: Event, call: &str| Event {
            approval_policy: text("bypassPermissions"),
            call_id: text(call),
            ..row
        };
        let rows = [
            bypass(decision("accept", "config"), "a"),
            Event { call_id: text("b"), ..result(true) },
        ];
        let expected = ["allow config unknown unknown", "allow config yes succeeded"];
        assert_eq!(told(&rows), expected);
    }

    #[test]
    fn what_a_tool_wrote_is_not_believed() {
        let output =
            Event { output: text("Permission denied by hook\nExit code: 3"), ..result(true) };
        let receipts = all(&[decision("accept", "config"), output]);
        assert_eq!(receipts[0].exit_code.value, None);
        assert_eq!(
            told(&[decision("accept", "config"), result(true)]),
            ["allow config yes succeeded"]
        );
    }

    #[test]
    fn a_name_that_is_kept_back_is_withheld() {
        let receipts =
            all(&[Event { tool_name: text("mcp_tool"), ..decision("accept", "config") }]);
        assert_eq!((receipts[0].tool.grade, &receipts[0].tool.value), (Grade::Withheld, &None));
        assert!(receipts[0].tool.why.contains("OTEL_LOG_TOOL_DETAILS"));
        assert_eq!(receipts[0].sandbox.value.unwrap().as_str(), "none");
    }
}
