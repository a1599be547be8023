//! OpenCode. What its words mean was seen in what it sent and read in its source
//! (`packages/opencode/src/permission`).
//!
//! It logs which rule each permission of a call matched. Where a rule says `ask`, the answer is not logged;
//! a call that was refused ends with an error of a class of its own.

use super::arguments::description;
use super::{Reading, Verdict};
use crate::fact::{EventId, Fact};
use crate::receipt::circumstances::Circumstances;
use crate::receipt::tokens::{DecidedBy, Decision, Executed, Outcome, Sandbox};
use crate::reconstruct::model::{Call, Decision as Stated};

/// The reading.
pub(crate) struct OpenCode;

/// The tool that runs commands: any end of them is a success, with the exit code beside it.
const BASH: &str = "bash";
/// The tool that is put in place of one that there is not, or whose arguments do not fit.
const INVALID: &str = "invalid";
/// What a rule says.
const ALLOW: &str = "allow";
const DENY: &str = "deny";
const ASK: &str = "ask";
/// How a rule that matches every permission is written.
const EVERY: &str = "\"permission\":\"*\"";
/// Classes of error of a call that was refused: by a rule; by an answer; by an answer with words.
const BY_RULE: &str = "PermissionDeniedError";
const REJECTED: &str = "PermissionRejectedError";
const CORRECTED: &str = "PermissionCorrectedError";

impl Reading for OpenCode {
    fn decision(&self, word: &str) -> Option<Decision> {
        Some(match word {
            ALLOW => Decision::Allow,
            DENY => Decision::Deny,
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
        around: &Circumstances<'_>,
    ) -> Verdict {
        if let Some(refused) = refused(call) {
            return refused;
        }
        if let Some(asked) = call.decisions.iter().find(|decision| says(decision, ASK)) {
            return answered(call, asked);
        }
        let events = stated.decision.events.clone();
        verdict.decided_by = match verdict.decision.value {
            Some(Decision::Deny) => {
                Fact::inferred(DecidedBy::Config, "a rule that matched it says so", events)
            }
            Some(Decision::Allow) if may_be_an_answer(call, stated, around) => {
                let why = "a rule that matched it says so; it may be of the configuration or of an earlier \
                           answer, which is not told";
                Fact::missing(why).or_unknown(DecidedBy::Unknown)
            }
            Some(Decision::Allow) => {
                Fact::inferred(DecidedBy::Config, "a rule that matched it says so", events)
            }
            _ => verdict.decided_by,
        };
        verdict
    }

    fn concluded(&self, call: &Call, _around: &Circumstances<'_>) -> Option<Verdict> {
        if is(call, INVALID) {
            return Some(Verdict::none(NOT_THERE, &call.tool.events));
        }
        refused(call)
    }

    fn executed(&self, call: &Call, _around: &Circumstances<'_>) -> Option<Fact<Executed>> {
        if is(call, INVALID) {
            return Some(Fact::inferred(Executed::No, NOT_THERE, call.tool.events.clone()));
        }
        if refused(call).is_some() {
            return None;
        }
        let error = &call.result.as_ref()?.error_type;
        let allowed = call.decisions.last().is_some_and(|decision| says(decision, ALLOW));
        (allowed && error.is_known()).then(|| {
            let why = "it was let through, and the error is not of a permission";
            Fact::inferred(Executed::Yes, why, error.events.clone())
        })
    }

    fn sandbox(
        &self,
        call: &Call,
        _verdict: &Verdict,
        _around: &Circumstances<'_>,
    ) -> Option<Fact<Sandbox>> {
        let events = call.tool.events.clone();
        (!events.is_empty())
            .then(|| Fact::inferred(Sandbox::None, "OpenCode has no sandbox", events))
    }

    fn success_is_the_outcome(&self, call: &Call) -> bool {
        !is(call, BASH)
    }

    fn outcome(&self, call: &Call) -> Option<Fact<Outcome>> {
        is(call, INVALID)
            .then(|| Fact::inferred(Outcome::Failed, NOT_THERE, call.tool.events.clone()))
    }

    fn planned(&self, call: &Call) -> Option<Fact<String>> {
        description(call).filter(|_| is(call, BASH))
    }
}

const NOT_THERE: &str = "the agent put its tool `invalid` in place of what was asked for";

fn is(call: &Call, tool: &str) -> bool {
    call.tool.value.as_deref() == Some(tool)
}

fn says(decision: &Stated, word: &str) -> bool {
    decision.decision.value.as_deref() == Some(word)
}

/// The refusal that the class of error tells of.
fn refused(call: &Call) -> Option<Verdict> {
    let error = &call.result.as_ref()?.error_type;
    let events: &[EventId] = &error.events;
    Some(match error.value.as_deref()? {
        BY_RULE => {
            let why = "the class of error is that a rule refused it";
            Verdict::inferred(Decision::Deny, DecidedBy::Config, why, events)
        }
        CORRECTED => {
            let why = "the class of error is that a person refused it with words";
            Verdict::inferred(Decision::Deny, DecidedBy::User, why, events)
        }
        REJECTED => {
            let why = "the class of error is that it was rejected";
            let unknown =
                "the agent says the same where a person rejects it and where none can be asked";
            Verdict::by_unknown(Decision::Deny, why, unknown, events)
        }
        _ => return None,
    })
}

/// What became of a call that a rule says to ask about, and that was not refused.
fn answered(call: &Call, asked: &Stated) -> Verdict {
    let unknown = "a rule says to ask, and no record tells who answered";
    let result = call.result.as_ref();
    match result.filter(|result| result.success.is_known() || result.exit_code.is_known()) {
        Some(result) => {
            let mut events = asked.decision.events.clone();
            events.extend(result.success.events.iter().chain(&result.exit_code.events).copied());
            let why = "a rule says to ask, and it was not rejected";
            Verdict::by_unknown(Decision::Allow, why, unknown, &events)
        }
        None => Verdict {
            decision: Fact::missing("a rule says to ask, and the answer is not reported"),
            decided_by: Fact::missing(unknown).or_unknown(DecidedBy::Unknown),
        },
    }
}

/// Whether a rule that lets a call through may have come from an answer to an earlier call: somebody was
/// asked before, and it is not the rule that matches every permission.
fn may_be_an_answer(call: &Call, stated: &Stated, around: &Circumstances<'_>) -> bool {
    let every = stated.reason.value.as_deref().is_some_and(|rule| rule.contains(EVERY));
    let asked = |earlier: &Call| {
        earlier.number < call.number && earlier.decisions.iter().any(|one| says(one, ASK))
    };
    !every && around.calls.iter().any(|one| asked(one.call))
}

#[cfg(test)]
mod tests {
    use blotter_schemas::names::blotter::EventKind;
    use blotter_schemas::tables::Event;

    use crate::receipt::readings::rows::{all, log, span, text, told};

    const AGENT: &str = "opencode";
    const EVERY: &str = "{\"action\":\"allow\",\"pattern\":\"*\",\"permission\":\"*\"}";

    fn evaluated(action: &str, rule: &str) -> Event {
        Event {
            decision: text(action),
            decision_reason: text(rule),
            ..log(AGENT, EventKind::Decision)
        }
    }

    fn ended(success: bool, error: Option<&str>) -> Event {
        Event {
            success: Some(success),
            error_type: error.map(str::to_owned),
            ..span(AGENT, EventKind::Result)
        }
    }

    #[test]
    fn a_rule_that_matched_is_the_configuration() {
        let rows = [evaluated("allow", EVERY), ended(true, None)];
        assert_eq!(told(&rows), ["allow config yes succeeded"]);
        assert_eq!(told(&[evaluated("deny", "{}")]), ["deny config no refused"]);
    }

    #[test]
    fn the_last_permission_of_a_call_that_matched_decides() {
        let rows = [evaluated("allow", EVERY), evaluated("deny", "{}")];
        assert_eq!(told(&rows), ["deny config no refused"]);
    }

    #[test]
    fn where_a_rule_says_to_ask_nobody_tells_who_answered() {
        let asked = || evaluated("ask", "{}");
        assert_eq!(told(&[asked(), ended(true, None)]), ["allow unknown yes succeeded"]);
        assert_eq!(told(&[asked()]), ["- unknown unknown unknown"]);
        let rejected = ended(false, Some("PermissionRejectedError"));
        assert_eq!(told(&[asked(), rejected]), ["deny unknown no refused"]);
        let corrected = ended(false, Some("PermissionCorrectedError"));
        assert_eq!(told(&[asked(), corrected]), ["deny user no refused"]);
    }

    #[test]
    fn a_rule_may_come_from_an_earlier_answer() {
        let asked = Event { call_id: text("a"), ..evaluated("ask", "{}") };
        let rule = "{\"action\":\"allow\",\"pattern\":\"ls *\",\"permission\":\"bash\"}";
        let rows = [asked.clone(), evaluated("allow", rule), ended(true, None)];
        assert_eq!(told(&rows)[1], "allow unknown yes succeeded");
        let rows = [asked, evaluated("allow", EVERY), ended(true, None)];
        assert_eq!(told(&rows)[1], "allow config yes succeeded");
    }

    #[test]
    fn a_refusal_by_a_rule_has_a_class_of_its_own() {
        let refused = ended(false, Some("PermissionDeniedError"));
        assert_eq!(told(&[refused]), ["deny config no refused"]);
    }

    #[test]
    fn a_server_that_speaks_of_a_refusal_is_not_believed() {
        let forged = Event {
            error_message: text("The user rejected permission to use this specific tool call."),
            ..ended(false, Some("Error"))
        };
        assert_eq!(told(&[evaluated("allow", EVERY), forged]), ["allow config yes failed"]);
    }

    #[test]
    fn a_command_without_an_exit_code_may_have_failed() {
        let bash = |code: Option<i64>| Event {
            tool_name: text("bash"),
            exit_code: code,
            output: text("exit code 0"),
            ..ended(true, None)
        };
        assert_eq!(told(&[bash(None)]), ["allow unknown yes unknown"]);
        assert_eq!(told(&[bash(Some(3))]), ["allow unknown yes failed"]);
    }

    #[test]
    fn the_tool_invalid_stands_for_one_that_there_is_not() {
        let invalid = Event { tool_name: text("invalid"), ..ended(true, None) };
        assert_eq!(told(std::slice::from_ref(&invalid)), ["none - no failed"]);
        assert_eq!(all(&[invalid])[0].sandbox.value.unwrap().as_str(), "none");
    }
}
