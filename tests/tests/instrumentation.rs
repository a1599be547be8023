//! An agent that embeds `blotter-instrumentation`, or emits the same by hand, driven end to end: its receipts
//! tell everything that it did, by its own word, whatever was killed or away.

#![allow(clippy::indexing_slicing, reason = "a missing value fails the test")]

use std::collections::BTreeSet;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::Path;
use std::process::Stdio;

use anyhow::{Context as _, ensure};
use arrow_array::Array as _;
use blotter_schemas::coverage::{self, Reports};
use blotter_schemas::names::blotter::{EventKind, EventSource};
use blotter_schemas::tables::{Event, Row as _};
use blotter_tests::binaries::{binary, example};
use blotter_tests::guests::{installed, workspace};
use blotter_tests::processes::{Daemon, triage};
use blotter_tests::receipts::{NOTHING, Receipt};
use blotter_tests::table_files;
use blotter_triage::receipt::{Beside, receipts};
use blotter_triage::reconstruct::reconstruct;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

const KEY: &str = "at-0123456789abcdef0123456789abcdef";
/// An address where nobody listens.
const NOBODY: &str = "http://127.0.0.1:9";

/// The example agent while it runs.
struct Tiny {
    child: Child,
    script: ChildStdin,
    said: Lines<BufReader<ChildStdout>>,
    session: String,
}

impl Tiny {
    async fn start(endpoint: &str, options: &[&str]) -> anyhow::Result<Self> {
        Self::start_with(endpoint, options, &[]).await
    }

    async fn start_with(
        endpoint: &str,
        options: &[&str],
        variables: &[(&str, &str)],
    ) -> anyhow::Result<Self> {
        let mut child = Command::new(example("tiny")?)
            .args(options)
            .envs(variables.iter().copied())
            .env("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint)
            .env("TINY_API_KEY", KEY)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let script = child.stdin.take().context("no standard input")?;
        let said = BufReader::new(child.stdout.take().context("no standard output")?).lines();
        let mut tiny = Self { child, script, said, session: String::new() };
        tiny.session = tiny.hear("session ").await?;
        Ok(tiny)
    }

    /// Waits for a line that begins so, and gives the rest of it.
    async fn hear(&mut self, begins: &str) -> anyhow::Result<String> {
        while let Some(line) = self.said.next_line().await? {
            if let Some(rest) = line.strip_prefix(begins) {
                return Ok(rest.to_owned());
            }
        }
        anyhow::bail!("it never said `{begins}`")
    }

    /// Has it make a call; the call's id.
    async fn step(&mut self, step: &Value) -> anyhow::Result<String> {
        self.script.write_all(format!("{step}\n").as_bytes()).await?;
        self.hear("call ").await
    }

    async fn tell(&mut self, step: &Value) -> anyhow::Result<()> {
        Ok(self.script.write_all(format!("{step}\n").as_bytes()).await?)
    }

    /// Ends the script and waits; what became of the records.
    async fn end(mut self) -> anyhow::Result<String> {
        drop(self.script);
        let mut last = String::new();
        while let Some(line) = self.said.next_line().await? {
            last = line;
        }
        ensure!(self.child.wait().await?.success(), "it failed, after {last:?}");
        Ok(last)
    }

    async fn kill(mut self) -> anyhow::Result<()> {
        Ok(self.child.kill().await?)
    }
}

fn shell(command: &str) -> Value {
    json!({"tool": "shell", "arguments": {"command": command}, "why": "it is asked for", "by": "user"})
}

/// A server on this machine that answers one request.
fn host() -> anyhow::Result<u16> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let port = listener.local_addr()?.port();
    std::thread::spawn(move || {
        if let Ok((mut stream, _)) = listener.accept() {
            let mut request = [0; 512];
            let _ = stream.read(&mut request);
            let _ = stream.write_all(b"HTTP/1.0 200 OK\r\n\r\nhello from the host");
        }
    });
    Ok(port)
}

async fn receipt(archive: &Path, session: &str, call: &str) -> anyhow::Result<Receipt> {
    Receipt::of(archive, &format!("{session}/{call}")).await
}

fn says(receipt: &Receipt, expected: &[(&str, &str)]) {
    for (fact, value) in expected {
        assert_eq!(receipt.says(fact), *value, "{fact} of {:#}", receipt.0);
    }
    assert_eq!(receipt.contradicted(), Vec::<&str>::new());
}

/// Every fact is graded `observed`, but for those that do not apply to the call.
fn observed_but(receipt: &Receipt, not_applicable: &[&str]) {
    let facts = receipt.0.as_object().into_iter().flatten();
    let graded =
        facts.filter_map(|(name, fact)| Some((name.as_str(), fact.get("grade")?.as_str()?)));
    let other: BTreeSet<&str> =
        graded.filter(|(_, grade)| *grade != "observed").map(|(name, _)| name).collect();
    let expected: BTreeSet<&str> = not_applicable.iter().copied().collect();
    assert_eq!(other, expected, "{:#}", receipt.0);
}

/// Columns that say when, where from and under whose custody: no agent chooses them.
const NOT_REPORTED: [&str; 32] = [
    "event_id",
    "origin_id",
    "source",
    "dialect",
    "dialect_version",
    "time",
    "time_unix_nano",
    "time_source",
    "time_clamped",
    "observed_time",
    "observed_time_unix_nano",
    "received_time",
    "trace_id",
    "span_id",
    "parent_span_id",
    "agent_name",
    "host_name",
    "process_pid",
    "kind",
    "name",
    "collector_id",
    "journal_position",
    "log_index",
    "sender",
    "peer",
    "tenant",
    "redactions",
    "redaction_version",
    "key_id",
    "severity",
    "normalise_error",
    "record",
];

/// What was sent is what the coverage table declares: what is called *always* is in every such event, *never*
/// in none.
fn as_declared(archive: &Path) -> anyhow::Result<()> {
    let rows = table_files::rows::<Event>(archive)?;
    let batch = Event::to_batch(&rows)?;
    let coverage = coverage::coverage("blotter").context("it has a coverage table")?;
    ensure!(!rows.is_empty(), "nothing was sent");
    for (index, row) in rows.iter().enumerate() {
        let kind = row.kind.as_deref().and_then(EventKind::from_value).context("a kind")?;
        let source = row.source.as_deref().and_then(EventSource::from_value).context("a source")?;
        let declared = coverage.event(kind, source);
        let declared = declared.with_context(|| format!("{kind} from {source} is not declared"))?;
        for (field, column) in batch.schema().fields().iter().zip(batch.columns()) {
            let name = field.name().as_str();
            let there = column.is_valid(index);
            let holds = NOT_REPORTED.contains(&name)
                || match declared.column(name) {
                    Reports::Always => there,
                    Reports::Sometimes(_) => true,
                    Reports::Never => !there,
                };
            ensure!(holds, "{name} of {kind} from {source}: {row:?}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn every_fact_of_a_receipt_is_the_agents_own_word() -> anyhow::Result<()> {
    let data = tempfile::tempdir()?;
    let mut blotter = Daemon::triage_up(data.path())?;
    let addresses = blotter.addresses().await?;
    let mcp = binary("blotter-mcp")?;
    let mcp = mcp.to_str().context("the path is not UTF-8")?;
    let prompt = ["--prompt", "please do it", "--mcp", mcp];
    let mut tiny = Tiny::start(&format!("http://{}", addresses.http), &prompt).await?;
    let granted = json!({"tool": "request_permissions", "grant": "network", "scope": "session", "by": "user"});
    tiny.step(&granted).await?;
    let ran = tiny.step(&shell("echo \"found $TRACEPARENT\"")).await?;
    let failed = tiny.step(&shell("echo oops; exit 3")).await?;
    let denied = json!({"tool": "shell", "arguments": {"command": "rm -rf /"}, "deny": "no", "by": "reviewer"});
    let refused = tiny.step(&denied).await?;
    let port = host()?;
    let fetch = |host: &str| json!({"tool": "fetch", "arguments": {"host": host, "port": port}, "by": "session_grant"});
    let fetched = tiny.step(&fetch("127.0.0.1")).await?;
    let blocked = tiny.step(&fetch("evil.example")).await?;
    let echo = json!({"tool": "mcp:echo", "arguments": {"text": "hello"}, "by": "config", "why": "to hear it"});
    let echoed = tiny.step(&echo).await?;
    let broken = json!({"tool": "mcp:fail", "arguments": {"text": "no"}, "by": "config"});
    let broken = tiny.step(&broken).await?;
    let session = tiny.session.clone();
    assert_eq!(tiny.end().await?, "delivered");
    assert!(blotter.terminate().await?.success());

    let archive = data.path().join("archive");
    let common = [
        ("asked", "please do it"),
        ("agent", "tiny"),
        ("model", "a-script"),
        ("user", "ada@example.com"),
        ("auth_mode", "api_key"),
        ("token_type", "personal_access_token"),
        ("profile", ":workspace"),
        ("approval_policy", "on-request"),
    ];
    let of = async |call: &str, expected: &[(&str, &str)]| -> anyhow::Result<Receipt> {
        let receipt = receipt(&archive, &session, call).await?;
        says(&receipt, &common);
        says(&receipt, expected);
        Ok(receipt)
    };
    let expected = [
        ("planned", "it is asked for"),
        ("tool", "shell"),
        ("decision", "allow"),
        ("decided_by", "user"),
        ("executed", "yes"),
        ("sandbox", "none"),
        ("executor", "standalone"),
        ("transport", "http"),
        ("outcome", "succeeded"),
        ("exit_code", "0"),
    ];
    let receipt = of(&ran, &expected).await?;
    assert_eq!(receipt.0.pointer("/grants/value/0/what"), Some(&json!("network")));
    let output = receipt.says("output");
    assert!(output.starts_with("found 00-"), "the command is in the trace: {output}");
    observed_but(&receipt, &["mcp_server", "network"]);

    let expected = [("outcome", "failed"), ("exit_code", "3"), ("output", "oops\n")];
    observed_but(&of(&failed, &expected).await?, &["mcp_server", "network"]);
    let expected = [
        ("decision", "deny"),
        ("decided_by", "reviewer"),
        ("executed", "no"),
        ("outcome", "refused"),
        ("exit_code", NOTHING),
    ];
    let not_made = ["mcp_server", "network", "exit_code", "output", "planned", "sandbox"];
    observed_but(&of(&refused, &expected).await?, &not_made);
    let allowed = format!("127.0.0.1:{port} allow");
    let expected = [
        ("decided_by", "session_grant"),
        ("network", allowed.as_str()),
        ("outcome", "succeeded"),
        ("output", "HTTP/1.0 200 OK\r\n\r\nhello from the host"),
    ];
    observed_but(&of(&fetched, &expected).await?, &["mcp_server", "exit_code", "planned"]);
    let stopped = format!("evil.example:{port} deny");
    let expected = [("network", stopped.as_str()), ("outcome", "blocked")];
    let receipt = of(&blocked, &expected).await?;
    observed_but(&receipt, &["mcp_server", "exit_code", "output", "planned", "executed"]);
    let expected = [
        ("mcp_server", "files"),
        ("executor", "mcp_server"),
        ("transport", "stdio"),
        ("executed", "yes"),
        ("outcome", "succeeded"),
        ("output", "hello"),
    ];
    observed_but(&of(&echoed, &expected).await?, &["network", "exit_code"]);
    of(&broken, &[("outcome", "failed"), ("mcp_server", "files")]).await?;

    as_declared(&archive)?;
    let listed = triage(&archive, ["sessions", "--agent", "tiny"]).await?;
    assert!(listed.stdout.contains("tiny"), "it is listed by its own name: {}", listed.stdout);
    // Nothing of it is a gap.
    let gaps = triage(&archive, ["gaps", &session]).await?;
    assert_eq!(gaps.exit_code, Some(0), "{}{}", gaps.stdout, gaps.stderr);
    Ok(())
}

#[tokio::test]
async fn what_steered_an_agent_is_told_by_the_digest_that_sha256sum_prints() -> anyhow::Result<()> {
    let data = tempfile::tempdir()?;
    let file = data.path().join("AGENTS.md");
    // SHA-256 of "be kind\n".
    const KIND: &str = "sha256:9933b68880bf44bfe7d42555c07c687f01a26e7940f8ded16f840c12f5922d95";
    let mut blotter = Daemon::triage_up(data.path())?;
    let http = format!("http://{}", blotter.addresses().await?.http);
    let mut sessions = Vec::new();
    for words in ["be kind\n", "be cruel\n"] {
        std::fs::write(&file, words)?;
        let path = file.to_str().context("the path is not UTF-8")?;
        let mut tiny = Tiny::start(&http, &["--instructions", path]).await?;
        tiny.step(&shell("true")).await?;
        sessions.push(tiny.session.clone());
        assert_eq!(tiny.end().await?, "delivered");
    }
    assert!(blotter.terminate().await?.success());
    let archive = data.path().join("archive");
    let asked = ["configurations", "--format", "json", "--digest", KIND];
    let listed = triage(&archive, asked).await?;
    assert_eq!(listed.exit_code, Some(1), "{}{}", listed.stdout, listed.stderr);
    let listed: Value = serde_json::from_str(&listed.stdout)?;
    let [found] = listed["configurations"].as_array().context("no list")?.as_slice() else {
        anyhow::bail!("not one version: {listed}");
    };
    assert_eq!((&found["kind"], &found["versions"]), (&json!("instructions"), &json!(2)));
    assert_eq!(found["name"], json!(file));
    let ran: Vec<&Value> = found["sessions"]
        .as_array()
        .context("no sessions")?
        .iter()
        .map(|it| &it["session_id"])
        .collect();
    assert_eq!(ran, [&json!(sessions[0])], "only the first session ran under it");
    let shown = triage(&archive, ["show", &sessions[0]]).await?;
    assert!(shown.stdout.contains("AGENTS.md"), "{}", shown.stdout);
    Ok(())
}

#[tokio::test]
async fn a_call_of_an_agent_that_is_killed_is_known_and_was_interrupted() -> anyhow::Result<()> {
    let data = tempfile::tempdir()?;
    let spool = data.path().join("spool");
    let spool = spool.to_str().context("the path is not UTF-8")?;
    // Nobody is there to receive anything when it is killed.
    let mut tiny = Tiny::start(NOBODY, &["--required", "--spool", spool]).await?;
    let done = tiny.step(&shell("echo first")).await?;
    let killed = tiny.step(&shell("sleep 20")).await?;
    let session = tiny.session.clone();
    tiny.kill().await?;

    // The next run of the agent delivers what the killed one left.
    let blotter_data = data.path().join("blotter");
    let mut blotter = Daemon::triage_up(&blotter_data)?;
    let addresses = blotter.addresses().await?;
    let options = ["--required", "--spool", spool];
    let tiny = Tiny::start(&format!("http://{}", addresses.http), &options).await?;
    assert_eq!(tiny.end().await?, "delivered");
    assert!(blotter.terminate().await?.success());
    assert_eq!(std::fs::read_dir(spool)?.count(), 0, "what is delivered is not kept");

    let archive = blotter_data.join("archive");
    // While more of the session may come, it is not said that it was cut off.
    let receipt = receipt(&archive, &session, &killed).await?;
    says(&receipt, &[("tool", "shell"), ("outcome", NOTHING)]);
    assert_eq!(receipt.0.pointer("/outcome/grade"), Some(&json!("pending")));
    let rows = table_files::rows::<Event>(&archive)?;
    let rebuilt = reconstruct(&session, &rows);
    let receipts = receipts(&rebuilt, &Beside::default());
    let of = |call: &str| {
        let found = receipts.iter().find(|receipt| receipt.call_id.as_deref() == Some(call));
        found.context("the call is not known")
    };
    let outcome = |call: &str| -> anyhow::Result<&str> {
        Ok(of(call)?.outcome.value.map_or("", |outcome| outcome.as_str()))
    };
    assert_eq!(outcome(&killed)?, "interrupted");
    assert_eq!(of(&killed)?.arguments.value.as_deref(), Some(r#"{"command":"sleep 20"}"#));
    assert_eq!(of(&killed)?.profile.value.as_deref(), Some(":workspace"));
    // Its own end was written before the next call began.
    assert_eq!(outcome(&done)?, "succeeded");
    Ok(())
}

/// Starts a collector that listens for HTTP there.
fn collector_at(http: &str, data: &Path) -> anyhow::Result<Daemon> {
    let mut command = Command::new(binary("triage")?);
    command.args(["up", "--grpc", "127.0.0.1:0", "--http", http, "--data"]).arg(data);
    Daemon::spawn(command)
}

#[tokio::test]
async fn an_outage_of_the_collector_loses_nothing() -> anyhow::Result<()> {
    let data = tempfile::tempdir()?;
    let spool = data.path().join("spool");
    let spool = spool.to_str().context("the path is not UTF-8")?;
    let blotter_data = data.path().join("blotter");
    let mut blotter = Daemon::triage_up(&blotter_data)?;
    let http = blotter.addresses().await?.http.to_string();
    let mut tiny =
        Tiny::start(&format!("http://{http}"), &["--required", "--spool", spool]).await?;
    let session = tiny.session.clone();
    let mut calls = vec![tiny.step(&shell("echo before")).await?];
    blotter.kill().await?;
    calls.push(tiny.step(&shell("echo meanwhile")).await?);
    calls.push(tiny.step(&shell("echo still")).await?);
    let mut blotter = collector_at(&http, &blotter_data)?;
    blotter.addresses().await?;
    assert_eq!(tiny.end().await?, "delivered");
    assert!(blotter.terminate().await?.success());
    assert_eq!(std::fs::read_dir(spool)?.count(), 0, "what is delivered is not kept");
    let archive = blotter_data.join("archive");
    for (call, output) in calls.iter().zip(["before\n", "meanwhile\n", "still\n"]) {
        let receipt = receipt(&archive, &session, call).await?;
        says(&receipt, &[("outcome", "succeeded"), ("output", output)]);
    }
    // No number of a log record is missing, and none came twice.
    let gaps = triage(&archive, ["gaps", &session]).await?;
    assert_eq!(gaps.exit_code, Some(0), "{}{}", gaps.stdout, gaps.stderr);
    Ok(())
}

#[tokio::test]
async fn the_same_goes_over_grpc_with_gzip() -> anyhow::Result<()> {
    let data = tempfile::tempdir()?;
    let mut blotter = Daemon::triage_up(data.path())?;
    let endpoint = format!("http://{}", blotter.addresses().await?.grpc);
    let variables =
        [("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"), ("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip")];
    // Without a spool, so that the call waits for the answer.
    let mut tiny = Tiny::start_with(&endpoint, &["--required"], &variables).await?;
    let call = tiny.step(&shell("echo over grpc")).await?;
    let session = tiny.session.clone();
    assert_eq!(tiny.end().await?, "delivered");
    assert!(blotter.terminate().await?.success());
    let receipt = receipt(&data.path().join("archive"), &session, &call).await?;
    says(&receipt, &[("outcome", "succeeded"), ("output", "over grpc\n")]);
    Ok(())
}

#[tokio::test]
async fn export_can_be_turned_off_but_not_by_an_agent_that_must_be_audited() -> anyhow::Result<()> {
    let off = [("OTEL_SDK_DISABLED", "true")];
    let tiny = Tiny::start_with(NOBODY, &[], &off).await?;
    assert_eq!(tiny.session, "", "nothing is recorded");
    assert_eq!(tiny.end().await?, "delivered");
    assert!(Tiny::start_with(NOBODY, &["--required"], &off).await.is_err());
    Ok(())
}

#[tokio::test]
async fn an_agent_that_cannot_be_audited_does_not_act() -> anyhow::Result<()> {
    let data = tempfile::tempdir()?;
    let mark = data.path().join("mark");
    // No spool, and nobody who would acknowledge anything.
    let mut tiny = Tiny::start(NOBODY, &["--required"]).await?;
    let touch = format!("touch {}", mark.display());
    tiny.tell(&shell(&touch)).await?;
    assert!(tiny.end().await.is_err(), "it must give up");
    assert!(!mark.exists(), "it acted");
    Ok(())
}

#[tokio::test]
async fn work_ends_at_a_terminal_error_and_triage_knows_its_class() -> anyhow::Result<()> {
    let data = tempfile::tempdir()?;
    let mut blotter = Daemon::triage_up(data.path())?;
    let addresses = blotter.addresses().await?;
    let mut tiny = Tiny::start(&format!("http://{}", addresses.http), &[]).await?;
    let session = tiny.session.clone();
    tiny.tell(&json!({"error": "overloaded", "status": 503})).await?;
    tiny.step(&shell("true")).await?;
    tiny.tell(&json!({"error": "the token was revoked", "status": 401})).await?;
    tiny.tell(&shell("true")).await?;
    let stopped = tiny.hear("stopped: ").await?;
    assert!(stopped.contains("revoked") && stopped.contains("credential"), "{stopped}");
    assert_eq!(tiny.end().await?, "delivered");
    assert!(blotter.terminate().await?.success());
    let archive = data.path().join("archive");
    let shown = triage(&archive, ["show", &session, "--format", "json"]).await?.stdout;
    for class in ["retryable", "terminal"] {
        assert!(shown.contains(&format!("\"{class}\"")), "{class} is not in {shown}");
    }
    Ok(())
}

#[tokio::test]
async fn no_credential_of_the_agent_gets_into_the_archive() -> anyhow::Result<()> {
    let data = tempfile::tempdir()?;
    let mut blotter = Daemon::triage_up(data.path())?;
    let addresses = blotter.addresses().await?;
    let tiny = Tiny::start(&format!("http://{}", addresses.http), &[]).await?;
    let session = tiny.session.clone();
    assert_eq!(tiny.end().await?, "delivered");
    assert!(blotter.terminate().await?.success());
    let rows = table_files::rows::<Event>(&data.path().join("archive"))?;
    let start = rows.iter().find(|row| {
        row.session_id.as_deref() == Some(&session) && row.kind.as_deref() == Some("session_start")
    });
    let start = start.context("no start of the session")?;
    assert_eq!(start.token_type.as_deref(), Some("personal_access_token"));
    let record = start.record.clone().unwrap_or_default();
    assert!(record.contains("blotter.token.fingerprint"), "{record}");
    assert!(!rows.iter().any(|row| format!("{row:?}").contains(KEY)));
    Ok(())
}

#[tokio::test]
async fn an_agent_in_python_does_the_same_without_the_crate() -> anyhow::Result<()> {
    let Some(python) = installed("venv/bin/python")? else { return Ok(()) };
    let data = tempfile::tempdir()?;
    let mut blotter = Daemon::triage_up(data.path())?;
    let addresses = blotter.addresses().await?;
    let output = Command::new(python)
        .arg(workspace().join("tests/python/emit_agent.py"))
        .arg(format!("http://{}", addresses.http))
        .output()
        .await?;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(blotter.terminate().await?.success());
    let archive = data.path().join("archive");
    let of = async |call: &str| receipt(&archive, "py-session", call).await;
    let ran = of("py-call-1").await?;
    says(
        &ran,
        &[
            ("asked", "list the files"),
            ("planned", "to see what is there"),
            ("agent", "py-agent"),
            ("model", "a-model"),
            ("user", "ada@example.com"),
            ("token_type", "api_key"),
            ("profile", ":workspace"),
            ("decision", "allow"),
            ("decided_by", "user"),
            ("executed", "yes"),
            ("sandbox", "held"),
            ("executor", "local_sandbox"),
            ("transport", "http"),
            ("network", "example.com:443 deny"),
            ("outcome", "succeeded"),
            ("exit_code", "0"),
        ],
    );
    observed_but(&ran, &["grants", "mcp_server"]);
    let refused = of("py-call-2").await?;
    says(&refused, &[("decision", "deny"), ("executed", "no"), ("outcome", "refused")]);
    let mcp = of("py-call-3").await?;
    says(&mcp, &[("mcp_server", "files"), ("transport", "stdio"), ("outcome", "succeeded")]);
    let cut = of("py-call-4").await?;
    says(&cut, &[("outcome", "interrupted")]);
    as_declared(&archive)
}
