//! What is counted of requests: cheap, because every one of them passes here.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use blotter_redaction::Counts;
use blotter_schemas::otlp::Signal;

/// Most rules that are counted apart: those of the configuration are as many as there are in it.
const RULES: usize = 2_000;
/// Under which the rules beyond are counted.
const OTHER: &str = "other";

/// What a request came over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Transport {
    Grpc,
    Http,
}

impl Transport {
    pub(crate) const ALL: [Self; 2] = [Self::Grpc, Self::Http];

    /// As a label.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Grpc => "grpc",
            Self::Http => "http",
        }
    }
}

/// Requests of one signal over one transport, since the start.
#[derive(Debug, Default)]
struct Received {
    requests: AtomicU64,
    bytes: AtomicU64,
    acknowledged: AtomicU64,
    records: AtomicU64,
}

/// The same at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Counted {
    pub signal: &'static str,
    pub transport: &'static str,
    /// Requests that named this signal.
    pub requests: u64,
    /// Bytes of their bodies, as sent.
    pub bytes: u64,
    /// Requests that were acknowledged.
    pub acknowledged: u64,
    /// Records in these.
    pub records: u64,
}

/// Counts requests, since the start.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    received: [[Received; 2]; 3],
    /// By transport and reason: every reason is a word of ours.
    refusals: Mutex<BTreeMap<(&'static str, &'static str), u64>>,
    redactions: Mutex<BTreeMap<String, u64>>,
}

impl Counters {
    fn of(&self, signal: Signal, transport: Transport) -> &Received {
        let [logs, traces, metrics] = &self.received;
        let [grpc, http] = match signal {
            Signal::Logs => logs,
            Signal::Traces => traces,
            Signal::Metrics => metrics,
        };
        match transport {
            Transport::Grpc => grpc,
            Transport::Http => http,
        }
    }

    /// A request has begun.
    pub(crate) fn request(&self, signal: Signal, transport: Transport) {
        self.of(signal, transport).requests.fetch_add(1, Ordering::Relaxed);
    }

    /// Its body was read.
    pub(crate) fn body(&self, signal: Signal, transport: Transport, bytes: usize) {
        self.of(signal, transport).bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    /// It is durable.
    pub(crate) fn acknowledged(&self, signal: Signal, transport: Transport, records: u64) {
        let of = self.of(signal, transport);
        of.acknowledged.fetch_add(1, Ordering::Relaxed);
        of.records.fetch_add(records, Ordering::Relaxed);
    }

    /// It was refused.
    pub(crate) fn refused(&self, transport: Transport, reason: &'static str) {
        let mut refusals = self.refusals.lock().unwrap_or_else(PoisonError::into_inner);
        *refusals.entry((transport.name(), reason)).or_default() += 1;
    }

    /// Secrets were taken out of a request that was acknowledged.
    pub(crate) fn redacted(&self, found: &Counts) {
        if found.is_empty() {
            return;
        }
        let mut redactions = self.redactions.lock().unwrap_or_else(PoisonError::into_inner);
        for (rule, count) in found {
            let known = redactions.len() < RULES || redactions.contains_key(&**rule);
            let rule = if known { &**rule } else { OTHER };
            *redactions.entry(rule.to_owned()).or_default() += count;
        }
    }

    /// Everything about requests, by signal and transport.
    pub(crate) fn counted(&self) -> Vec<Counted> {
        let each = Signal::ALL
            .into_iter()
            .flat_map(|signal| Transport::ALL.map(|transport| (signal, transport)));
        let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        each.map(|(signal, transport)| {
            let of = self.of(signal, transport);
            Counted {
                signal: signal.name(),
                transport: transport.name(),
                requests: get(&of.requests),
                bytes: get(&of.bytes),
                acknowledged: get(&of.acknowledged),
                records: get(&of.records),
            }
        })
        .collect()
    }

    /// Refusals by transport and reason.
    pub(crate) fn refusals(&self) -> BTreeMap<(&'static str, &'static str), u64> {
        self.refusals.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Marks by the rule that made them.
    pub(crate) fn redactions(&self) -> BTreeMap<String, u64> {
        self.redactions.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
