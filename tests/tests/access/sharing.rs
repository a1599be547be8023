//! What one sender holds, and that another finds room beside it.

use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

use super::client::Client;
use super::*;

/// Attempts until something must have happened.
const ATTEMPTS: usize = 600;

/// A request that announces so many bytes, and sends one of them.
async fn begin(collector: &Collector, token: &str, bytes: usize) -> anyhow::Result<TcpStream> {
    let mut stream = TcpStream::connect(collector.http_address()).await?;
    let head = format!(
        "POST /v1/logs HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {token}\r\n\
         content-type: application/json\r\ncontent-length: {bytes}\r\n\r\n{{"
    );
    stream.write_all(head.as_bytes()).await?;
    Ok(stream)
}

#[tokio::test]
async fn one_sender_with_every_request_that_it_may_have_leaves_others_theirs() -> anyhow::Result<()>
{
    let bench = Bench::new()?;
    let (hog, hog_table) = token("hog", &[Scope::Ingest], None, None)?;
    let (calm, calm_table) = token("calm", &[Scope::Ingest], None, None)?;
    let limits = "[limits]\nrequests_in_flight = 8\nadmission_wait_seconds = 0.05\n";
    let collector = bench.start(&format!("{limits}{hog_table}{calm_table}")).await?;
    let mut held = Vec::new();
    for _ in 0..16 {
        held.push(begin(&collector, &hog, 1000).await?);
    }
    let client = Client::new(collector.http_address());
    let mut full = false;
    for _ in 0..ATTEMPTS {
        full = client.clone().bearer(&hog).post(log("a", vec![])).await?.status == 503;
        if full {
            break;
        }
    }
    assert!(full, "it has more than it may");
    for number in 0..8 {
        let text = format!("calm {number}");
        let answer = client.clone().bearer(&calm).post(log(&text, vec![])).await?;
        assert_eq!(answer.status, 200);
    }
    drop(held);
    collector.shutdown().await?;
    Ok(())
}

#[tokio::test]
async fn bytes_that_are_announced_and_do_not_come_keep_neither_others_nor_the_same_sender_out()
-> anyhow::Result<()> {
    let bench = Bench::new()?;
    let (hog, hog_table) = token("hog", &[Scope::Ingest], None, None)?;
    let (calm, calm_table) = token("calm", &[Scope::Ingest], None, None)?;
    let limits = "[limits]\nrequest_bytes = 300_000\nbytes_in_flight = 862_144\n";
    let collector = bench.start(&format!("{limits}{hog_table}{calm_table}")).await?;
    let held = [begin(&collector, &hog, 300_000).await?, begin(&collector, &hog, 300_000).await?];
    let client = Client::new(collector.http_address());
    let large = |text: &str| log(&format!("{text} {}", "x".repeat(90_000)), vec![]);
    assert_eq!(client.clone().bearer(&calm).post(large("calm")).await?.status, 200);
    let mut taken = false;
    for _ in 0..ATTEMPTS {
        taken = client.clone().bearer(&hog).post(large("hog")).await?.status == 200;
        if taken {
            break;
        }
    }
    assert!(taken, "what was announced is held");
    drop(held);
    collector.shutdown().await?;
    Ok(())
}

#[tokio::test]
async fn bytes_of_a_body_that_is_broken_off_count_for_the_rate_of_their_sender()
-> anyhow::Result<()> {
    let bench = Bench::new()?;
    let (hog, table) = token("hog", &[Scope::Ingest], None, None)?;
    let limits = "[limits]\nsender_bytes_per_second = 1000\n";
    let collector = bench.start(&format!("{limits}{table}")).await?;
    let mut broken_off = begin(&collector, &hog, 1_000_000).await?;
    broken_off.write_all(&[b' '; 500_000]).await?;
    drop(broken_off);
    let client = Client::new(collector.http_address()).bearer(&hog);
    let mut put_off = false;
    for number in 0..ATTEMPTS {
        // Of which a few alone are no more than it may send.
        put_off = client.post(log(&number.to_string(), vec![])).await?.status == 429;
        if put_off {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    assert!(put_off, "what was broken off costs nothing");
    collector.shutdown().await?;
    Ok(())
}
