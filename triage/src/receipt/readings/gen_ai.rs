//! Any agent that follows OpenTelemetry's GenAI conventions. They have no words for decisions, policies and
//! sandboxes: what can be told is that a call was executed, and how its span ended.

use super::plain::Plain;
use super::{Reading, mcp};
use crate::fact::Fact;
use crate::receipt::circumstances::Circumstances;
use crate::receipt::readings::Verdict;
use crate::receipt::tokens::{DecidedBy, Decision, Sandbox};
use crate::reconstruct::model::Call;

/// The reading.
pub(crate) struct GenAi;

/// Names that tools which run commands have in agents: the end of one is no error, whatever its exit code.
const COMMANDS: [&str; 14] = [
    "bash",
    "cmd",
    "command",
    "exec",
    "exec_command",
    "execute_command",
    "local_shell",
    "powershell",
    "run_command",
    "run_in_terminal",
    "run_shell_command",
    "shell",
    "terminal",
    "write_stdin",
];

/// Classes of error that can mean nothing but that a call was refused before it ran.
const REFUSED: [&str; 3] = ["denied", "refused", "rejected"];

impl Reading for GenAi {
    fn decision(&self, word: &str) -> Option<Decision> {
        Plain.decision(word)
    }

    fn decided_by(&self, word: &str) -> Option<DecidedBy> {
        Plain.decided_by(word)
    }

    fn concluded(&self, call: &Call, _around: &Circumstances<'_>) -> Option<Verdict> {
        let error = &call.result.as_ref()?.error_type;
        REFUSED.contains(&error.value.as_deref()?).then(|| {
            let why = "the class of error is that it was refused";
            let unknown = "the conventions have no word for who refused it";
            Verdict::by_unknown(Decision::Deny, why, unknown, &error.events)
        })
    }

    fn sandbox(
        &self,
        call: &Call,
        _verdict: &Verdict,
        _around: &Circumstances<'_>,
    ) -> Option<Fact<Sandbox>> {
        call.mcp_method.is_known().then(|| mcp::no_sandbox(&call.mcp_method.events))
    }

    fn success(&self, call: &Call) -> Option<Fact<bool>> {
        ended_without_an_error(call)
    }

    fn success_is_the_outcome(&self, call: &Call) -> bool {
        call.tool
            .value
            .as_deref()
            .is_some_and(|tool| !COMMANDS.iter().any(|command| command.eq_ignore_ascii_case(tool)))
    }
}

/// That the span of a call ended well: instrumentation leaves the status unset where nothing went wrong, and
/// the conventions want `error.type` where something did. Nothing where the span has a status or an error.
pub(super) fn ended_without_an_error(call: &Call) -> Option<Fact<bool>> {
    let result = call.result.as_ref()?;
    if result.success.is_known() || result.error_type.is_known() {
        return None;
    }
    let told = [&result.duration_ns.events, &result.exit_code.events, &result.output.events];
    let events = told.into_iter().find(|events| !events.is_empty())?;
    Some(Fact::inferred(true, "its span ended without an error", events.clone()))
}

#[cfg(test)]
mod tests {
    use blotter_schemas::names::blotter::EventKind;
    use blotter_schemas::tables::Event;

    use crate::receipt::readings::rows::{all, span, text, told};

    const AGENT: &str = "gen_ai";

    fn ended(tool: &str) -> Event {
        Event { tool_name: text(tool), ..span(AGENT, EventKind::Result) }
    }

    #[test]
    fn a_span_tells_that_a_call_ran_and_how_it_ended() {
        assert_eq!(told(&[ended("get_weather")]), ["allow unknown yes succeeded"]);
        let failed = Event { success: Some(false), error_type: text("timeout"), ..ended("x") };
        assert_eq!(told(&[failed]), ["- unknown unknown failed"]);
        let refused = Event { success: Some(false), error_type: text("denied"), ..ended("x") };
        assert_eq!(told(&[refused]), ["deny unknown no refused"]);
    }

    #[test]
    fn the_end_of_a_command_is_no_success_without_its_exit_code() {
        assert_eq!(told(&[ended("Bash")]), ["allow unknown yes unknown"]);
        let code = Event { exit_code: Some(0), ..ended("Bash") };
        assert_eq!(told(&[code]), ["allow unknown yes succeeded"]);
    }

    #[test]
    fn a_call_without_an_id_is_a_call_by_its_span() {
        let of = |kind, span_id: &str| Event {
            call_id: None,
            span_id: text(span_id),
            ..span(AGENT, kind)
        };
        let rows = [
            of(EventKind::Call, "1"),
            of(EventKind::Call, "2"),
            of(EventKind::Result, "2"),
            of(EventKind::Result, "1"),
        ];
        let addresses: Vec<_> = all(&rows).into_iter().map(|receipt| receipt.address).collect();
        assert_eq!(addresses, ["s/@1", "s/@2"]);
    }
}
