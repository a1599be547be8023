//! Every protocol with every compression; headers; filters; normalised events.

use std::collections::BTreeSet;
use std::fs;

use blotter_schemas::names::blotter;
use blotter_schemas::otlp::{Encoding, Request, Signal, values::Attributes};
use blotter_tests::backend::Backend;
use blotter_tests::records::comparable;

use super::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_sent_arrives_equal_over_every_protocol_with_every_compression()
-> anyhow::Result<()> {
    let exports = requests()?;
    let (bench, mut toml, mut backends) = (Bench::new()?, String::new(), Vec::new());
    for (number, protocol) in ["grpc", "http/protobuf", "http/json"].into_iter().enumerate() {
        for compression in ["none", "gzip", "zstd"] {
            let backend = Backend::start().await?;
            let more = format!("protocol = \"{protocol}\"\ncompression = \"{compression}\"");
            let name = format!("{compression}-{number}");
            toml.push_str(&destination(&name, &backend.url(), &more));
            backends.push((backend, protocol, compression));
        }
    }
    let collector = bench.start(&toml).await?;
    send(&collector, &exports).await?;
    let (sent, ids) = (records(&exports)?, ids(&exports)?);
    for (backend, protocol, compression) in &backends {
        let what = format!("{protocol}, {compression}");
        let got = backend.has_exactly(&ids).await?;
        assert!(got.len() > 100, "{what}");
        for signal in Signal::ALL {
            let of_signal = |it: &&Request| it.signal() == signal;
            let sent: Vec<Request> = sent.iter().filter(of_signal).cloned().collect();
            assert_eq!(comparable(&backend.records(signal)?), comparable(&sent), "{what}");
        }
        for received in backend.received() {
            assert_eq!(received.is_grpc, *protocol == "grpc", "{what}");
            assert_eq!(received.encoding == Encoding::Json, *protocol == "http/json", "{what}");
            let expected = if *compression == "none" { "" } else { compression };
            assert_eq!(received.compression, expected, "{what}");
        }
    }
    for status in collector.destinations() {
        assert_eq!(status.counts.rejected + status.counts.dead_letters, 0, "{status:?}");
    }
    collector.shutdown().await?;
    Ok(())
}

#[tokio::test]
async fn headers_are_sent_and_those_of_a_file_are_taken_up_when_they_change() -> anyhow::Result<()>
{
    for protocol in ["grpc", "http/protobuf"] {
        let (bench, backend) = (Bench::new()?, Backend::start().await?);
        let file = bench.folder.path().join("headers");
        fs::write(&file, "Authorization: Bearer one\n")?;
        let more = format!(
            "protocol = \"{protocol}\"\nheaders = {{ x-scope-orgid = \"tenant\" }}\nheaders_file = \"headers\""
        );
        let collector = bench.start(&destination("a", &backend.url(), &more)).await?;
        let exports = requests()?;
        send(&collector, &exports[..1]).await?;
        let header = |name: &'static str, value: &'static str| {
            move |it: &blotter_tests::backend::Received| {
                it.headers.get(name).is_some_and(|it| it.as_bytes() == value.as_bytes())
            }
        };
        let first = backend.wait_for(header("authorization", "Bearer one")).await?;
        assert!(header("x-scope-orgid", "tenant")(&first));
        assert!(first.headers["user-agent"].to_str()?.contains("blotter-collector/"));
        fs::write(&file, "Authorization: Bearer two\n")?;
        send(&collector, &exports[1..2]).await?;
        backend.wait_for(header("authorization", "Bearer two")).await?;
        collector.shutdown().await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_destination_gets_what_its_filters_let_through_and_no_more() -> anyhow::Result<()> {
    let (bench, codex, spans) = (Bench::new()?, Backend::start().await?, Backend::start().await?);
    let include = "include = [{ attribute = \"service.name\", values = [\"codex*\"] }]\n\
                   signals = [\"logs\"]\ndrop_attributes = [\"user.*\", \"host.name\"]";
    let toml = destination("codex", &codex.url(), include)
        + &destination("spans", &spans.url(), "signals = [\"traces\"]");
    let collector = bench.start(&toml).await?;
    let exports = requests()?;
    send(&collector, &exports).await?;
    // Everything was sent, or passed over.
    collector.shutdown().await?;
    let sent = records(&exports)?;
    let text = |it: &Request| format!("{it:?}");
    let of = |signal: Signal| sent.iter().filter(move |it| it.signal() == signal);
    let expected = of(Signal::Logs).filter(|it| text(it).contains("\"codex")).count();
    let got = codex.records(Signal::Logs)?;
    assert!(expected > 0 && got.len() == expected, "{} of {expected}", got.len());
    assert!(of(Signal::Logs).any(|it| text(it).contains("\"user.")));
    for record in &got {
        let text = text(record);
        assert!(!text.contains("\"user.") && !text.contains("\"host.name\""), "{text}");
    }
    assert_eq!(spans.records(Signal::Traces)?.len(), of(Signal::Traces).count());
    for (backend, others) in
        [(&codex, [Signal::Traces, Signal::Metrics]), (&spans, [Signal::Logs, Signal::Metrics])]
    {
        for signal in others {
            assert!(backend.records(signal)?.is_empty());
        }
    }
    Ok(())
}

#[tokio::test]
async fn normalised_events_speak_one_vocabulary_for_every_agent() -> anyhow::Result<()> {
    let (bench, backend) = (Bench::new()?, Backend::start().await?);
    let collector = bench.start(&destination("siem", &backend.url(), "normalised = true")).await?;
    let mut exports = Vec::new();
    for name in ["codex/04-guardian-deny", "claude-code/03-denied"] {
        exports.extend(captures::named(name)?.exports()?);
    }
    send(&collector, &exports).await?;
    collector.shutdown().await?;
    let (mut names, mut agents, mut ids) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    for record in backend.records(Signal::Logs)? {
        let Request::Logs(request) = &record else { continue };
        let resource = &request.resource_logs[0];
        let log = &resource.scope_logs[0].log_records[0];
        let attributes = Attributes(&log.attributes);
        let service =
            resource.resource.as_ref().map(|it| Attributes(&it.attributes).text("service.name"));
        if log.event_name == "blotter.decision" {
            assert!(attributes.text(blotter::BLOTTER_DECISION).is_some(), "{log:?}");
            agents.extend(service.flatten());
        }
        assert_eq!(
            attributes.text(blotter::BLOTTER_EVENT_KIND).map(|it| format!("blotter.{it}")),
            Some(log.event_name.clone())
        );
        names.insert(log.event_name.clone());
        ids.extend(attributes.text(blotter::BLOTTER_EVENT_ID));
    }
    for name in ["blotter.prompt", "blotter.decision", "blotter.call", "blotter.result"] {
        assert!(names.contains(name), "{names:?}");
    }
    assert_eq!(agents.len(), 2, "decisions of two agents: {agents:?}");
    // The ids lead to the archive's rows.
    let rows: BTreeSet<String> =
        blotter_tests::table_files::rows::<blotter_schemas::tables::Event>(
            &bench.data().join("archive"),
        )?
        .iter()
        .map(|row| row.event_id.iter().map(|byte| format!("{byte:02x}")).collect())
        .collect();
    assert_eq!(ids, rows);
    assert!(backend.records(Signal::Traces)?.is_empty());
    assert!(backend.records(Signal::Metrics)?.is_empty());
    Ok(())
}
