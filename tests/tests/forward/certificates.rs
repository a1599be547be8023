//! TLS: who we trust, and who trusts us.

use std::fs;
use std::net::SocketAddr;

use blotter_tests::backend::{Backend, certificate, server_settings};

use super::*;

fn anywhere() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 0))
}

#[tokio::test]
async fn a_destination_with_a_certificate_of_a_trusted_authority_is_sent_to() -> anyhow::Result<()>
{
    let exports = requests()?;
    for protocol in ["grpc", "http/protobuf"] {
        for clients in [false, true] {
            let bench = Bench::new()?;
            let backend = Backend::start_at(anywhere(), Some(server_settings(clients)?)).await?;
            let mut tls = format!("ca_file = {:?}", certificate("ca.pem"));
            if clients {
                let (own, key) = (certificate("client.pem"), certificate("client.key"));
                tls.push_str(&format!(", certificate_file = {own:?}, key_file = {key:?}"));
            }
            let more = format!("protocol = \"{protocol}\"\ntls = {{ {tls} }}");
            let url = format!("https://localhost:{}", backend.address().port());
            let collector = bench.start(&destination("a", &url, &more)).await?;
            send(&collector, &exports[..3]).await?;
            backend.has_exactly(&ids(&exports[..3])?).await?;
            collector.shutdown().await?;
        }
    }
    Ok(())
}

#[tokio::test]
async fn nothing_is_sent_to_a_stranger_and_the_right_authority_is_taken_up_without_a_restart()
-> anyhow::Result<()> {
    let exports = requests()?;
    for protocol in ["grpc", "http/protobuf"] {
        let bench = Bench::new()?;
        let backend = Backend::start_at(anywhere(), Some(server_settings(false)?)).await?;
        let authority = bench.folder.path().join("authority.pem");
        fs::copy(certificate("other-ca.pem"), &authority)?;
        let more = format!("protocol = \"{protocol}\"\ntls = {{ ca_file = \"authority.pem\" }}");
        let url = format!("https://localhost:{}", backend.address().port());
        let collector = bench.start(&destination("a", &url, &more)).await?;
        send(&collector, &exports[..3]).await?;
        let failing = wait_until(&collector, "a", |it| it.failing.is_some()).await?;
        let reason = failing.failing.unwrap_or_default();
        assert!(reason.to_lowercase().contains("certificate"), "{protocol}: {reason}");
        assert!(backend.received().is_empty());
        fs::write(&authority, fs::read(certificate("ca.pem"))?)?;
        backend.has_exactly(&ids(&exports[..3])?).await?;
        collector.shutdown().await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_destination_that_wants_our_certificate_gets_nothing_without_one() -> anyhow::Result<()> {
    let bench = Bench::new()?;
    let backend = Backend::start_at(anywhere(), Some(server_settings(true)?)).await?;
    let more = format!("tls = {{ ca_file = {:?} }}", certificate("ca.pem"));
    let url = format!("https://127.0.0.1:{}", backend.address().port());
    let collector = bench.start(&destination("a", &url, &more)).await?;
    send(&collector, &requests()?[..1]).await?;
    wait_until(&collector, "a", |it| it.counts.retries > 0).await?;
    assert!(backend.received().is_empty());
    Ok(())
}
