//! An agent's own file of settings, and the settings that make it send its telemetry.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use jsonc_parser::ParseOptions;
use jsonc_parser::cst::{CstInputValue, CstObject, CstRootNode};
use toml_edit::{DocumentMut, Item, Table, value};

use super::Agent;
use crate::Error;

/// A change of an agent's file that was not made yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The file.
    pub path: PathBuf,
    /// What stands in it; absent where there is no such file.
    pub before: Option<String>,
    /// What is to stand in it.
    pub after: String,
}

/// A value of a setting.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Value {
    Flag(bool),
    Text(String),
}

/// Settings below one key, in a JSON file of an agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Settings {
    key: &'static str,
    values: Vec<(&'static str, Value)>,
}

/// The settings of an agent that has a JSON file.
pub(super) fn settings(agent: Agent, endpoint: &str) -> Option<Settings> {
    let text = |text: &str| Value::Text(text.to_owned());
    let on = || text("1");
    let otlp = || text("otlp");
    let settings = match agent {
        Agent::Codex | Agent::CopilotCli => return None,
        Agent::ClaudeCode => Settings {
            key: "env",
            values: vec![
                ("CLAUDE_CODE_ENABLE_TELEMETRY", on()),
                ("OTEL_EXPORTER_OTLP_PROTOCOL", text("http/protobuf")),
                ("OTEL_EXPORTER_OTLP_ENDPOINT", text(endpoint)),
                ("OTEL_LOGS_EXPORTER", otlp()),
                ("OTEL_METRICS_EXPORTER", otlp()),
                ("CLAUDE_CODE_ENHANCED_TELEMETRY_BETA", on()),
                ("OTEL_TRACES_EXPORTER", otlp()),
                ("OTEL_LOG_USER_PROMPTS", on()),
                ("OTEL_LOG_ASSISTANT_RESPONSES", on()),
                ("OTEL_LOG_TOOL_DETAILS", on()),
                ("OTEL_LOG_TOOL_CONTENT", on()),
            ],
        },
        Agent::GeminiCli | Agent::QwenCode => {
            let mut values = vec![
                ("enabled", Value::Flag(true)),
                ("target", text("local")),
                ("otlpEndpoint", text(endpoint)),
                ("otlpProtocol", text("http")),
                ("logPrompts", Value::Flag(true)),
            ];
            if agent == Agent::GeminiCli {
                values.push(("traces", Value::Flag(true)));
            }
            Settings { key: "telemetry", values }
        }
        Agent::OpenCode => {
            Settings { key: "experimental", values: vec![("openTelemetry", Value::Flag(true))] }
        }
    };
    Some(settings)
}

impl Settings {
    /// The file that holds nothing else.
    pub(super) fn alone(&self) -> String {
        let root = CstRootNode::parse("{}\n", &ParseOptions::default());
        root.map(|root| self.put_into(&root)).unwrap_or_default()
    }

    fn put_into(&self, root: &CstRootNode) -> String {
        let object = root.object_value_or_set().object_value_or_set(self.key);
        for (name, value) in &self.values {
            set(&object, name, value);
        }
        root.to_string()
    }
}

/// Sets a value; one that stands there already is left as it is written.
fn set(object: &CstObject, name: &str, value: &Value) {
    let input = match value {
        Value::Flag(flag) => CstInputValue::Bool(*flag),
        Value::Text(text) => CstInputValue::String(text.clone()),
    };
    let Some(property) = object.get(name) else {
        object.append(name, input);
        return;
    };
    let stands = property.value().is_some_and(|node| match value {
        Value::Flag(flag) => node.as_boolean_lit().is_some_and(|literal| literal.value() == *flag),
        Value::Text(text) => node
            .as_string_lit()
            .and_then(|literal| literal.decoded_value().ok())
            .is_some_and(|stands| stands == *text),
    });
    if !stands {
        property.set_value(input);
    }
}

/// The file of an agent's settings. `variable` looks up a variable of the environment.
fn path(agent: Agent, variable: &impl Fn(&str) -> Option<OsString>) -> Result<PathBuf, Error> {
    let at = |own: Option<&'static str>, below_home: &str, file: &str| {
        let folder = own.and_then(variable).filter(|folder| !folder.is_empty()).map(PathBuf::from);
        let home = || variable("HOME").filter(|home| !home.is_empty()).map(PathBuf::from);
        let folder = folder.or_else(|| Some(home()?.join(below_home)));
        folder
            .map(|folder| folder.join(file))
            .ok_or(Error::NoHome { variable: own.unwrap_or("HOME") })
    };
    match agent {
        Agent::Codex => at(Some("CODEX_HOME"), ".codex", "config.toml"),
        Agent::ClaudeCode => at(Some("CLAUDE_CONFIG_DIR"), ".claude", "settings.json"),
        Agent::GeminiCli => at(None, ".gemini", "settings.json"),
        Agent::QwenCode => at(None, ".qwen", "settings.json"),
        Agent::OpenCode => at(Some("XDG_CONFIG_HOME"), ".config", "opencode/opencode.json"),
        Agent::CopilotCli => Err(Error::NoFile { agent: agent.name() }),
    }
}

impl Change {
    /// What is to change in the file of `agent` so that it sends to the OTLP/HTTP collector at `endpoint`;
    /// everything else in it, comments too, stays as it is.
    ///
    /// # Errors
    /// [`Error::NoFile`] and [`Error::NoHome`] where there is none or its place is not known,
    /// [`Error::Read`] where it cannot be read, [`Error::Settings`] where it is not understood.
    pub fn plan(
        agent: Agent,
        endpoint: &str,
        variable: impl Fn(&str) -> Option<OsString>,
    ) -> Result<Self, Error> {
        let endpoint = endpoint.trim_end_matches('/');
        let path = path(agent, &variable)?;
        let before = match std::fs::read_to_string(&path) {
            Ok(text) => Some(text),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
            Err(source) => return Err(Error::Read { path, source }),
        };
        let text = before.as_deref().unwrap_or_default();
        let after = match settings(agent, endpoint) {
            Some(settings) => in_json(&path, text, &settings)?,
            None => in_toml(&path, text, endpoint)?,
        };
        Ok(Self { path, before, after })
    }

    /// Whether the settings stand there already.
    #[must_use]
    pub fn is_made(&self) -> bool {
        self.before.as_ref() == Some(&self.after)
    }

    /// The lines that change, as a unified diff.
    #[must_use]
    pub fn diff(&self) -> String {
        let name = self.path.display().to_string();
        similar::TextDiff::from_lines(self.before.as_deref().unwrap_or_default(), &self.after)
            .unified_diff()
            .context_radius(2)
            .header(&name, &name)
            .to_string()
    }
}

fn in_json(path: &Path, text: &str, settings: &Settings) -> Result<String, Error> {
    let text = if text.trim().is_empty() { "{}\n" } else { text };
    let root = CstRootNode::parse(text, &ParseOptions::default()).map_err(|error| {
        let line = error.line_display();
        Error::Settings { path: path.to_owned(), line, reason: error.kind().to_string() }
    })?;
    if root.object_value().is_none() {
        let reason = "this is no JSON object".to_owned();
        return Err(Error::Settings { path: path.to_owned(), line: 1, reason });
    }
    Ok(settings.put_into(&root))
}

fn in_toml(path: &Path, text: &str, endpoint: &str) -> Result<String, Error> {
    let refuse =
        |line: usize, reason: String| Error::Settings { path: path.to_owned(), line, reason };
    let mut document: DocumentMut = text.parse().map_err(|error: toml_edit::TomlError| {
        let place = error.span().map_or(0, |span| span.start);
        let line = text.get(..place).unwrap_or_default().matches('\n').count() + 1;
        refuse(line, error.message().to_owned())
    })?;
    let otel = document.entry("otel").or_insert_with(|| Item::Table(Table::new()));
    let Some(otel) = otel.as_table_like_mut() else {
        return Err(refuse(1, "`otel` is no table".to_owned()));
    };
    let mut put = |key: &str, item: Item| {
        let same = otel
            .get(key)
            .is_some_and(|stands| stands.to_string().trim() == item.to_string().trim());
        if !same {
            otel.insert(key, item);
        }
    };
    put("log_user_prompt", value(true));
    for (key, signal) in
        [("exporter", "logs"), ("trace_exporter", "traces"), ("metrics_exporter", "metrics")]
    {
        let mut http = toml_edit::InlineTable::new();
        http.insert("endpoint", format!("{endpoint}/v1/{signal}").into());
        http.insert("protocol", "binary".into());
        let mut exporter = toml_edit::InlineTable::new();
        exporter.insert("otlp-http", http.into());
        put(key, value(exporter));
    }
    Ok(document.to_string())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    const ENDPOINT: &str = "http://127.0.0.1:4318";

    fn planned(agent: Agent, before: Option<&str>) -> Result<Change, Error> {
        let home = tempfile::tempdir().unwrap();
        let variable = |name: &str| (name == "HOME").then(|| home.path().as_os_str().to_owned());
        let path = path(agent, &variable).unwrap();
        if let Some(before) = before {
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, before).unwrap();
        }
        Change::plan(agent, ENDPOINT, variable)
    }

    #[test]
    fn what_else_stands_in_a_file_stays_and_a_second_time_changes_nothing() {
        let json = "{\n  // mine\n  \"theme\": \"dark\",\n  \"env\": { \"A\": \"b\" }\n}\n";
        let toml = "# mine\nmodel = \"x\"\n\n[otel]\n# kept\nenvironment = \"dev\"\n";
        for (agent, before, kept) in [
            (Agent::ClaudeCode, json, ["// mine", "\"A\": \"b\""]),
            (Agent::GeminiCli, json, ["\"theme\": \"dark\"", "// mine"]),
            (Agent::QwenCode, json, ["\"theme\": \"dark\"", "// mine"]),
            (Agent::OpenCode, json, ["\"theme\": \"dark\"", "// mine"]),
            (Agent::Codex, toml, ["# kept\nenvironment = \"dev\"", "# mine\nmodel = \"x\""]),
        ] {
            let change = planned(agent, Some(before)).unwrap();
            assert!(!change.is_made());
            for kept in kept {
                assert!(change.after.contains(kept), "{agent:?}: {}", change.after);
            }
            assert!(!change.diff().lines().any(|line| line.starts_with("-  \"theme")));
            let again = planned(agent, Some(&change.after)).unwrap();
            assert!(again.is_made(), "{agent:?}: {}", again.diff());
        }
    }

    #[test]
    fn where_there_is_no_file_the_settings_alone_make_one() {
        let change = planned(Agent::GeminiCli, None).unwrap();
        let value: serde_json::Value = serde_json::from_str(&change.after).unwrap();
        let telemetry = value.get("telemetry").unwrap();
        assert_eq!(telemetry.get("otlpEndpoint").unwrap(), ENDPOINT);
        assert_eq!(telemetry.get("enabled").unwrap(), true);
        let codex = planned(Agent::Codex, None).unwrap().after;
        assert!(codex.contains("endpoint = \"http://127.0.0.1:4318/v1/metrics\""), "{codex}");
    }

    #[test]
    fn a_file_that_is_not_understood_is_refused_with_its_line() {
        for (agent, broken, line) in [
            (Agent::ClaudeCode, "{\n  \"a\": 1,\n  nonsense here\n}\n", ":3:"),
            (Agent::Codex, "model = \"x\"\n\n= 3\n", ":3:"),
            (Agent::GeminiCli, "[]\n", ":1:"),
        ] {
            let error = planned(agent, Some(broken)).unwrap_err().to_string();
            assert!(error.contains(line), "{agent:?}: {error}");
        }
        assert!(matches!(
            Change::plan(Agent::CopilotCli, ENDPOINT, |_| None),
            Err(Error::NoFile { .. })
        ));
    }
}
