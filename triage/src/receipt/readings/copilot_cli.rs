//! GitHub Copilot CLI. What its words mean was seen in what it sent, and read in the published types of its
//! SDK (`permission.completed`).
//!
//! It reports the answer to a permission request, where there was one, and how each call ended. Whether a
//! rule or a flag let a call run, it never says.

use super::arguments::description;
use super::gen_ai::ended_without_an_error;
use super::{Given, Reading, Verdict, mcp};
use crate::fact::Fact;
use crate::receipt::circumstances::Circumstances;
use crate::receipt::model::GrantScope;
use crate::receipt::tokens::{DecidedBy, Decision, Sandbox};
use crate::reconstruct::model::{Call, Decision as Stated};

/// The reading.
pub(crate) struct CopilotCli;

/// The tools that run commands: how one ended is told by its exit code alone.
const COMMANDS: [&str; 2] = ["bash", "powershell"];
/// The class of error of a call that was refused.
const DENIED: &str = "denied";
/// How the words of the error begin where a rule refused it, and where nobody could be asked. They are the
/// agent's: a call that was refused ran nothing that could have said them.
const BY_RULE: &str = "Permission to run this tool was denied due to the following rules:";
const NOBODY_TO_ASK: &str = "Permission denied because no interactive user response was available.";
/// The answer that holds for the session.
const FOR_SESSION: &str = "approved-for-session";
/// That no sandbox was active around the call.
const INACTIVE: &str = "inactive";

impl Reading for CopilotCli {
    fn decision(&self, word: &str) -> Option<Decision> {
        Some(match word {
            "approved" | FOR_SESSION | "approved-for-location" => Decision::Allow,
            "cancelled" => Decision::Cancel,
            "denied-by-rules"
            | "denied-no-approval-rule-and-could-not-request-from-user"
            | "denied-by-content-exclusion-policy"
            | "denied-interactively-by-user"
            | "denied-by-permission-request-hook" => Decision::Deny,
            _ => return None,
        })
    }

    fn decided_by(&self, _word: &str) -> Option<DecidedBy> {
        None
    }

    fn corrected(
        &self,
        _call: &Call,
        stated: &Stated,
        mut verdict: Verdict,
        _around: &Circumstances<'_>,
    ) -> Verdict {
        let by = match stated.decision.value.as_deref() {
            Some(
                "denied-by-rules"
                | "denied-no-approval-rule-and-could-not-request-from-user"
                | "denied-by-content-exclusion-policy",
            ) => DecidedBy::Config,
            Some("denied-interactively-by-user" | "cancelled") => DecidedBy::User,
            Some("denied-by-permission-request-hook") => DecidedBy::Hook,
            _ => return verdict,
        };
        let events = stated.decision.events.clone();
        verdict.decided_by = Fact::inferred(by, "the word for the decision says who", events);
        verdict
    }

    fn concluded(&self, call: &Call, _around: &Circumstances<'_>) -> Option<Verdict> {
        let result = call.result.as_ref()?;
        let error = &result.error_type;
        if error.value.as_deref() != Some(DENIED) {
            return None;
        }
        let words = result.error_message.value.as_deref().unwrap_or_default();
        let mut events = error.events.clone();
        events.extend(result.error_message.events.iter().copied());
        events.dedup();
        let refused = |why| Verdict::inferred(Decision::Deny, DecidedBy::Config, why, &events);
        Some(if words.starts_with(BY_RULE) {
            refused("its span ended as denied, and its status names the rule")
        } else if words.starts_with(NOBODY_TO_ASK) {
            refused("its span ended as denied, and its status says that nobody could be asked")
        } else {
            let why = "its span ended as denied";
            let unknown = "the status of its span does not say who refused it";
            Verdict::by_unknown(Decision::Deny, why, unknown, &error.events)
        })
    }

    fn sandbox(
        &self,
        call: &Call,
        _verdict: &Verdict,
        _around: &Circumstances<'_>,
    ) -> Option<Fact<Sandbox>> {
        // Only calls of MCP servers' tools have a transport of their own.
        call.transport.is_known().then(|| mcp::no_sandbox(&call.transport.events))
    }

    fn sandbox_word(&self, word: &str) -> Option<Sandbox> {
        (word == INACTIVE).then_some(Sandbox::None)
    }

    fn success(&self, call: &Call) -> Option<Fact<bool>> {
        ended_without_an_error(call)
    }

    fn success_is_the_outcome(&self, call: &Call) -> bool {
        !is_a_command(call)
    }

    fn planned(&self, call: &Call) -> Option<Fact<String>> {
        description(call).filter(|_| is_a_command(call))
    }

    fn given(&self, call: &Call) -> Vec<Given> {
        let held = |decision: &&Stated| decision.decision.value.as_deref() == Some(FOR_SESSION);
        let given = |decision: &Stated| Given {
            scope: GrantScope::Session,
            what: FOR_SESSION.to_owned(),
            time_unix_nano: decision.time_unix_nano,
            events: decision.decision.events.clone(),
        };
        call.decisions.iter().filter(held).map(given).collect()
    }
}

fn is_a_command(call: &Call) -> bool {
    call.tool.value.as_deref().is_some_and(|tool| COMMANDS.contains(&tool))
}

#[cfg(test)]
mod tests {
    use blotter_schemas::names::blotter::EventKind;
    use blotter_schemas::tables::Event;

    use super::{BY_RULE, NOBODY_TO_ASK};
    use crate::receipt::readings::rows::{all, log, span, text, told};

    const AGENT: &str = "copilot_cli";

    fn ended(tool: &str) -> Event {
        Event { tool_name: text(tool), ..span(AGENT, EventKind::Result) }
    }

    fn denied(words: &str) -> Event {
        Event {
            success: Some(false),
            error_type: text("denied"),
            error_message: text(words),
            ..ended("view")
        }
    }

    #[test]
    fn a_span_without_an_error_ran_and_only_an_exit_code_tells_of_a_command() {
        assert_eq!(told(&[ended("create")]), ["allow unknown yes succeeded"]);
        assert_eq!(told(&[ended("bash")]), ["allow unknown yes unknown"]);
        for (code, expected) in
            [(0, "allow unknown yes succeeded"), (3, "allow unknown yes failed")]
        {
            let row = Event { exit_code: Some(code), ..ended("bash") };
            assert_eq!(told(&[row]), [expected]);
        }
        let failed = Event { success: Some(false), error_type: text("ToolError"), ..ended("x") };
        assert_eq!(told(&[failed]), ["- unknown unknown failed"]);
    }

    #[test]
    fn a_refused_call_is_refused_by_whom_its_status_names() {
        assert_eq!(told(&[denied(&format!("{BY_RULE} `x`"))]), ["deny config no refused"]);
        assert_eq!(told(&[denied(NOBODY_TO_ASK)]), ["deny config no refused"]);
        assert_eq!(told(&[denied("Tool failed")]), ["deny unknown no refused"]);
    }

    #[test]
    fn the_answer_to_a_permission_request_says_who_gave_it() {
        for (word, expected) in [
            ("denied-by-rules", "deny config no refused"),
            ("denied-no-approval-rule-and-could-not-request-from-user", "deny config no refused"),
            ("denied-by-content-exclusion-policy", "deny config no refused"),
            ("denied-interactively-by-user", "deny user no refused"),
            ("denied-by-permission-request-hook", "deny hook no blocked"),
            ("cancelled", "cancel user no cancelled"),
            ("approved-for-session", "allow unknown unknown unknown"),
            ("something-new", "- unknown unknown unknown"),
        ] {
            let row = Event { decision: text(word), ..span(AGENT, EventKind::Decision) };
            assert_eq!(told(&[row]), [expected], "{word}");
        }
    }

    #[test]
    fn what_a_tool_wrote_is_not_believed() {
        let output = Event {
            output: text(&format!("{BY_RULE} `x`")),
            error_message: text(BY_RULE),
            ..ended("create")
        };
        assert_eq!(told(&[output]), ["allow unknown yes succeeded"]);
    }

    #[test]
    fn an_inactive_sandbox_took_no_part_and_an_active_one_says_nothing() {
        let sandbox = |word: &str| {
            let row = Event { sandbox_outcome: text(word), ..log(AGENT, EventKind::Sandbox) };
            all(&[row]).swap_remove(0).sandbox
        };
        assert_eq!(sandbox("inactive").value.unwrap().as_str(), "none");
        assert_eq!(sandbox("active").value.unwrap().as_str(), "unknown");
    }
}
