//! What a collector is started with.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use blotter_archive::Location;
use blotter_redaction::Configuration;

use crate::Error;
use crate::forward::Destination;

/// What a collector is started with. [`Config::new`] gives the defaults; every limit may be changed.
#[derive(Debug, Clone)]
pub struct Config {
    /// Folder of everything that is the collector's own: the journal, its identity, and by default
    /// the archive.
    pub data: PathBuf,
    /// Where the tables are.
    pub archive: Location,
    /// Where OTLP/gRPC is expected; port 0 picks a free one.
    pub grpc: SocketAddr,
    /// Where OTLP/HTTP is expected; port 0 picks a free one.
    pub http: SocketAddr,
    /// Path of a Unix socket that serves OTLP/HTTP and OTLP/gRPC as well; none makes no socket.
    pub unix: Option<PathBuf>,
    /// What a sender may ask of us.
    pub limits: Limits,
    /// What is redacted, and with which keys: by default every secret that a built-in rule knows,
    /// with the keys in `<data>/redaction.key`, which are made at the first start.
    pub redaction: Configuration,
    /// Backends that get a copy of what is received, redacted.
    pub forward: Vec<Destination>,
    /// How the journal lies on disk.
    pub journal: JournalConfig,
    /// When the archive is written.
    pub commit: CommitConfig,
    /// How the archive is looked after.
    pub maintenance: MaintenanceConfig,
    /// Longest time that [`crate::Collector::shutdown`] waits for open requests, and again for the
    /// archive.
    pub shutdown_timeout: Duration,
}

/// What a sender may ask of us.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Largest request body in bytes, as sent and again after decompression.
    pub request_bytes: usize,
    /// Most records in one request: bounds the memory that normalising it takes.
    pub request_records: usize,
    /// Most bytes of a request's records once each has its resource and scope beside it, as in the archive:
    /// OTLP writes those once, and a small request could become very large.
    pub expanded_bytes: usize,
    /// Bytes of all requests that are not acknowledged yet, as sent and decompressed.
    pub bytes_in_flight: usize,
    /// Requests that are not acknowledged yet.
    pub requests_in_flight: usize,
    /// Connections served at a time; further ones wait to be accepted.
    pub connections: usize,
    /// How long a request waits for room before it is refused with a retryable status.
    pub admission_wait: Duration,
    /// How long a sender may take to send its request.
    pub request_time: Duration,
    /// When a refused sender is told to try again.
    pub retry_after: Duration,
}

/// How the journal lies on disk.
#[derive(Debug, Clone)]
pub struct JournalConfig {
    /// Size of a segment file in bytes.
    pub segment_bytes: u64,
    /// Most bytes of all segment files together; beyond it requests are refused until the archive
    /// has caught up.
    pub max_bytes: u64,
    /// Most bytes that one write and sync takes together.
    pub group_bytes: usize,
}

/// When the archive is written.
#[derive(Debug, Clone)]
pub struct CommitConfig {
    /// A commit is made once nothing has arrived for this long,
    pub quiet: Duration,
    /// or once its first record has waited this long,
    pub interval: Duration,
    /// or once it holds this many rows,
    pub rows: usize,
    /// or once the requests it was made from have this many bytes together, expanded.
    pub bytes: usize,
    /// Longest pause between attempts while the archive cannot be written.
    pub max_backoff: Duration,
}

/// How the archive is looked after.
#[derive(Debug, Clone)]
pub struct MaintenanceConfig {
    /// Whether small files are gathered.
    pub compaction: bool,
    /// Small files of a day that are worth gathering.
    pub least_files: usize,
    /// How many whole days of telemetry are kept beside today; all without.
    pub keep_days: Option<u32>,
    /// Pause between two looks at the tables.
    pub interval: Duration,
    /// Pause between two looks for old days and for files that nobody needs any more.
    pub clean_interval: Duration,
}

impl Config {
    /// The defaults over the folder `data`: OTLP/gRPC on 127.0.0.1:4317, OTLP/HTTP on 127.0.0.1:4318,
    /// the archive in `<data>/archive`, the journal in `<data>/journal`.
    ///
    /// # Errors
    /// [`Error::Archive`] when `<data>/archive` is no place for an archive.
    pub fn new(data: impl Into<PathBuf>) -> Result<Self, Error> {
        let data = data.into();
        let archive = data.join("archive");
        let archive = Location::parse(&archive.to_string_lossy())
            .map_err(|source| Error::archive(archive.display(), source))?;
        let loopback = IpAddr::V4(Ipv4Addr::LOCALHOST);
        Ok(Self {
            data,
            archive,
            grpc: SocketAddr::new(loopback, 4317),
            http: SocketAddr::new(loopback, 4318),
            unix: None,
            limits: Limits::default(),
            redaction: Configuration::default(),
            forward: Vec::new(),
            journal: JournalConfig::default(),
            commit: CommitConfig::default(),
            maintenance: MaintenanceConfig::default(),
            shutdown_timeout: Duration::from_secs(30),
        })
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            request_bytes: 64 << 20,
            request_records: 100_000,
            expanded_bytes: 128 << 20,
            // Room for one request of the largest size together with its compressed form.
            bytes_in_flight: 128 << 20,
            requests_in_flight: 1024,
            connections: 2_048,
            admission_wait: Duration::from_secs(1),
            request_time: Duration::from_secs(30),
            retry_after: Duration::from_secs(1),
        }
    }
}

impl Default for JournalConfig {
    fn default() -> Self {
        Self { segment_bytes: 64 << 20, max_bytes: 4 << 30, group_bytes: 16 << 20 }
    }
}

impl Default for CommitConfig {
    fn default() -> Self {
        Self {
            quiet: Duration::from_millis(700),
            interval: Duration::from_secs(3),
            rows: 32_000,
            bytes: 32 << 20,
            max_backoff: Duration::from_secs(30),
        }
    }
}

impl Default for MaintenanceConfig {
    fn default() -> Self {
        Self {
            compaction: true,
            least_files: 16,
            keep_days: None,
            interval: Duration::from_secs(60),
            clean_interval: Duration::from_secs(60 * 60),
        }
    }
}
