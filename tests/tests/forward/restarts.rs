//! What a collector knows of its destinations after a restart, and what it tells of them.

use blotter_tests::backend::{Answer as Answers, Backend};
use blotter_tests::binaries::binary;
use blotter_tests::operation::get;
use blotter_tests::processes::Daemon;
use serde_json::Value;
use tokio::process::Command;

use super::*;

/// The names of what `/status` finds wrong.
async fn problems(collector: &Collector) -> anyhow::Result<Vec<String>> {
    let (_, body) = get(collector.http_address(), "/status").await?;
    let report: Value = serde_json::from_str(&body)?;
    let problems = report.get("problems").and_then(Value::as_array).cloned().unwrap_or_default();
    let name = |it: &Value| it.get("name").and_then(Value::as_str).map(ToOwned::to_owned);
    Ok(problems.iter().filter_map(name).collect())
}

async fn until_problems_are(collector: &Collector, expected: &[&str]) -> anyhow::Result<()> {
    let deadline = Instant::now() + PATIENCE / 2;
    loop {
        let found = problems(collector).await?;
        if found == expected {
            return Ok(());
        }
        anyhow::ensure!(Instant::now() < deadline, "{found:?}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test]
async fn a_pause_that_was_asked_for_is_kept_by_who_ends_and_by_who_starts() -> anyhow::Result<()> {
    let exports = requests()?;
    for protocol in ["grpc", "http/protobuf"] {
        let (bench, backend) = (Bench::new()?, Backend::start().await?);
        backend.answer_always(Answers::Refuse(503, Some(Duration::from_secs(600))));
        let toml = destination("a", &backend.url(), &format!("protocol = \"{protocol}\""));
        for export in &exports[..3] {
            let collector = bench.start(&toml).await?;
            send(&collector, std::slice::from_ref(export)).await?;
            wait_until(&collector, "a", |it| it.failing.is_some()).await?;
            collector.shutdown().await?;
            // Only the first collector asked it.
            assert_eq!(backend.received().len(), 1, "{protocol}");
        }
        // Another backend has asked for nothing.
        let other = Backend::start().await?;
        let toml = destination("a", &other.url(), &format!("protocol = \"{protocol}\""));
        let collector = bench.start(&toml).await?;
        other.has_exactly(&ids(&exports[..3])?).await?;
        collector.shutdown().await?;
    }
    Ok(())
}

#[tokio::test]
async fn dead_letters_are_a_problem_as_long_as_they_lie_there() -> anyhow::Result<()> {
    let (bench, backend) = (Bench::new()?, Backend::start().await?);
    backend.answer_always(Answers::Refuse(400, None));
    let toml = destination("a", &backend.url(), "");
    let collector = bench.start(&toml).await?;
    send(&collector, &requests()?[..2]).await?;
    until_problems_are(&collector, &["dead_letters"]).await?;
    collector.shutdown().await?;
    let collector = bench.start(&toml).await?;
    until_problems_are(&collector, &["dead_letters"]).await?;
    // By hand, in another process.
    for letter in blotter_collector::dead_letters(&bench.data())? {
        blotter_collector::drop_dead_letter(&bench.data(), &letter)?;
    }
    until_problems_are(&collector, &[]).await?;
    collector.shutdown().await?;
    Ok(())
}

#[tokio::test]
async fn a_key_in_an_endpoint_is_not_in_the_log() -> anyhow::Result<()> {
    let (bench, backend) = (Bench::new()?, Backend::start().await?);
    let url = format!("{}/?api_key=hunter2", backend.url());
    std::fs::write(bench.config_file(), destination("a", &url, ""))?;
    let log = bench.folder.path().join("log");
    let mut command = Command::new(binary("blotter-collector")?);
    command.args(["--grpc", "127.0.0.1:0", "--http", "127.0.0.1:0", "--config"]);
    command.arg(bench.config_file()).arg("--data").arg(bench.data());
    command.env("RUST_LOG", "blotter_collector=trace").stderr(std::fs::File::create(&log)?);
    let mut collector = Daemon::spawn(command)?;
    let mut sender = Sender::http(collector.addresses().await?.http).await?;
    for export in &requests()?[..2] {
        anyhow::ensure!(matches!(sender.send(export).await?, Answer::Acknowledged(_)));
    }
    backend.wait_for(|it| it.is_taken).await?;
    collector.terminate().await?;
    let text = std::fs::read_to_string(&log)?;
    assert!(text.contains("forwarding") && text.contains("?(hidden)"), "{text}");
    assert!(!text.contains("hunter2"), "{text}");
    Ok(())
}
