//! A collector whose files are so small that a few requests take it through everything it does.

use std::path::Path;
use std::time::Duration;

use blotter_collector::{Collector, Config};

use crate::processes::Addresses;

/// On free ports of 127.0.0.1, over the folder `data`.
///
/// # Errors
/// When `data` is no place for an archive.
pub fn config(data: &Path) -> anyhow::Result<Config> {
    let mut config = Config::new(data)?;
    config.grpc.set_port(0);
    config.http.set_port(0);
    config.journal.segment_bytes = 16 << 10;
    config.commit.quiet = Duration::from_millis(20);
    config.commit.interval = Duration::from_millis(60);
    config.commit.max_backoff = Duration::from_millis(200);
    config.shutdown_timeout = Duration::from_secs(10);
    Ok(config)
}

/// Where a collector in this process listens.
#[must_use]
pub const fn addresses(collector: &Collector) -> Addresses {
    Addresses { http: collector.http_address(), grpc: collector.grpc_address() }
}
