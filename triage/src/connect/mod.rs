//! What makes an agent send its telemetry here: as text to paste, and as a change of its own file.

mod file;
mod write;

pub use file::Change;
pub use write::{Written, write};

use std::net::SocketAddr;
use std::path::Path;

use serde::Serialize;

use crate::Error;

/// An agent whose configuration is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Agent {
    /// OpenAI Codex.
    Codex,
    /// Claude Code.
    ClaudeCode,
    /// Gemini CLI.
    GeminiCli,
    /// Qwen Code.
    QwenCode,
    /// GitHub Copilot CLI.
    CopilotCli,
    /// OpenCode.
    OpenCode,
}

impl Agent {
    /// Every agent.
    pub const ALL: [Self; 6] = [
        Self::Codex,
        Self::ClaudeCode,
        Self::GeminiCli,
        Self::QwenCode,
        Self::CopilotCli,
        Self::OpenCode,
    ];

    /// Name as it is given on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Codex => "codex",
            Self::ClaudeCode => "claude-code",
            Self::GeminiCli => "gemini-cli",
            Self::QwenCode => "qwen-code",
            Self::CopilotCli => "copilot-cli",
            Self::OpenCode => "opencode",
        }
    }
}

/// Text to be put into an agent's configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Configuration {
    /// Agent.
    pub agent: &'static str,
    /// Where the text belongs.
    pub file: &'static str,
    /// The text, with comments that say what each setting does.
    pub text: String,
}

/// The base address of OTLP/HTTP at `address`.
#[must_use]
pub fn endpoint(address: SocketAddr) -> String {
    format!("http://{address}")
}

/// What makes `agent` send logs, traces and metrics to the OTLP/HTTP collector at `endpoint`, such as
/// `http://127.0.0.1:4318`.
#[must_use]
pub fn configuration(agent: Agent, endpoint: &str) -> Configuration {
    let endpoint = endpoint.trim_end_matches('/');
    match agent {
        Agent::Codex => Configuration {
            agent: agent.name(),
            file: "~/.codex/config.toml",
            text: codex(endpoint),
        },
        Agent::ClaudeCode => Configuration {
            agent: agent.name(),
            file: CLAUDE_CODE_FILE,
            text: claude_code("http/protobuf", endpoint, ""),
        },
        Agent::GeminiCli => Configuration {
            agent: agent.name(),
            file: "~/.gemini/settings.json",
            text: json_settings(agent, endpoint),
        },
        Agent::QwenCode => Configuration {
            agent: agent.name(),
            file: "~/.qwen/settings.json",
            text: json_settings(agent, endpoint),
        },
        Agent::CopilotCli => Configuration {
            agent: agent.name(),
            file: "the environment Copilot CLI is started in",
            text: copilot_cli(endpoint),
        },
        Agent::OpenCode => Configuration {
            agent: agent.name(),
            file: "the environment OpenCode is started in, and ~/.config/opencode/opencode.json",
            text: opencode(endpoint),
        },
    }
}

/// What makes `agent` send logs, traces and metrics to the collector's Unix socket at `path`, which must
/// be absolute.
///
/// # Errors
/// [`Error::NoUnixSocket`] where the agent cannot.
pub fn unix_configuration(agent: Agent, path: &Path) -> Result<Configuration, Error> {
    match agent {
        // Seen with release 0.169.0: "invalid URI unix:///... Reason invalid format", for OTLP/HTTP and
        // OTLP/gRPC. It then runs on without any telemetry.
        Agent::Codex => Err(Error::NoUnixSocket {
            agent: agent.name(),
            why: "its exporters take http:// and https:// addresses only",
        }),
        Agent::GeminiCli | Agent::QwenCode | Agent::CopilotCli | Agent::OpenCode => {
            Err(Error::NoUnixSocket {
                agent: agent.name(),
                why: "no address of a Unix socket is known that it takes",
            })
        }
        // Seen with release 2.1.329. Its exporter uses TLS on a Unix socket unless told otherwise.
        Agent::ClaudeCode => Ok(Configuration {
            agent: agent.name(),
            file: CLAUDE_CODE_FILE,
            text: claude_code(
                "grpc",
                &format!("unix://{}", path.display()),
                "# A Unix socket is not encrypted; without this line the exporter tries TLS.\n\
                 export OTEL_EXPORTER_OTLP_INSECURE=true\n",
            ),
        }),
    }
}

/// Where Claude Code's settings belong.
const CLAUDE_CODE_FILE: &str = "the environment Claude Code is started in";

/// A URL as a TOML string.
fn quoted(text: &str) -> String {
    let mut quoted = String::from('"');
    for character in text.chars() {
        match character {
            '"' | '\\' => quoted.extend(['\\', character]),
            _ if character.is_control() => {
                quoted.push_str(&format!("\\u{:04X}", u32::from(character)));
            }
            _ => quoted.push(character),
        }
    }
    quoted.push('"');
    quoted
}

fn codex(endpoint: &str) -> String {
    let path = |signal: &str| quoted(&format!("{endpoint}/v1/{signal}"));
    format!(
        "\
[otel]
# Prompts leave Codex as \"[REDACTED]\" unless this is true. Arguments and outputs of tools leave it
# either way, outputs up to 2,048 bytes.
log_user_prompt = true
# Codex uses each address as it stands: the full path is needed, for every signal.
exporter = {{ otlp-http = {{ endpoint = {}, protocol = \"binary\" }} }}
# Calls that a hook blocks or a person cancels appear in traces only.
trace_exporter = {{ otlp-http = {{ endpoint = {}, protocol = \"binary\" }} }}
# Without this line Codex sends its metrics to its vendor.
metrics_exporter = {{ otlp-http = {{ endpoint = {}, protocol = \"binary\" }} }}
",
        path("logs"),
        path("traces"),
        path("metrics"),
    )
}

/// The settings of an agent that has a JSON file, as that file would hold them alone.
fn json_settings(agent: Agent, endpoint: &str) -> String {
    file::settings(agent, endpoint).map_or_else(String::new, |settings| settings.alone())
}

fn copilot_cli(endpoint: &str) -> String {
    let endpoint = shell_word(endpoint);
    format!(
        "\
# Copilot CLI sends spans and metrics, as JSON over HTTP; it has no logs.
export COPILOT_OTEL_ENABLED=true
export OTEL_EXPORTER_OTLP_ENDPOINT={endpoint}
# Prompts, answers, arguments and outputs of tools are left out without this.
export OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT=true
"
    )
}

fn opencode(endpoint: &str) -> String {
    let endpoint = shell_word(endpoint);
    let settings = json_settings(Agent::OpenCode, "");
    let settings: String = settings.lines().map(|line| format!("# {line}\n")).collect();
    format!(
        "\
export OTEL_EXPORTER_OTLP_ENDPOINT={endpoint}
# Spans of the model and of tools come only with this in ~/.config/opencode/opencode.json, which
# `triage connect opencode --write` puts there:
{settings}"
    )
}

/// A value as a word of a POSIX shell.
#[must_use]
pub fn shell_word(text: &str) -> String {
    let plain = |character: char| {
        character.is_ascii_alphanumeric() || matches!(character, ':' | '/' | '.' | '-' | '_')
    };
    if !text.is_empty() && text.chars().all(plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', "'\\''"))
}

fn claude_code(protocol: &str, endpoint: &str, more: &str) -> String {
    let endpoint = shell_word(endpoint);
    format!(
        "\
export CLAUDE_CODE_ENABLE_TELEMETRY=1
export OTEL_EXPORTER_OTLP_PROTOCOL={protocol}
export OTEL_EXPORTER_OTLP_ENDPOINT={endpoint}
{more}\
export OTEL_LOGS_EXPORTER=otlp
export OTEL_METRICS_EXPORTER=otlp
# Traces are beta; outputs of tools and calls that were refused are told there only.
export CLAUDE_CODE_ENHANCED_TELEMETRY_BETA=1
export OTEL_TRACES_EXPORTER=otlp
# What is left out without these: the words of prompts, the words of answers, arguments of tools and
# names of MCP tools, outputs of tools.
export OTEL_LOG_USER_PROMPTS=1
export OTEL_LOG_ASSISTANT_RESPONSES=1
export OTEL_LOG_TOOL_DETAILS=1
export OTEL_LOG_TOOL_CONTENT=1
"
    )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn codex_is_given_a_full_path_for_every_signal() {
        let text = configuration(Agent::Codex, "http://127.0.0.1:4318/").text;
        for (key, signal) in
            [("exporter", "logs"), ("trace_exporter", "traces"), ("metrics_exporter", "metrics")]
        {
            let line = format!(
                "\n{key} = {{ otlp-http = {{ endpoint = \"http://127.0.0.1:4318/v1/{signal}\", \
                 protocol = \"binary\" }} }}\n"
            );
            assert!(text.contains(&line), "{line} in {text}");
        }
    }

    #[test]
    fn a_unix_socket_is_offered_where_the_agent_can_use_it() {
        let path = Path::new("/run/my blotter.sock");
        let text = unix_configuration(Agent::ClaudeCode, path).unwrap().text;
        assert!(
            text.contains("\nexport OTEL_EXPORTER_OTLP_ENDPOINT='unix:///run/my blotter.sock'\n")
        );
        assert!(text.contains("\nexport OTEL_EXPORTER_OTLP_PROTOCOL=grpc\n"), "{text}");
        assert!(text.contains("\nexport OTEL_EXPORTER_OTLP_INSECURE=true\n"), "{text}");
        let refused = unix_configuration(Agent::Codex, path).unwrap_err().to_string();
        assert!(refused.contains("cannot send to a Unix socket"), "{refused}");
    }

    #[test]
    fn an_odd_endpoint_cannot_break_out_of_its_quotes() {
        let odd = "http://x/\"; rm -rf '~' \\\n";
        let toml = configuration(Agent::Codex, odd).text;
        assert!(toml.contains(r#"http://x/\"; rm -rf '~' \\\u000A/v1/logs""#), "{toml}");
        let shell = configuration(Agent::ClaudeCode, odd).text;
        assert!(shell.contains("'http://x/\"; rm -rf '\\''~'\\'' \\\n'"), "{shell}");
    }
}
