//! The collector is killed while it forwards: each record is with its destination all the same.

use std::fs;

use blotter_schemas::otlp::Request;
use blotter_tests::backend::{Answer as Answers, Backend, event_ids};
use blotter_tests::binaries::binary;
use blotter_tests::flood::Flood;
use blotter_tests::processes::Daemon;
use blotter_tests::records::split;
use tokio::process::Command;

use super::*;

const LIVES: u64 = 5;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_again_and_again_what_was_acknowledged_is_with_every_destination()
-> anyhow::Result<()> {
    let (bench, http, grpc) = (Bench::new()?, Backend::start().await?, Backend::start().await?);
    let toml = destination("http", &http.url(), "")
        + &destination("grpc", &grpc.url(), "protocol = \"grpc\"");
    fs::write(bench.config_file(), toml)?;
    let start = || {
        let mut command = Command::new(binary("blotter-collector")?);
        command.args(["--grpc", "127.0.0.1:0", "--http", "127.0.0.1:0", "--config"]);
        command.arg(bench.config_file()).arg("--data").arg(bench.data());
        Daemon::spawn(command)
    };
    let flood = Flood::start()?;
    for life in 0..LIVES {
        http.answer_next([Answers::TakeAndBreakOff, Answers::Close]);
        grpc.answer_next([Answers::Close, Answers::Refuse(503, None)]);
        let mut collector = start()?;
        flood.aim(collector.addresses().await?);
        tokio::time::sleep(Duration::from_millis(400 + life * 350)).await;
        collector.kill().await?;
        flood.pause();
    }
    let attempts = flood.finish().await?;
    let mut collector = start()?;
    collector.addresses().await?;
    let (mut all, mut acknowledged): (Vec<Request>, Vec<Request>) = (Vec::new(), Vec::new());
    for attempt in attempts.values() {
        all.extend(split(&attempt.request));
        if attempt.acknowledged {
            acknowledged.extend(split(&attempt.request));
        }
    }
    let (all, acknowledged) = (event_ids(&all), event_ids(&acknowledged));
    let mut waited = Instant::now() + PATIENCE;
    for (name, backend) in [("http", &http), ("grpc", &grpc)] {
        let got = loop {
            let got = backend.ids()?;
            let lost = acknowledged.keys().filter(|id| !got.contains_key(*id)).count();
            if lost == 0 {
                break got;
            }
            assert!(Instant::now() < waited, "{lost} acknowledged records are not with {name}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        };
        waited = Instant::now() + PATIENCE;
        let strange = got.keys().filter(|id| !all.contains_key(*id)).count();
        let again: usize = got.values().map(|times| times - 1).sum();
        println!(
            "{name}: sent {}, acknowledged {}, forwarded {}, delivered again {again}, strange {strange}, lost 0",
            all.len(),
            acknowledged.len(),
            got.len()
        );
        assert_eq!(strange, 0);
    }
    collector.terminate().await?;
    Ok(())
}
