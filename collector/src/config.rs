//! What a collector is started with.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use blotter_archive::Location;
use blotter_redaction::Configuration;
use serde::ser::SerializeStruct as _;
use serde::{Deserialize, Serialize, Serializer};

use crate::access::AccessConfig;
use crate::forward::Destination;
use crate::{Error, seconds};

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
    /// Who may connect.
    pub access: AccessConfig,
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
    /// The configuration file that this is from: where its tokens and clients change, a running collector
    /// takes them up.
    pub file: Option<PathBuf>,
}

/// What a sender may ask of us. In the configuration file durations are numbers of seconds, and their names
/// end with `_seconds`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Largest request body in bytes, as sent and again after decompression.
    pub request_bytes: usize,
    /// Most records in one request: bounds the memory that normalising it takes.
    pub request_records: usize,
    /// Most bytes of a request's records once each has its resource and scope beside it, as in the archive:
    /// OTLP writes those once, and a small request could become very large.
    pub expanded_bytes: usize,
    /// Most memory that a request takes once it is decoded, with the rows that become of its records, in
    /// bytes: many empty values are small as sent. As many requests as there are cores are decoded at a time.
    pub memory_bytes: usize,
    /// Most attributes of one record, or of a resource or scope, those within values included.
    pub record_attributes: usize,
    /// Most messages of OTLP within each other: an attribute's value is on level 5, and a list or map within
    /// one two or three deeper. At most 100, which is as deep as anything is decoded.
    pub nesting_depth: u32,
    /// Longest string in bytes; a longer one is cut, and a mark with its length and a digest stands at its
    /// end.
    pub string_bytes: usize,
    /// Requests of one sender in a second, and twice as many at once; 0 for any number.
    pub sender_requests_per_second: u32,
    /// Bytes of one sender in a second, as sent, and twice as many at once; 0 for any number.
    pub sender_bytes_per_second: u64,
    /// Senders whose rates are remembered.
    pub senders: usize,
    /// Bytes of all requests that are not acknowledged yet, as sent and decompressed; one sender has at most
    /// half of them, or one request of the largest size.
    pub bytes_in_flight: usize,
    /// Requests that are not acknowledged yet; one sender has at most half of them.
    pub requests_in_flight: usize,
    /// Connections served at a time; for a further one whose sender is let in, that which was idle longest is
    /// closed.
    pub connections: usize,
    /// Those of one address, or of one IPv6 network of 64 bits, other than loopback; 0 for any number.
    pub connections_per_address: usize,
    /// How long a request waits for room before it is refused with a retryable status.
    #[serde(rename = "admission_wait_seconds", with = "seconds")]
    pub admission_wait: Duration,
    /// How long a new connection may take until the head of its first request is there, TLS included.
    #[serde(rename = "head_time_seconds", with = "seconds")]
    pub head_time: Duration,
    /// How long a sender may take to send its request.
    #[serde(rename = "request_time_seconds", with = "seconds")]
    pub request_time: Duration,
    /// How long a sender may pause within its request.
    #[serde(rename = "request_pause_seconds", with = "seconds")]
    pub request_pause: Duration,
    /// How long a connection may be idle between requests. Longer than any sender's export interval: one
    /// whose connection we close just as it sends may not try again.
    #[serde(rename = "idle_time_seconds", with = "seconds")]
    pub idle_time: Duration,
    /// When a refused sender is told to try again.
    #[serde(rename = "retry_after_seconds", with = "seconds")]
    pub retry_after: Duration,
    /// Requests of one HTTP/2 connection at a time.
    pub http2_streams: u32,
    /// Requests of one HTTP/2 connection that may be withdrawn before we look at them; the connection of a
    /// sender that withdraws more is closed.
    pub http2_pending_resets: usize,
    /// Largest head of an HTTP/2 request in bytes.
    pub http2_header_bytes: u32,
}

/// How the journal lies on disk.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
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
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CommitConfig {
    /// A commit is made once nothing has arrived for this long,
    #[serde(rename = "quiet_seconds", with = "seconds")]
    pub quiet: Duration,
    /// or once its first record has waited this long,
    #[serde(rename = "interval_seconds", with = "seconds")]
    pub interval: Duration,
    /// or once it holds this many rows,
    pub rows: usize,
    /// or once the requests it was made from have this many bytes together, expanded.
    pub bytes: usize,
    /// Longest pause between attempts while the archive cannot be written.
    #[serde(rename = "max_backoff_seconds", with = "seconds")]
    pub max_backoff: Duration,
}

/// How the archive is looked after.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MaintenanceConfig {
    /// Whether small files are gathered.
    pub compaction: bool,
    /// Small files of a day that are worth gathering.
    pub least_files: usize,
    /// How many whole days of telemetry are kept beside today; all without.
    pub keep_days: Option<u32>,
    /// Pause between two looks at the tables.
    #[serde(rename = "interval_seconds", with = "seconds")]
    pub interval: Duration,
    /// Pause between two looks for old days and for files that nobody needs any more.
    #[serde(rename = "clean_interval_seconds", with = "seconds")]
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
            access: AccessConfig::default(),
            limits: Limits::default(),
            redaction: Configuration::default(),
            forward: Vec::new(),
            journal: JournalConfig::default(),
            commit: CommitConfig::default(),
            maintenance: MaintenanceConfig::default(),
            shutdown_timeout: Duration::from_secs(30),
            file: None,
        })
    }
}

/// The shape of the configuration file. What must not be shown is not: see [`crate::Headers`].
impl Serialize for Config {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // Named one by one, so that a new field cannot be left out unnoticed.
        let Self {
            data,
            archive,
            grpc,
            http,
            unix,
            access,
            limits,
            redaction,
            forward,
            journal,
            commit,
            maintenance,
            shutdown_timeout,
            // Said of every value that came from it.
            file: _,
        } = self;
        let listen = Listen { grpc: Some(*grpc), http: Some(*http), unix: unix.clone() };
        let mut tree = serializer.serialize_struct("Config", 11)?;
        tree.serialize_field("data", data)?;
        tree.serialize_field("archive", &archive.to_string())?;
        tree.serialize_field("listen", &listen)?;
        tree.serialize_field("access", access)?;
        tree.serialize_field("limits", limits)?;
        tree.serialize_field("journal", journal)?;
        tree.serialize_field("commit", commit)?;
        tree.serialize_field("maintenance", maintenance)?;
        tree.serialize_field("redaction", redaction)?;
        tree.serialize_field("forward", forward)?;
        tree.serialize_field("shutdown_timeout_seconds", &Seconds(*shutdown_timeout))?;
        tree.end()
    }
}

/// A duration that stands alone.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Seconds(#[serde(with = "seconds")] pub Duration);

/// The table `[listen]`: where requests are expected.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Listen {
    /// OTLP/gRPC.
    pub grpc: Option<SocketAddr>,
    /// OTLP/HTTP, and what an operator asks.
    pub http: Option<SocketAddr>,
    /// Path of a Unix socket.
    pub unix: Option<PathBuf>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            request_bytes: 64 << 20,
            request_records: 100_000,
            expanded_bytes: 128 << 20,
            memory_bytes: 256 << 20,
            record_attributes: 4096,
            nesting_depth: 100,
            string_bytes: 4 << 20,
            sender_requests_per_second: 10_000,
            sender_bytes_per_second: 512 << 20,
            senders: 4096,
            // Room for one request of the largest size as sent and decompressed, and for others beside it.
            bytes_in_flight: 192 << 20,
            requests_in_flight: 1024,
            connections: 2_048,
            // Half: behind one address may be a whole team.
            connections_per_address: 1_024,
            admission_wait: Duration::from_secs(1),
            head_time: Duration::from_secs(30),
            request_time: Duration::from_secs(30),
            request_pause: Duration::from_secs(10),
            idle_time: Duration::from_secs(300),
            retry_after: Duration::from_secs(1),
            http2_streams: 100,
            http2_pending_resets: 20,
            http2_header_bytes: 16 << 10,
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
