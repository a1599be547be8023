//! A process that is no agent and posts records as if it were: what a command that an agent runs can do.

use std::net::SocketAddr;
use std::process::Stdio;

use anyhow::{Context as _, ensure};
use blotter_schemas::otlp::{Encoding, Request, Signal};
use blotter_tests::captures::encode;
use blotter_tests::client::Export;
use bytes::Bytes;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

/// Posts what comes on standard input, and prints the first line of the answer. Bash does it by itself:
/// no other program is needed.
const POST: &str = r#"
exec 3<>"/dev/tcp/$1/$2" || exit 1
printf 'POST /v1/%s HTTP/1.1\r\nHost: localhost\r\nContent-Type: %s\r\nContent-Length: %s\r\nConnection: close\r\n\r\n' "$3" "$4" "$5" >&3
cat >&3
read -r answer <&3
echo "$answer""#;

/// Posts `export` to `address` from a process of its own, as `uid` where one is given (which takes root).
pub async fn post(address: SocketAddr, export: &Export, uid: Option<u32>) -> anyhow::Result<()> {
    let content_type = match export.encoding {
        Encoding::Protobuf => "application/x-protobuf",
        Encoding::Json => "application/json",
    };
    let mut command = Command::new("/bin/bash");
    command
        .args(["-c", POST, "forger", &address.ip().to_string(), &address.port().to_string()])
        .args([export.signal.name(), content_type, &export.body.len().to_string()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .current_dir("/");
    if let Some(uid) = uid {
        command.uid(uid);
    }
    let mut child = command.spawn().context("cannot start bash")?;
    let mut stdin = child.stdin.take().context("no standard input")?;
    stdin.write_all(&export.body).await?;
    drop(stdin);
    let output = child.wait_with_output().await?;
    let said = String::from_utf8_lossy(&output.stdout);
    let trouble = String::from_utf8_lossy(&output.stderr);
    ensure!(said.starts_with("HTTP/1.1 200"), "the forged record was not taken: {said} {trouble}");
    Ok(())
}

/// A log record as Codex sends it, with these attributes on the record and on its resource.
pub fn record(time_unix_nano: &str, resource: &[(&str, &str)], record: &[(&str, &str)]) -> Export {
    let attributes = |pairs: &[(&str, &str)]| -> Vec<Value> {
        let pair =
            |(key, value): &(&str, &str)| json!({"key": key, "value": {"stringValue": value}});
        pairs.iter().map(pair).collect()
    };
    let request = json!({"resourceLogs": [{
        "resource": {"attributes": attributes(resource)},
        "scopeLogs": [{
            "scope": {"name": "codex_otel.log_only"},
            "logRecords": [{
                "timeUnixNano": time_unix_nano,
                "observedTimeUnixNano": time_unix_nano,
                "attributes": attributes(record),
            }],
        }],
    }]});
    let body = Bytes::from(request.to_string());
    Export { signal: Signal::Logs, encoding: Encoding::Json, body }
}

/// The records of several requests in JSON as one request, which one process sends.
pub fn together(exports: &[Export]) -> anyhow::Result<Export> {
    let mut all = Vec::new();
    for export in exports {
        let request: Value = serde_json::from_slice(&export.body)?;
        let logs = request.get("resourceLogs").and_then(Value::as_array);
        all.extend(logs.cloned().unwrap_or_default());
    }
    let body = Bytes::from(json!({ "resourceLogs": all }).to_string());
    Ok(Export { signal: Signal::Logs, encoding: Encoding::Json, body })
}

/// The same request with every text `from` replaced by `to`, which has the same length.
pub fn altered(export: &Export, from: &str, to: &str) -> anyhow::Result<Export> {
    ensure!(from.len() == to.len(), "the lengths of Protobuf would be wrong");
    let mut body = export.body.to_vec();
    let mut at = 0;
    while let Some(found) = body
        .get(at..)
        .and_then(|rest| rest.windows(from.len()).position(|it| it == from.as_bytes()))
    {
        at += found;
        if let Some(place) = body.get_mut(at..at + from.len()) {
            place.copy_from_slice(to.as_bytes());
        }
        at += from.len();
    }
    let altered = Request::decode(export.signal, export.encoding, &body)?;
    ensure!(body != export.body, "`{from}` is not in the request");
    Ok(Export { signal: export.signal, encoding: Encoding::Protobuf, body: encode(&altered) })
}
