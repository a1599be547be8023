//! The real Prometheus scrapes a real collector.

use std::net::TcpListener;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use blotter_tests::captures;
use blotter_tests::client::{Answer, Sender};
use blotter_tests::guests::{installed, workspace};
use blotter_tests::operation::{get, metrics};
use blotter_tests::processes::Daemon;
use serde_json::Value;
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

/// Longest wait for Prometheus to start and to scrape.
const PATIENCE: Duration = Duration::from_secs(60);

#[tokio::test]
async fn promtool_finds_nothing_wrong_with_the_metrics() -> anyhow::Result<()> {
    let Some(promtool) = installed("prometheus/usr/bin/promtool")? else { return Ok(()) };
    let data = tempfile::tempdir()?;
    let mut collector = Daemon::collector(data.path())?;
    let text = metrics(collector.addresses().await?.http).await?;
    let mut check = Command::new(promtool);
    check.args(["check", "metrics"]).stdin(Stdio::piped());
    check.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut check = check.spawn()?;
    let mut stdin = check.stdin.take().context("no standard input")?;
    stdin.write_all(text.as_bytes()).await?;
    drop(stdin);
    let output = check.wait_with_output().await?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success() && said.is_empty(), "{said}");
    Ok(())
}

#[tokio::test]
async fn prometheus_scrapes_a_collector_and_tells_what_it_counted() -> anyhow::Result<()> {
    let Some(prometheus) = installed("prometheus/usr/bin/prometheus")? else { return Ok(()) };
    let data = tempfile::tempdir()?;
    let mut collector = Daemon::collector(&data.path().join("blotter"))?;
    let addresses = collector.addresses().await?;
    let mut sender = Sender::http(addresses.http).await?;
    let mut sent = 0;
    for export in captures::named("codex/01-exec-ok-workspace-write")?.exports()? {
        ensure!(matches!(sender.send(&export).await?, Answer::Acknowledged(_)));
        sent += 1;
    }
    let configuration = data.path().join("prometheus.yml");
    let rules = workspace().join("dashboards/alerts/blotter-collector.rules.yaml");
    std::fs::write(
        &configuration,
        format!(
            "global: {{ scrape_interval: 1s, evaluation_interval: 1s }}\nrule_files: [\"{}\"]\n\
             scrape_configs: [{{ job_name: blotter-collector, static_configs: [{{ targets: [\"{}\"] }}] }}]\n",
            rules.display(),
            addresses.http
        ),
    )?;
    // Prometheus cannot say which port it took; one that was free a moment ago will mostly do.
    let free = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
    let _running = Command::new(prometheus)
        .arg(format!("--config.file={}", configuration.display()))
        .arg(format!("--storage.tsdb.path={}", data.path().join("tsdb").display()))
        .arg(format!("--web.listen-address={free}"))
        .current_dir(data.path())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()?;
    let query = "/api/v1/query?query=sum(blotter_collector_acknowledged_requests_total)";
    let deadline = tokio::time::Instant::now() + PATIENCE;
    loop {
        if let Ok((200, body)) = get(free, query).await {
            let told: Value = serde_json::from_str(&body)?;
            let value = told.pointer("/data/result/0/value/1").and_then(Value::as_str);
            if let Some(value) = value {
                ensure!(value == sent.to_string(), "{value} of {sent} requests: {told}");
                break;
            }
        }
        if tokio::time::Instant::now() > deadline {
            bail!("Prometheus has no sample after a minute");
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let (_, body) = get(free, "/api/v1/query?query=up").await?;
    let up: Value = serde_json::from_str(&body)?;
    ensure!(up.pointer("/data/result/0/value/1") == Some(&Value::from("1")), "{up}");
    let (_, body) = get(free, "/api/v1/rules").await?;
    let rules: Value = serde_json::from_str(&body)?;
    let rules = rules.pointer("/data/groups/0/rules").and_then(Value::as_array);
    ensure!(rules.is_some_and(|rules| rules.len() > 10), "{body}");
    ensure!(collector.terminate().await?.success());
    Ok(())
}
