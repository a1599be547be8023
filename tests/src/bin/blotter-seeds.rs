//! `blotter-seeds`: writes the fuzzer's first inputs into `fuzz/corpus`, from the captures.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use blotter_schemas::normalise::{Custody, Rows, normalise};
use blotter_schemas::otlp::json::{encode_logs, encode_metrics, encode_traces};
use blotter_schemas::otlp::{Request, Signal};
use blotter_tests::captures;
use blotter_tests::guests::workspace;
use blotter_tests::records::split;
use blotter_triage::receipt::Beside;
use blotter_triage::reconstruct::reconstruct;
use blotter_triage::snapshot::{file, snapshot};

/// Longest record that is taken, in bytes of JSON.
const LONGEST: usize = 2_500;
/// Records of each agent and signal: of as many different names.
const EACH: usize = 5;
/// What stands for the dialect of a record: as it says itself.
const ITSELF: u8 = 9;

fn main() -> anyhow::Result<()> {
    let corpus = workspace().join("fuzz/corpus");
    for agent in ["claude-code", "codex", "copilot-cli", "gemini-cli", "opencode", "qwen-code"] {
        for (number, signal) in Signal::ALL.into_iter().enumerate() {
            let code = u8::try_from(number)?;
            for (at, record) in records(agent, signal)?.iter().enumerate() {
                let name = format!("{agent}-{}-{at}", signal.name());
                let (json, protobuf) = (json(record).into_bytes(), record.encode());
                write(&corpus, "dialects", &name, &[&[ITSELF, code][..], &json].concat())?;
                if at == 0 && matches!(agent, "codex" | "claude-code") {
                    http(&corpus, &name, code, &json, &protobuf)?;
                    write(&corpus, "redaction-request", &name, &json)?;
                }
                if at == 1 && agent == "claude-code" {
                    // Those that have no capture: the same record, as if it were theirs.
                    for (dialect, other) in [(0, "blotter"), (7, "gen-ai"), (8, "other")] {
                        let body = [&[dialect, code][..], &json].concat();
                        write(&corpus, "dialects", &format!("{other}-{}", signal.name()), &body)?;
                    }
                }
            }
        }
    }
    for name in ["04-guardian-deny", "09-multiagent", "28-appserver-escalated"] {
        rollouts(&corpus, name)?;
    }
    for name in ["codex/02-denied-readonly", "claude-code/03-denied", "codex/17-netproxy"] {
        write(&corpus, "snapshot", &name.replace('/', "-"), taken(name)?.as_bytes())?;
    }
    Ok(())
}

/// The body of one record over HTTP, in each encoding, and as the codec has it.
fn http(corpus: &Path, name: &str, signal: u8, json: &[u8], protobuf: &[u8]) -> anyhow::Result<()> {
    for (target, body) in [("json", json), ("protobuf", protobuf)] {
        write(corpus, &format!("http-{target}"), name, &[&[signal], body].concat())?;
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        std::io::Write::write_all(&mut gzip, body)?;
        for (coding, compressed) in
            [("gzip", gzip.finish()?), ("zstd", zstd::encode_all(body, 19)?)]
        {
            let target = format!("http-{target}-{coding}");
            write(corpus, &target, name, &[&[signal | 0x80], body].concat())?;
            let compressed = [&[signal][..], &compressed].concat();
            write(corpus, &target, &format!("{name}-compressed"), &compressed)?;
        }
    }
    write(corpus, "otlp-json", name, json)?;
    write(corpus, "otlp-wire", name, protobuf)
}

fn json(record: &Request) -> String {
    match record {
        Request::Logs(request) => encode_logs(request),
        Request::Traces(request) => encode_traces(request),
        Request::Metrics(request) => encode_metrics(request),
    }
}

/// Short records of different names.
fn records(agent: &str, signal: Signal) -> anyhow::Result<Vec<Request>> {
    let (mut names, mut found) = (BTreeSet::new(), Vec::new());
    for capture in captures::all()?.iter().filter(|it| it.name.starts_with(&format!("{agent}/"))) {
        for export in capture.exports()?.iter().filter(|it| it.signal == signal) {
            for record in split(&Request::decode(signal, export.encoding, &export.body)?) {
                if json(&record).len() <= LONGEST && names.insert(name(&record)) {
                    found.push(record);
                }
            }
        }
    }
    // Those that say most.
    found.sort_by_key(|record| std::cmp::Reverse(json(record).len()));
    found.truncate(EACH);
    Ok(found)
}

fn name(record: &Request) -> String {
    let mut rows = Rows::default();
    normalise(record, &Custody::default(), &mut rows);
    let events = rows.events.iter().map(|it| it.name.clone());
    let spans = rows.spans.iter().map(|it| it.name.clone());
    let mut all = spans.chain(rows.metrics.iter().map(|it| it.name.clone())).chain(events);
    all.next().flatten().unwrap_or_default()
}

/// The short lines of a session file, and what its turns say of their profiles.
fn rollouts(corpus: &Path, capture: &str) -> anyhow::Result<()> {
    let folder = captures::named(&format!("codex/{capture}"))?.folder.join("rollout");
    let mut files: Vec<PathBuf> = Vec::new();
    for entry in fs::read_dir(folder)? {
        files.push(entry?.path());
    }
    files.sort();
    for (number, file) in files.iter().take(2).enumerate() {
        let mut kept = String::new();
        let text = fs::read_to_string(file)?;
        for line in text.lines() {
            let mut value: serde_json::Value = serde_json::from_str(line)?;
            let kind = value.get("type").and_then(|it| it.as_str()).unwrap_or_default().to_owned();
            let payload = value.get_mut("payload").map(serde_json::Value::take).unwrap_or_default();
            if kind == "turn_context" {
                let name = format!("{capture}-{number}");
                write(corpus, "rollout-profile", &name, payload.to_string().as_bytes())?;
            }
            if line.len() < 1_500 && kept.len() < 10_000 {
                kept += &format!("{line}\n");
            } else if kind == "session_meta" {
                // The first line has the instructions of the model; its beginning says whose it is.
                let mut payload = payload;
                if let Some(fields) = payload.as_object_mut() {
                    fields.retain(|_, value| value.to_string().len() < 200);
                }
                if let Some(fields) = value.as_object_mut() {
                    fields.insert("payload".to_owned(), payload);
                }
                kept += &format!("{value}\n");
            }
        }
        write(corpus, "rollout", &format!("{capture}-{number}"), kept.as_bytes())?;
    }
    Ok(())
}

/// The snapshot of a capture's first session.
fn taken(capture: &str) -> anyhow::Result<String> {
    let mut rows = Rows::default();
    for export in captures::named(capture)?.exports()? {
        let request = Request::decode(export.signal, export.encoding, &export.body)?;
        normalise(&request, &Custody::default(), &mut rows);
    }
    let session = rows.events.iter().find_map(|it| it.session_id.clone()).unwrap_or_default();
    let session = reconstruct(&session, &rows.events);
    Ok(file::write(&snapshot(&[(&session, &Beside::default())])?)?)
}

fn write(corpus: &Path, target: &str, name: &str, content: &[u8]) -> anyhow::Result<()> {
    let folder = corpus.join(target);
    fs::create_dir_all(&folder)?;
    Ok(fs::write(folder.join(name), content)?)
}
