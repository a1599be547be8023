//! Whom a request is for: a page in a browser must not reach the collector by a name of its own.

use super::client::Client;
use super::*;

#[tokio::test]
async fn without_credentials_only_names_of_this_machine_are_answered() -> anyhow::Result<()> {
    let bench = Bench::new()?;
    let collector = bench.start("[access]\nfailures_per_minute = 100\n").await?;
    let http1 = Client::new(collector.http_address());
    for client in [http1.clone(), http1.clone().over_http2()] {
        for host in ["localhost:4318", "127.0.0.1", "[::1]:4318", "agent.localhost"] {
            assert_eq!(client.get("/status", host).await?.0, 200, "{host}");
        }
        for host in ["evil.example", "evil.example:4318", "localhost.evil.example"] {
            let (status, words) = client.get("/status", host).await?;
            assert_eq!(status, 403, "{host}");
            assert!(words.contains(host.trim_end_matches(":4318")), "{words}");
            assert!(words.contains("localhost"), "{words}");
            assert_eq!(client.get("/metrics", host).await?.0, 403);
            // Whether we are well may be known.
            assert_eq!(client.get("/healthz", host).await?.0, 200);
        }
    }
    collector.shutdown().await?;
    Ok(())
}

#[tokio::test]
async fn where_credentials_or_nothing_at_all_is_demanded_a_host_may_have_any_name()
-> anyhow::Result<()> {
    let bench = Bench::new()?;
    let (_, table) = token("agent", &[Scope::Ingest], None, None)?;
    let collector = bench.start(&table).await?;
    let client = Client::new(collector.http_address());
    assert_eq!(client.get("/status", "collector.example").await?.0, 401);
    collector.shutdown().await?;
    let collector = bench.start("[access]\ninsecure = true\n").await?;
    let client = Client::new(collector.http_address());
    assert_eq!(client.get("/status", "collector.example").await?.0, 200);
    collector.shutdown().await?;
    Ok(())
}
