//! TLS: what the ports show, whose certificates let in, and changed files.

use std::time::Duration;

use blotter_collector::{Asked, NotAsked, Scope};
use blotter_schemas::names::blotter::events;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::authority::Authority;
use super::client::Client;
use super::*;

const TLS: &str = "[access.tls]\ncertificate_file = \"server.pem\"\nkey_file = \"server.key\"\n";

#[tokio::test]
async fn a_port_with_tls_serves_both_protocols_and_nothing_without_tls() -> anyhow::Result<()> {
    let bench = Bench::new()?;
    let authority = Authority::new("one")?;
    authority.write_server(bench.folder.path())?;
    let (good, table) = token("good", &[Scope::Ingest], None, None)?;
    let mut config = bench.config(&format!("{TLS}{table}"))?;
    // With TLS and a token any address may be listened on.
    config.grpc.set_ip([0, 0, 0, 0].into());
    let collector = Collector::start(config).await?;
    assert!(collector.has_tls() && collector.warnings().is_empty());
    let client = Client::new(collector.http_address()).with_tls(&authority, None)?.bearer(&good);
    assert_eq!(client.post(log("one", vec![])).await?.status, 200);
    assert_eq!(client.clone().over_http2().post(log("two", vec![])).await?.status, 200);
    assert_eq!(client.call(&log("three", vec![])).await?.code, 0);
    assert!(
        Client::new(collector.http_address())
            .bearer(&good)
            .post(log("four", vec![]))
            .await
            .is_err()
    );
    // Whoever speaks something else is hung up on, and nobody else is disturbed.
    let mut plain = TcpStream::connect(collector.http_address()).await?;
    plain.write_all(b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n").await?;
    let mut said = Vec::new();
    let _ = plain.read_to_end(&mut said).await;
    assert!(!said.starts_with(b"HTTP"));
    assert_eq!(client.post(log("five", vec![])).await?.status, 200);
    collector.shutdown().await?;
    assert_eq!(bench.events()?.len(), 4);
    Ok(())
}

#[tokio::test]
async fn a_collector_with_tls_is_asked_over_tls_and_only_one_that_shows_its_certificate_is_believed()
-> anyhow::Result<()> {
    let bench = Bench::new()?;
    let authority = Authority::new("one")?;
    authority.write_server(bench.folder.path())?;
    let (good, table) = token("good", &[Scope::Read], None, None)?;
    let collector = bench.start(&format!("{TLS}{table}")).await?;
    let asked = Asked::find(&bench.path("data"))?;
    asked.health().await?;
    assert!(asked.report(Some(&good)).await?.ready);
    let refused = asked.report(None).await.err().context("it let in")?;
    assert!(matches!(refused, NotAsked::Refused { .. }), "{refused}");
    let address = collector.http_address();
    let stranger = bench.path("stranger.pem");
    std::fs::write(&stranger, authority.make("server", &["127.0.0.1"])?.certificate)?;
    let silent = Asked::Tls { address, certificate: stranger }.health().await;
    assert!(matches!(silent, Err(NotAsked::Silent { .. })), "{silent:?}");
    collector.shutdown().await?;
    Ok(())
}

#[tokio::test]
async fn a_client_certificate_lets_in_whom_the_configuration_names_and_nobody_else()
-> anyhow::Result<()> {
    let bench = Bench::new()?;
    let (authority, stranger) = (Authority::new("ours")?, Authority::new("theirs")?);
    authority.write_server(bench.folder.path())?;
    std::fs::write(bench.path("clients.pem"), authority.pem())?;
    let toml = format!(
        "{TLS}client_ca_file = \"clients.pem\"\n\
         [[access.clients]]\nname = \"agent one\"\ntenant = \"acme\"\n\
         [[access.clients]]\nname = \"desk.example\"\nscopes = [\"read\"]\n"
    );
    let collector = bench.start(&toml).await?;
    let client = |name: &str, hosts: &[&str]| -> anyhow::Result<Client> {
        let made = authority.make(name, hosts)?;
        Client::new(collector.http_address()).with_tls(&authority, Some(&made))
    };
    assert_eq!(client("agent one", &[])?.post(log("known", vec![])).await?.status, 200);
    assert_eq!(client("agent one", &[])?.call(&log("again", vec![])).await?.code, 0);
    assert_eq!(client("agent two", &[])?.post(log("a", vec![])).await?.status, 403);
    assert_eq!(client("agent two", &[])?.call(&log("a", vec![])).await?.code, 7);
    assert_eq!(client("x", &["desk.example"])?.post(log("b", vec![])).await?.status, 403);

    let theirs = stranger.make("agent one", &[])?;
    let stranger = Client::new(collector.http_address()).with_tls(&authority, Some(&theirs))?;
    assert!(stranger.post(log("c", vec![])).await.is_err());
    let nobody = Client::new(collector.http_address()).with_tls(&authority, None)?;
    assert_eq!(nobody.post(log("d", vec![])).await?.status, 401);
    // Who only asks whether the collector is well needs none, and has not failed.
    assert!(nobody.is_well().await?);
    // What fails in the handshake is counted after its sender has heard of it.
    for _ in 0..100 {
        if collector.failed_attempts() < 5 {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
    assert_eq!(collector.failed_attempts(), 5);
    collector.shutdown().await?;

    let row = bench.event("known")?;
    assert_eq!(row.sender.as_deref(), Some("certificate:agent one"));
    assert_eq!(row.tenant.as_deref(), Some("acme"));
    let others =
        bench.events()?.into_iter().filter(|row| row.sender.as_deref() != Some("collector"));
    assert_eq!(others.count(), 2);
    Ok(())
}

#[tokio::test]
async fn where_tokens_are_let_in_as_well_a_certificate_is_not_needed() -> anyhow::Result<()> {
    let bench = Bench::new()?;
    let authority = Authority::new("ours")?;
    authority.write_server(bench.folder.path())?;
    std::fs::write(bench.path("clients.pem"), authority.pem())?;
    let (good, table) = token("good", &[Scope::Ingest], None, None)?;
    let toml = format!(
        "{TLS}client_ca_file = \"clients.pem\"\n[[access.clients]]\nname = \"agent\"\n{table}"
    );
    let collector = bench.start(&toml).await?;
    let made = authority.make("agent", &[])?;
    let client = Client::new(collector.http_address());
    let shows = client.clone().with_tls(&authority, Some(&made))?;
    let not = client.with_tls(&authority, None)?;
    assert_eq!(shows.post(log("by certificate", vec![])).await?.status, 200);
    assert_eq!(not.post(log("a", vec![])).await?.status, 401);
    assert_eq!(not.bearer(&good).post(log("by token", vec![])).await?.status, 200);
    // A token that is shown counts, also beside a certificate.
    assert_eq!(shows.clone().bearer("wrong").post(log("b", vec![])).await?.status, 401);
    assert_eq!(shows.bearer(&good).post(log("by both", vec![])).await?.status, 200);
    collector.shutdown().await?;
    let sender = |text: &str| anyhow::Ok(bench.event(text)?.sender.unwrap_or_default());
    assert_eq!(sender("by certificate")?, "certificate:agent");
    assert_eq!(sender("by token")?, "token:good");
    assert_eq!(sender("by both")?, "token:good");
    Ok(())
}

#[tokio::test]
async fn changed_files_are_used_without_a_restart_and_broken_ones_are_recorded_and_are_not()
-> anyhow::Result<()> {
    let bench = Bench::new()?;
    let (first, second) = (Authority::new("first")?, Authority::new("second")?);
    first.write_server(bench.folder.path())?;
    let (good, table) = token("good", &[Scope::Ingest], None, None)?;
    let collector = bench.start(&format!("{TLS}{table}")).await?;
    let client = |authority: &Authority| {
        anyhow::Ok(Client::new(collector.http_address()).with_tls(authority, None)?.bearer(&good))
    };
    assert_eq!(client(&first)?.post(log("first", vec![])).await?.status, 200);
    assert!(client(&second)?.post(log("second", vec![])).await.is_err());
    std::fs::write(bench.path("server.pem"), "no certificate")?;
    let told = || {
        let rows = bench.events().unwrap_or_default();
        let name = Some(events::BLOTTER_COLLECTOR_ACCESS_CERTIFICATE);
        rows.into_iter().filter(|row| row.name.as_deref() == name).collect::<Vec<_>>()
    };
    for _ in 0..100 {
        if told().is_empty() {
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
    }
    assert_eq!(client(&first)?.post(log("still", vec![])).await?.status, 200);
    second.write_server(bench.folder.path())?;
    let mut taken_up = false;
    for _ in 0..100 {
        taken_up = client(&second)?.post(log("later", vec![])).await.is_ok();
        if taken_up {
            break;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    assert!(taken_up, "not taken up");
    assert!(client(&first)?.post(log("no more", vec![])).await.is_err());
    collector.shutdown().await?;
    let told = told();
    let broken = told.iter().filter(|row| row.severity == Some(13));
    let reasons: Vec<_> = broken.filter_map(|row| row.record.as_deref()).collect();
    assert!(reasons.iter().any(|record| record.contains("holds no certificate")), "{reasons:?}");
    assert!(told.iter().any(|row| row.severity == Some(9)), "{told:?}");
    Ok(())
}

const CLIENTS: &str = "client_ca_file = \"clients.pem\"\n[[access.clients]]\nname = \"agent\"\n";

#[tokio::test]
async fn other_authorities_end_the_connections_that_certificates_of_the_old_ones_opened()
-> anyhow::Result<()> {
    let bench = Bench::new()?;
    let (authority, next) = (Authority::new("ours")?, Authority::new("next")?);
    authority.write_server(bench.folder.path())?;
    std::fs::write(bench.path("clients.pem"), authority.pem())?;
    let (good, table) = token("good", &[Scope::Ingest], None, None)?;
    let collector = bench.start(&format!("{TLS}{CLIENTS}{table}")).await?;
    let client = Client::new(collector.http_address());
    let made = authority.make("agent", &[])?;
    let mut shows = client.clone().with_tls(&authority, Some(&made))?.keep().await?;
    let mut not = client.with_tls(&authority, None)?.bearer(&good).keep().await?;
    assert_eq!(shows.post(log("one", vec![])).await?, 200);
    assert_eq!(not.post(log("two", vec![])).await?, 200);
    std::fs::write(bench.path("clients.pem"), next.pem())?;
    for _ in 0..600 {
        if shows.is_ended() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!(shows.is_ended() && !not.is_ended());
    assert_eq!(not.post(log("three", vec![])).await?, 200);
    collector.shutdown().await?;
    Ok(())
}

#[tokio::test]
async fn a_certificate_that_expires_in_use_lets_in_no_more() -> anyhow::Result<()> {
    let bench = Bench::new()?;
    let authority = Authority::new("ours")?;
    authority.write_server(bench.folder.path())?;
    std::fs::write(bench.path("clients.pem"), authority.pem())?;
    let collector = bench.start(&format!("{TLS}{CLIENTS}")).await?;
    let made = authority.make_for("agent", Duration::from_secs(10))?;
    let client = Client::new(collector.http_address()).with_tls(&authority, Some(&made))?;
    let mut kept = client.keep().await?;
    assert_eq!(kept.post(log("valid", vec![])).await?, 200);
    let mut last = http::StatusCode::OK;
    for number in 0..600 {
        last = kept.post(log(&format!("request {number}"), vec![])).await?;
        if last != 200 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(last, 401);
    collector.shutdown().await?;
    let told = bench.event("client certificate `agent` has expired")?;
    assert_eq!(told.name.as_deref(), Some(events::BLOTTER_COLLECTOR_ACCESS_REFUSED));
    Ok(())
}
