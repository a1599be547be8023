//! The OpenTelemetry SDK for JavaScript sends over each of its transports; every field is read back.

use blotter_collector::{Collector, Config};
use blotter_tests::guests::{installed, workspace};
use blotter_tests::sdk::came_back;
use tokio::process::Command;

#[tokio::test]
async fn every_field_sent_as_protobuf_over_http_comes_back() -> anyhow::Result<()> {
    comes_back("http/protobuf", "none").await
}

#[tokio::test]
async fn every_field_sent_as_protobuf_over_http_with_gzip_comes_back() -> anyhow::Result<()> {
    comes_back("http/protobuf", "gzip").await
}

#[tokio::test]
async fn every_field_sent_as_json_over_http_comes_back() -> anyhow::Result<()> {
    comes_back("http/json", "none").await
}

#[tokio::test]
async fn every_field_sent_as_json_over_http_with_gzip_comes_back() -> anyhow::Result<()> {
    comes_back("http/json", "gzip").await
}

#[tokio::test]
async fn every_field_sent_over_grpc_comes_back() -> anyhow::Result<()> {
    comes_back("grpc", "none").await
}

#[tokio::test]
async fn every_field_sent_over_grpc_with_gzip_comes_back() -> anyhow::Result<()> {
    comes_back("grpc", "gzip").await
}

async fn comes_back(protocol: &str, compression: &str) -> anyhow::Result<()> {
    let Some(packages) = installed("javascript/package.json")? else { return Ok(()) };
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
    let sent = data.path().join("sent");
    let output = Command::new("node")
        .arg(workspace().join("tests/javascript/send_telemetry.js"))
        .arg(packages.parent().unwrap_or(&packages))
        .args([protocol, &format!("http://{address}"), compression])
        .arg(&sent)
        .output()
        .await?;
    anyhow::ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    collector.shutdown().await?;
    came_back(&sent, &location, &data.path().join("blotter/archive")).await
}
