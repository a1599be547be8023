//! What the profiles that real session files state say of what the trails show.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helper functions of tests"
)]

mod captures;
mod program;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use program::{import, triage};
use serde_json::{Value, json};
use tempfile::TempDir;

/// Captures of Codex with the session files that it wrote.
fn with_session_files() -> Vec<String> {
    let all = captures::all();
    all.into_iter().filter(|name| captures::folder(name).join("rollout").is_dir()).collect()
}

fn imported(name: &str) -> TempDir {
    let data = TempDir::new().unwrap();
    let (code, _, stderr) = import(data.path(), &[&captures::folder(name)]);
    assert_eq!(code, 0, "{name}: {stderr}");
    data
}

/// Without the session file.
fn telemetry_alone(name: &str) -> TempDir {
    let data = TempDir::new().unwrap();
    let requests = captures::requests(name);
    let paths: Vec<&Path> = requests.iter().map(PathBuf::as_path).collect();
    let (code, _, stderr) = import(data.path(), &paths);
    assert_eq!(code, 0, "{name}: {stderr}");
    data
}

fn replays(data: &TempDir, more: &[&str]) -> (i32, Vec<Value>) {
    let mut arguments = vec!["check", "--profiles", "--format", "json"];
    arguments.extend(more);
    let (code, stdout, stderr) = triage(data.path(), &arguments);
    assert!(code < 2, "{stderr}");
    (code, stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect())
}

#[test]
fn the_replay_of_every_capture_is_as_reviewed() {
    let mut reviewed = String::new();
    for name in with_session_files() {
        let data = imported(&name);
        let (code, replays) = replays(&data, &[]);
        writeln!(reviewed, "{name}: exit {code}").unwrap();
        for replay in replays {
            let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
            for check in replay["checks"].as_array().unwrap() {
                let says = text(&check["profile"]["decision"]);
                let rule = text(&check["profile"]["rule"]);
                let [access, target, happened, result] =
                    ["access", "target", "happened", "result"].map(|key| text(&check[key]));
                writeln!(
                    reviewed,
                    "  {access} {target}: {happened}; profile: {says} by {rule}; {result}"
                )
                .unwrap();
            }
            for finding in replay["findings"].as_array().unwrap() {
                writeln!(
                    reviewed,
                    "  FINDING {}: {}",
                    text(&finding["rule"]),
                    text(&finding["summary"])
                )
                .unwrap();
            }
            let not_governed = replay["not_governed"].as_array().unwrap().len();
            if not_governed > 0 {
                writeln!(reviewed, "  not governed: {not_governed}").unwrap();
            }
        }
    }
    insta::assert_snapshot!(reviewed);
}

#[test]
fn without_a_session_file_or_a_configuration_nothing_is_judged() {
    let data = telemetry_alone("codex/06-apply-patch");
    let (code, replays) = replays(&data, &[]);
    assert_eq!(code, 0);
    assert_eq!(replays[0]["checks"], Value::Array(Vec::new()));
    let (code, _, stderr) = triage(data.path(), &["check", "--profiles"]);
    assert!(code == 0 && stderr.contains("No profile is known"), "{stderr}");
}

#[test]
fn a_configuration_that_is_given_names_the_rule_with_file_and_line_and_is_said_to_be_inferred() {
    let data = telemetry_alone("codex/06-apply-patch");
    let config = data.path().join("config.toml");
    let text = "default_permissions = \"dev\"\n[permissions.dev]\nextends = \":read-only\"\n[permissions.dev.filesystem]\n\"/work/lab\" = \"write\"\n";
    std::fs::write(&config, text).unwrap();
    let config = format!("user:{}", config.display());
    let (_, replays) = replays(&data, &["--config", &config, "--project", "/home/dev/project"]);
    let profile = &replays[0]["profiles"][0];
    assert_eq!(
        (&profile["source"], &profile["grade"]),
        (&"configuration".into(), &"inferred".into())
    );
    let checks = replays[0]["checks"].as_array().unwrap();
    let etc = checks.iter().find(|check| check["target"] == "/etc/codex-lab-evil").unwrap();
    assert_eq!(etc["profile"]["decision"], "deny", "{etc:#}");
    let session = replays[0]["session_id"].as_str().unwrap();
    let shown = triage(data.path(), &["show", session, "--trace", "--config", &config]).1;
    assert!(shown.contains("/etc/codex-lab-evil") && shown.contains("profile"), "{shown}");
}

#[test]
fn a_profile_that_requirements_do_not_list_is_a_finding() {
    let data = telemetry_alone("codex/06-apply-patch");
    let file = |name: &str, text: &str| {
        let path = data.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let config = file(
        "config.toml",
        "default_permissions = \"dev\"\n[permissions.dev]\nextends = \":workspace\"\n",
    );
    let requirements = file(
        "requirements.toml",
        "[allowed_permission_profiles]\n\":read-only\" = true\ndev = false\n",
    );
    let given =
        ["--config", &config, "--requirements", &requirements, "--project", "/home/dev/project"];
    let (_, replays) = replays(&data, &given);
    // What may not be used is not what the configuration selects.
    assert_ne!(replays[0]["profiles"][0]["name"], "dev", "{}", replays[0]["profiles"]);
}

#[test]
fn the_profile_that_an_instrumented_agent_names_as_its_session_begins_is_the_one_that_is_asked() {
    let data = TempDir::new().unwrap();
    let text = |key: &str, value: &str| json!({"key": key, "value": {"stringValue": value}});
    let record = |name: &str, time: i64, more: &[Value]| {
        let mut attributes = vec![text("session.id", "s"), text("blotter.profile.name", "dev")];
        attributes.extend(more.iter().cloned());
        json!({"resourceLogs": [{
            "resource": {"attributes": [text("blotter.instrumentation.version", "1")]},
            "scopeLogs": [{"scope": {"name": "blotter.agent"}, "logRecords": [
                {"timeUnixNano": time.to_string(), "eventName": name, "attributes": attributes},
            ]}],
        }]})
    };
    let call = text("gen_ai.tool.call.id", "c");
    let proxy = [
        call.clone(),
        text("server.address", "evil.example"),
        json!({"key": "server.port", "value": {"intValue": "443"}}),
        text("blotter.proxy.decision", "allow"),
    ];
    let records = [
        record("blotter.session.started", 1_795_262_400_000_000_000, &[]),
        record("blotter.call.started", 1_795_262_401_000_000_000, &[call]),
        record("blotter.proxy.decision", 1_795_262_402_000_000_000, &proxy),
    ];
    let run = data.path().join("run.jsonl");
    let lines: Vec<String> = records.iter().map(ToString::to_string).collect();
    std::fs::write(&run, lines.join("\n")).unwrap();
    import(data.path(), &[&run]);
    let config = data.path().join("config.toml");
    let profile = "[permissions.dev]\nextends = \":workspace\"\n[permissions.dev.network]\nenabled = true\n\
                   [permissions.dev.network.domains]\n\"evil.example\" = \"deny\"\n";
    std::fs::write(&config, profile).unwrap();
    let (code, replays) = replays(&data, &["--config", &config.display().to_string()]);
    let named = &replays[0]["profiles"][0];
    assert_eq!((&named["source"], &named["name"]), (&json!("named"), &json!("dev")));
    let found = &replays[0]["findings"][0]["rule"];
    assert_eq!((code, found), (1, &json!("proxy_allowed_what_the_profile_denies")), "{replays:#?}");
}
