//! Trace context, as W3C writes it.

use std::fmt::Write as _;

/// Where in a trace something is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TraceContext {
    pub(crate) trace_id: [u8; 16],
    pub(crate) span_id: [u8; 8],
    pub(crate) state: Option<String>,
}

/// The variable, and with lower-case letters the field, that carries the context.
const PARENT: &str = "TRACEPARENT";
/// What it carries beside.
const STATE: &str = "TRACESTATE";
/// Longest state that is passed on, as the recommendation demands.
const STATE_LIMIT: usize = 512;

impl TraceContext {
    /// A new trace.
    pub(crate) fn root() -> Self {
        let trace_id = fastrand::u128(1..).to_be_bytes();
        Self { trace_id, span_id: span_id(), state: None }
    }

    /// A new span in this trace.
    pub(crate) fn child(&self) -> Self {
        Self { span_id: span_id(), ..self.clone() }
    }

    /// The context in the values of `traceparent` and `tracestate`; none where the first is not one.
    #[must_use]
    pub fn parse(parent: &str, state: Option<&str>) -> Option<Self> {
        let mut parts = parent.trim().split('-');
        let (version, trace, span) = (parts.next()?, parts.next()?, parts.next()?);
        let flags = parts.next()?;
        let known = version.len() == 2 && version != "ff" && flags.len() == 2;
        let trace_id = id::<16>(trace).filter(|_| known)?;
        let state = state.filter(|state| !state.is_empty() && state.len() <= STATE_LIMIT);
        Some(Self { trace_id, span_id: id::<8>(span)?, state: state.map(str::to_owned) })
    }

    /// The context that the environment variables `TRACEPARENT` and `TRACESTATE` carry.
    #[must_use]
    pub fn from_environment() -> Option<Self> {
        let state = std::env::var(STATE).ok();
        Self::parse(&std::env::var(PARENT).ok()?, state.as_deref())
    }

    /// Its `traceparent`; every span is recorded, so the flags are `01`.
    #[must_use]
    pub fn traceparent(&self) -> String {
        let mut text = String::with_capacity(55);
        text.push_str("00-");
        hex(&self.trace_id, &mut text);
        text.push('-');
        hex(&self.span_id, &mut text);
        text.push_str("-01");
        text
    }

    /// Its `tracestate`, where it has one.
    #[must_use]
    pub fn tracestate(&self) -> Option<&str> {
        self.state.as_deref()
    }

    /// Variables that carry it into a child process.
    #[must_use]
    pub fn environment(&self) -> Vec<(&'static str, String)> {
        let state = self.state.clone().map(|state| (STATE, state));
        [(PARENT, self.traceparent())].into_iter().chain(state).collect()
    }

    /// Fields of `_meta` that carry it in an MCP request.
    #[must_use]
    pub fn mcp_meta(&self) -> Vec<(&'static str, String)> {
        let state = self.state.clone().map(|state| ("tracestate", state));
        [("traceparent", self.traceparent())].into_iter().chain(state).collect()
    }
}

fn span_id() -> [u8; 8] {
    fastrand::u64(1..).to_be_bytes()
}

fn hex(bytes: &[u8], text: &mut String) {
    for byte in bytes {
        // Writing into a string does not fail.
        let _ = write!(text, "{byte:02x}");
    }
}

/// Lower-case hexadecimal digits that are not all zero.
fn id<const N: usize>(digits: &str) -> Option<[u8; N]> {
    let plain = |byte: u8| byte.is_ascii_digit() || matches!(byte, b'a'..=b'f');
    if digits.len() != 2 * N || !digits.bytes().all(plain) {
        return None;
    }
    let mut id = [0; N];
    for (index, byte) in id.iter_mut().enumerate() {
        *byte = u8::from_str_radix(digits.get(2 * index..2 * index + 2)?, 16).ok()?;
    }
    id.iter().any(|byte| *byte != 0).then_some(id)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_context_comes_back_from_what_it_writes() {
        let context = TraceContext { state: Some("a=b".into()), ..TraceContext::root() };
        let read = TraceContext::parse(&context.traceparent(), context.tracestate());
        assert_eq!(read, Some(context.clone()));
        assert_eq!(context.child().trace_id, context.trace_id);
        assert_ne!(context.child().span_id, context.span_id);
    }

    #[test]
    fn what_is_no_context_is_none() {
        let good = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        assert!(TraceContext::parse(good, None).is_some());
        for bad in [
            "",
            "00",
            "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331",
        ] {
            assert_eq!(TraceContext::parse(bad, None), None, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn anything_is_read_without_a_panic(parent in ".*", state in ".*") {
            let _ = TraceContext::parse(&parent, Some(&state));
        }
    }
}
