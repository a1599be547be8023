//! Records between the agent's thread, which makes them, and the thread that encodes them.
//!
//! What many records share is shared: a session's attributes are made once, whenever they change.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use blotter_schemas::names::blotter::EventName;

use crate::context::TraceContext;
use crate::value::Attributes;

/// Nanoseconds since the epoch.
pub(crate) fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

/// What every record of a session says until something changes.
#[derive(Debug)]
pub(crate) struct Frame {
    pub(crate) session_id: Arc<str>,
    /// Counts the session's log records.
    pub(crate) sequence: Arc<AtomicI64>,
    pub(crate) attributes: Attributes,
}

impl Frame {
    /// The number of the next log record.
    pub(crate) fn next(&self) -> i64 {
        self.sequence.fetch_add(1, Ordering::Relaxed) + 1
    }
}

/// What every record of a turn says, and in one of a call too.
#[derive(Debug, Default)]
pub(crate) struct Around {
    pub(crate) attributes: Attributes,
}

/// One record.
#[derive(Debug)]
pub(crate) struct Record {
    pub(crate) what: What,
    pub(crate) frame: Arc<Frame>,
    /// Of its turn, and of its call.
    pub(crate) around: [Option<Arc<Around>>; 2],
    pub(crate) attributes: Attributes,
}

#[derive(Debug)]
pub(crate) enum What {
    Log {
        name: EventName,
        time: u64,
        error: bool,
        sequence: i64,
        place: Option<([u8; 16], [u8; 8])>,
    },
    Span(Box<Ended>),
    #[cfg(feature = "tracing")]
    Foreign(Box<opentelemetry_sdk::trace::SpanData>),
}

/// A span that ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) name: String,
    pub(crate) client: bool,
    pub(crate) context: TraceContext,
    pub(crate) parent: Option<[u8; 8]>,
    pub(crate) start: u64,
    pub(crate) end: u64,
    /// None where it went well; else what the status says.
    pub(crate) failed: Option<String>,
}

impl Record {
    /// About how many bytes it takes.
    pub(crate) fn size(&self) -> usize {
        size_of::<Self>() + self.attributes.size()
    }
}
