//! What an operator sees of a running collector: `/metrics`, `/healthz`, `/readyz`, `/status`, draining.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use blotter_collector::{Asked, Collector, Report};
use blotter_schemas::tables::Table;
use http::{Method, StatusCode};
use support::{
    Answer, JSON, PROTOBUF, config, export, logs, metrics, post, rows, send, spans, start,
    wait_for_rows,
};

async fn get(address: SocketAddr, path: &str) -> Answer {
    send(address, false, Method::GET, path, &[], Vec::new()).await
}

fn text(answer: &Answer) -> String {
    String::from_utf8(answer.body.clone()).unwrap()
}

/// Every sample by its name and labels.
async fn samples(address: SocketAddr) -> BTreeMap<String, f64> {
    let answer = get(address, "/metrics").await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.header("content-type"), "text/plain; version=0.0.4; charset=utf-8");
    let text = text(&answer);
    let samples = text.lines().filter(|line| !line.starts_with('#'));
    samples
        .map(|line| {
            let (name, value) = line.rsplit_once(' ').unwrap();
            (name.to_owned(), value.parse().unwrap())
        })
        .collect()
}

async fn report(collector: &Collector) -> Report {
    Asked::Tcp(collector.http_address()).report(None).await.unwrap()
}

#[tokio::test]
async fn metrics_count_what_was_received_refused_redacted_and_committed() {
    let data = tempfile::tempdir().unwrap();
    let collector = start(data.path()).await;
    let address = collector.http_address();
    export(&collector, "logs", logs(0, 3)).await;
    export(&collector, "logs", logs(0, 3)).await;
    export(&collector, "traces", spans(0, 2)).await;
    export(&collector, "metrics", metrics(0, 1)).await;
    let secret = r#"{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":{"stringValue":
        "token ghp_0123456789abcdefghijABCDEFGHIJ012345"}}]}]}]}"#;
    let answer = post(address, "/v1/logs", &[("content-type", JSON)], secret.into()).await;
    assert_eq!(answer.status, StatusCode::OK);
    let answer = post(address, "/v1/logs", &[("content-type", PROTOBUF)], vec![0xff]).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert_eq!(get(address, "/v1/logs").await.status, StatusCode::METHOD_NOT_ALLOWED);
    wait_for_rows(data.path(), Table::Metrics, 1).await;
    wait_for_rows(data.path(), Table::Events, 4).await;
    // The rows are there a moment before the commit is counted.
    for _ in 0..600 {
        if samples(address).await["blotter_collector_consumer_waiting_records{consumer=\"archive\"}"]
            == 0.0
        {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let found = samples(address).await;
    let value = |name: &str| {
        let name = format!("blotter_collector_{name}");
        *found.get(&name).unwrap_or_else(|| panic!("no {name} in {found:#?}"))
    };
    assert_eq!(value("requests_total{signal=\"logs\",transport=\"http\"}"), 4.0);
    assert_eq!(value("acknowledged_requests_total{signal=\"logs\",transport=\"http\"}"), 3.0);
    assert_eq!(value("acknowledged_records_total{signal=\"logs\",transport=\"http\"}"), 7.0);
    assert_eq!(value("acknowledged_records_total{signal=\"traces\",transport=\"http\"}"), 2.0);
    assert_eq!(value("acknowledged_records_total{signal=\"metrics\",transport=\"grpc\"}"), 0.0);
    assert!(value("received_bytes_total{signal=\"logs\",transport=\"http\"}") > 100.0);
    assert_eq!(value("repeated_requests_total"), 1.0);
    assert_eq!(value("refusals_total{transport=\"http\",reason=\"undecodable\"}"), 1.0);
    assert_eq!(value("refusals_total{transport=\"http\",reason=\"method\"}"), 1.0);
    let redactions: f64 =
        found.iter().filter(|(name, _)| name.contains("redactions_total{")).map(|(_, it)| it).sum();
    assert_eq!(redactions, 1.0);
    assert_eq!(value("journal_records_total"), 7.0);
    assert_eq!(value("journal_writable"), 1.0);
    assert_eq!(value("ready"), 1.0);
    assert_eq!(value("archive_writing"), 1.0);
    assert!(value("commits_total") >= 1.0);
    assert!(value("committed_rows_total") >= 7.0);
    assert!(value("last_commit_timestamp_seconds") > 1_700_000_000.0);
    assert!(value("journal_append_seconds_count") >= 4.0);
    assert_eq!(
        value("journal_append_seconds_bucket{le=\"+Inf\"}"),
        value("journal_append_seconds_count")
    );
    assert_eq!(value("consumer_oldest_waiting_seconds{consumer=\"archive\"}"), 0.0);
    assert_eq!(value("requests_in_flight"), 0.0);
    assert_eq!(value("in_flight_bytes"), 0.0);
    assert!(value("connections") >= 1.0);
    assert!(value("resident_memory_bytes") > 1e6);
    collector.shutdown().await.unwrap();
}

#[tokio::test]
async fn metrics_keep_to_the_conventions_of_their_format() {
    let data = tempfile::tempdir().unwrap();
    let collector = start(data.path()).await;
    let text = text(&get(collector.http_address(), "/metrics").await);
    let mut families = BTreeSet::new();
    let mut family = String::new();
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            let (name, help) = rest.split_once(' ').unwrap();
            assert!(help.ends_with('.'), "{line}");
            assert!(families.insert(name.to_owned()), "{name} twice");
            family = name.to_owned();
        } else if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').unwrap();
            assert_eq!(name, family);
            assert_eq!(name.ends_with("_total"), kind == "counter", "{line}");
        } else {
            let name = line.split(['{', ' ']).next().unwrap();
            let base = ["_bucket", "_sum", "_count"]
                .iter()
                .find_map(|suffix| name.strip_suffix(suffix).filter(|it| *it == family))
                .unwrap_or(name);
            assert_eq!(base, family, "{line}");
            assert!(name.starts_with("blotter_collector_"), "{line}");
        }
    }
    assert!(families.len() > 40, "{families:?}");
    collector.shutdown().await.unwrap();
}

#[tokio::test]
async fn what_is_served_beside_otlp_is_served_for_get_and_head_over_both_versions_of_http() {
    let data = tempfile::tempdir().unwrap();
    let collector = start(data.path()).await;
    for address in [collector.http_address(), collector.grpc_address()] {
        for (http2, path) in [false, true].into_iter().flat_map(|http2| {
            ["/metrics", "/healthz", "/readyz", "/status"].map(|path| (http2, path))
        }) {
            let got = send(address, http2, Method::GET, path, &[], Vec::new()).await;
            assert_eq!(got.status, StatusCode::OK, "{path}");
            assert!(!got.body.is_empty(), "{path}");
            let head = send(address, http2, Method::HEAD, path, &[], Vec::new()).await;
            assert_eq!((head.status, head.body.len()), (StatusCode::OK, 0), "{path}");
            assert!(head.header("content-length").parse::<usize>().unwrap() > 0, "{path}");
            let posted = post(address, path, &[("content-type", PROTOBUF)], logs(0, 1)).await;
            assert_eq!(posted.status, StatusCode::NOT_FOUND, "{path}");
        }
    }
    collector.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_full_journal_is_not_ready_and_is_ready_again_once_there_is_room() {
    let data = tempfile::tempdir().unwrap();
    // Nothing is due for a commit before the journal is full.
    let mut config = config(data.path());
    config.journal.segment_bytes = 8192;
    config.journal.max_bytes = 3 * 8192;
    config.commit.quiet = Duration::from_secs(3600);
    config.commit.interval = Duration::from_secs(3600);
    let collector = Collector::start(config).await.unwrap();
    let address = collector.http_address();
    assert_eq!(get(address, "/readyz").await.status, StatusCode::OK);
    let mut sent = 0;
    loop {
        let body = logs(sent * 10, 10);
        let answer = post(address, "/v1/logs", &[("content-type", PROTOBUF)], body).await;
        if answer.status != StatusCode::OK {
            break;
        }
        sent += 1;
        assert!(sent < 1000, "the journal is never full");
    }
    let unready = get(address, "/readyz").await;
    assert_eq!(unready.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(text(&unready).contains("the journal is full"), "{unready:?}");
    assert_eq!(get(address, "/healthz").await.status, StatusCode::OK);
    let found = samples(address).await;
    assert_eq!(found["blotter_collector_ready"], 0.0);
    assert_eq!(found["blotter_collector_not_ready{reason=\"journal_full\"}"], 1.0);
    assert_eq!(found["blotter_collector_journal_writable"], 0.0);
    assert_eq!(
        found["blotter_collector_refusals_total{transport=\"http\",reason=\"journal_full\"}"],
        1.0
    );
    let names: Vec<String> =
        report(&collector).await.problems.into_iter().map(|it| it.name).collect();
    assert_eq!(names, ["not_ready", "journal_nearly_full"]);
    collector.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_drained_collector_refuses_for_now_keeps_what_it_has_and_can_go_on() {
    let data = tempfile::tempdir().unwrap();
    let collector = start(data.path()).await;
    let address = collector.http_address();
    export(&collector, "logs", logs(0, 5)).await;
    collector.drain();
    let refused = post(address, "/v1/logs", &[("content-type", PROTOBUF)], logs(5, 5)).await;
    assert_eq!(refused.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!((refused.header("retry-after"), refused.rpc_status().0), ("1", 14));
    let unready = get(address, "/readyz").await;
    assert_eq!(unready.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(text(&unready).contains("drained"));
    wait_for_rows(data.path(), Table::Events, 5).await;
    let told = report(&collector).await;
    assert!(told.draining && !told.ready, "{told:?}");
    assert_eq!(told.problems[0].name, "draining");
    assert_eq!(told.refusals, BTreeMap::from([("draining".to_owned(), 1)]));
    collector.resume();
    assert_eq!(get(address, "/readyz").await.status, StatusCode::OK);
    export(&collector, "logs", logs(5, 5)).await;
    collector.shutdown().await.unwrap();
    // That it was drained and that it went on is recorded, too.
    assert_eq!(rows(data.path(), Table::Events).await, (12, 12));
}

#[tokio::test]
async fn a_data_folder_says_where_its_collector_is_until_that_ends() {
    let data = tempfile::tempdir().unwrap();
    let socket = data.path().join("socket");
    let mut with_socket = config(data.path());
    with_socket.unix = Some(socket.clone());
    let collector = Collector::start(with_socket).await.unwrap();
    let asked = Asked::find(data.path()).unwrap();
    assert!(matches!(&asked, Asked::Unix(path) if *path == socket), "{asked:?}");
    let told = asked.report(None).await.unwrap();
    assert!(told.ready && told.problems.is_empty());
    collector.shutdown().await.unwrap();
    assert!(Asked::find(data.path()).is_err());
    assert!(Asked::find(Path::new("/nowhere")).is_err());
}

#[tokio::test]
async fn a_data_folder_that_the_collector_makes_is_its_users_alone_and_one_that_is_there_stays() {
    use std::os::unix::fs::PermissionsExt as _;

    let folder = tempfile::tempdir().unwrap();
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let made = folder.path().join("a/b");
    start(&made).await.shutdown().await.unwrap();
    assert_eq!(mode(&made), 0o700);
    let there = folder.path().join("there");
    std::fs::create_dir(&there).unwrap();
    std::fs::set_permissions(&there, std::fs::Permissions::from_mode(0o750)).unwrap();
    start(&there).await.shutdown().await.unwrap();
    assert_eq!(mode(&there), 0o750);
}
