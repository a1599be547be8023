//! A call: one invocation of a tool.

use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use blotter_schemas::names::blotter::{self, CallOutcome, EventName};
use blotter_schemas::names::opentelemetry::{self as otel, GenAiOperationName as Operation};

use crate::agent::AuditMode;
use crate::approval::{Approval, PermissionRequest};
use crate::content::{ARGUMENTS, OUTPUT};
use crate::context::TraceContext;
use crate::decision::{Decision, ProxyDecision, SandboxOutcome, Verdict};
use crate::delivery::queue::{For, Waiting};
use crate::delivery::ticket::{Settled, Ticket};
use crate::error::Error;
use crate::mcp::McpRequest;
use crate::record::{Around, Ended, Record, What, now};
use crate::result::CallResult;
use crate::tool::Tool;
use crate::turn::State as TurnState;
use crate::value::Attributes;

/// A call: the span `execute_tool`. Dropped without [`Call::finish`], it was interrupted, also by a panic or
/// because its future was cancelled.
pub struct Call {
    state: Option<Box<State>>,
}

/// What is known of a call while it is open.
pub(crate) struct State {
    pub(crate) turn: Arc<TurnState>,
    pub(crate) context: TraceContext,
    pub(crate) around: Arc<Around>,
    /// What the model gave: on the record of the start and on the span.
    arguments: Attributes,
    tool: String,
    start: u64,
    progress: AtomicU8,
    mcp_method: OnceLock<String>,
}

/// How far a call has come.
const UNDECIDED: u8 = 0;
const REFUSED: u8 = 1;
const EXECUTING: u8 = 2;

/// The start of a call that is recorded, and the call.
fn open(turn: &Arc<TurnState>, tool: &Tool<'_>, arguments: &str) -> (Box<State>, Record) {
    let core = &turn.session.core;
    let context = turn.context.child();
    let mut around = Attributes::with_capacity(8);
    let call_id = tool.call_id.map_or_else(made_up, str::to_owned);
    around.add(otel::GEN_AI_TOOL_CALL_ID, call_id);
    around.add(otel::GEN_AI_TOOL_NAME, tool.name.to_owned());
    if let Some((server, transport)) = tool.server {
        around.add(blotter::BLOTTER_MCP_SERVER, server.to_owned());
        around.add(blotter::BLOTTER_MCP_TRANSPORT, transport.to_owned());
    }
    let executor = tool.executor.or(core.executor);
    around.add_some(blotter::BLOTTER_EXECUTOR, executor.map(crate::Executor::as_str));
    let mut given = Attributes::with_capacity(2);
    let justification = tool.justification.filter(|_| core.recorder.says_all());
    given.add_some(blotter::BLOTTER_CALL_JUSTIFICATION, justification.map(str::to_owned));
    core.recorder.add(ARGUMENTS, arguments, &mut given);
    let state = Box::new(State {
        turn: Arc::clone(turn),
        context,
        around: Arc::new(Around { attributes: around }),
        arguments: given.clone(),
        tool: tool.name.to_owned(),
        start: now(),
        progress: AtomicU8::new(UNDECIDED),
        mcp_method: OnceLock::new(),
    });
    let record = state.fact(EventName::CallStarted, false, given);
    (state, record)
}

fn made_up() -> String {
    format!("call_{:024x}", fastrand::u128(..) >> 32)
}

/// Begins a call, blocking where its start must be durable.
pub(crate) fn start(
    turn: &Arc<TurnState>,
    tool: &Tool<'_>,
    arguments: &str,
) -> Result<Call, Error> {
    let (state, record) = open(turn, tool, arguments);
    let core = Arc::clone(&turn.session.core);
    if core.mode == AuditMode::BestEffort {
        core.queue.push(record);
        return Ok(Call { state: Some(state) });
    }
    let pending = Pending::new(state, record);
    let settled = pending.ticket.wait(core.patience);
    pending.started(settled)
}

/// Begins a call, waiting where its start must be durable.
pub(crate) async fn start_async(
    turn: &Arc<TurnState>,
    tool: &Tool<'_>,
    arguments: &str,
) -> Result<Call, Error> {
    let (state, record) = open(turn, tool, arguments);
    let core = Arc::clone(&turn.session.core);
    if core.mode == AuditMode::BestEffort {
        core.queue.push(record);
        return Ok(Call { state: Some(state) });
    }
    let pending = Pending::new(state, record);
    let settled = pending.ticket.settled().await;
    pending.started(Some(settled))
}

/// A call whose start is on its way to the disk. Dropped, it is recorded that the call was not made.
struct Pending {
    state: Option<Box<State>>,
    ticket: Arc<Ticket>,
}

impl Pending {
    fn new(state: Box<State>, record: Record) -> Self {
        let ticket = Arc::new(Ticket::default());
        let core = &state.turn.session.core;
        let until = Instant::now() + core.patience;
        let waiting = Waiting { ticket: Arc::clone(&ticket), wants: For::Durable, until };
        if !core.queue.push_and_wait(record, waiting) {
            ticket.settle(Settled::Failed("the queue is full, or the agent shut down".to_owned()));
        }
        Self { state: Some(state), ticket }
    }

    fn started(mut self, settled: Option<Settled>) -> Result<Call, Error> {
        let reason = match settled {
            Some(Settled::Delivered | Settled::Spooled) => {
                return Ok(Call { state: self.state.take() });
            }
            Some(Settled::Failed(reason)) => reason,
            None => "it took too long".to_owned(),
        };
        Err(Error::NotAudited { reason })
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        if let Some(state) = self.state.take() {
            state.progress.store(REFUSED, Ordering::Relaxed);
            let result = CallResult::refused("its start could not be made durable in time");
            state.end(Some(result));
        }
    }
}

impl State {
    /// A log record about the call.
    fn fact(&self, name: EventName, error: bool, attributes: Attributes) -> Record {
        let around = [Some(Arc::clone(&self.turn.around)), Some(Arc::clone(&self.around))];
        self.turn.session.fact(name, error, Some(&self.context), around, attributes)
    }

    /// Records it.
    pub(crate) fn record(&self, name: EventName, attributes: Attributes) {
        let record = self.fact(name, false, attributes);
        self.turn.session.core.queue.push(record);
    }

    pub(crate) fn decided(&self, decision: Decision) {
        match decision.verdict {
            Verdict::Deny | Verdict::Cancel => {
                self.progress.fetch_max(REFUSED, Ordering::Relaxed);
            }
            Verdict::Allow => {
                let _ = self.progress.compare_exchange(
                    REFUSED,
                    UNDECIDED,
                    Ordering::Relaxed,
                    Ordering::Relaxed,
                );
            }
            Verdict::Ask => {}
        }
        let mut attributes = Attributes::with_capacity(4);
        decision.write(blotter::BLOTTER_DECISION, &mut attributes);
        self.record(EventName::Decision, attributes);
    }

    /// The tool begins to act: recorded once.
    pub(crate) fn executing(&self) {
        if self.progress.swap(EXECUTING, Ordering::Relaxed) != EXECUTING {
            self.record(EventName::CallExecuting, Attributes::default());
        }
    }

    /// Records the span of the call; without a result, it was interrupted.
    fn end(mut self, result: Option<CallResult>) {
        let mut attributes = std::mem::take(&mut self.arguments);
        attributes.0.reserve(10);
        attributes.add(otel::GEN_AI_OPERATION_NAME, Operation::ExecuteTool.as_str());
        attributes.add(otel::GEN_AI_CONVERSATION_ID, Arc::clone(&self.turn.session.session_id));
        attributes.add_some(otel::MCP_METHOD_NAME, self.mcp_method.get().cloned());
        let progress = self.progress.load(Ordering::Relaxed);
        let outcome = result.as_ref().map_or(CallOutcome::Interrupted, |result| result.outcome);
        let executed = match (progress, outcome) {
            (EXECUTING, _) | (_, CallOutcome::Succeeded) => Some(true),
            (REFUSED, _) | (_, CallOutcome::Refused | CallOutcome::Cancelled) => Some(false),
            _ => None,
        };
        attributes.add_some(blotter::BLOTTER_CALL_EXECUTED, executed);
        attributes.add(blotter::BLOTTER_CALL_OUTCOME, outcome.as_str());
        let failed = match (outcome, result) {
            (CallOutcome::Succeeded, Some(result)) => {
                self.returned(result, &mut attributes);
                None
            }
            (_, Some(mut result)) => {
                attributes.add(otel::ERROR_TYPE, outcome.as_str());
                let message = result.message.take();
                self.returned(result, &mut attributes);
                Some(message.unwrap_or_else(|| outcome.as_str().to_owned()))
            }
            (_, None) => {
                attributes.add(otel::ERROR_TYPE, crate::interruption());
                Some(outcome.as_str().to_owned())
            }
        };
        let mut name = String::with_capacity(13 + self.tool.len());
        name.push_str("execute_tool ");
        name.push_str(&self.tool);
        let ended = Ended {
            name,
            client: false,
            context: self.context.clone(),
            parent: Some(self.turn.context.span_id),
            start: self.start,
            end: now(),
            failed,
        };
        self.turn.session.core.queue.push(Record {
            what: What::Span(Box::new(ended)),
            frame: self.turn.session.frame(),
            around: [Some(Arc::clone(&self.turn.around)), Some(Arc::clone(&self.around))],
            attributes,
        });
    }

    fn returned(&self, result: CallResult, attributes: &mut Attributes) {
        attributes.add_some(otel::PROCESS_EXIT_CODE, result.exit_code.map(i64::from));
        if let Some(output) = result.output {
            let recorder = &self.turn.session.core.recorder;
            let cut = recorder.add(OUTPUT, &output, attributes);
            attributes.add(blotter::BLOTTER_OUTPUT_TRUNCATED, cut);
        }
    }
}

impl Call {
    pub(crate) fn disabled() -> Self {
        Self { state: None }
    }

    /// Its id; empty where nothing is recorded.
    #[must_use]
    pub fn id(&self) -> &str {
        let attributes = self.state.as_ref().map(|state| &state.around.attributes.0);
        let first = attributes.and_then(|attributes| attributes.first());
        match first {
            Some((_, crate::value::Value::Text(id))) => id,
            _ => "",
        }
    }

    /// Asks a person or a reviewer whether it may be made: `request` is what they are shown.
    pub fn approval<'c>(&'c self, request: &str) -> Approval<'c> {
        Approval::ask(self.state.as_deref(), request)
    }

    /// Records what was decided about it without asking: by policy, rule, mode, hook, an earlier grant.
    pub fn decided(&self, decision: Decision) {
        if let Some(state) = &self.state {
            state.decided(decision);
        }
    }

    /// Asks for a permission beyond the profile, such as `network` or `write /srv/data`.
    pub fn permission_requested<'c>(&'c self, permission: &str) -> PermissionRequest<'c> {
        PermissionRequest::ask(self.state.as_deref(), permission)
    }

    /// Records that the tool begins to act now.
    pub fn executing(&self) {
        if let Some(state) = &self.state {
            state.executing();
        }
    }

    /// Records what the sandbox did.
    pub fn sandbox(&self, outcome: SandboxOutcome) {
        if let Some(state) = &self.state {
            let mut attributes = Attributes::with_capacity(1);
            attributes.add(blotter::BLOTTER_SANDBOX_OUTCOME, outcome.as_str());
            state.record(EventName::Sandbox, attributes);
        }
    }

    /// Records what the network proxy decided about a connection that it made.
    pub fn proxy(&self, decision: ProxyDecision) {
        if let Some(state) = &self.state {
            let mut attributes = Attributes::with_capacity(7);
            decision.write(&mut attributes);
            state.record(EventName::ProxyDecision, attributes);
        }
    }

    /// Begins a request to the MCP server of its tool, such as `tools/call`.
    #[must_use]
    pub fn mcp(&self, server: &str, method: &str) -> McpRequest {
        let Some(state) = &self.state else { return McpRequest::disabled() };
        state.executing();
        let _ = state.mcp_method.set(method.to_owned());
        McpRequest::start(state, server, method)
    }

    /// Variables that carry the trace into a child process: `TRACEPARENT` and `TRACESTATE`.
    #[must_use]
    pub fn environment(&self) -> Vec<(&'static str, String)> {
        self.state.as_ref().map(|state| state.context.environment()).unwrap_or_default()
    }

    /// Where it is in a trace.
    #[must_use]
    pub fn trace_context(&self) -> Option<TraceContext> {
        Some(self.state.as_ref()?.context.clone())
    }

    /// Ends it.
    pub fn finish(mut self, result: CallResult) {
        if let Some(state) = self.state.take() {
            state.end(Some(result));
        }
    }
}

impl State {
    pub(crate) fn tool(&self) -> &str {
        &self.tool
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        if let Some(state) = self.state.take() {
            state.end(None);
        }
    }
}
