//! What is called, and where it is executed.

use blotter_schemas::names::blotter::Executor as ExecutorWord;

/// Where a call is executed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Executor {
    /// At the provider of the model.
    Hosted,
    /// In a process of its own on this machine, without a sandbox.
    Standalone,
    /// In a sandbox on this machine.
    LocalSandbox,
    /// By an MCP server.
    McpServer,
    /// On another machine.
    Remote,
}

impl Executor {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Hosted => ExecutorWord::Hosted,
            Self::Standalone => ExecutorWord::Standalone,
            Self::LocalSandbox => ExecutorWord::LocalSandbox,
            Self::McpServer => ExecutorWord::McpServer,
            Self::Remote => ExecutorWord::Remote,
        }
        .as_str()
    }
}

/// What is called. A name alone is one: `turn.call("shell", ...)`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tool<'t> {
    pub(crate) name: &'t str,
    pub(crate) call_id: Option<&'t str>,
    pub(crate) server: Option<(&'t str, &'t str)>,
    pub(crate) executor: Option<Executor>,
    pub(crate) justification: Option<&'t str>,
}

impl<'t> Tool<'t> {
    /// A tool of the agent's own.
    #[must_use]
    pub fn new(name: &'t str) -> Self {
        Self { name, call_id: None, server: None, executor: None, justification: None }
    }

    /// A tool of an MCP server that is reached over `transport` (`stdio`, `streamable_http`).
    #[must_use]
    pub fn of_mcp_server(name: &'t str, server: &'t str, transport: &'t str) -> Self {
        Self {
            server: Some((server, transport)),
            executor: Some(Executor::McpServer),
            ..Self::new(name)
        }
    }

    /// The id that the model gave the call; else one is made up.
    #[must_use]
    pub fn call_id(mut self, id: &'t str) -> Self {
        self.call_id = Some(id);
        self
    }

    /// Where this call is executed, where that is not what the agent's builder says.
    #[must_use]
    pub fn executor(mut self, executor: Executor) -> Self {
        self.executor = Some(executor);
        self
    }

    /// Why the model says that it makes the call.
    #[must_use]
    pub fn because(mut self, justification: &'t str) -> Self {
        self.justification = Some(justification);
        self
    }
}

impl<'t> From<&'t str> for Tool<'t> {
    fn from(name: &'t str) -> Self {
        Self::new(name)
    }
}
