//! The OpenTelemetry SDK for Python sends over each of its transports; every field is read back.

use blotter_collector::{Collector, Config};
use blotter_tests::guests::{installed, workspace};
use blotter_tests::lossy_proxy::LossyProxy;
use blotter_tests::sdk::came_back;
use tokio::process::Command;

#[tokio::test]
async fn every_field_sent_over_http_comes_back() -> anyhow::Result<()> {
    comes_back("http", "none").await
}

#[tokio::test]
async fn every_field_sent_over_http_with_gzip_comes_back() -> anyhow::Result<()> {
    comes_back("http", "gzip").await
}

#[tokio::test]
async fn every_field_sent_over_grpc_comes_back() -> anyhow::Result<()> {
    comes_back("grpc", "none").await
}

#[tokio::test]
async fn every_field_sent_over_grpc_with_gzip_comes_back() -> anyhow::Result<()> {
    comes_back("grpc", "gzip").await
}

#[tokio::test]
async fn what_is_sent_again_over_http_because_its_answer_was_lost_comes_back_once()
-> anyhow::Result<()> {
    comes_back_once("http", "none", 2).await
}

#[tokio::test]
async fn what_is_sent_again_over_grpc_because_its_answer_was_lost_comes_back_once()
-> anyhow::Result<()> {
    comes_back_once("grpc", "none", 2).await
}

async fn comes_back(protocol: &str, compression: &str) -> anyhow::Result<()> {
    comes_back_once(protocol, compression, 0).await
}

/// The first `lost` answers do not reach the SDK.
async fn comes_back_once(protocol: &str, compression: &str, lost: u64) -> anyhow::Result<()> {
    let Some(python) = installed("venv/bin/python")? else { return Ok(()) };
    let data = tempfile::tempdir()?;
    let mut config = Config::new(data.path().join("blotter"))?;
    config.http.set_port(0);
    config.grpc.set_port(0);
    let location = config.archive.clone();
    let collector = Collector::start(config).await?;
    let address = match protocol {
        "grpc" => collector.grpc_address(),
        _ => collector.http_address(),
    };
    let network = LossyProxy::start(address, lost).await?;
    let address = network.address();
    let sent = data.path().join("sent");
    let output = Command::new(python)
        .arg(workspace().join("tests/python/send_telemetry.py"))
        .args(["--protocol", protocol, "--compression", compression])
        .args(["--endpoint", &format!("http://{address}"), "--sent"])
        .arg(&sent)
        .output()
        .await?;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(network.lost(), lost);
    collector.shutdown().await?;

    came_back(&sent, &location, &data.path().join("blotter/archive")).await
}
