//! A turn: one prompt and everything until the agent stops.

use std::sync::{Arc, Mutex, PoisonError};

use blotter_schemas::names::blotter::{self, EventName, TurnOutcome};
use blotter_schemas::names::opentelemetry::{self as otel, GenAiOperationName as Operation};

use crate::call::{self, Call};
use crate::content::{PROMPT, RESPONSE};
use crate::context::TraceContext;
use crate::error::Error;
use crate::record::{Around, Ended, Record, What, now};
use crate::session::State as SessionState;
use crate::tool::Tool;
use crate::trouble::{Continuation, TurnError};
use crate::value::Attributes;

/// A turn: the span `invoke_agent`. Dropped without [`Turn::finish`], it was interrupted, also by a panic or
/// because its future was cancelled.
pub struct Turn {
    state: Option<Arc<State>>,
    /// The last error that work cannot go on after.
    stopped: Mutex<Option<(TurnError, Continuation)>>,
}

/// What a turn's calls share.
pub(crate) struct State {
    pub(crate) session: Arc<SessionState>,
    pub(crate) context: TraceContext,
    pub(crate) around: Arc<Around>,
    parent: Option<[u8; 8]>,
    start: u64,
}

impl State {
    /// Records a fact of the turn itself.
    fn record(&self, name: EventName, error: bool, attributes: Attributes) {
        let around = [Some(Arc::clone(&self.around)), None];
        let record = self.session.fact(name, error, Some(&self.context), around, attributes);
        self.session.core.queue.push(record);
    }
}

impl Turn {
    pub(crate) fn start(
        session: Option<Arc<SessionState>>,
        words: &str,
        parent: Option<TraceContext>,
    ) -> Self {
        let stopped = Mutex::new(None);
        let Some(session) = session else { return Self { state: None, stopped } };
        let context = parent.as_ref().map_or_else(TraceContext::root, TraceContext::child);
        let mut attributes = Attributes::with_capacity(1);
        attributes.add(blotter::BLOTTER_TURN_ID, uuid::Uuid::new_v4().to_string());
        let state = State {
            session,
            context,
            around: Arc::new(Around { attributes }),
            parent: parent.map(|parent| parent.span_id),
            start: now(),
        };
        let mut attributes = Attributes::with_capacity(2);
        state.session.core.recorder.add(PROMPT, words, &mut attributes);
        state.record(EventName::Prompt, false, attributes);
        Self { state: Some(Arc::new(state)), stopped }
    }

    /// Begins a call of a tool. `arguments` are what the model gave, usually JSON.
    ///
    /// With [`crate::AuditMode::Required`] this blocks until the record of the call's start is durable; in
    /// an async runtime use [`Turn::call_async`].
    ///
    /// # Errors
    /// [`Error::NotAudited`] when the start cannot be made durable: the call may not be made. Never with
    /// [`crate::AuditMode::BestEffort`].
    pub fn call<'t>(&self, tool: impl Into<Tool<'t>>, arguments: &str) -> Result<Call, Error> {
        let Some(state) = &self.state else { return Ok(Call::disabled()) };
        call::start(state, &tool.into(), arguments)
    }

    /// The same without blocking. A future that is dropped before it is ready makes no call, and that is
    /// recorded.
    ///
    /// # Errors
    /// As [`Turn::call`].
    pub async fn call_async<'t>(
        &self,
        tool: impl Into<Tool<'t>>,
        arguments: &str,
    ) -> Result<Call, Error> {
        let Some(state) = &self.state else { return Ok(Call::disabled()) };
        call::start_async(state, &tool.into(), arguments).await
    }

    /// Records an error of the turn, and says whether work can go on.
    pub fn error(&self, error: TurnError) -> Continuation {
        let continuation = error.continuation();
        if let Some(state) = &self.state {
            let mut attributes = Attributes::with_capacity(7);
            error.write(&mut attributes);
            state.record(EventName::Error, true, attributes);
        }
        if !continuation.is_yes() {
            let mut stopped = self.stopped.lock().unwrap_or_else(PoisonError::into_inner);
            *stopped = Some((error, continuation.clone()));
        }
        continuation
    }

    /// Whether work can go on: not after an error that does not go away by trying again.
    #[must_use]
    pub fn may_continue(&self) -> Continuation {
        let stopped = self.stopped.lock().unwrap_or_else(PoisonError::into_inner);
        stopped.as_ref().map_or(Continuation::Yes, |(_, continuation)| continuation.clone())
    }

    /// Ends it with the agent's answer; empty where it gave none.
    pub fn finish(mut self, answer: &str) {
        let Some(state) = self.state.take() else { return };
        if !answer.is_empty() {
            let mut attributes = Attributes::with_capacity(2);
            state.session.core.recorder.add(RESPONSE, answer, &mut attributes);
            state.record(EventName::Response, false, attributes);
        }
        end(&state, self.stopped(), false);
    }

    fn stopped(&self) -> Option<TurnError> {
        let mut stopped = self.stopped.lock().unwrap_or_else(PoisonError::into_inner);
        stopped.take().map(|(error, _)| error)
    }

    /// Where it is in a trace, for the agent's own spans and requests.
    #[must_use]
    pub fn trace_context(&self) -> Option<TraceContext> {
        Some(self.state.as_ref()?.context.clone())
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if let Some(state) = self.state.take() {
            end(&state, self.stopped(), true);
        }
    }
}

/// Records the span of a turn that ends.
fn end(state: &State, stopped: Option<TurnError>, interrupted: bool) {
    let mut attributes = Attributes::with_capacity(10);
    attributes.add(otel::GEN_AI_OPERATION_NAME, Operation::InvokeAgent.as_str());
    attributes.add(otel::GEN_AI_CONVERSATION_ID, Arc::clone(&state.session.session_id));
    let (outcome, failed) = if interrupted {
        attributes.add(otel::ERROR_TYPE, crate::interruption());
        (TurnOutcome::Interrupted, Some("interrupted".to_owned()))
    } else if let Some(error) = stopped {
        error.write(&mut attributes);
        (TurnOutcome::Failed, Some(error.message().to_owned()))
    } else {
        (TurnOutcome::Finished, None)
    };
    attributes.add(blotter::BLOTTER_TURN_OUTCOME, outcome.as_str());
    let core = &state.session.core;
    let ended = Ended {
        name: format!("invoke_agent {}", core.name),
        client: false,
        context: state.context.clone(),
        parent: state.parent,
        start: state.start,
        end: now(),
        failed,
    };
    core.queue.push(Record {
        what: What::Span(Box::new(ended)),
        frame: state.session.frame(),
        around: [Some(Arc::clone(&state.around)), None],
        attributes,
    });
}
