//! The OpenTelemetry SDK for Python sends over each of its transports; every field is read back.

use std::path::Path;

use blotter_archive::Archive;
use blotter_collector::{Collector, Config};
use blotter_schemas::otlp::{Request, Signal};
use blotter_tests::captures::Capture;
use blotter_tests::guests::{installed, workspace};
use blotter_tests::records::{archived, comparable, split};
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

async fn comes_back(protocol: &str, compression: &str) -> anyhow::Result<()> {
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
    let sent = data.path().join("sent");
    let output = Command::new(python)
        .arg(workspace().join("tests/python/send_telemetry.py"))
        .args(["--protocol", protocol, "--compression", compression])
        .args(["--endpoint", &format!("http://{address}"), "--sent"])
        .arg(&sent)
        .output()
        .await?;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    collector.shutdown().await?;

    let archive = Archive::open(&location).await?;
    for signal in Signal::ALL {
        let sent = sent_records(&sent, signal)?;
        assert!(!sent.is_empty(), "the SDK sent no {}", signal.name());
        assert_eq!(comparable(&sent), comparable(&archived(&archive, signal).await?));
    }
    Ok(())
}

/// The records of one signal among the requests that the script wrote down.
fn sent_records(folder: &Path, signal: Signal) -> anyhow::Result<Vec<Request>> {
    let sent = Capture { name: "python-sdk".to_owned(), folder: folder.to_path_buf() };
    let mut records = Vec::new();
    for export in sent.exports()? {
        if export.signal == signal {
            records.extend(split(&Request::decode(signal, export.encoding, &export.body)?));
        }
    }
    Ok(records)
}
