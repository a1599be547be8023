//! Classes of fields: what a field holds, whatever an agent calls it.

use blotter_schemas::names::{claude_code, codex, gemini_cli, opencode, opentelemetry, qwen_code};
use serde::{Deserialize, Serialize};

/// Fields that are known by what they hold, whatever an agent calls them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Class {
    /// What a user or another agent asked for, with instructions and message histories.
    Prompts,
    /// What the model answered, what tools returned, and errors, which quote both.
    Outputs,
    /// What tools were called with, and errors, which quote it.
    Arguments,
    /// Bodies of log records.
    Bodies,
}

/// What was said so far: prompts, calls and their results in one.
macro_rules! histories {
    ($($key:expr),*) => {
        &[
            opentelemetry::GEN_AI_INPUT_MESSAGES,
            gemini_cli::REQUEST_TEXT,
            opencode::AI_PROMPT,
            opencode::AI_PROMPT_MESSAGES,
            // Of requests to the model and of its responses.
            claude_code::BODY,
            gemini_cli::HOOK_INPUT,
            $($key),*
        ]
    };
}

/// What the model answered, calls included, and what went wrong, which quotes calls and results.
macro_rules! answers {
    ($($key:expr),*) => {
        histories![
            opentelemetry::GEN_AI_OUTPUT_MESSAGES,
            gemini_cli::RESPONSE_TEXT,
            opencode::AI_RESPONSE_TOOLCALLS,
            codex::ERROR,
            opentelemetry::ERROR_MESSAGE,
            gemini_cli::ERROR_MESSAGE,
            opentelemetry::EXCEPTION_MESSAGE,
            opentelemetry::EXCEPTION_STACKTRACE,
            $($key),*
        ]
    };
}

impl Class {
    /// Every class.
    pub const ALL: [Self; 4] = [Self::Prompts, Self::Outputs, Self::Arguments, Self::Bodies];

    /// The attribute keys that belong to the class, in which `*` stands for anything. A key may belong
    /// to several.
    #[must_use]
    pub const fn keys(self) -> &'static [&'static str] {
        match self {
            Self::Prompts => histories![
                codex::PROMPT,
                // Also of messages between agents.
                codex::CONTENT,
                claude_code::PROMPT_TEXT,
                claude_code::USER_PROMPT,
                "gen_ai.prompt",
                opentelemetry::GEN_AI_SYSTEM_INSTRUCTIONS,
                // An agent may be given its prompt on its command line.
                opentelemetry::PROCESS_COMMAND_ARGS,
                "process.command_line"
            ],
            Self::Outputs => answers![
                codex::OUTPUT,
                codex::RESPONSE,
                codex::CONTENT,
                codex::RATIONALE,
                claude_code::RESULT,
                gemini_cli::HOOK_OUTPUT,
                gemini_cli::STDOUT,
                gemini_cli::STDERR,
                gemini_cli::METADATA,
                gemini_cli::VERDICT_RATIONALE,
                opentelemetry::GEN_AI_TOOL_CALL_RESULT,
                opencode::AI_RESPONSE_TEXT,
                opencode::AI_TOOLCALL_RESULT,
                "gen_ai.completion",
                "function_response",
                "tool_output"
            ],
            Self::Arguments => answers![
                codex::ARGUMENTS,
                claude_code::TOOL_INPUT,
                claude_code::TOOL_PARAMETERS,
                claude_code::BASH_COMMAND,
                claude_code::FULL_COMMAND,
                claude_code::FILE_PATH,
                // What was written to a file.
                claude_code::CONTENT,
                qwen_code::FUNCTION_ARGS,
                gemini_cli::TOOL_CALL,
                opentelemetry::GEN_AI_TOOL_CALL_ARGUMENTS,
                opencode::AI_TOOLCALL_ARGS,
                // Every parameter has a name of its own.
                "github.copilot.tool.parameters.*"
            ],
            Self::Bodies => &[],
        }
    }

    /// Name as it stands in a configuration.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Prompts => "prompts",
            Self::Outputs => "outputs",
            Self::Arguments => "arguments",
            Self::Bodies => "bodies",
        }
    }
}
