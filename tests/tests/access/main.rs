//! Who is let into the collector, what each may send, and that nobody keeps others out.

#![allow(clippy::indexing_slicing, clippy::panic, reason = "tests")]

mod authority;
mod certificates;
mod client;
mod credentials;
mod hosts;
mod limits;
mod sharing;
mod starving;
mod strangers;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use blotter_collector::{Collector, Config, ConfigFile, NewToken, Scope};
use blotter_schemas::tables::Event;
use blotter_tests::table_files;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::resource::v1::Resource;
use prost::Message as _;
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;

/// Longest wait for what must happen.
const PATIENCE: Duration = Duration::from_secs(60);

/// What is said on a connection until its end.
async fn until_closed(stream: &mut TcpStream) -> anyhow::Result<Vec<u8>> {
    let mut said = Vec::new();
    let read = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut said)).await;
    let _ = read.context("the connection was not closed")?;
    Ok(said)
}

/// A collector's folders and its configuration.
struct Bench {
    folder: tempfile::TempDir,
}

impl Bench {
    fn new() -> anyhow::Result<Self> {
        Ok(Self { folder: tempfile::tempdir()? })
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The configuration of a collector on free ports, as `toml` says.
    fn config(&self, toml: &str) -> anyhow::Result<Config> {
        std::fs::write(self.path("collector.toml"), toml)?;
        let read = ConfigFile::read(&self.path("collector.toml"))?;
        let mut config = Config::new(self.path("data"))?;
        config.grpc.set_port(0);
        config.http.set_port(0);
        (config.access, config.limits) = (read.access, read.limits);
        Ok(config)
    }

    async fn start(&self, toml: &str) -> anyhow::Result<Collector> {
        Ok(Collector::start(self.config(toml)?).await?)
    }

    /// Every row of `events`, once the collector was shut down.
    fn events(&self) -> anyhow::Result<Vec<Event>> {
        table_files::rows(&self.path("data/archive"))
    }

    /// The only row of `events` that has this in its record, or in the column that holds its words.
    fn event(&self, text: &str) -> anyhow::Result<Event> {
        let mut found = self.events()?;
        let has = |column: &Option<String>| column.as_deref().is_some_and(|it| it.contains(text));
        found.retain(|row| has(&row.record) || has(&row.text));
        anyhow::ensure!(found.len() == 1, "{} rows have {text}", found.len());
        found.pop().context("no row")
    }
}

/// A token, and its table in TOML.
fn token(
    name: &str,
    scopes: &[Scope],
    expires: Option<&str>,
    tenant: Option<&str>,
) -> anyhow::Result<(String, String)> {
    let token = NewToken::make()?;
    let table = toml_edit::ser::to_string(&token.table(name, scopes, expires, tenant)?)?;
    Ok((token.reveal().to_owned(), format!("[[access.tokens]]\n{table}\n")))
}

fn attribute(key: &str, value: &str) -> KeyValue {
    let value = Some(AnyValue { value: Some(Value::StringValue(value.to_owned())) });
    KeyValue { key: key.to_owned(), value, ..KeyValue::default() }
}

/// A request of one log record whose body is `text`.
fn log(text: &str, attributes: Vec<KeyValue>) -> Vec<u8> {
    with_resource(text, attributes, Vec::new())
}

fn with_resource(text: &str, attributes: Vec<KeyValue>, resource: Vec<KeyValue>) -> Vec<u8> {
    let record = LogRecord {
        time_unix_nano: 1_700_000_000_000_000_000,
        body: Some(AnyValue { value: Some(Value::StringValue(text.to_owned())) }),
        attributes,
        ..LogRecord::default()
    };
    request(record, resource)
}

fn request(record: LogRecord, attributes: Vec<KeyValue>) -> Vec<u8> {
    let scope = ScopeLogs { log_records: vec![record], ..ScopeLogs::default() };
    let resource = ResourceLogs {
        resource: Some(Resource { attributes, ..Resource::default() }),
        scope_logs: vec![scope],
        ..ResourceLogs::default()
    };
    ExportLogsServiceRequest { resource_logs: vec![resource] }.encode_to_vec()
}
