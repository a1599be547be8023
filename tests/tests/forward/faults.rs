//! Destinations that misbehave: what they refuse for now they get later, and nobody else waits.

use std::net::SocketAddr;

use blotter_collector::JournalConfig;
use blotter_schemas::otlp::{Encoding, Signal};
use blotter_tests::backend::{Answer as Answers, Backend};
use tokio::net::TcpListener;

use super::*;

const PROTOCOLS: [&str; 3] = ["grpc", "http/protobuf", "http/json"];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_a_destination_does_it_gets_everything_in_the_end() -> anyhow::Result<()> {
    let exports = requests()?;
    let ids = ids(&exports)?;
    let second = Some(Duration::from_secs(1));
    let cases: [(&str, Vec<Answers>, bool); 6] = [
        ("refuses for now", vec![Answers::Refuse(503, None); 2], false),
        ("says when to come back", vec![Answers::Refuse(429, second)], false),
        ("hangs", vec![Answers::Hang], false),
        ("closes mid-stream", vec![Answers::Close; 2], false),
        ("answers half", vec![Answers::TakeAndBreakOff], true),
        ("is overloaded", vec![Answers::Refuse(504, None), Answers::Refuse(503, second)], false),
    ];
    let (bench, mut toml, mut backends) = (Bench::new()?, String::new(), Vec::new());
    for (number, (what, answers, again)) in cases.iter().enumerate() {
        for (at, protocol) in PROTOCOLS.into_iter().enumerate() {
            let backend = Backend::start().await?;
            backend.answer_next(answers.clone());
            let more = format!("protocol = \"{protocol}\"\ntimeout_seconds = 2");
            toml.push_str(&destination(&format!("{number}-{at}"), &backend.url(), &more));
            backends.push((backend, format!("{what}, {protocol}"), *again));
        }
    }
    let collector = bench.start(&toml).await?;
    let slowest = send(&collector, &exports).await?;
    for (backend, what, again) in &backends {
        let got = backend.has_exactly(&ids).await?;
        let twice = got.iter().filter(|(id, times)| **times > ids[*id]).count();
        // A record whose answer was lost comes again, under the same event id; no other does.
        assert_eq!(twice > 0, *again, "{what}: {twice} came again");
    }
    println!("slowest acknowledgement beside all of them: {slowest:?}");
    for status in collector.destinations() {
        assert!(status.counts.retries > 0, "{status:?}");
        assert_eq!((status.counts.dead_letters, status.counts.shed), (0, 0), "{status:?}");
    }
    collector.shutdown().await?;
    assert!(letters(&bench.data())?.is_empty());
    Ok(())
}

#[tokio::test]
async fn a_pause_that_a_destination_asks_for_is_kept() -> anyhow::Result<()> {
    for protocol in PROTOCOLS {
        let (bench, backend) = (Bench::new()?, Backend::start().await?);
        let asked = Duration::from_secs(3);
        backend.answer_next([Answers::Refuse(429, Some(asked))]);
        let more = format!("protocol = \"{protocol}\"");
        let collector = bench.start(&destination("a", &backend.url(), &more)).await?;
        send(&collector, &requests()?[..1]).await?;
        let taken = backend.wait_for(|it| it.is_taken).await?;
        let first = backend.received().first().map(|it| it.at);
        let pause = first.map(|first| taken.at.duration_since(first)).unwrap_or_default();
        // Never earlier: that it is not much later is nothing to rely on.
        assert!(pause >= asked, "{protocol}: {pause:?}");
        collector.shutdown().await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_destination_that_is_away_delays_no_other_and_catches_up_after_a_restart()
-> anyhow::Result<()> {
    let exports = requests()?;
    let ids = ids(&exports)?;
    let bench = Bench::new()?;
    let (steady, hanging) = (Backend::start().await?, Backend::start().await?);
    hanging.answer_always(Answers::Hang);
    // Nobody listens there yet.
    let away: SocketAddr = {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        listener.local_addr()?
    };
    let toml = destination("steady", &steady.url(), "")
        + &destination("hanging", &hanging.url(), "protocol = \"grpc\"")
        + &destination("away", &format!("http://{away}"), "");
    let collector = bench.start(&toml).await?;
    let slowest = send(&collector, &exports).await?;
    steady.has_exactly(&ids).await?;
    let failing = wait_until(&collector, "away", |it| it.failing.is_some()).await?;
    assert!(failing.waiting_records > 0 && failing.waiting_bytes > 0, "{failing:?}");
    println!("slowest acknowledgement while two destinations take nothing: {slowest:?}");
    // Dropped as if killed: what two destinations lack is in the journal.
    drop(collector);
    hanging.answer_always(Answers::Take);
    let away = Backend::start_at(away, None).await?;
    let collector = bench.start(&toml).await?;
    for backend in [&away, &hanging] {
        backend.has_exactly(&ids).await?;
    }
    for name in ["steady", "hanging", "away"] {
        wait_until(&collector, name, |it| it.waiting_records == 0).await?;
    }
    collector.shutdown().await?;
    let again = steady.ids()?.iter().filter(|(id, times)| **times > ids[*id]).count();
    println!("came to the steady one again after the restart: {again} of {}", ids.len());
    // Its cursor had moved: not everything comes again.
    assert!(again < ids.len());
    // What all have passed is not kept.
    let journal = std::fs::read_dir(bench.data().join("journal"))?;
    let segments = journal.filter(|it| {
        it.as_ref().is_ok_and(|it| it.path().extension().is_some_and(|it| it == "segment"))
    });
    assert_eq!(segments.count(), 1);
    Ok(())
}

#[tokio::test]
async fn shutting_down_sends_what_waits_and_does_not_wait_for_who_takes_nothing()
-> anyhow::Result<()> {
    let exports = requests()?;
    let (bench, steady, refusing) =
        (Bench::new()?, Backend::start().await?, Backend::start().await?);
    refusing.answer_always(Answers::Refuse(503, Some(Duration::from_secs(1000))));
    let slow = "[forward.batch]\ndelay_milliseconds = 600000\n";
    let toml = format!(
        "[[forward]]\nname = \"steady\"\nendpoint = \"{}\"\n{slow}[[forward]]\nname = \"refusing\"\nendpoint = \"{}\"\n{slow}",
        steady.url(),
        refusing.url()
    );
    let collector = bench.start(&toml).await?;
    send(&collector, &exports).await?;
    assert!(steady.received().is_empty());
    collector.shutdown().await?;
    let got = steady.ids()?;
    assert_eq!(got.len(), ids(&exports)?.len());
    assert!(!refusing.received().is_empty());
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_destination_that_never_answers_does_not_fill_the_journal() -> anyhow::Result<()> {
    let (bench, hanging) = (Bench::new()?, Backend::start().await?);
    hanging.answer_always(Answers::Hang);
    let mut config = bench.config(&destination("a", &hanging.url(), "timeout_seconds = 600"))?;
    config.limits.request_bytes = 256 << 10;
    config.journal = JournalConfig { segment_bytes: 1 << 20, max_bytes: 8 << 20, group_bytes: 1 };
    let collector = Collector::start(config).await?;
    let deadline = Instant::now() + PATIENCE;
    let mut sender = Sender::http(collector.http_address()).await?;
    // Three times what the journal may have.
    for number in 0..120 {
        let text = format!("{number} {}", "x".repeat(200 << 10));
        let body = format!(
            r#"{{"resourceLogs":[{{"scopeLogs":[{{"logRecords":[{{"body":{{"stringValue":"{text}"}}}}]}}]}}]}}"#
        );
        let export = Export { signal: Signal::Logs, encoding: Encoding::Json, body: body.into() };
        // Who is faster than the disk may be refused for a moment.
        while !matches!(sender.send(&export).await?, Answer::Acknowledged(_)) {
            anyhow::ensure!(Instant::now() < deadline, "refused since a minute");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
    wait_until(&collector, "a", |it| it.counts.shed > 0).await?;
    let failing = wait_until(&collector, "a", |it| it.failing.is_some()).await?;
    assert!(failing.failing.is_some_and(|it| it.contains("no answer for")));
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn shutting_down_does_not_wait_for_who_never_answers() -> anyhow::Result<()> {
    let exports = requests()?;
    let (bench, steady, hanging) =
        (Bench::new()?, Backend::start().await?, Backend::start().await?);
    hanging.answer_always(Answers::Hang);
    let toml = destination("steady", &steady.url(), "")
        + &destination("hanging", &hanging.url(), "timeout_seconds = 600");
    let mut config = bench.config(&toml)?;
    config.shutdown_timeout = Duration::from_secs(3600);
    let collector = Collector::start(config).await?;
    send(&collector, &exports).await?;
    hanging.wait_for(|_| true).await?;
    // It would be ten minutes.
    tokio::time::timeout(PATIENCE, collector.shutdown()).await??;
    assert_eq!(steady.ids()?.len(), ids(&exports)?.len());
    Ok(())
}
