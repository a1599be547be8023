//! How each agent's words are read: one file an agent.
//!
//! A dialect keeps what an agent says; what that means is concluded here. A conclusion rests on records
//! that are there, never on one that is not: taking a record away may make a fact unknown, not another.

mod arguments;
mod blotter;
mod claude_code;
mod codex;
mod copilot_cli;
mod gemini_cli;
mod gen_ai;
mod mcp;
mod opencode;
mod plain;
mod qwen_code;
#[cfg(test)]
mod rows;
mod verdict;

use super::circumstances::Circumstances;
use super::model::GrantScope;
use super::tokens::{DecidedBy, Decision, Executed, Outcome, Sandbox};
use crate::fact::{EventId, Fact};
use crate::reconstruct::model::{Call, Decision as Stated};
pub(crate) use verdict::Verdict;

/// A permission that was given for longer than one call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Given {
    /// For how long.
    pub scope: GrantScope,
    /// What, in the agent's own words.
    pub what: String,
    /// When, nanoseconds since the epoch.
    pub time_unix_nano: i64,
    /// Rows that say so.
    pub events: Vec<EventId>,
}

/// How one agent's words are read. What a method does not know, it leaves to the general rules.
pub(crate) trait Reading: Sync {
    /// What a decision in the agent's words means.
    fn decision(&self, word: &str) -> Option<Decision>;

    /// Whom the agent's word for the source of a decision names.
    fn decided_by(&self, word: &str) -> Option<DecidedBy>;

    /// The verdict behind a decision that is reported: where the agent's word for who decided is
    /// contradicted, or says less than other records do.
    fn corrected(
        &self,
        _call: &Call,
        _stated: &Stated,
        verdict: Verdict,
        _around: &Circumstances<'_>,
    ) -> Verdict {
        verdict
    }

    /// The verdict where no decision is reported, from what else is.
    fn concluded(&self, _call: &Call, _around: &Circumstances<'_>) -> Option<Verdict> {
        None
    }

    /// Whether the tool began to act, from what only this agent reports.
    fn executed(&self, _call: &Call, _around: &Circumstances<'_>) -> Option<Fact<Executed>> {
        None
    }

    /// What the sandbox did, from what only this agent reports. `verdict` is the call's.
    fn sandbox(
        &self,
        _call: &Call,
        _verdict: &Verdict,
        _around: &Circumstances<'_>,
    ) -> Option<Fact<Sandbox>> {
        None
    }

    /// What a word for what the sandbox did means.
    fn sandbox_word(&self, word: &str) -> Option<Sandbox> {
        Sandbox::ALL.iter().copied().find(|token| token.as_str() == word)
    }

    /// The exit code, where the agent does not give it as a field.
    fn exit_code(&self, _call: &Call) -> Option<Fact<i64>> {
        None
    }

    /// Whether the call ended as a success, where the agent does not give it as a field.
    fn success(&self, _call: &Call) -> Option<Fact<bool>> {
        None
    }

    /// Whether a result that the agent calls a success says that the call did what it should. False
    /// where it calls any end of a command a success.
    fn success_is_the_outcome(&self, _call: &Call) -> bool {
        true
    }

    /// Whether a result that the agent calls a failure says that the call failed. False where that may
    /// also mean that it was stopped.
    fn failure_is_the_outcome(&self, _call: &Call) -> bool {
        true
    }

    /// What became of a call that was let through, where the agent says so in words of its own.
    fn outcome(&self, _call: &Call) -> Option<Fact<Outcome>> {
        None
    }

    /// Whether the call was cut off while it ran, where a record says so. `verdict` is the call's.
    fn interrupted(
        &self,
        _call: &Call,
        _verdict: &Verdict,
        _around: &Circumstances<'_>,
    ) -> Option<Fact<()>> {
        None
    }

    /// What became of the call, where a record says so in the words of a receipt: then nothing is
    /// concluded.
    fn stated_outcome(&self, _call: &Call) -> Option<Fact<Outcome>> {
        None
    }

    /// Whether the grants that [`Self::given`] finds are stated by records of their own.
    fn grants_are_stated(&self) -> bool {
        false
    }

    /// The tool's own name, where the records name it otherwise or keep it back.
    fn tool(&self, _call: &Call, _around: &Circumstances<'_>) -> Option<Fact<String>> {
        None
    }

    /// The model's stated step or justification for the call.
    fn planned(&self, _call: &Call) -> Option<Fact<String>> {
        None
    }

    /// What was given with this call for longer than the call.
    fn given(&self, _call: &Call) -> Vec<Given> {
        Vec::new()
    }

    /// Id of the setting that would reveal an output of which these words are all that was sent.
    fn output_withheld(&self, _output: &str) -> Option<&'static str> {
        None
    }
}

/// The reading of the agent of this name, as it stands in a session's `agent`.
pub(crate) fn of(agent: &str) -> &'static dyn Reading {
    match agent {
        "blotter" => &blotter::Blotter,
        "claude-code" => &claude_code::ClaudeCode,
        "codex" => &codex::Codex,
        "copilot-cli" => &copilot_cli::CopilotCli,
        "gemini-cli" => &gemini_cli::GeminiCli,
        "gen-ai" => &gen_ai::GenAi,
        "opencode" => &opencode::OpenCode,
        "qwen-code" => &qwen_code::QwenCode,
        _ => &plain::Plain,
    }
}
