//! Connections of those who are not let in: they keep nobody out, and hold nothing.

use blotter_tests::operation::metrics;
use tokio::io::AsyncWriteExt as _;

use super::client::Client;
use super::*;

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";

/// A head of HTTP/2 whose body does not come: POST / of localhost, from HPACK's static table.
fn head(stream: u32) -> Vec<u8> {
    let block = [&[0x83, 0x86, 0x84, 0x41, 9][..], b"localhost"].concat();
    let length = u8::try_from(block.len()).unwrap_or(0);
    [&[0, 0, length, 1, 4][..], &stream.to_be_bytes(), &block].concat()
}

#[tokio::test]
async fn who_is_not_let_in_is_told_so_and_hung_up_on() -> anyhow::Result<()> {
    let bench = Bench::new()?;
    let (_, table) = token("good", &[Scope::Ingest], None, None)?;
    let collector = bench.start(&table).await?;
    let mut http1 = TcpStream::connect(collector.http_address()).await?;
    http1.write_all(b"GET /v1/logs HTTP/1.1\r\nhost: localhost\r\n\r\n").await?;
    let said = String::from_utf8_lossy(&until_closed(&mut http1).await?).to_lowercase();
    assert!(said.starts_with("http/1.1 401 ") && said.contains("connection: close"), "{said}");
    let mut http2 = TcpStream::connect(collector.http_address()).await?;
    http2.write_all(&[PREFACE, &head(1)].concat()).await?;
    until_closed(&mut http2).await?;
    collector.shutdown().await?;
    Ok(())
}

#[tokio::test]
async fn a_refused_sender_that_asks_before_it_sends_is_not_asked_to_send() -> anyhow::Result<()> {
    let bench = Bench::new()?;
    let (good, table) = token("good", &[Scope::Ingest], None, None)?;
    let collector = bench.start(&table).await?;
    let ask = |token: &str, length: usize| {
        format!(
            "POST /v1/logs HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {token}\r\n\
             content-type: application/json\r\nexpect: 100-continue\r\n\
             content-length: {length}\r\n\r\n"
        )
    };
    for (asked, status) in [(ask("wrong", 2), "401"), (ask(&good, 1 << 30), "413")] {
        let mut stream = TcpStream::connect(collector.http_address()).await?;
        stream.write_all(asked.as_bytes()).await?;
        let said = until_closed(&mut stream).await?;
        let said = String::from_utf8_lossy(&said);
        assert!(said.starts_with(&format!("HTTP/1.1 {status} ")), "{said}");
    }
    let mut stream = TcpStream::connect(collector.http_address()).await?;
    stream.write_all(ask(&good, 2).as_bytes()).await?;
    let mut said = [0; 256];
    let read = stream.read(&mut said).await?;
    assert!(said[..read].starts_with(b"HTTP/1.1 100 "));
    collector.shutdown().await?;
    Ok(())
}

#[tokio::test]
async fn however_many_connect_without_a_credential_a_good_sender_and_a_probe_are_answered()
-> anyhow::Result<()> {
    let bench = Bench::new()?;
    let (good, table) = token("good", &[Scope::Ingest], None, None)?;
    let toml =
        format!("[limits]\nconnections = 8\n[access]\nfailures_per_minute = 100000\n{table}");
    let collector = bench.start(&toml).await?;
    let address = collector.http_address();
    let mut hogs = tokio::task::JoinSet::new();
    for _ in 0..16 {
        hogs.spawn(async move {
            loop {
                let Ok(mut stream) = TcpStream::connect(address).await else { continue };
                let _ = stream.write_all(PREFACE).await;
                // A new request before the last one was given up.
                for number in 0..100 {
                    if stream.write_all(&head(2 * number + 1)).await.is_err() {
                        break;
                    }
                    tokio::time::sleep(Duration::from_millis(300)).await;
                }
            }
        });
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    let client = Client::new(address);
    for number in 0..10 {
        let well = tokio::time::timeout(PATIENCE, client.is_well()).await;
        assert!(well.context("no answer")??);
        let good = client.clone().bearer(&good);
        let sent = good.post(log(&format!("sent {number}"), vec![]));
        let answer = tokio::time::timeout(PATIENCE, sent).await.context("kept out")??;
        assert_eq!(answer.status, 200);
    }
    hogs.shutdown().await;
    collector.shutdown().await?;
    Ok(())
}

#[tokio::test]
async fn where_every_place_is_taken_by_those_who_send_a_probe_is_answered_and_others_come_later()
-> anyhow::Result<()> {
    let bench = Bench::new()?;
    let limits = "[limits]\nconnections = 2\nadmission_wait_seconds = 0.2\n";
    let collector = bench.start(limits).await?;
    let address = collector.http_address();
    let mut busy = Vec::new();
    for _ in 0..2 {
        let mut stream = TcpStream::connect(address).await?;
        let head = "POST /v1/logs HTTP/1.1\r\nhost: localhost\r\n\
                    content-type: application/json\r\ncontent-length: 2\r\n\r\n{";
        stream.write_all(head.as_bytes()).await?;
        busy.push(stream);
    }
    for _ in 0..600 {
        if metrics(address).await?.contains("blotter_collector_requests_in_flight 2") {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let client = Client::new(address);
    assert!(client.is_well().await?);
    assert_eq!(client.post(log("early", vec![])).await?.status, 503);
    for stream in &mut busy {
        stream.write_all(b"}").await?;
        let mut said = [0; 256];
        let read = stream.read(&mut said).await?;
        assert!(said[..read].starts_with(b"HTTP/1.1 200 "));
    }
    // They are idle now, and one of them makes room.
    assert_eq!(client.post(log("later", vec![])).await?.status, 200);
    collector.shutdown().await?;
    Ok(())
}

#[tokio::test]
async fn newcomers_that_say_nothing_do_not_push_out_an_idle_sender() -> anyhow::Result<()> {
    let bench = Bench::new()?;
    let (good, table) = token("good", &[Scope::Ingest], None, None)?;
    let collector = bench.start(&format!("[limits]\nconnections = 2\n{table}")).await?;
    let client = Client::new(collector.http_address());
    let mut kept = client.clone().bearer(&good).keep().await?;
    assert_eq!(kept.post(log("first", vec![])).await?, 200);
    let mut silent = Vec::new();
    for _ in 0..200 {
        silent.push(TcpStream::connect(collector.http_address()).await?);
    }
    // The last of them is heard, and so all were looked at.
    assert!(client.is_well().await?);
    assert_eq!(kept.post(log("second", vec![])).await?, 200);
    drop(silent);
    collector.shutdown().await?;
    Ok(())
}
