//! Real backends over their real endpoints, asked for what came: the collector rotel, whose own exports
//! are looked at, and Arize Phoenix, which is asked for its spans.

use std::collections::BTreeSet;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::Context as _;
use blotter_schemas::otlp::Signal;
use blotter_tests::backend::Backend;
use blotter_tests::guests::{installed, workspace};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Empty};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::{TcpListener, TcpStream};
use tokio::process::{Child, Command};

use super::*;

/// Longest time for a backend to start.
const START: Duration = Duration::from_secs(180);

async fn free() -> anyhow::Result<SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0").await?.local_addr()?)
}

async fn listening(address: SocketAddr, child: &mut Child) -> anyhow::Result<()> {
    let deadline = Instant::now() + START;
    while TcpStream::connect(address).await.is_err() {
        if let Some(status) = child.try_wait()? {
            bail!("the backend ended: {status}");
        }
        if Instant::now() > deadline {
            bail!("the backend does not listen");
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Ok(())
}

/// The program of the Python package rotel, where it is installed.
fn rotel() -> anyhow::Result<Option<PathBuf>> {
    if installed("venv/bin/python")?.is_none() {
        return Ok(None);
    }
    for entry in fs::read_dir(workspace().join(".tools/venv/lib"))? {
        let name = entry?.file_name();
        let program = Path::new("venv/lib").join(name).join("site-packages/rotel/rotel-agent");
        let found = installed(&program.to_string_lossy())?;
        if found.is_some() {
            return Ok(found);
        }
    }
    Ok(None)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_collector_takes_everything_and_passes_it_on() -> anyhow::Result<()> {
    let Some(program) = rotel()? else { return Ok(()) };
    let exports = requests()?;
    let sent = records(&exports)?;
    for protocol in ["grpc", "http/protobuf"] {
        let (bench, behind) = (Bench::new()?, Backend::start().await?);
        let (grpc, http) = (free().await?, free().await?);
        let folder = bench.folder.path();
        let mut collector = Command::new(&program)
            .arg("start")
            .args(["--otlp-grpc-endpoint", &grpc.to_string()])
            .args(["--otlp-http-endpoint", &http.to_string()])
            .args(["--exporter", "otlp", "--otlp-exporter-protocol", "http"])
            .args(["--otlp-exporter-endpoint", &behind.url()])
            .arg("--pid-file")
            .arg(folder.join("pid"))
            .arg("--log-file")
            .arg(folder.join("log"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .kill_on_drop(true)
            .spawn()?;
        listening(http, &mut collector).await?;
        listening(grpc, &mut collector).await?;
        let address = if protocol == "grpc" { grpc } else { http };
        let more = format!("protocol = \"{protocol}\"");
        let ours = bench.start(&destination("rotel", &format!("http://{address}"), &more)).await?;
        send(&ours, &exports).await?;
        let status = wait_until(&ours, "rotel", |it| it.waiting_records == 0).await?;
        assert_eq!((status.counts.rejected, status.counts.dead_letters), (0, 0), "{status:?}");
        for signal in Signal::ALL {
            let expected = sent.iter().filter(|it| it.signal() == signal).count();
            let deadline = Instant::now() + PATIENCE;
            while behind.records(signal)?.len() < expected && Instant::now() < deadline {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            let passed = behind.records(signal)?.len();
            println!("{protocol}: {passed} of {expected} {} came through rotel", signal.name());
            assert_eq!(passed, expected, "{protocol}, {}", signal.name());
        }
        ours.shutdown().await?;
        collector.kill().await?;
    }
    Ok(())
}

/// Trace and span of every span among records.
fn spans(records: &[Request]) -> BTreeSet<(String, String)> {
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let requests = records.iter().filter_map(|it| match it {
        Request::Traces(request) => Some(request),
        _ => None,
    });
    let scopes = requests.flat_map(|it| &it.resource_spans).flat_map(|it| &it.scope_spans);
    scopes.flat_map(|it| &it.spans).map(|it| (hex(&it.trace_id), hex(&it.span_id))).collect()
}

async fn get(address: SocketAddr, path: &str) -> anyhow::Result<(u16, Bytes)> {
    let stream = TcpStream::connect(address).await?;
    let (mut sender, driver) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(driver);
    let request =
        hyper::Request::get(path).header("host", "localhost").body(Empty::<Bytes>::new())?;
    let response = sender.send_request(request).await?;
    let status = response.status().as_u16();
    Ok((status, response.into_body().collect().await?.to_bytes()))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn phoenix_shows_every_span() -> anyhow::Result<()> {
    let Some(program) = installed("phoenix/bin/phoenix")? else { return Ok(()) };
    let exports = requests()?;
    let expected = spans(&records(&exports)?);
    assert!(expected.len() > 10);
    let (bench, http, grpc) = (Bench::new()?, free().await?, free().await?);
    let mut phoenix = Command::new(program)
        .arg("serve")
        .env("PHOENIX_WORKING_DIR", bench.folder.path().join("phoenix"))
        .env("PHOENIX_HOST", "127.0.0.1")
        .env("PHOENIX_PORT", http.port().to_string())
        .env("PHOENIX_GRPC_PORT", grpc.port().to_string())
        .env("PHOENIX_TELEMETRY_ENABLED", "false")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()?;
    listening(http, &mut phoenix).await?;
    // As `docs/backends.md` has it, over either transport.
    let toml = destination("phoenix", &format!("http://{http}"), "signals = [\"traces\"]")
        + &destination(
            "grpc",
            &format!("http://{grpc}"),
            "signals = [\"traces\"]\nprotocol = \"grpc\"",
        );
    let collector = bench.start(&toml).await?;
    send(&collector, &exports).await?;
    for name in ["phoenix", "grpc"] {
        let status = wait_until(&collector, name, |it| it.waiting_records == 0).await?;
        assert_eq!(status.counts.dead_letters, 0, "{status:?}");
        assert_eq!(usize::try_from(status.counts.forwarded)?, expected.len(), "{status:?}");
    }
    collector.shutdown().await?;
    let deadline = Instant::now() + PATIENCE;
    let found = loop {
        let (status, body) = get(http, "/v1/projects/default/spans/otlpv1?limit=1000").await?;
        let found = if status == 200 { shown(&body)? } else { BTreeSet::new() };
        if found == expected || Instant::now() > deadline {
            break found;
        }
        tokio::time::sleep(Duration::from_millis(300)).await;
    };
    println!("Phoenix shows {} of {} spans", found.len(), expected.len());
    assert_eq!(found, expected);
    phoenix.kill().await?;
    Ok(())
}

fn shown(body: &[u8]) -> anyhow::Result<BTreeSet<(String, String)>> {
    let answer: Value = serde_json::from_slice(body)?;
    let spans = answer.get("data").and_then(Value::as_array).context("no spans")?;
    let field = |span: &Value, names: [&str; 2]| {
        let found = names.iter().find_map(|name| span.get(name)).and_then(Value::as_str);
        found.map(ToOwned::to_owned).context("a span without its ids")
    };
    let id = |span: &Value| {
        Ok((field(span, ["trace_id", "traceId"])?, field(span, ["span_id", "spanId"])?))
    };
    spans.iter().map(id).collect()
}
