//! The way of a request body from the socket to the journal, without either.

use std::net::Ipv4Addr;
use std::path::Path;
use std::sync::Arc;

use blotter_disk::LocalDisk;
use blotter_redaction::Configuration;
use blotter_schemas::otlp::{Encoding, Signal};
use bytes::Bytes;
use tokio::runtime::{Builder, Runtime};

use super::intake::{Arrived, Clean, Intake};
pub use super::limits::Compression;
use super::origin::Origin;
use super::status::Refusal;
use crate::Error;
use crate::access::{AccessConfig, Gate};
use crate::config::{JournalConfig, Limits};
use crate::journal::Journal;
use crate::operation::counters::Transport;
use crate::own_events::OwnEvents;
use crate::redaction::Redaction;

/// Largest body that is taken here, compressed or not: a fuzzer learns nothing from larger ones.
const LARGEST: usize = 1 << 20;

/// Takes bodies as a collector does that listens, and journals none.
#[derive(Debug)]
pub struct Doorway {
    intake: Intake,
    runtime: Runtime,
}

/// What would be journalled.
#[derive(Debug)]
pub struct Taken {
    /// How it is encoded.
    pub encoding: Encoding,
    /// The body, without its secrets.
    pub body: Bytes,
    /// Records in it.
    pub count: u32,
}

impl Doorway {
    /// One over an empty folder.
    ///
    /// # Errors
    /// When the folder cannot be written to.
    pub fn open(folder: &Path) -> Result<Self, Error> {
        let journal = JournalConfig { segment_bytes: 1, ..JournalConfig::default() };
        let disk = Arc::new(LocalDisk);
        let journal = Journal::open(&folder.join("journal"), &journal, &["archive"], disk)?;
        let redaction = Redaction::open(&Configuration::default(), folder)?;
        let limits = Limits { request_bytes: LARGEST, ..Limits::default() };
        let (events, _) = OwnEvents::new();
        let gate = Arc::new(Gate::new(&AccessConfig::default(), events)?);
        let intake = Intake::new(limits, gate, Arc::new(journal), Arc::new(redaction));
        let runtime = Builder::new_current_thread().enable_time().build();
        let runtime = runtime.map_err(Error::file("start a runtime for", folder))?;
        Ok(Self { intake, runtime })
    }

    /// Takes a body: what would be journalled, or none where it is refused.
    ///
    /// # Errors
    /// When the fault is the collector's own.
    pub fn take(
        &self,
        signal: Signal,
        encoding: Encoding,
        compression: Compression,
        body: Bytes,
    ) -> Result<Option<Taken>, String> {
        let taken = self.runtime.block_on(async {
            let mut ticket = self.intake.admission.enter("").await?;
            // What is waited for here is room for this one body, and nobody else takes any.
            ticket.reserve(body.len()).await?;
            let origin = Origin {
                peer: "127.0.0.1:1".to_owned(),
                address: Some(Ipv4Addr::LOCALHOST.into()),
                certificate: None,
                sender: None,
                rated: String::new(),
                tenant: None,
            };
            let transport = Transport::Http;
            let arrived =
                Arrived { signal, transport, encoding, compression, body, origin, ticket };
            self.intake.clean(arrived).await
        });
        match taken {
            Ok(Clean { encoding, body, count, .. }) => Ok(Some(Taken { encoding, body, count })),
            Err(own @ (Refusal::Internal | Refusal::Unavailable(_))) => Err(own.to_string()),
            Err(_) => Ok(None),
        }
    }
}
