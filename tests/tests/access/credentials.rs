//! Tokens: who is let in, as whom, and what is said and kept of who is not.

use std::net::SocketAddr;

use blotter_collector::{Error, Scope};
use blotter_schemas::names::blotter::events;
use blotter_schemas::tables::Event;

use super::client::Client;
use super::*;

const UNAUTHENTICATED: i32 = 16;
const PERMISSION_DENIED: i32 = 7;

fn told(rows: &[Event], name: &str) -> Vec<Event> {
    rows.iter().filter(|row| row.name.as_deref() == Some(name)).cloned().collect()
}

#[tokio::test]
async fn an_address_that_others_can_reach_needs_tls_and_credentials_or_is_recorded_as_insecure()
-> anyhow::Result<()> {
    let bench = Bench::new()?;
    let (_, table) = token("agent", &[Scope::Ingest], None, None)?;
    for toml in ["", &table] {
        let mut config = bench.config(toml)?;
        config.http = SocketAddr::from(([0, 0, 0, 0], 0));
        let refused = Collector::start(config).await;
        assert!(matches!(refused, Err(Error::Exposed { .. })), "{refused:?}");
    }
    let mut config = bench.config("[access]\ninsecure = true")?;
    config.http = SocketAddr::from(([0, 0, 0, 0], 0));
    let collector = Collector::start(config).await?;
    let [warning] = collector.warnings() else { panic!("{:?}", collector.warnings()) };
    assert!(warning.starts_with("INSECURE: 0.0.0.0:0 "), "{warning}");
    let client = Client::new(SocketAddr::from(([127, 0, 0, 1], collector.http_address().port())));
    assert_eq!(client.post(log("in the open", vec![])).await?.status, 200);
    collector.shutdown().await?;
    let recorded = told(&bench.events()?, events::BLOTTER_COLLECTOR_ACCESS_INSECURE);
    let [recorded] = recorded.as_slice() else { panic!("{recorded:?}") };
    assert_eq!(recorded.sender.as_deref(), Some("collector"));
    assert!(recorded.record.as_deref().is_some_and(|record| record.contains("0.0.0.0:0")));
    Ok(())
}

#[tokio::test]
async fn what_a_token_sends_is_stored_under_its_name_and_tenant_whatever_it_says_of_itself()
-> anyhow::Result<()> {
    let bench = Bench::new()?;
    let (acme, acme_table) = token("laptop", &[Scope::Ingest], Some("2099-01-01"), Some("acme"))?;
    let (other, other_table) = token("ci", &[Scope::Ingest, Scope::Read], None, None)?;
    let collector = bench.start(&format!("{acme_table}{other_table}")).await?;
    let claims = || {
        vec![
            attribute("blotter.collector.sender", "token:ci"),
            attribute("tenant", "victim"),
            attribute("blotter.tenant", "victim"),
        ]
    };
    let http = Client::new(collector.http_address()).header("x-scope-orgid", "victim");
    let body = with_resource("over http", claims(), claims());
    assert_eq!(http.clone().bearer(&acme).post(body).await?.status, 200);
    // A key that JSON hides behind an escape is the same key.
    let json = r#"{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":{"stringValue":"as json"},
        "eventName":"blotter.collector.forward.down",
        "attributes":[{"key":"\u0062lotter.collector.id","value":{"stringValue":"x"}}]}]}]}]}"#;
    assert_eq!(http.bearer(&other).post_json(json).await?.status, 200);
    let grpc = Client::new(collector.grpc_address()).bearer(&acme);
    assert_eq!(grpc.call(&log("over grpc", claims())).await?.code, 0);
    collector.shutdown().await?;

    let row = bench.event("over http")?;
    assert_eq!(
        (row.sender.as_deref(), row.tenant.as_deref()),
        (Some("token:laptop"), Some("acme"))
    );
    assert!(row.peer.as_deref().is_some_and(|peer| peer.starts_with("127.0.0.1:")), "{row:?}");
    let record = row.record.unwrap_or_default();
    assert_eq!(record.matches("\"claimed.blotter.collector.sender\"").count(), 2, "{record}");
    assert!(!record.contains("\"blotter.collector."), "{record}");
    assert_eq!(row.redactions.as_deref(), Some(r#"{"claimed":2}"#));
    let row = bench.event("over grpc")?;
    assert_eq!(
        (row.sender.as_deref(), row.tenant.as_deref()),
        (Some("token:laptop"), Some("acme"))
    );
    let row = bench.event("as json")?;
    assert_eq!((row.sender.as_deref(), row.tenant.as_deref()), (Some("token:ci"), None));
    assert_eq!(row.name.as_deref(), Some("claimed.blotter.collector.forward.down"));
    let record = row.record.unwrap_or_default();
    assert!(record.contains("claimed.blotter.collector.id"), "{record}");
    Ok(())
}

#[tokio::test]
async fn the_same_record_of_two_tokens_is_two_events() -> anyhow::Result<()> {
    let bench = Bench::new()?;
    let (one, one_table) = token("one", &[Scope::Ingest], None, Some("a"))?;
    let (two, two_table) = token("two", &[Scope::Ingest], None, Some("b"))?;
    let collector = bench.start(&format!("{one_table}{two_table}")).await?;
    for token in [&one, &two, &one] {
        let client = Client::new(collector.http_address()).bearer(token);
        assert_eq!(client.post(log("shared", vec![])).await?.status, 200);
    }
    collector.shutdown().await?;
    let mut rows = bench.events()?;
    rows.sort_by(|a, b| a.tenant.cmp(&b.tenant));
    let tenants: Vec<_> =
        rows.iter().map(|row| row.tenant.as_deref().unwrap_or_default()).collect();
    assert_eq!(tenants, ["a", "b"]);
    assert_ne!(rows[0].event_id, rows[1].event_id);
    Ok(())
}

#[tokio::test]
async fn who_shows_no_token_or_one_that_is_no_good_is_refused_over_both_transports()
-> anyhow::Result<()> {
    let bench = Bench::new()?;
    let (good, good_table) = token("good", &[Scope::Ingest], None, None)?;
    let (old, old_table) = token("old", &[Scope::Ingest], Some("2020-01-01"), None)?;
    let (read, read_table) = token("dashboard", &[Scope::Read, Scope::Admin], None, None)?;
    let toml = format!("[access]\nfailures_per_minute = 100\n{good_table}{old_table}{read_table}");
    let collector = bench.start(&toml).await?;
    let http = Client::new(collector.http_address());
    let grpc = Client::new(collector.grpc_address());
    for (header, status, code) in [
        (None, 401, UNAUTHENTICATED),
        (Some("Bearer blt_wrong".to_owned()), 401, UNAUTHENTICATED),
        (Some("Basic YWdlbnQ6cGFzc3dvcmQ=".to_owned()), 401, UNAUTHENTICATED),
        (Some(format!("Bearer {old}")), 401, UNAUTHENTICATED),
        (Some(format!("Bearer {read}")), 403, PERMISSION_DENIED),
        (Some(format!("bearer {good}")), 200, 0),
    ] {
        let with = |client: &Client| match &header {
            Some(header) => client.clone().header("authorization", header.clone()),
            None => client.clone(),
        };
        let answer = with(&http).post(log("a", vec![])).await?;
        assert_eq!(answer.status, status, "{header:?}");
        assert_eq!(answer.headers.contains_key("www-authenticate"), status == 401);
        assert!(!answer.headers.contains_key("retry-after"));
        let called = with(&grpc).call(&log("b", vec![])).await?;
        assert_eq!((called.code, called.pause), (code, None), "{header:?}");
        // Whoever is not let in learns nothing of what is served.
        if status == 401 {
            assert_eq!(with(&http).post(vec![1; 100]).await?.status, 401);
        }
    }
    assert_eq!(collector.failed_attempts(), 4 * 3 + 2);
    collector.shutdown().await?;
    let rows = bench.events()?;
    assert_eq!(rows.iter().filter(|row| row.sender.as_deref() == Some("token:good")).count(), 2);
    Ok(())
}

#[tokio::test]
async fn failed_attempts_are_put_off_counted_and_recorded_without_the_credential_and_a_right_one_is_heard()
-> anyhow::Result<()> {
    let bench = Bench::new()?;
    let (good, table) = token("good", &[Scope::Ingest], None, None)?;
    let collector = bench.start(&format!("[access]\nfailures_per_minute = 3\n{table}")).await?;
    let wrong = NewToken::make()?;
    let http = Client::new(collector.http_address());
    let (mut refused, mut put_off) = (0, 0);
    for _ in 0..8 {
        let answer = http.clone().bearer(wrong.reveal()).post(log("x", vec![])).await?;
        match answer.status.as_u16() {
            401 => refused += 1,
            429 => {
                put_off += 1;
                assert!(answer.headers.contains_key("retry-after"));
            }
            other => panic!("{other}"),
        }
        assert_eq!(http.clone().bearer(&good).post(log("fine", vec![])).await?.status, 200);
    }
    assert!(refused >= 3 && put_off > 0, "{refused} {put_off}");
    let called = Client::new(collector.grpc_address()).bearer("wrong").call(&[]).await?;
    assert_eq!(called.code, 8);
    assert!(called.pause.is_some_and(|pause| pause > 0), "{called:?}");
    assert_eq!(collector.failed_attempts(), 9);
    collector.shutdown().await?;

    let told = told(&bench.events()?, events::BLOTTER_COLLECTOR_ACCESS_REFUSED);
    let mut attempts = 0;
    for row in &told {
        let record: serde_json::Value =
            serde_json::from_str(row.record.as_deref().unwrap_or_default())?;
        let all = &record["resourceLogs"][0]["scopeLogs"][0]["logRecords"][0]["attributes"];
        for attribute in all.as_array().into_iter().flatten() {
            match attribute["key"].as_str() {
                Some("blotter.collector.attempts") => {
                    let count = attribute["value"]["intValue"].as_str().unwrap_or_default();
                    attempts += count.parse::<u64>()?;
                }
                Some("blotter.collector.peer") => {
                    assert_eq!(attribute["value"]["stringValue"], "127.0.0.1");
                }
                _ => {}
            }
        }
    }
    assert_eq!(attempts, 9, "{told:?}");
    assert!(told.len() <= 2, "told of together: {}", told.len());
    // Neither token lies anywhere in the collector's folders.
    let mut folders = vec![bench.path("data")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder)? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let content = std::fs::read(&path)?;
            for token in [wrong.reveal(), &good] {
                let found = memchr::memmem::find(&content, token.as_bytes());
                assert!(found.is_none(), "{}", path.display());
            }
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_token_that_is_taken_out_of_the_file_lets_nobody_in_any_more_and_a_new_one_does()
-> anyhow::Result<()> {
    let bench = Bench::new()?;
    let (old, old_table) = token("agent", &[Scope::Ingest], None, None)?;
    let (new, new_table) = token("agent", &[Scope::Ingest], None, None)?;
    // It is asked often, with credentials that are not good.
    let often = "[access]\nfailures_per_minute = 1_000_000\n";
    let mut config = bench.config(&format!("{often}{old_table}"))?;
    config.file = Some(bench.path("collector.toml"));
    let collector = Collector::start(config).await?;
    let client = |token: &str| Client::new(collector.http_address()).bearer(token);
    assert_eq!(client(&old).post(log("with the old", vec![])).await?.status, 200);
    assert_eq!(client(&new).post(log("too early", vec![])).await?.status, 401);
    std::fs::write(bench.path("collector.toml"), new_table)?;
    while client(&new).post(log("with the new", vec![])).await?.status != 200 {
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    assert_eq!(client(&old).post(log("too late", vec![])).await?.status, 401);
    // Nothing in it is not everybody.
    std::fs::write(bench.path("collector.toml"), "")?;
    while client(&new).post(log("with none", vec![])).await?.status == 200 {
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    let nobody = Client::new(collector.http_address()).post(log("nobody", vec![])).await?;
    assert_eq!(nobody.status, 401);
    collector.shutdown().await?;
    let told = bench.events()?;
    let name = blotter_schemas::names::blotter::events::BLOTTER_COLLECTOR_ACCESS_CREDENTIALS;
    let told = told.iter().filter(|row| row.name.as_deref() == Some(name)).count();
    assert_eq!(told, 2);
    Ok(())
}
