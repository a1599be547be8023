//! The Unix socket: served like a port, guarded like a file, and it names who speaks.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

#[expect(dead_code, reason = "each test program uses a part of it")]
mod support;

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;

use blotter_archive::{Archive, Location, ScanRequest};
use blotter_collector::{Collector, Error, Limits};
use blotter_schemas::peer::{Address, Peer};
use blotter_schemas::tables::{Event, Row as _, Table};
use http::{Request, StatusCode, Version};
use http_body_util::{BodyExt as _, Full};
use hyper_util::rt::{TokioExecutor, TokioIo};
use support::{PROTOBUF, config, export, logs, rows, start};
use tokio::net::UnixStream;

async fn start_at(data: &Path, socket: &Path) -> Result<Collector, Error> {
    let mut config = config(data);
    config.unix = Some(socket.to_owned());
    Collector::start(config).await
}

async fn post(socket: &Path, version: Version, grpc: bool, body: Vec<u8>) -> (StatusCode, String) {
    let stream = TokioIo::new(UnixStream::connect(socket).await.unwrap());
    let (path, content_type) = match grpc {
        true => ("opentelemetry.proto.collector.logs.v1.LogsService/Export", "application/grpc"),
        false => ("v1/logs", PROTOBUF),
    };
    let request = Request::post(format!("http://localhost/{path}"))
        .version(version)
        .header("host", "localhost")
        .header("content-type", content_type)
        .body(Full::<bytes::Bytes>::from(body))
        .unwrap();
    let response = if version == Version::HTTP_2 {
        let (mut sender, driver) =
            hyper::client::conn::http2::handshake(TokioExecutor::new(), stream).await.unwrap();
        tokio::spawn(driver);
        sender.send_request(request).await.unwrap()
    } else {
        let (mut sender, driver) = hyper::client::conn::http1::handshake(stream).await.unwrap();
        tokio::spawn(driver);
        sender.send_request(request).await.unwrap()
    };
    let status = response.status();
    let body = response.into_body().collect().await.unwrap();
    let code = body.trailers().and_then(|trailers| trailers.get("grpc-status"));
    (status, code.map_or_else(String::new, |code| code.to_str().unwrap().to_owned()))
}

async fn events(data: &Path) -> Vec<Event> {
    let location = Location::parse(&data.join("archive").to_string_lossy()).unwrap();
    let archive = Archive::open(&location).await.unwrap();
    let mut scan = archive.scan(ScanRequest::new(Table::Events)).await.unwrap();
    let batches = scan.collect().await.unwrap();
    batches.iter().flat_map(|batch| Event::from_batch(batch).unwrap()).collect()
}

#[tokio::test]
async fn http_1_http_2_and_grpc_are_served_and_every_record_says_which_process_sent_it() {
    let data = tempfile::tempdir().unwrap();
    let socket = data.path().join("otlp.sock");
    let collector = start_at(&data.path().join("blotter"), &socket).await.unwrap();
    assert_eq!(collector.unix_path(), Some(socket.as_path()));
    let http = StatusCode::OK;
    assert_eq!(post(&socket, Version::HTTP_11, false, logs(0, 1)).await.0, http);
    assert_eq!(post(&socket, Version::HTTP_2, false, logs(1, 1)).await.0, http);
    let mut framed = vec![0];
    let message = logs(2, 1);
    framed.extend(u32::try_from(message.len()).unwrap().to_be_bytes());
    framed.extend(message);
    assert_eq!(post(&socket, Version::HTTP_2, true, framed).await, (http, "0".to_owned()));
    collector.shutdown().await.unwrap();

    let events = events(&data.path().join("blotter")).await;
    assert_eq!(events.len(), 3);
    for event in events {
        let peer = Peer::parse(event.peer.as_deref().unwrap());
        assert_eq!(peer.address, Address::Unix);
        assert_eq!(peer.process.uid, Some(rustix::process::geteuid().as_raw()));
        assert_eq!(peer.process.gid, Some(rustix::process::getegid().as_raw()));
        assert_eq!(peer.process.pid, Some(std::process::id()));
        assert_eq!(event.sender, None, "our own user needs no name");
    }
}

#[tokio::test]
async fn a_record_over_loopback_says_which_process_sent_it() {
    let data = tempfile::tempdir().unwrap();
    let collector = start(data.path()).await;
    export(&collector, "logs", logs(0, 1)).await;
    collector.shutdown().await.unwrap();
    for event in events(data.path()).await {
        let peer = Peer::parse(event.peer.as_deref().unwrap());
        assert!(peer.ip().unwrap().is_loopback());
        if cfg!(target_os = "linux") {
            assert_eq!(peer.process.uid, Some(rustix::process::geteuid().as_raw()));
            assert_eq!(peer.process.pid, Some(std::process::id()));
        }
        assert_eq!(event.sender, None);
    }
}

#[tokio::test]
async fn the_same_limits_hold_as_on_a_port() {
    let data = tempfile::tempdir().unwrap();
    let socket = data.path().join("otlp.sock");
    let mut config = config(&data.path().join("blotter"));
    config.unix = Some(socket.clone());
    config.limits = Limits { request_bytes: 100, ..Limits::default() };
    let collector = Collector::start(config).await.unwrap();
    let (status, _) = post(&socket, Version::HTTP_11, false, logs(0, 100)).await;
    assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE);
    collector.shutdown().await.unwrap();
}

#[tokio::test]
async fn only_our_own_user_may_connect_and_the_file_is_gone_after_an_orderly_end() {
    let data = tempfile::tempdir().unwrap();
    let socket = data.path().join("otlp.sock");
    let collector = start_at(&data.path().join("blotter"), &socket).await.unwrap();
    assert_eq!(fs::metadata(&socket).unwrap().permissions().mode() & 0o777, 0o600);
    collector.shutdown().await.unwrap();
    assert!(!socket.exists());
}

#[tokio::test]
async fn what_a_killed_collector_left_is_taken_over_and_a_living_one_is_not() {
    let data = tempfile::tempdir().unwrap();
    let socket = data.path().join("otlp.sock");
    drop(std::os::unix::net::UnixListener::bind(&socket).unwrap());
    assert!(socket.exists(), "a socket stays behind its process");
    let first = start_at(&data.path().join("first"), &socket).await.unwrap();
    let refused = start_at(&data.path().join("second"), &socket).await.unwrap_err().to_string();
    assert!(refused.contains("another program listens there"), "{refused}");
    assert_eq!(post(&socket, Version::HTTP_11, false, logs(0, 1)).await.0, StatusCode::OK);
    first.shutdown().await.unwrap();
    assert_eq!(rows(&data.path().join("first"), Table::Events).await, (1, 1));
}

#[tokio::test]
async fn a_file_that_is_no_socket_is_left_alone() {
    let data = tempfile::tempdir().unwrap();
    let file = data.path().join("precious");
    fs::write(&file, "precious").unwrap();
    let link = data.path().join("link");
    std::os::unix::fs::symlink(&file, &link).unwrap();
    for path in [&file, &link] {
        let refused = start_at(&data.path().join("blotter"), path).await.unwrap_err().to_string();
        assert!(refused.contains("no socket"), "{refused}");
    }
    assert_eq!(fs::read_to_string(&file).unwrap(), "precious");
}

#[tokio::test]
async fn a_path_that_no_socket_can_have_is_refused_with_its_length() {
    let data = tempfile::tempdir().unwrap();
    let long = data.path().join("x".repeat(110));
    let refused = start_at(&data.path().join("blotter"), &long).await.unwrap_err().to_string();
    assert!(refused.contains("a socket can have 10"), "{refused}");
    let missing = data.path().join("no/folder/otlp.sock");
    let refused = start_at(&data.path().join("blotter"), &missing).await.unwrap_err().to_string();
    assert!(refused.contains("create it"), "{refused}");
}

#[tokio::test]
async fn a_socket_that_another_made_in_the_meantime_is_not_removed() {
    let data = tempfile::tempdir().unwrap();
    let socket = data.path().join("otlp.sock");
    let collector = start_at(&data.path().join("blotter"), &socket).await.unwrap();
    // Keeps the inode from being given to the next file.
    fs::rename(&socket, data.path().join("moved.sock")).unwrap();
    let _other = std::os::unix::net::UnixListener::bind(&socket).unwrap();
    let inode = fs::metadata(&socket).unwrap().ino();
    collector.shutdown().await.unwrap();
    assert_eq!(fs::metadata(&socket).unwrap().ino(), inode);
}
