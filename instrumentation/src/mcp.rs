//! Requests to MCP servers.

use std::sync::Arc;

use blotter_schemas::names::blotter;
use blotter_schemas::names::opentelemetry as otel;

use crate::call::State;
use crate::context::TraceContext;
use crate::record::{Around, Ended, Record, What, now};
use crate::turn::State as TurnState;
use crate::value::Attributes;

/// A request to an MCP server: the span `tools/call NAME`, within the call. Dropped without an answer, it was
/// interrupted.
pub struct McpRequest {
    state: Option<Box<Open>>,
}

struct Open {
    turn: Arc<TurnState>,
    call: Arc<Around>,
    context: TraceContext,
    parent: [u8; 8],
    tool: String,
    server: String,
    method: String,
    start: u64,
}

impl McpRequest {
    pub(crate) fn disabled() -> Self {
        Self { state: None }
    }

    pub(crate) fn start(call: &State, server: &str, method: &str) -> Self {
        Self {
            state: Some(Box::new(Open {
                turn: Arc::clone(&call.turn),
                call: Arc::clone(&call.around),
                context: call.context.child(),
                parent: call.context.span_id,
                tool: call.tool().to_owned(),
                server: server.to_owned(),
                method: method.to_owned(),
                start: now(),
            })),
        }
    }

    /// Fields to put into `params._meta` of the request, so that the server's spans join the trace.
    #[must_use]
    pub fn meta(&self) -> Vec<(&'static str, String)> {
        self.state.as_ref().map(|state| state.context.mcp_meta()).unwrap_or_default()
    }

    /// The server answered.
    pub fn answered(mut self) {
        self.end(None);
    }

    /// The server answered with an error, or the tool says that it failed: `kind` is the code of the error or
    /// `tool_error`.
    pub fn failed(mut self, kind: &str, message: &str) {
        self.end(Some((kind.to_owned(), message.to_owned())));
    }

    fn end(&mut self, failed: Option<(String, String)>) {
        let Some(state) = self.state.take() else { return };
        let mut attributes = Attributes::with_capacity(6);
        let (kind, message) = failed.unzip();
        attributes.add(otel::MCP_METHOD_NAME, state.method.clone());
        attributes.add(blotter::BLOTTER_MCP_SERVER, state.server);
        attributes.add(otel::GEN_AI_CONVERSATION_ID, Arc::clone(&state.turn.session.session_id));
        attributes.add_some(otel::ERROR_TYPE, kind);
        let ended = Ended {
            name: format!("{} {}", state.method, state.tool),
            client: true,
            context: state.context,
            parent: Some(state.parent),
            start: state.start,
            end: now(),
            failed: message,
        };
        state.turn.session.core.queue.push(Record {
            what: What::Span(Box::new(ended)),
            frame: state.turn.session.frame(),
            around: [Some(Arc::clone(&state.turn.around)), Some(state.call)],
            attributes,
        });
    }
}

impl Drop for McpRequest {
    fn drop(&mut self) {
        let why = crate::interruption();
        self.end(Some((why.to_owned(), "interrupted".to_owned())));
    }
}
