//! What is refused for good: set aside with the reason, told, sent again by hand.

use blotter_collector::DeadLetter;
use blotter_schemas::names::blotter::events;
use blotter_schemas::otlp::{Encoding, Signal};
use blotter_schemas::tables::Event;
use blotter_tests::backend::{Answer as Answers, Backend};
use blotter_tests::binaries::binary;
use blotter_tests::table_files;
use tokio::process::Command;

use super::*;

async fn dead_letters(bench: &Bench, arguments: &[&str]) -> anyhow::Result<(Option<i32>, String)> {
    let mut command = Command::new(binary("blotter-collector")?);
    command.arg("dead-letters").args(arguments).arg("--data").arg(bench.data());
    command.arg("--config").arg(bench.config_file());
    let output = command.kill_on_drop(true).output().await?;
    let text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    Ok((output.status.code(), text.into_owned()))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_refused_for_good_is_set_aside_told_and_can_be_sent_again() -> anyhow::Result<()> {
    let exports = requests()?;
    let (bench, backend) = (Bench::new()?, Backend::start().await?);
    let more = "headers = { authorization = \"Bearer very-secret-token\" }";
    let toml = destination("a", &backend.url(), more);
    backend.answer_always(Answers::Refuse(401, None));
    let collector = bench.start(&toml).await?;
    send(&collector, &exports).await?;
    let status = wait_until(&collector, "a", |it| it.waiting_records == 0).await?;
    assert_eq!(status.counts.dead_letters, u64::try_from(records(&exports)?.len())?);
    collector.shutdown().await?;

    let files = letters(&bench.data())?;
    assert!(!files.is_empty());
    let (code, listed) = dead_letters(&bench, &["list"]).await?;
    assert_eq!(code, Some(1), "{listed}");
    assert!(files.iter().all(|file| listed.contains(file)), "{listed}");
    assert!(listed.contains("401") && listed.contains("refused with 401"), "{listed}");
    assert!(!listed.contains("very-secret"), "{listed}");
    // The file is what whatever reads OTLP can read.
    let letter = blotter_collector::dead_letters(&bench.data())?;
    let body = std::fs::read(bench.data().join("dead-letters/a").join(&letter[0].file))?;
    let signal = Signal::from_name(&letter[0].signal);
    let signal = signal.ok_or_else(|| anyhow::anyhow!("no signal"))?;
    Request::decode(signal, Encoding::Protobuf, &body)?;

    let rows = table_files::rows::<Event>(&bench.data().join("archive"))?;
    let told: Vec<_> =
        rows.iter().filter(|row| row.sender.as_deref() == Some("collector")).collect();
    assert_eq!(told.len(), files.len());
    for row in told {
        assert_eq!(row.name.as_deref(), Some(events::BLOTTER_COLLECTOR_FORWARD_DEAD_LETTER));
        assert!(row.text.as_deref().is_some_and(|text| text.contains("401")), "{row:?}");
    }

    let (code, refused) = dead_letters(&bench, &["retry", "a"]).await?;
    assert_eq!(code, Some(1), "{refused}");
    assert!(refused.contains("still here: 401"), "{refused}");
    assert_eq!(letters(&bench.data())?, files);
    backend.answer_always(Answers::Take);
    let (code, unnamed) = dead_letters(&bench, &["retry"]).await?;
    assert!(code == Some(2) && unnamed.contains("--all"), "{unnamed}");
    let (code, taken) = dead_letters(&bench, &["retry", "--all"]).await?;
    assert!(code == Some(0) && taken.contains("taken"), "{taken}");
    assert!(letters(&bench.data())?.is_empty());
    backend.has_exactly(&ids(&exports)?).await?;
    assert_eq!(dead_letters(&bench, &["list"]).await?.0, Some(0));
    Ok(())
}

#[tokio::test]
async fn a_dead_letter_is_not_sent_before_the_pause_that_its_destination_asks_for()
-> anyhow::Result<()> {
    let (bench, backend) = (Bench::new()?, Backend::start().await?);
    backend.answer_always(Answers::Refuse(400, None));
    let collector = bench.start(&destination("a", &backend.url(), "")).await?;
    for export in &requests()?[..2] {
        send(&collector, std::slice::from_ref(export)).await?;
        wait_until(&collector, "a", |it| it.waiting_records == 0).await?;
    }
    collector.shutdown().await?;
    assert_eq!(letters(&bench.data())?.len(), 2);
    let sent = || backend.received().len();
    // Longer than anybody waits at a terminal: nothing more is sent there.
    backend.answer_always(Answers::Refuse(429, Some(Duration::from_secs(600))));
    let before = sent();
    let (code, refused) = dead_letters(&bench, &["retry", "--all"]).await?;
    assert!(code == Some(1) && refused.contains("asks for 600 s"), "{refused}");
    assert_eq!(sent() - before, 1);
    let pause = Duration::from_secs(2);
    backend.answer_always(Answers::Take);
    backend.answer_next([Answers::Refuse(503, Some(pause))]);
    let before = sent();
    let (code, taken) = dead_letters(&bench, &["retry", "--all"]).await?;
    assert!(code == Some(0) && taken.contains("taken"), "{taken}");
    let times: Vec<Instant> = backend.received()[before..].iter().map(|it| it.at).collect();
    assert_eq!(times.len(), 3);
    assert!(times[1].duration_since(times[0]) >= pause, "{times:?}");
    assert!(letters(&bench.data())?.is_empty());
    Ok(())
}

#[tokio::test]
async fn dropping_a_dead_letter_needs_its_name() -> anyhow::Result<()> {
    let exports = requests()?;
    let (bench, backend) = (Bench::new()?, Backend::start().await?);
    backend.answer_always(Answers::Refuse(400, None));
    let collector = bench.start(&destination("a", &backend.url(), "")).await?;
    send(&collector, &exports[..2]).await?;
    collector.shutdown().await?;
    let files = letters(&bench.data())?;
    let (code, wrong) = dead_letters(&bench, &["drop", "b"]).await?;
    assert!(code == Some(2) && wrong.contains("no dead letter \"b\""), "{wrong}");
    let (code, dropped) = dead_letters(&bench, &["drop", &files[0], "--format", "json"]).await?;
    assert!(code == Some(0) && dropped.contains("\"became\":\"dropped\""), "{dropped}");
    assert_eq!(letters(&bench.data())?, files[1..]);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_too_large_is_sent_in_parts_and_what_is_rejected_in_part_is_told()
-> anyhow::Result<()> {
    let exports = requests()?;
    let ids = ids(&exports)?;
    let (bench, mut toml, mut backends) = (Bench::new()?, String::new(), Vec::new());
    for (at, protocol) in ["grpc", "http/protobuf", "http/json"].into_iter().enumerate() {
        let backend = Backend::start().await?;
        backend.answer_always(Answers::AtMost(7));
        toml.push_str(&destination(
            &format!("small-{at}"),
            &backend.url(),
            &format!("protocol = \"{protocol}\""),
        ));
        let picky = Backend::start().await?;
        picky.answer_next([Answers::TakeWithout(1, "too old".to_owned())]);
        toml.push_str(&destination(
            &format!("picky-{at}"),
            &picky.url(),
            &format!("protocol = \"{protocol}\""),
        ));
        backends.push((backend, picky));
    }
    let collector = bench.start(&toml).await?;
    send(&collector, &exports).await?;
    for (small, picky) in &backends {
        small.has_exactly(&ids).await?;
        picky.has_exactly(&ids).await?;
    }
    for status in collector.destinations() {
        let rejected = u64::from(status.name.starts_with("picky"));
        assert_eq!(status.counts.rejected, rejected, "{status:?}");
        assert_eq!(status.counts.dead_letters, 0, "{status:?}");
    }
    collector.shutdown().await?;
    let rows = table_files::rows::<Event>(&bench.data().join("archive"))?;
    let told = rows.iter().filter(|row| row.sender.as_deref() == Some("collector"));
    let told: Vec<_> = told.map(|row| row.name.as_deref().unwrap_or_default()).collect();
    assert_eq!(told, [events::BLOTTER_COLLECTOR_FORWARD_REJECTED; 3]);
    Ok(())
}

#[tokio::test]
async fn what_is_sent_again_goes_by_the_filters_of_now() -> anyhow::Result<()> {
    let (bench, backend) = (Bench::new()?, Backend::start().await?);
    backend.answer_always(Answers::Refuse(400, None));
    let collector = bench.start(&destination("a", &backend.url(), "")).await?;
    send(&collector, &requests()?).await?;
    collector.shutdown().await?;
    let logs = |it: &&DeadLetter| it.signal == "logs";
    let before = blotter_collector::dead_letters(&bench.data())?.iter().filter(logs).count();
    assert!(before > 0);
    backend.answer_always(Answers::Take);
    let more = "exclude = [{ attribute = \"service.name\", values = [\"codex*\"] }]\n\
                drop_attributes = [\"user.*\"]";
    std::fs::write(bench.config_file(), destination("a", &backend.url(), more))?;
    let (_, said) = dead_letters(&bench, &["retry", "--all"]).await?;
    let got: Vec<String> =
        backend.records(Signal::Logs)?.iter().map(|it| format!("{it:?}")).collect();
    assert!(!got.is_empty(), "{said}");
    for record in got {
        assert!(!record.contains("\"codex") && !record.contains("\"user."), "{record}");
    }
    Ok(())
}
