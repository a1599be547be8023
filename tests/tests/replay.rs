//! Every capture sent to a collector and then imported: what was sent is archived whole, and a second
//! copy adds nothing, however it comes.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use blotter_archive::{Archive, Location};
use blotter_collector::{Collector, Config};
use blotter_schemas::otlp::{Encoding, Request, Signal};
use blotter_schemas::tables::{Event, MetricPoint, Row, Span};
use blotter_tests::binaries::binary;
use blotter_tests::captures::{self, Capture, in_protobuf};
use blotter_tests::client::{Answer, Sender};
use blotter_tests::processes::triage;
use blotter_tests::records::{archived, comparable, counts, rows, split};
use blotter_tests::table_files;
use tempfile::TempDir;

/// How captures are sent.
#[derive(Debug, Clone, Copy)]
enum Transport {
    Http,
    HttpGzip,
    Grpc,
}

#[tokio::test]
async fn every_capture_sent_over_http_is_archived_whole_and_importing_it_adds_nothing()
-> anyhow::Result<()> {
    sent_then_imported(&captures::all()?, Transport::Http).await?;
    Ok(())
}

#[tokio::test]
async fn captures_sent_over_grpc_are_archived_whole_and_importing_them_adds_nothing()
-> anyhow::Result<()> {
    sent_then_imported(&some()?, Transport::Grpc).await?;
    Ok(())
}

#[tokio::test]
async fn captures_sent_with_gzip_are_archived_whole_and_importing_them_adds_nothing()
-> anyhow::Result<()> {
    sent_then_imported(&some()?, Transport::HttpGzip).await?;
    Ok(())
}

#[tokio::test]
async fn importing_record_by_record_in_json_what_came_in_batches_adds_nothing() -> anyhow::Result<()>
{
    let captures = some()?;
    let data = sent_then_imported(&captures, Transport::Http).await?;
    let archive = open(data.path()).await?;
    let before = counts(&archive).await?;

    let single = tempfile::tempdir()?;
    let mut number = 0;
    let mut write = |signal: Signal, text: String| {
        number += 1;
        fs::write(single.path().join(format!("{number:05}.{}.json", signal.name())), text)
    };
    for event in rows::<Event>(&archive).await? {
        if let Some(record) = event.canonical_record()? {
            write(Signal::Logs, record)?;
        }
    }
    for span in rows::<Span>(&archive).await? {
        write(Signal::Traces, span.record.unwrap_or_default())?;
    }
    for point in rows::<MetricPoint>(&archive).await? {
        write(Signal::Metrics, point.record.unwrap_or_default())?;
    }
    import(data.path(), &[single.path().to_owned()]).await?;
    assert_eq!(counts(&archive).await?, before);
    Ok(())
}

#[tokio::test]
async fn importing_in_protobuf_what_came_in_json_adds_nothing() -> anyhow::Result<()> {
    let capture = captures::named("claude-code/10-http-json")?;
    let data = sent_then_imported(std::slice::from_ref(&capture), Transport::Http).await?;
    let archive = open(data.path()).await?;
    let before = counts(&archive).await?;
    let folder = tempfile::tempdir()?;
    for (number, export) in capture.exports()?.iter().enumerate() {
        assert_eq!(export.encoding, Encoding::Json);
        let name = format!("{number:04}.{}.pb", export.signal.name());
        fs::write(folder.path().join(name), in_protobuf(export)?.body)?;
    }
    import(data.path(), &[folder.path().to_owned()]).await?;
    assert_eq!(counts(&archive).await?, before);
    Ok(())
}

#[tokio::test]
async fn an_import_that_was_killed_is_completed_by_the_next_one_without_a_row_twice()
-> anyhow::Result<()> {
    let whole = tempfile::tempdir()?;
    import(whole.path(), &[captures::folder()]).await?;
    let expected = counts(&open(whole.path()).await?).await?;

    let data = tempfile::tempdir()?;
    let archive = data.path().join("archive");
    for milliseconds in [50, 150, 300, 600, 1_000] {
        let mut child = tokio::process::Command::new(binary("triage")?)
            .arg("--archive")
            .arg(&archive)
            .arg("import")
            .arg(captures::folder())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()?;
        tokio::time::sleep(Duration::from_millis(milliseconds)).await;
        child.kill().await?;
    }
    import(data.path(), &[captures::folder()]).await?;
    assert_eq!(counts(&open(data.path()).await?).await?, expected);
    no_row_twice::<Event>(&archive)?;
    no_row_twice::<Span>(&archive)?;
    no_row_twice::<MetricPoint>(&archive)
}

/// Sends the captures, compares what is archived with what was sent, imports the same folders, and
/// checks that nothing came in addition. Gives the folder with the archive.
async fn sent_then_imported(captures: &[Capture], transport: Transport) -> anyhow::Result<TempDir> {
    let data = tempfile::tempdir()?;
    let mut config = Config::new(data.path())?;
    config.http.set_port(0);
    config.grpc.set_port(0);
    let collector = Collector::start(config).await?;
    let mut sender = match transport {
        Transport::Http => Sender::http(collector.http_address()).await?,
        Transport::HttpGzip => Sender::http(collector.http_address()).await?.with_gzip(),
        Transport::Grpc => Sender::grpc(collector.grpc_address()).await?,
    };
    let mut sent: BTreeMap<&str, Vec<Request>> = BTreeMap::new();
    for capture in captures {
        for export in capture.exports()? {
            let request = Request::decode(export.signal, export.encoding, &export.body)?;
            sent.entry(export.signal.name()).or_default().push(request);
            let export = match transport {
                Transport::Grpc => in_protobuf(&export)?,
                Transport::Http | Transport::HttpGzip => export,
            };
            let answer = sender.send(&export).await?;
            assert!(
                matches!(answer, Answer::Acknowledged(_)),
                "{}, {}: {answer:?}",
                capture.name,
                export.signal.name()
            );
        }
    }
    drop(sender);
    collector.shutdown().await?;

    let archive = open(data.path()).await?;
    for signal in Signal::ALL {
        let requests = sent.remove(signal.name()).unwrap_or_default();
        assert!(!requests.is_empty(), "the captures hold no {}", signal.name());
        let archived = comparable(&archived(&archive, signal).await?);
        assert_same(signal, &distinct(&requests), &archived);
    }
    let before = counts(&archive).await?;
    for capture in captures {
        import(data.path(), &capture.requests()?).await?;
    }
    assert_eq!(counts(&archive).await?, before, "an import added rows to [events, spans, metrics]");
    Ok(data)
}

/// The records of the requests as text: identical ones in one request are so many facts, identical
/// ones in different requests are one fact sent again.
fn distinct(requests: &[Request]) -> Vec<String> {
    let mut most: BTreeMap<String, usize> = BTreeMap::new();
    for request in requests {
        let mut here: BTreeMap<String, usize> = BTreeMap::new();
        for text in comparable(&split(request)) {
            *here.entry(text).or_default() += 1;
        }
        for (text, count) in here {
            let most = most.entry(text).or_default();
            *most = count.max(*most);
        }
    }
    most.into_iter().flat_map(|(text, count)| std::iter::repeat_n(text, count)).collect()
}

/// Compares sorted texts, showing the first difference instead of everything.
fn assert_same(signal: Signal, sent: &[String], archived: &[String]) {
    for (sent, archived) in sent.iter().zip(archived) {
        assert_eq!(sent, archived, "{} differ", signal.name());
    }
    assert_eq!(sent.len(), archived.len(), "number of {}", signal.name());
}

/// Captures with every signal, of both agents, small enough to be sent in several ways.
fn some() -> anyhow::Result<Vec<Capture>> {
    ["claude-code/02-ok-full-traces", "claude-code/05-mcp", "codex/12-grpc"]
        .into_iter()
        .map(captures::named)
        .collect()
}

async fn open(data: &Path) -> anyhow::Result<Archive> {
    let location = Location::parse(&data.join("archive").to_string_lossy())?;
    Ok(Archive::open(&location).await?)
}

async fn import(data: &Path, paths: &[PathBuf]) -> anyhow::Result<()> {
    let archive = data.join("archive");
    let arguments = paths.iter().map(|path| path.as_os_str());
    let finished = triage(&archive, [OsStr::new("import")].into_iter().chain(arguments)).await?;
    assert_eq!(finished.exit_code, Some(0), "{}{}", finished.stdout, finished.stderr);
    Ok(())
}

fn no_row_twice<R: Row>(archive: &Path) -> anyhow::Result<()> {
    let mut ids: Vec<_> = table_files::rows::<R>(archive)?.iter().map(Row::event_id).collect();
    let rows = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), rows, "rows of {} are in its files twice", R::TABLE);
    Ok(())
}
