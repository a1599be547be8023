//! Secrets in every place of every signal, by every way in: none of them is left in the journal, the
//! archive, what destinations get, what is set aside for them, or what the collector says.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::string_slice,
    clippy::unreachable,
    clippy::unwrap_used,
    reason = "tests"
)]

#[path = "../../redaction/tests/corpus/mod.rs"]
mod corpus;
#[path = "../../redaction/tests/hider/mod.rs"]
mod hider;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use aho_corasick::AhoCorasick;
use arrow_array::Array as _;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use blotter_schemas::otlp::{Encoding, Request, Signal};
use blotter_schemas::tables::{Event, MetricPoint, Span};
use blotter_tests::backend::{Answer as Refusal, Backend};
use blotter_tests::binaries::binary;
use blotter_tests::client::{Answer, Export, Sender};
use blotter_tests::processes::{Addresses, Daemon, triage, triage_reading};
use blotter_tests::table_files;
use hider::Hider;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

/// Captured requests of each signal and encoding that secrets are hidden in, for each way in.
const EACH: usize = 3;
/// Largest of them, in bytes.
const LARGEST: usize = 200_000;

/// Longest wait for a running collector to take up a key.
const PATIENCE: Duration = Duration::from_secs(60);

/// How requests come in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Grpc,
    GrpcGzip,
    Http,
    HttpGzip,
    Json,
    JsonEscapedGzip,
    Unix,
    Import,
}

impl Way {
    const BEFORE_THE_KILL: [Self; 3] = [Self::Grpc, Self::Json, Self::HttpGzip];
    const AFTER_THE_KILL: [Self; 4] =
        [Self::GrpcGzip, Self::Http, Self::JsonEscapedGzip, Self::Unix];

    fn encoding(self) -> Encoding {
        match self {
            Self::Json | Self::JsonEscapedGzip => Encoding::Json,
            Self::Grpc
            | Self::GrpcGzip
            | Self::Http
            | Self::HttpGzip
            | Self::Unix
            | Self::Import => Encoding::Protobuf,
        }
    }

    async fn sender(self, addresses: Addresses, unix: &Path) -> anyhow::Result<Sender> {
        Ok(match self {
            Self::Unix => Sender::unix(unix).await?,
            Self::Grpc => Sender::grpc(addresses.grpc).await?,
            Self::GrpcGzip => Sender::grpc(addresses.grpc).await?.with_gzip(),
            Self::Http | Self::Json | Self::Import => Sender::http(addresses.http).await?,
            Self::HttpGzip | Self::JsonEscapedGzip => {
                Sender::http(addresses.http).await?.with_gzip()
            }
        })
    }
}

/// Makes requests and remembers what is hidden in them.
struct Plot {
    /// One secret that is in requests of every way in.
    shared: String,
    hidden: BTreeSet<(&'static str, String)>,
    seed: u64,
}

impl Plot {
    fn new() -> Self {
        let shared = format!("ghp_{}", corpus::Random::new(77).text(corpus::ALNUM, 36));
        let hidden = BTreeSet::from([("shared", shared.clone())]);
        Self { shared, hidden, seed: 1 }
    }

    /// Requests for one way in, with secrets of every kind in every place.
    fn requests(&mut self, way: Way) -> Vec<Export> {
        let mut taken = BTreeMap::new();
        let mut exports = vec![self.export(way, self.shared_one(way), &[])];
        for (_, signal, encoding, body) in corpus::bodies() {
            let count = taken.entry((signal, encoding)).or_insert(0);
            if *count == EACH || body.len() > LARGEST {
                continue;
            }
            *count += 1;
            let mut request = Request::decode(signal, encoding, &body).unwrap();
            self.seed += 1;
            let mut hider = Hider::new(self.seed);
            hider.hide(&mut request);
            exports.push(self.export(way, request, &hider.hidden));
            self.hidden.extend(hider.hidden);
        }
        assert_eq!(taken.len(), 6, "every signal in both encodings");
        exports
    }

    fn export(&self, way: Way, request: Request, hidden: &[(&'static str, String)]) -> Export {
        let body = match (way.encoding(), way) {
            (Encoding::Protobuf, _) => request.encode(),
            (Encoding::Json, Way::JsonEscapedGzip) => {
                escaped(corpus::json(&request), hidden).into_bytes()
            }
            (Encoding::Json, _) => corpus::json(&request).into_bytes(),
        };
        Export { signal: request.signal(), encoding: way.encoding(), body: body.into() }
    }

    /// A record of a session named after the way in, with the shared secret.
    fn shared_one(&self, way: Way) -> Request {
        let text = |text: String| Some(AnyValue { value: Some(Value::StringValue(text)) });
        let attribute = |key: &str, value: Option<AnyValue>| KeyValue {
            key: key.to_owned(),
            value,
            ..KeyValue::default()
        };
        let bytes = Value::BytesValue(format!("in bytes {}", self.shared).into_bytes());
        let record = LogRecord {
            time_unix_nano: 1_795_219_200_000_000_000,
            body: text(format!("push with {} now", self.shared)),
            attributes: vec![
                attribute("session.id", text(format!("by {way:?}"))),
                attribute("nested", text(format!(r#"{{"token":"{}"}}"#, self.shared))),
                attribute("bytes", Some(AnyValue { value: Some(bytes) })),
            ],
            ..LogRecord::default()
        };
        let scope_logs = vec![ScopeLogs { log_records: vec![record], ..ScopeLogs::default() }];
        let resource_logs = vec![ResourceLogs { scope_logs, ..ResourceLogs::default() }];
        Request::Logs(ExportLogsServiceRequest { resource_logs })
    }
}

/// JSON in which the first characters of every secret are written as escapes.
fn escaped(mut json: String, hidden: &[(&'static str, String)]) -> String {
    for (_, secret) in hidden {
        let plain =
            |character: char| character.is_ascii_alphanumeric() || "-_.".contains(character);
        let start: String = secret.chars().take(5).take_while(|it| plain(*it)).collect();
        let escapes: String = start.chars().map(|it| format!("\\u{:04x}", u32::from(it))).collect();
        json = json.replace(secret, &(escapes + &secret[start.len()..]));
    }
    json
}

/// The ways in which a secret may be written, to look for all of them at once.
struct Forms {
    automaton: AhoCorasick,
    names: Vec<String>,
}

impl Forms {
    fn of(hidden: &BTreeSet<(&'static str, String)>) -> Self {
        let mut forms: BTreeMap<String, String> = BTreeMap::new();
        for (kind, secret) in hidden {
            // No line breaks but in private keys, whose lines are looked for one by one.
            let lines = secret.lines().filter(|line| !line.starts_with("-----") && line.len() >= 8);
            for line in lines {
                let mut add = |how: &str, form: String| {
                    forms.insert(form, format!("{kind}, {how}: {line}"));
                };
                add("as it is", line.to_owned());
                let percent = |all: bool| -> String {
                    let one = |byte: u8| match byte {
                        byte if byte.is_ascii_alphanumeric() && !all => char::from(byte).into(),
                        byte => format!("%{byte:02X}"),
                    };
                    line.bytes().map(one).collect()
                };
                add("percent-encoded", percent(false));
                add("percent-encoded whole", percent(true));
                for shift in 0..3 {
                    for engine in [STANDARD_NO_PAD, URL_SAFE_NO_PAD] {
                        let padded = [&[0; 2][..shift], line.as_bytes()].concat();
                        let (from, to) = ((shift * 8).div_ceil(6), padded.len() * 8 / 6);
                        add("in Base64", engine.encode(padded)[from..to].to_owned());
                    }
                }
            }
        }
        let (forms, names): (Vec<String>, Vec<String>) = forms.into_iter().unzip();
        Self { automaton: AhoCorasick::new(forms).unwrap(), names }
    }

    fn in_bytes(&self, bytes: &[u8]) -> Option<&str> {
        let found = self.automaton.find(bytes)?;
        Some(&self.names[found.pattern().as_usize()])
    }

    /// Looks through every file below a folder, Parquet decoded column by column besides.
    fn assert_absent_below(&self, folder: &Path) -> usize {
        let mut columns = 0;
        for path in files(folder) {
            let found = self.in_bytes(&fs::read(&path).unwrap());
            assert_eq!(found, None, "in {}", path.display());
            if path.extension().is_none_or(|extension| extension != "parquet") {
                continue;
            }
            let reader = ParquetRecordBatchReaderBuilder::try_new(File::open(&path).unwrap());
            for batch in reader.unwrap().build().unwrap() {
                let batch = batch.unwrap();
                for (field, column) in batch.schema().fields().iter().zip(batch.columns()) {
                    let mut parts = vec![column.to_data()];
                    while let Some(part) = parts.pop() {
                        for buffer in part.buffers() {
                            let found = self.in_bytes(buffer.as_slice());
                            assert_eq!(found, None, "in {} of {}", field.name(), path.display());
                        }
                        parts.extend_from_slice(part.child_data());
                    }
                    columns += 1;
                }
            }
        }
        columns
    }
}

/// Backends that get everything, one over each transport, and one that refuses it.
struct Destinations([Backend; 4]);

impl Destinations {
    async fn start(config: &Path) -> anyhow::Result<Self> {
        let [grpc, json, normalised, refusing] = [
            Backend::start().await?,
            Backend::start().await?,
            Backend::start().await?,
            Backend::start().await?,
        ];
        refusing.answer_always(Refusal::Refuse(400, None));
        let mut toml = String::new();
        for (name, backend, more) in [
            ("grpc", &grpc, "protocol = \"grpc\""),
            ("json", &json, "protocol = \"http/json\""),
            ("normalised", &normalised, "normalised = true"),
            ("refusing", &refusing, ""),
        ] {
            let url = backend.url();
            toml += &format!("[[forward]]\nname = \"{name}\"\nendpoint = \"{url}\"\n{more}\n");
        }
        fs::write(config, toml)?;
        Ok(Self([grpc, json, normalised, refusing]))
    }

    /// Looks through everything that they were sent, also what they refused; how many bytes it was.
    fn assert_absent(&self, forms: &Forms) -> anyhow::Result<usize> {
        let mut bytes = 0;
        for backend in &self.0 {
            let received = backend.received();
            assert!(!received.is_empty());
            for request in received {
                assert_eq!(forms.in_bytes(&request.body), None, "forwarded: {request:?}");
                assert_eq!(forms.in_bytes(format!("{:?}", request.headers).as_bytes()), None);
                bytes += request.body.len();
            }
        }
        // The search can find something: the marks are there.
        let marks = self.0.iter().flat_map(Backend::received);
        let marks = marks.filter(|it| memchr::memmem::find(&it.body, b"[redacted:").is_some());
        assert!(marks.count() > 0);
        Ok(bytes)
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found.sort();
    found
}

async fn send(plot: &mut Plot, way: Way, addresses: Addresses, unix: &Path) -> anyhow::Result<()> {
    let mut sender = way.sender(addresses, unix).await?;
    for export in plot.requests(way) {
        let answer = sender.send(&export).await?;
        assert!(matches!(answer, Answer::Acknowledged(_)), "{way:?}: {answer:?}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_secret_reaches_a_disk_a_destination_or_a_log_line_whichever_way_it_came()
-> anyhow::Result<()> {
    let (data, elsewhere) = (tempfile::tempdir()?, tempfile::tempdir()?);
    let (archive, log) = (data.path().join("archive"), elsewhere.path().join("stderr"));
    let unix = elsewhere.path().join("socket");
    let config = elsewhere.path().join("collector.toml");
    let destinations = Destinations::start(&config).await?;
    let mut plot = Plot::new();

    let mut collector = Daemon::talkative_collector(data.path(), &config, &log, &unix)?;
    let addresses = collector.addresses().await?;
    for way in Way::BEFORE_THE_KILL {
        send(&mut plot, way, addresses, &unix).await?;
    }
    collector.kill().await?;
    Forms::of(&plot.hidden).assert_absent_below(data.path());

    let mut collector = Daemon::talkative_collector(data.path(), &config, &log, &unix)?;
    let addresses = collector.addresses().await?;
    for way in Way::AFTER_THE_KILL {
        send(&mut plot, way, addresses, &unix).await?;
    }
    let token = plot.shared.clone();
    // A request that is refused with a part of it in the reason.
    let refused = format!(
        r#"{{"resourceLogs":[{{"scopeLogs":[{{"logRecords":[{{"timeUnixNano":"{token}"}}]}}]}}]}}"#
    );
    let refused = Export { signal: Signal::Logs, encoding: Encoding::Json, body: refused.into() };
    let answer = Sender::http(addresses.http).await?.send(&refused).await?;
    let Answer::Permanent(reason) = answer else { panic!("{answer:?}") };
    assert!(reason.contains("timeUnixNano"), "{reason}");
    let (status, stdout) = collector.end().await?;
    assert!(status.success(), "{status}");

    let recorded = elsewhere.path().join("recorded");
    fs::create_dir(&recorded)?;
    for (number, export) in plot.requests(Way::Import).into_iter().enumerate() {
        let name = format!("{number:04}.{}.pb", export.signal.name());
        fs::write(recorded.join(name), &export.body)?;
    }
    fs::write(recorded.join("9999.logs.json"), &refused.body)?;
    let imported = triage(&archive, ["import".as_ref(), recorded.as_os_str()]).await?;
    assert_eq!(imported.exit_code, Some(2), "{}", imported.stderr);

    let forms = Forms::of(&plot.hidden);
    let columns = forms.assert_absent_below(data.path());
    for (what, text) in [
        ("a refusal", reason),
        ("stdout", stdout),
        ("stderr", fs::read_to_string(&log)?),
        ("the import's stdout", imported.stdout),
        ("the import's stderr", imported.stderr),
    ] {
        assert_eq!(forms.in_bytes(text.as_bytes()), None, "in {what}");
    }
    let forwarded = destinations.assert_absent(&forms)?;
    let letters = blotter_collector::dead_letters(data.path())?.len();
    assert!(forwarded > 1_000_000 && letters > 0, "{forwarded} bytes, {letters} dead letters");
    println!(
        "{forwarded} bytes forwarded, {letters} dead letters; {} secrets in {} forms looked for; {columns} columns of Parquet, {} bytes of log",
        plot.hidden.len(),
        forms.names.len(),
        fs::metadata(&log)?.len()
    );
    assert!(plot.hidden.len() > 2_000 && columns > 100);

    one_secret_is_followed_across_every_way_in(&archive, elsewhere.path(), &token).await?;
    rows_say_what_was_redacted(&archive)
}

/// The marks are there, and the shared secret has one fingerprint wherever it came in.
async fn one_secret_is_followed_across_every_way_in(
    archive: &Path,
    folder: &Path,
    secret: &str,
) -> anyhow::Result<()> {
    let input = folder.join("secret");
    fs::write(&input, format!("{secret}\n"))?;
    let found = triage_reading(archive, &["fingerprint", "--format", "json"], &input).await?;
    assert_eq!(found.exit_code, Some(0), "{}", found.stderr);
    assert!(!found.stdout.contains(secret));
    let found: serde_json::Value = serde_json::from_str(&found.stdout)?;
    assert_eq!(found["fingerprints"].as_array().map(Vec::len), Some(1), "{found}");
    let sessions = found["sightings"]["sessions"].as_object().unwrap();
    let expected: BTreeSet<String> = Way::BEFORE_THE_KILL
        .into_iter()
        .chain(Way::AFTER_THE_KILL)
        .chain([Way::Import])
        .map(|way| format!("by {way:?}"))
        // A file that cannot be read is named with a part of what it says.
        .chain(["blotter.import".to_owned()])
        .collect();
    assert_eq!(sessions.keys().cloned().collect::<BTreeSet<_>>(), expected, "{found}");
    let mark = found["fingerprints"][0]["marks"][0].as_str().unwrap();
    let of_sessions = |event: &Event| {
        event.session_id.as_deref().is_some_and(|session| session.starts_with("by "))
    };
    for event in table_files::rows::<Event>(archive)?.into_iter().filter(of_sessions) {
        let record = event.canonical_record()?.unwrap_or_default();
        assert_eq!(record.matches(mark).count(), 3, "{record}");
        let redactions = event.redactions.unwrap_or_default();
        assert_eq!(redactions, r#"{"github-pat":3}"#);
        assert_eq!(event.token_type.as_deref(), Some("personal_access_token"));
        assert_eq!(event.key_id.as_deref(), found["fingerprints"][0]["key_id"].as_str());
    }
    let shown = triage(archive, ["show", "by Grpc"]).await?.stdout;
    assert!(shown.contains("by the collector: 3 values (github-pat 3)"), "{shown}");
    Ok(())
}

/// Every row of every table was searched, and those with marks say which rules placed them.
fn rows_say_what_was_redacted(archive: &Path) -> anyhow::Result<()> {
    let told = |version: Option<i64>, redactions: Option<&String>, record: Option<&String>| {
        assert!(version.is_some_and(|version| version > 0));
        if record.is_some_and(|record| record.contains("[redacted:")) {
            assert!(redactions.is_some(), "{record:?}");
        }
    };
    for row in table_files::rows::<Event>(archive)? {
        told(row.redaction_version, row.redactions.as_ref(), row.record.as_ref());
    }
    for row in table_files::rows::<Span>(archive)? {
        told(row.redaction_version, row.redactions.as_ref(), row.record.as_ref());
    }
    let points = table_files::rows::<MetricPoint>(archive)?;
    assert!(points.iter().any(|point| point.redactions.is_some()));
    for row in points {
        told(row.redaction_version, row.redactions.as_ref(), row.record.as_ref());
    }
    Ok(())
}

#[tokio::test]
async fn a_collector_does_not_start_with_settings_that_it_cannot_use() -> anyhow::Result<()> {
    let data = tempfile::tempdir()?;
    let folder = data.path().join("data");
    let file = data.path().join("blotter.toml");
    let refused = async |content: &str| -> anyhow::Result<String> {
        fs::write(&file, content)?;
        let mut command = tokio::process::Command::new(binary("blotter-collector")?);
        command.args(["--grpc", "127.0.0.1:0", "--http", "127.0.0.1:0", "--config"]).arg(&file);
        let output = command.arg("--data").arg(&folder).kill_on_drop(true).output().await?;
        assert_eq!(output.status.code(), Some(2));
        Ok(String::from_utf8(output.stderr)?)
    };
    let unknown = refused("[redaction]\n\ndisabled = true\n").await?;
    assert!(unknown.contains("blotter.toml:3: unknown field `disabled`"), "{unknown}");
    let rule = "[[redaction.rules]]\nid = \"acme\"\npattern = 'acme_[0-9]{4}'\nanchors = [\"acme_\"]\n\
                matches = [\"acme_1\"]\nrejects = [\"acme_\"]\n";
    let rule = refused(rule).await?;
    assert!(rule.contains("blotter.toml:5: redaction.rules[0].matches[0]"), "{rule}");
    let missing = refused("[redaction]\nkey_file = \"fleet.key\"\n").await?;
    assert!(missing.contains("fleet.key"), "{missing}");
    let key = data.path().join("fleet.key");
    fs::write(&key, format!("k1 {}\n", "ab".repeat(32)))?;
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644))?;
    let readable = refused("[redaction]\nkey_file = \"fleet.key\"\n").await?;
    assert!(readable.contains("0600"), "{readable}");
    Ok(())
}

#[tokio::test]
async fn a_running_collector_makes_marks_with_a_key_that_was_added() -> anyhow::Result<()> {
    let data = tempfile::tempdir()?;
    let archive = data.path().join("archive");
    let mut collector = Daemon::collector(data.path())?;
    let mut sender = Sender::http(collector.addresses().await?.http).await?;
    let plot = Plot::new();
    let request = plot.export(Way::Http, plot.shared_one(Way::Http), &[]);
    assert!(matches!(sender.send(&request).await?, Answer::Acknowledged(_)));
    let rotated = triage(&archive, ["key", "rotate", "--format", "json"]).await?;
    assert_eq!(rotated.exit_code, Some(0), "{}", rotated.stderr);
    let rotated: serde_json::Value = serde_json::from_str(&rotated.stdout)?;
    let (old, new) = (&rotated["key_ids"][0], &rotated["key_ids"][1]);
    assert_eq!(&rotated["current"], new);
    let deadline = tokio::time::Instant::now() + PATIENCE;
    let keys = loop {
        assert!(matches!(sender.send(&request).await?, Answer::Acknowledged(_)));
        tokio::time::sleep(Duration::from_millis(300)).await;
        let rows = table_files::rows::<Event>(&archive)?;
        let keys: BTreeSet<String> = rows.into_iter().filter_map(|row| row.key_id).collect();
        if keys.len() == 2 || tokio::time::Instant::now() > deadline {
            break keys;
        }
    };
    let expected = [old, new].map(|key| key.as_str().unwrap_or_default().to_owned());
    assert_eq!(keys, BTreeSet::from(expected));
    assert!(collector.terminate().await?.success());
    // One event for all of them, whichever key: it was the same record.
    let ids: BTreeSet<_> =
        table_files::rows::<Event>(&archive)?.iter().map(|row| row.event_id).collect();
    assert_eq!(ids.len(), 1);
    Ok(())
}
