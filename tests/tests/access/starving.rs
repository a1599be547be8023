//! Connections that want to keep others out.

use tokio::io::AsyncWriteExt as _;

use super::client::Client;
use super::*;

#[tokio::test]
async fn a_head_that_never_ends_and_a_connection_that_says_nothing_are_hung_up_on()
-> anyhow::Result<()> {
    let bench = Bench::new()?;
    let collector = bench.start("[limits]\nhead_time_seconds = 0.5\n").await?;
    let mut silent = TcpStream::connect(collector.http_address()).await?;
    let mut slow = TcpStream::connect(collector.http_address()).await?;
    slow.write_all(b"POST /v1/logs HTTP/1.1\r\nx-a: ").await?;
    let mut http2 = TcpStream::connect(collector.grpc_address()).await?;
    http2.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await?;
    let (mut reading, mut writing) = slow.into_split();
    // A byte now and then does not help.
    let drip = tokio::spawn(async move {
        while writing.write_all(b"a").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    });
    let mut said = Vec::new();
    let _ = tokio::time::timeout(PATIENCE, reading.read_to_end(&mut said)).await?;
    drip.await?;
    assert!(!said.starts_with(b"HTTP/1.1 200"));
    until_closed(&mut silent).await?;
    until_closed(&mut http2).await?;
    collector.shutdown().await?;
    Ok(())
}

#[tokio::test]
async fn a_body_that_pauses_is_given_up_with_a_retryable_status() -> anyhow::Result<()> {
    let bench = Bench::new()?;
    let collector = bench.start("[limits]\nrequest_pause_seconds = 0.3\n").await?;
    let mut slow = TcpStream::connect(collector.http_address()).await?;
    slow.write_all(
        b"POST /v1/logs HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n{",
    )
    .await?;
    let said = until_closed(&mut slow).await?;
    assert!(said.starts_with(b"HTTP/1.1 503 "), "{}", String::from_utf8_lossy(&said));
    collector.shutdown().await?;
    Ok(())
}

#[tokio::test]
async fn connections_that_are_idle_make_room_for_one_that_sends() -> anyhow::Result<()> {
    let bench = Bench::new()?;
    let collector = bench.start("[limits]\nconnections = 8\n").await?;
    let mut idle = Vec::new();
    for number in 0..40 {
        let mut stream = TcpStream::connect(collector.http_address()).await?;
        match number % 4 {
            // Half a head, one whole request, nothing at all, half of HTTP/2.
            0 => stream.write_all(b"POST /v1/lo").await?,
            1 => stream.write_all(b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n").await?,
            2 => {}
            _ => stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await?,
        }
        idle.push(stream);
    }
    for number in 0..5 {
        let client = Client::new(collector.http_address());
        let sent = client.post(log(&format!("sent {number}"), vec![]));
        let answer = tokio::time::timeout(PATIENCE, sent).await.context("kept out")??;
        assert_eq!(answer.status, 200);
    }
    collector.shutdown().await?;
    assert_eq!(bench.events()?.len(), 5);
    Ok(())
}

#[tokio::test]
async fn a_connection_that_withdraws_its_requests_in_a_flood_is_closed_and_no_other()
-> anyhow::Result<()> {
    let bench = Bench::new()?;
    let collector = bench.start("").await?;
    let mut flood = TcpStream::connect(collector.grpc_address()).await?;
    let mut frames = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
    let mut frame = |kind: u8, flags: u8, stream: u32, payload: &[u8]| {
        frames.extend(&u32::try_from(payload.len()).unwrap_or(0).to_be_bytes()[1..]);
        frames.extend([kind, flags]);
        frames.extend(stream.to_be_bytes());
        frames.extend(payload);
    };
    frame(4, 0, 0, &[]);
    // POST http://localhost/ from HPACK's static table.
    let head = [&[0x83, 0x86, 0x84, 0x41, 9][..], b"localhost"].concat();
    for number in 0..60 {
        let stream = 2 * number + 1;
        frame(1, 4, stream, &head);
        frame(3, 0, stream, &8_u32.to_be_bytes());
    }
    let _ = flood.write_all(&frames).await;
    let said = until_closed(&mut flood).await?;
    // GOAWAY with ENHANCE_YOUR_CALM.
    let away = said
        .windows(17)
        .any(|it| it[3] == 7 && it[..3] == [0, 0, it[2]] && it[13..17] == [0, 0, 0, 11]);
    assert!(away, "{said:?}");
    let other = Client::new(collector.grpc_address()).call(&log("other", vec![])).await?;
    assert_eq!(other.code, 0);
    collector.shutdown().await?;
    Ok(())
}
