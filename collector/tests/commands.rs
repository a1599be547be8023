//! The commands of the program, as an operator types them.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

#[expect(dead_code, reason = "each test program uses a part of it")]
mod support;

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use blotter_schemas::tables::Table;
use http::StatusCode;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use support::{PROTOBUF, logs, post, rows};

fn collector(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_blotter-collector"));
    for variable in ["BLOTTER_DATA", "BLOTTER_ARCHIVE", "BLOTTER_CONFIG"] {
        command.env_remove(variable);
    }
    command.env("RUST_LOG", "error").args(arguments).stdin(Stdio::null());
    command
}

fn run(arguments: &[&str]) -> Output {
    collector(arguments).output().unwrap()
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// A running collector and where it listens for HTTP; killed when dropped.
struct Running(Child, SocketAddr);

impl Running {
    fn start(arguments: &[&str]) -> Self {
        let mut child = collector(&["--grpc", "127.0.0.1:0", "--http", "127.0.0.1:0"])
            .args(arguments)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let http = lines.map(Result::unwrap).find_map(|line| {
            line.strip_prefix("OTLP/HTTP http://").map(|address| address.parse().unwrap())
        });
        Self(child, http.unwrap())
    }

    fn tell(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.0), signal).unwrap();
    }

    fn wait(mut self) -> Option<i32> {
        self.0.wait().unwrap().code()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The settings that `--print-config` prints, by key.
fn printed(command: &mut Command) -> Vec<(String, Value, String)> {
    let output = command.args(["--print-config", "--format", "json"]).output().unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    let all: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
    all.into_iter()
        .map(|it| {
            let from = match it["from"].as_str().unwrap() {
                "file" => format!("line {}", it["line"]),
                "default" => "default".to_owned(),
                from => format!("{from} {}", it["name"].as_str().unwrap()),
            };
            (it["key"].as_str().unwrap().to_owned(), it["value"].clone(), from)
        })
        .collect()
}

fn setting(all: &[(String, Value, String)], key: &str) -> (String, String) {
    let found = all.iter().find(|it| it.0 == key);
    let (_, value, from) = found.unwrap_or_else(|| panic!("no {key} in {all:#?}"));
    (value.to_string(), from.clone())
}

#[test]
fn print_config_says_what_is_in_effect_and_that_flags_win_over_environment_and_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("collector.toml");
    let text = "data = \"from-file\"\narchive = \"from-file\"\n[listen]\nhttp = \"127.0.0.1:1\"\n\
                grpc = \"127.0.0.1:2\"\n[maintenance]\nkeep_days = 3\n";
    fs::write(&file, text).unwrap();
    let mut command = collector(&["--http", "127.0.0.1:9", "--no-compaction"]);
    command.env("BLOTTER_CONFIG", &file).env("BLOTTER_ARCHIVE", "from-environment");
    let all = printed(&mut command);
    let is = |key: &str, value: &str, from: &str| {
        assert_eq!(setting(&all, key), (value.to_owned(), from.to_owned()), "{key}");
    };
    let data = folder.path().join("from-file");
    is("data", &format!("{data:?}"), "line 1");
    is("archive", "\"from-environment\"", "environment BLOTTER_ARCHIVE");
    is("listen.http", "\"127.0.0.1:9\"", "flag --http");
    is("listen.grpc", "\"127.0.0.1:2\"", "line 5");
    is("listen.unix", "null", "default");
    is("maintenance.keep_days", "3", "line 7");
    is("maintenance.compaction", "false", "flag --no-compaction");
    is("commit.quiet_seconds", "0.7", "default");
    let flag_over_environment =
        printed(collector(&["--archive", "a"]).env("BLOTTER_ARCHIVE", "from-environment"));
    assert_eq!(setting(&flag_over_environment, "archive").1, "flag --archive");

    let text = stdout(&run(&["--print-config"]));
    assert!(text.lines().any(|it| it.starts_with("data ") && it.ends_with("# default")), "{text}");
    assert!(!Path::new("blotter-data").exists(), "nothing is started");
}

#[test]
fn an_unknown_key_of_any_table_is_refused_with_its_line_and_the_nearest_known_one() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("collector.toml");
    fs::write(&file, "[journal]\n\nmax_byte = 3\n").unwrap();
    let output = run(&["--config", file.to_str().unwrap(), "--print-config"]);
    assert_eq!(output.status.code(), Some(2));
    let said = stderr(&output);
    let expected = format!("{}:3: unknown field `max_byte`", file.display());
    assert!(said.contains(&expected) && said.contains("did you mean `max_bytes`?"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn status_finds_a_running_collector_and_says_what_is_wrong_with_its_exit_code() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let data = data.to_str().unwrap();
    let nobody = run(&["status", "--data", data]);
    assert_eq!(nobody.status.code(), Some(2));
    assert!(stderr(&nobody).contains("no collector runs on it"), "{}", stderr(&nobody));

    let away = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let file = folder.path().join("collector.toml");
    let text = format!("[[forward]]\nname = \"gone\"\nendpoint = \"http://{away}\"\n");
    fs::write(&file, text).unwrap();
    let running = Running::start(&["--data", data]);
    let well = run(&["status", "--data", data]);
    assert_eq!(well.status.code(), Some(0), "{}", stdout(&well));
    assert!(stdout(&well).contains("Nothing is wrong."), "{}", stdout(&well));
    running.tell(Signal::TERM);
    assert_eq!(running.wait(), Some(0));

    let running = Running::start(&["--data", data, "--config", file.to_str().unwrap()]);
    let headers = [("content-type", PROTOBUF)];
    assert_eq!(post(running.1, "/v1/logs", &headers, logs(0, 7)).await.status, StatusCode::OK);
    let told = loop {
        let output = run(&["status", "--data", data, "--format", "json"]);
        let told: Value = serde_json::from_slice(&output.stdout).unwrap();
        if output.status.code() == Some(1) {
            break told;
        }
        assert_eq!(output.status.code(), Some(0));
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    };
    assert_eq!(told["problems"][0]["name"], "destination_failing");
    assert_eq!(told["destinations"][0]["name"], "gone");
    let consumers = told["journal"]["consumers"].as_array().unwrap();
    let waits = consumers.iter().find(|it| it["name"] == "forward-gone").unwrap();
    assert_eq!(waits["waiting_records"], 7);
    let at = running.1.to_string();
    let elsewhere = run(&["status", "--data", "/nowhere", "--address", &at]);
    assert_eq!(elsewhere.status.code(), Some(1));
    assert!(stdout(&elsewhere).contains("PROBLEM destination_failing"));
}

#[tokio::test(flavor = "multi_thread")]
async fn drain_refuses_requests_waits_until_all_is_archived_and_ends_the_collector() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().to_str().unwrap();
    let running = Running::start(&["--data", data]);
    let headers = [("content-type", PROTOBUF)];
    assert_eq!(post(running.1, "/v1/logs", &headers, logs(0, 9)).await.status, StatusCode::OK);
    let drained = run(&["drain", "--data", data]);
    assert_eq!(drained.status.code(), Some(0), "{}", stderr(&drained));
    let refused = post(running.1, "/v1/logs", &headers, logs(9, 1)).await;
    assert_eq!(refused.status, StatusCode::SERVICE_UNAVAILABLE);
    let (all, different) = rows(folder.path(), Table::Events).await;
    // Its own event, that it was told to drain, may come later.
    assert!(all == different && (9..=10).contains(&all), "{all}");
    assert_eq!(run(&["drain", "--data", data, "--cancel"]).status.code(), Some(0));
    while post(running.1, "/v1/logs", &headers, logs(9, 1)).await.status != StatusCode::OK {}
    let ended = run(&["drain", "--data", data, "--stop"]);
    assert_eq!(ended.status.code(), Some(0), "{}", stderr(&ended));
    assert_eq!(running.wait(), Some(0));
    assert_eq!(rows(folder.path(), Table::Events).await, (13, 13));
    assert_eq!(run(&["drain", "--data", data]).status.code(), Some(2));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_not_ask_a_collector_does_not_leave_it_draining() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().to_str().unwrap();
    let made = stdout(&run(&["token", "--name", "desk", "--scope", "ingest", "--scope", "read"]));
    let (token, table) = made.split_once("\n\n").unwrap();
    let (config, file) = (folder.path().join("collector.toml"), folder.path().join("token"));
    fs::write(&config, table).unwrap();
    fs::write(&file, token).unwrap();
    let running = Running::start(&["--data", data, "--config", config.to_str().unwrap()]);
    let bearer = format!("Bearer {token}");
    let headers = [("content-type", PROTOBUF), ("authorization", &*bearer)];
    let denied = run(&["drain", "--data", data, "--stop"]);
    assert_eq!(denied.status.code(), Some(2));
    assert!(stderr(&denied).contains("--token-file"), "{}", stderr(&denied));
    assert_eq!(post(running.1, "/v1/logs", &headers, logs(0, 9)).await.status, StatusCode::OK);
    // Whether it serves, everybody may know.
    assert_eq!(run(&["status", "--data", data, "--health"]).status.code(), Some(0));
    assert_eq!(run(&["status", "--data", data]).status.code(), Some(2));
    let drained = run(&["drain", "--data", data, "--stop", "--token-file", file.to_str().unwrap()]);
    assert_eq!(drained.status.code(), Some(0), "{}", stderr(&drained));
    assert_eq!(running.wait(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_before_sigterm_is_in_the_archive_when_the_collector_has_ended() {
    let folder = tempfile::tempdir().unwrap();
    let running = Running::start(&["--data", folder.path().to_str().unwrap()]);
    let headers = [("content-type", PROTOBUF)];
    for number in 0..20 {
        let answer = post(running.1, "/v1/logs", &headers, logs(number * 50, 50)).await;
        assert_eq!(answer.status, StatusCode::OK);
    }
    running.tell(Signal::TERM);
    assert_eq!(running.wait(), Some(0));
    assert_eq!(rows(folder.path(), Table::Events).await, (1000, 1000));
}

#[test]
fn a_number_that_has_come_to_mean_another_process_is_not_told_to_drain() {
    let folder = tempfile::tempdir().unwrap();
    let mut other = Command::new("sleep").arg("60").spawn().unwrap();
    let file = folder.path().join("collector.run.json");
    let text = format!("{{\"pid\":{},\"http\":\"127.0.0.1:1\",\"unix\":null}}", other.id());
    fs::write(file, text).unwrap();
    let output = run(&["drain", "--data", folder.path().to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("is not the collector"), "{}", stderr(&output));
    assert!(other.try_wait().unwrap().is_none(), "it was not hit");
    other.kill().unwrap();
    other.wait().unwrap();
}

#[test]
fn check_finds_nothing_wrong_with_a_new_folder_and_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let also = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let data = data.to_str().unwrap();
    let output = run(&["--http", &free, "--grpc", &also, "check", "--data", data]);
    let text = stdout(&output);
    assert!(!text.contains("PROBLEM"), "{text}");
    for what in ["ok       data:", "disk:", "ok       listen.http:", "ok       archive:"] {
        assert!(text.contains(what), "{what} in {text}");
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn check_lists_everything_that_is_wrong_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let away = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    fs::write(folder.path().join("file"), "").unwrap();
    let key = folder.path().join("open.key");
    let config = folder.path().join("collector.toml");
    let text = format!(
        "data = \"file\"\n[listen]\nhttp = \"{}\"\ngrpc = \"127.0.0.1:0\"\nunix = \"nowhere/socket\"\n\
         [redaction]\nkey_file = \"{}\"\n[[forward]]\nname = \"gone\"\nendpoint = \"http://{away}\"\n",
        taken.local_addr().unwrap(),
        key.display()
    );
    fs::write(&config, text).unwrap();
    let config = config.to_str().unwrap();
    let output = run(&["check", "--config", config, "--format", "json"]);
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    let findings: Vec<Value> =
        stdout(&output).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    for what in ["data", "listen.http", "listen.unix", "redaction", "destination gone"] {
        let found = findings.iter().find(|it| it["what"] == what);
        let found = found.unwrap_or_else(|| panic!("no {what} in {findings:#?}"));
        assert_eq!(found["grade"], "problem", "{found}");
        assert_ne!(found["advice"], "", "{found}");
    }
    let offline = stdout(&run(&["check", "--config", config, "--offline"]));
    assert!(offline.contains("ok       destination gone"), "{offline}");

    fs::write(config, "[journal]\nmax_byte = 1\n").unwrap();
    let output = run(&["check", "--config", config]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stdout(&output).contains("PROBLEM  configuration:"), "{}", stdout(&output));
}
