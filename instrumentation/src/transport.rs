//! How an agent reaches its model.

use std::collections::BTreeSet;

use blotter_schemas::names::blotter;

use crate::value::Attributes;

/// How the agent reaches its model.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Transport {
    mode: String,
    lite_routing: bool,
    reconnects: u32,
    headers: BTreeSet<(String, String)>,
}

/// Most headers that are recorded, and the most bytes of one value.
const HEADERS_LIMIT: usize = 32;
const HEADER_LIMIT: usize = 256;

impl Transport {
    /// A transport by its mode, such as `http`, `sse`, `websocket`.
    #[must_use]
    pub fn new(mode: impl Into<String>) -> Self {
        Self { mode: mode.into(), ..Self::default() }
    }

    /// Whether requests are routed to a variant that can do less.
    #[must_use]
    pub fn lite_routing(mut self, lite: bool) -> Self {
        self.lite_routing = lite;
        self
    }

    /// How often the connection was made again in this session.
    #[must_use]
    pub fn reconnects(mut self, count: u32) -> Self {
        self.reconnects = count;
        self
    }

    /// Takes those headers that change what the agent can do: of `sent` those whose names are in `allowed`
    /// (whatever their case). No other header is looked at, so that no credential gets in.
    #[must_use]
    pub fn headers<'h>(
        mut self,
        allowed: &[&str],
        sent: impl IntoIterator<Item = (&'h str, &'h str)>,
    ) -> Self {
        for (name, value) in sent {
            let listed = allowed.iter().any(|allowed| allowed.eq_ignore_ascii_case(name));
            if listed && self.headers.len() < HEADERS_LIMIT {
                let end = value.floor_char_boundary(HEADER_LIMIT);
                let value = value.get(..end).unwrap_or_default().to_owned();
                self.headers.insert((name.to_ascii_lowercase(), value));
            }
        }
        self
    }

    pub(crate) fn write(&self, attributes: &mut Attributes) {
        if self.mode.is_empty() {
            return;
        }
        attributes.add(blotter::BLOTTER_TRANSPORT, self.mode.clone());
        attributes.add(blotter::BLOTTER_TRANSPORT_LITE_ROUTING, self.lite_routing);
        attributes.add(blotter::BLOTTER_TRANSPORT_RECONNECTS, i64::from(self.reconnects));
        if !self.headers.is_empty() {
            let headers: Vec<String> =
                self.headers.iter().map(|(name, value)| format!("{name}: {value}")).collect();
            attributes.add(blotter::BLOTTER_TRANSPORT_HEADERS, headers);
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn no_header_gets_in_that_is_not_allowed() {
        let sent = [("Authorization", "Bearer at-1"), ("X-Model-Variant", "lite")];
        let transport = Transport::new("http").headers(&["x-model-variant"], sent);
        let mut attributes = Attributes::default();
        transport.write(&mut attributes);
        let said = format!("{attributes:?}");
        assert!(said.contains("x-model-variant: lite") && !said.contains("at-1"), "{said}");
    }
}
