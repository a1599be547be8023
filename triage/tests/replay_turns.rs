//! Replays of session files whose turns and commands are those of a test: the lines are a real one's, with
//! another profile in the turn or another command in the call.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helper functions of tests"
)]

mod captures;
mod program;

use program::{import, triage};
use serde_json::{Value, json};
use tempfile::TempDir;

/// A turn: what is changed in its context, and the commands that it runs with exit code 0.
type Turn<'a> = (&'a dyn Fn(&mut Value), &'a [&'a str]);

/// The lines of a session file with these turns.
fn session_file(turns: &[Turn<'_>]) -> String {
    let path = captures::rollouts("codex/01-exec-ok-workspace-write").remove(0);
    let text = std::fs::read_to_string(path).unwrap();
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let first = |is: &dyn Fn(&Value) -> bool| lines.iter().find(|line| is(line)).unwrap().clone();
    let of_type = |name: &'static str| move |line: &Value| line["payload"]["type"] == name;
    let context = first(&|line| line["type"] == "turn_context");
    let call = first(&of_type("function_call"));
    let output = first(&of_type("function_call_output"));
    let ended = first(&|line| line["payload"]["item"]["type"] == "CommandExecution");
    let mut written = vec![first(&|line| line["type"] == "session_meta")];
    for (turn, (edit, commands)) in turns.iter().enumerate() {
        let turn_id = format!("01a1fb66-2a91-7d13-8820-79d4096fe{turn:03}");
        let mut context = context.clone();
        context["payload"]["turn_id"] = json!(turn_id);
        edit(&mut context["payload"]);
        written.push(context);
        for (number, command) in commands.iter().enumerate() {
            let call_id = format!("call_{turn}_{number}");
            let within = json!({ "turn_id": turn_id });
            let mut call = call.clone();
            call["payload"]["arguments"] = json!(json!({ "cmd": command }).to_string());
            let mut output = output.clone();
            for line in [&mut call, &mut output] {
                line["payload"]["call_id"] = json!(call_id);
                line["payload"]["id"] = json!(format!("{call_id}_{}", line["payload"]["type"]));
                line["payload"]["internal_chat_message_metadata_passthrough"] = within.clone();
            }
            let mut ended = ended.clone();
            ended["payload"]["turn_id"] = json!(turn_id);
            ended["payload"]["item"]["id"] = json!(call_id);
            ended["payload"]["item"]["command"] = json!(["/bin/bash", "-lc", command]);
            written.extend([call, ended, output]);
        }
    }
    let mut lines = String::new();
    for (number, mut line) in written.into_iter().enumerate() {
        line["ordinal"] = json!(number);
        line["timestamp"] =
            json!(format!("2026-11-20T23:58:{:02}.{:03}Z", number / 1000, number % 1000));
        lines.push_str(&line.to_string());
        lines.push('\n');
    }
    lines
}

/// What the replay of such a session says, with more arguments.
fn replayed(turns: &[Turn<'_>], more: &[&str]) -> (i32, Value) {
    let data = TempDir::new().unwrap();
    let file = data.path().join("rollout-2026-11-20T23-58-00-01a1fb66.jsonl");
    std::fs::write(&file, session_file(turns)).unwrap();
    let (code, _, stderr) = import(data.path(), &[&file]);
    assert_eq!(code, 0, "{stderr}");
    replay_of(&data, more)
}

fn replay_of(data: &TempDir, more: &[&str]) -> (i32, Value) {
    let mut arguments = vec!["check", "--profiles", "--format", "json"];
    arguments.extend(more);
    let (code, stdout, stderr) = triage(data.path(), &arguments);
    assert!(code < 2, "{stderr}");
    (code, serde_json::from_str(stdout.lines().next().unwrap()).unwrap())
}

fn unchanged(_: &mut Value) {}

/// A profile that names its folder by a word, so that it is the same one in every folder.
fn symbolic(cwd: &'static str) -> impl Fn(&mut Value) {
    move |context| {
        let fields = context.as_object_mut().unwrap();
        fields.remove("permission_profile");
        fields.remove("file_system_sandbox_policy");
        fields.insert("cwd".to_owned(), json!(cwd));
    }
}

/// `access target: result`, one a line.
fn told(replay: &Value) -> Vec<String> {
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    let checks = replay["checks"].as_array().unwrap().iter();
    checks
        .map(|check| {
            let [access, target, result] =
                ["access", "target", "result"].map(|key| text(&check[key]));
            format!("{access} {target}: {result}")
        })
        .collect()
}

fn findings(replay: &Value) -> Vec<(&str, &str)> {
    let all = replay["findings"].as_array().unwrap().iter();
    all.map(|it| (it["rule"].as_str().unwrap(), it["summary"].as_str().unwrap())).collect()
}

fn file(folder: &TempDir, name: &str, text: &str) -> String {
    let path = folder.path().join(name);
    std::fs::write(&path, text).unwrap();
    path.display().to_string()
}

#[test]
fn the_same_profile_in_another_folder_is_asked_there() {
    let turns: [Turn<'_>; 2] = [
        (&symbolic("/w/a"), &["touch x"]),
        (&symbolic("/w/b"), &["touch x /w/b/y", "touch /w/a/z"]),
    ];
    let (code, replay) = replayed(&turns, &[]);
    let expected =
        ["write x: agrees", "write x: agrees", "write /w/b/y: agrees", "write /w/a/z: differs"];
    assert_eq!(told(&replay), expected, "{replay:#}");
    let profiles = replay["profiles"].as_array().unwrap();
    let folders: Vec<&Value> = profiles.iter().map(|profile| &profile["cwd"]).collect();
    assert_eq!(folders, [&json!("/w/a"), &json!("/w/b")]);
    // The rules are the same and let another folder be written.
    let widened = findings(&replay)[0];
    assert_eq!((code, widened.0), (1, "profile_widened"));
    assert!(widened.1.ends_with("write /w/b"), "{}", widened.1);
}

#[test]
fn a_path_in_the_home_folder_is_not_judged_where_nothing_tells_which_that_is() {
    let commands = &["cat ~/.bashrc", "echo hi > ~/notes.txt", "echo hi > '~/notes.txt'"][..];
    let (code, replay) = replayed(&[(&unchanged, commands)], &[]);
    let expected = [
        "read ~/.bashrc: not_judged",
        "write ~/notes.txt: not_judged",
        "write ./~/notes.txt: agrees",
    ];
    assert_eq!((code, told(&replay)), (0, expected.map(str::to_owned).to_vec()), "{replay:#}");
    let why = replay["checks"][0]["why"].as_str().unwrap();
    assert!(why.contains("home folder"), "{why}");
}

#[test]
fn a_network_that_is_switched_on_is_a_profile_that_allows_more() {
    let on = |context: &mut Value| {
        context["permission_profile"]["network"] = json!("enabled");
    };
    let (code, replay) = replayed(&[(&unchanged, &["ls"]), (&on, &["ls"])], &[]);
    let found = findings(&replay);
    assert_eq!((code, found.len(), found[0].0), (1, 1, "profile_widened"), "{replay:#}");
    assert!(found[0].1.contains("network.enabled"), "{}", found[0].1);
    let (code, replay) = replayed(&[(&on, &["ls"]), (&unchanged, &["ls"])], &[]);
    assert_eq!((code, findings(&replay).len()), (0, 0), "{replay:#}");
}

#[test]
fn a_comparison_that_cannot_be_made_is_told_with_its_reason() {
    let external = |context: &mut Value| {
        let network = json!("enabled");
        context["permission_profile"] = json!({ "type": "external", "network": network });
    };
    let (_, replay) = replayed(&[(&unchanged, &["ls"]), (&external, &["ls"])], &[]);
    let why = replay["profiles"][1]["not_compared"].as_str();
    assert!(why.is_some_and(|why| why.contains("something else restricts")), "{replay:#}");
}

/// Denies a pattern below the project, and names the profile.
fn dev(context: &mut Value) {
    let pattern = json!({
        "path": { "type": "glob_pattern", "pattern": "/home/dev/project/**/*.env" }, "access": "deny",
    });
    let entries = &mut context["permission_profile"]["file_system"]["entries"];
    entries.as_array_mut().unwrap().push(pattern);
    context["active_permission_profile"] = json!({ "id": "dev" });
}

#[test]
fn a_configuration_that_denies_by_another_rule_is_not_said_to_hold_the_rule() {
    let folder = TempDir::new().unwrap();
    let turns: [Turn<'_>; 1] = [(&dev, &["echo x > /home/dev/project/a.env", "echo x > b"])];
    // Denies the same file, but as one that nobody may write.
    let text = "[permissions.dev.filesystem]\n\":root\" = \"read\"\n";
    let config = format!("user:{}", file(&folder, "config.toml", text));
    let (_, replay) = replayed(&turns, &["--config", &config]);
    let answer = &replay["checks"][0]["profile"];
    assert_eq!(
        (&answer["decision"], &answer["layer"]),
        (&json!("deny"), &json!("rollout")),
        "{answer:#}"
    );
    assert!(answer["rule"].as_str().unwrap().contains("*.env"), "{answer:#}");
    // One that has the rules knows where they stand, by whatever word it names the folder.
    let text = "[permissions.dev.filesystem]\n\":root\" = \"read\"\n\"/home/dev/project/**/*.env\" = \"deny\"\n\
                [permissions.dev.filesystem.\":workspace_roots\"]\n\".\" = \"write\"\n";
    let config = format!("user:{}", file(&folder, "config.toml", text));
    let (_, replay) = replayed(&turns, &["--config", &config]);
    let line = |check: usize| {
        let answer = &replay["checks"][check]["profile"];
        (answer["layer"].clone(), answer["line"].clone())
    };
    assert_eq!(
        [line(0), line(1)],
        [(json!("user"), json!(3)), (json!("user"), json!(5))],
        "{replay:#}"
    );
}

#[test]
fn a_configuration_says_nothing_of_an_agent_of_another_kind() {
    let data = TempDir::new().unwrap();
    let requests = captures::requests("claude-code/03-denied");
    let paths: Vec<&std::path::Path> = requests.iter().map(|path| path.as_path()).collect();
    import(data.path(), &paths);
    let config = file(&data, "config.toml", "[permissions.dev]\nextends = \":read-only\"\n");
    let only = file(&data, "only.toml", "allowed_permission_profiles = [\"corp\"]\n");
    let config = format!("user:{config}");
    let (code, replay) = replay_of(&data, &["--config", &config, "--requirements", &only]);
    assert_eq!(
        (code, &replay["profiles"], &replay["checks"]),
        (0, &json!([]), &json!([])),
        "{replay:#}"
    );
}

#[test]
fn a_selected_profile_that_requirements_forbid_is_a_problem_and_not_what_was_in_effect() {
    let data = TempDir::new().unwrap();
    let requests = captures::requests("codex/06-apply-patch");
    let paths: Vec<&std::path::Path> = requests.iter().map(|path| path.as_path()).collect();
    import(data.path(), &paths);
    let config = file(&data, "config.toml", "[permissions.dev.filesystem]\n\":root\" = \"read\"\n");
    let only = file(&data, "only.toml", "allowed_permission_profiles = [\"corp\"]\n");
    let config = format!("user:{config}");
    let (code, replay) = replay_of(&data, &["--config", &config, "--requirements", &only]);
    let profile = &replay["profiles"][0];
    assert_eq!(profile["source"], "configuration", "{replay:#}");
    let problem = profile["problem"].as_str().unwrap_or_default();
    assert!(problem.contains("is not on the list"), "{replay:#}");
    let told = told(&replay);
    assert!(!told.is_empty() && told.iter().all(|it| it.ends_with("not_judged")), "{told:?}");
    assert_eq!((code, findings(&replay)), (0, Vec::new()), "{replay:#}");
    let all = config_of_full_access(&data);
    let (code, replay) = replay_of(&data, &["--config", &all]);
    assert_eq!(replay["profiles"][0]["unrestricted"], true, "{replay:#}");
    assert_eq!((code, findings(&replay)), (0, Vec::new()), "{replay:#}");
}

/// A configuration under which nothing is restricted and nobody is asked.
fn config_of_full_access(data: &TempDir) -> String {
    let text = "default_permissions = \":danger-full-access\"\napproval_policy = \"never\"\n";
    format!("user:{}", file(data, "full.toml", text))
}

#[test]
fn what_is_not_checked_is_counted_and_told_at_its_call() {
    let many: Vec<String> = (0..1_000).map(|number| format!("f{number}")).collect();
    let command = format!("touch {} /etc/evil", many.join(" "));
    let (code, replay) = replayed(&[(&unchanged, &[&command, "touch y"])], &[]);
    let left_out = json!({ "calls": 0, "files": 1, "connections": 0, "comparisons": 0 });
    assert_eq!((code, &replay["left_out"]), (0, &left_out));
    let told = told(&replay);
    assert_eq!(told[1_000..], ["write 1 more files: not_judged", "write y: agrees"]);
}

#[test]
fn a_profile_that_comes_back_is_compiled_and_compared_once() {
    let patterns = |context: &mut Value, name: usize, number: usize| {
        let entries = &mut context["permission_profile"]["file_system"]["entries"];
        entries.as_array_mut().unwrap().extend((0..number).map(|at| {
            let pattern = format!("/r{at}/**/x{name}*.e");
            json!({ "path": { "type": "glob_pattern", "pattern": pattern }, "access": "deny" })
        }));
    };
    let first = |context: &mut Value| patterns(context, 1, 100);
    let second = |context: &mut Value| patterns(context, 2, 100);
    // Compiled or compared anew every time, these would be more than is read.
    let turns: Vec<Turn<'_>> = (0..200)
        .map(|turn| -> Turn<'_> { (if turn % 2 == 0 { &first } else { &second }, &["touch x"]) })
        .collect();
    let (_, replay) = replayed(&turns, &[]);
    let profiles = replay["profiles"].as_array().unwrap();
    assert_eq!((profiles.len(), &replay["left_out"]["comparisons"]), (200, &json!(0)));
    assert!(profiles.iter().all(|profile| profile["problem"].is_null()));
}

/// A session of an instrumented agent under the profile `dev`, in which the proxy decides with these
/// attributes besides.
fn proxied(network: &str, decision: &str, more: &[(&str, &str)]) -> (i32, Value) {
    let data = TempDir::new().unwrap();
    let text = |key: &str, value: &str| json!({ "key": key, "value": { "stringValue": value } });
    let record = |name: &str, time: i64, mut attributes: Vec<Value>| {
        attributes.extend([text("session.id", "s"), text("blotter.profile.name", "dev")]);
        json!({ "resourceLogs": [{
            "resource": { "attributes": [text("blotter.instrumentation.version", "1")] },
            "scopeLogs": [{ "scope": { "name": "blotter.agent" }, "logRecords": [
                { "timeUnixNano": time.to_string(), "eventName": name, "attributes": attributes },
            ] }],
        }] })
    };
    let call = text("gen_ai.tool.call.id", "c");
    let mut proxy = vec![
        call.clone(),
        text("server.address", "x.example"),
        text("blotter.proxy.decision", decision),
    ];
    proxy.extend(more.iter().map(|(key, value)| text(key, value)));
    let records = [
        record("blotter.session.started", 1_795_262_400_000_000_000, Vec::new()),
        record("blotter.call.started", 1_795_262_401_000_000_000, vec![call]),
        record("blotter.proxy.decision", 1_795_262_402_000_000_000, proxy),
    ];
    let lines: Vec<String> = records.iter().map(ToString::to_string).collect();
    let run = file(&data, "run.jsonl", &lines.join("\n"));
    import(data.path(), &[std::path::Path::new(&run)]);
    let profile = format!("[permissions.dev]\nextends = \":workspace\"\n{network}");
    let config = file(&data, "config.toml", &profile);
    replay_of(&data, &["--config", &config])
}

#[test]
fn a_host_that_someone_was_asked_about_is_not_judged() {
    let denied = "[permissions.dev.network]\nenabled = true\n\
                  [permissions.dev.network.domains]\n\"x.example\" = \"deny\"\n";
    let (code, replay) =
        proxied(denied, "allow", &[("blotter.decision.source", "baseline_policy")]);
    assert_eq!((code, told(&replay)), (1, vec!["connect x.example: differs".to_owned()]));
    for source in ["decider", "user"] {
        let (code, replay) = proxied(denied, "allow", &[("blotter.decision.source", source)]);
        assert_eq!((code, told(&replay)), (0, vec!["connect x.example: not_judged".to_owned()]));
        assert_eq!(replay["checks"][0]["profile"]["decision"], "deny", "{replay:#}");
    }
}

#[test]
fn a_method_that_a_limited_network_stops_is_asked_about() {
    let limited = "[permissions.dev.network]\nenabled = true\nmode = \"limited\"\n\
                   [permissions.dev.network.domains]\n\"x.example\" = \"allow\"\n";
    let reason = ("blotter.decision.reason", "method_not_allowed");
    let post = [reason, ("http.request.method", "POST")];
    let (code, replay) = proxied(limited, "deny", &post);
    assert_eq!(
        (code, told(&replay)),
        (0, vec!["connect x.example: agrees".to_owned()]),
        "{replay:#}"
    );
    // Without the method, and for reasons that no rule for hosts is behind, the profile does not tell.
    for reason in ["method_not_allowed", "mitm_required", "proxy_disabled", "not_allowed_local"] {
        let (_, replay) = proxied(limited, "deny", &[("blotter.decision.reason", reason)]);
        assert_eq!(told(&replay), ["connect x.example: not_judged"], "{reason}");
        assert_eq!(findings(&replay), [], "{reason}");
    }
}
