//! Tools of MCP servers.

use crate::fact::{EventId, Fact};
use crate::receipt::tokens::Sandbox;
use crate::reconstruct::model::Call;

/// That no sandbox takes part in a call of a tool of an MCP server; `events` tell that it is one.
pub(super) fn no_sandbox(events: &[EventId]) -> Fact<Sandbox> {
    let why = "the agent's sandbox does not hold MCP servers";
    Fact::inferred(Sandbox::None, why, events.to_vec())
}

/// The name that a server gives its tool, out of the agent's: `begins`, the server, `between`, the name.
/// None where the agent's own does not begin so.
pub(super) fn own_name(call: &Call, begins: &str, between: &str) -> Option<Fact<String>> {
    let name = call.tool.value.as_deref()?;
    let rest = name.strip_prefix(begins)?;
    let Some(server) = call.mcp_server.value.as_deref() else {
        let why = format!("`{name}` is a tool of an MCP server, and no record names the server");
        return Some(Fact { events: call.tool.events.clone(), ..Fact::missing(why) });
    };
    let own = rest.strip_prefix(server)?.strip_prefix(between).filter(|own| !own.is_empty())?;
    let mut events = call.tool.events.clone();
    events.extend(call.mcp_server.events.iter().copied());
    Some(Fact::inferred(own.to_owned(), "the agent's name for it, without the server's", events))
}
