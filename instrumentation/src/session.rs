//! A session: one conversation with an agent.

use std::sync::atomic::AtomicI64;
use std::sync::{Arc, PoisonError, RwLock};

use blotter_schemas::names::blotter::{self, EventName};
use blotter_schemas::names::opentelemetry as otel;

use crate::agent::Core;
use crate::call::Call;
use crate::configuration::Configuration;
use crate::context::TraceContext;
use crate::identity::{Identity, ProfileInEffect};
use crate::record::{Around, Frame, Record, What, now};
use crate::transport::Transport;
use crate::turn::Turn;
use crate::value::Attributes;

/// What is known of sub-agents when one starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SubAgentLimits {
    /// Deepest sub-agent that is allowed; the first session is at 0.
    pub depth: Option<u32>,
    /// Sub-agents of this session that run now, the new one included.
    pub running: Option<u32>,
    /// Most that may run at a time.
    pub threads: Option<u32>,
}

/// A session. It ends when [`Session::end`] is called; dropped without that, its end says that it was
/// interrupted.
pub struct Session {
    state: Option<Arc<State>>,
}

/// What a session's turns and calls share.
pub(crate) struct State {
    pub(crate) core: Arc<Core>,
    pub(crate) session_id: Arc<str>,
    sequence: Arc<AtomicI64>,
    now: RwLock<Now>,
    /// Agent, user, parent session: what does not change.
    fixed: Attributes,
    depth: u32,
}

/// What holds at present.
struct Now {
    profile: ProfileInEffect,
    transport: Transport,
    frame: Arc<Frame>,
}

impl State {
    fn new(
        core: Arc<Core>,
        session_id: &str,
        (fixed, depth): (Attributes, u32),
        profile: ProfileInEffect,
        transport: Transport,
    ) -> Self {
        let sequence = Arc::new(AtomicI64::new(0));
        let session_id: Arc<str> = session_id.into();
        let frame = frame(&session_id, &sequence, &fixed, &profile, &transport);
        let now = RwLock::new(Now { profile, transport, frame });
        Self { core, session_id, sequence, now, fixed, depth }
    }

    /// What every record of the session says now.
    pub(crate) fn frame(&self) -> Arc<Frame> {
        Arc::clone(&self.now.read().unwrap_or_else(PoisonError::into_inner).frame)
    }

    fn change(&self, change: impl FnOnce(&mut Now)) {
        let mut now = self.now.write().unwrap_or_else(PoisonError::into_inner);
        change(&mut now);
        let Now { profile, transport, .. } = &*now;
        now.frame = frame(&self.session_id, &self.sequence, &self.fixed, profile, transport);
    }

    /// A log record, not put into the queue yet.
    pub(crate) fn fact(
        &self,
        name: EventName,
        error: bool,
        context: Option<&TraceContext>,
        around: [Option<Arc<Around>>; 2],
        attributes: Attributes,
    ) -> Record {
        let frame = self.frame();
        let sequence = frame.next();
        let place = context.map(|context| (context.trace_id, context.span_id));
        let what = What::Log { name, time: now(), error, sequence, place };
        Record { what, frame, around, attributes }
    }

    /// Records a fact of the session itself.
    fn record(&self, name: EventName, error: bool, attributes: Attributes) {
        self.core.queue.push(self.fact(name, error, None, [None, None], attributes));
    }
}

fn frame(
    session_id: &Arc<str>,
    sequence: &Arc<AtomicI64>,
    fixed: &Attributes,
    profile: &ProfileInEffect,
    transport: &Transport,
) -> Arc<Frame> {
    let mut attributes = fixed.clone();
    profile.write(&mut attributes);
    transport.write(&mut attributes);
    Arc::new(Frame {
        session_id: Arc::clone(session_id),
        sequence: Arc::clone(sequence),
        attributes,
    })
}

impl Session {
    pub(crate) fn start(
        core: Option<Arc<Core>>,
        session_id: &str,
        identity: Identity,
        profile: ProfileInEffect,
        transport: Transport,
    ) -> Self {
        let Some(core) = core else { return Self { state: None } };
        let mut fixed = Attributes::with_capacity(20);
        fixed.add(otel::GEN_AI_AGENT_NAME, core.name.clone());
        identity.write(&core, &mut fixed);
        Self::begin(core, session_id, (fixed, 0), profile, transport, Attributes::default())
    }

    fn begin(
        core: Arc<Core>,
        session_id: &str,
        (mut fixed, depth): (Attributes, u32),
        profile: ProfileInEffect,
        transport: Transport,
        own: Attributes,
    ) -> Self {
        if !core.version.is_empty() {
            fixed.add(otel::GEN_AI_AGENT_VERSION, core.version.clone());
        }
        if let Some((provider, model)) = &core.model {
            fixed.add(otel::GEN_AI_PROVIDER_NAME, provider.clone());
            fixed.add(otel::GEN_AI_REQUEST_MODEL, model.clone());
        }
        let [approval, sandbox] = &core.policies;
        fixed.add_some(blotter::BLOTTER_APPROVAL_POLICY, approval.clone());
        fixed.add_some(blotter::BLOTTER_SANDBOX_POLICY, sandbox.clone());
        fixed.add(blotter::BLOTTER_CONTENT_POLICY, core.recorder.policy.as_str());
        let state = State::new(core, session_id, (fixed, depth), profile, transport);
        state.record(EventName::SessionStarted, false, own);
        Self { state: Some(Arc::new(state)) }
    }

    /// Its id; empty where nothing is recorded.
    #[must_use]
    pub fn id(&self) -> &str {
        self.state.as_ref().map_or("", |state| &state.session_id)
    }

    /// Begins a turn: everything until the agent stops again.
    #[must_use]
    pub fn prompt(&self, words: &str) -> Turn {
        let parent = self.state.as_ref().and_then(|state| state.core.parent.clone());
        Turn::start(self.state.clone(), words, parent)
    }

    /// Begins a turn of a sub-agent that works for `call`, in whose trace it stands.
    #[must_use]
    pub fn prompt_within(&self, call: &Call, words: &str) -> Turn {
        Turn::start(self.state.clone(), words, call.trace_context())
    }

    /// Begins the session of a sub-agent, for the same user, under the same profile and transport.
    #[must_use]
    pub fn child(&self, agent_name: &str, limits: SubAgentLimits) -> Self {
        let Some(parent) = &self.state else { return Self { state: None } };
        let mut fixed = Attributes::with_capacity(20);
        fixed.add(otel::GEN_AI_AGENT_NAME, agent_name.to_owned());
        // The first word holds, so that the name is the sub-agent's.
        for (key, value) in &parent.fixed.0 {
            let own = [
                otel::GEN_AI_AGENT_NAME,
                otel::GEN_AI_AGENT_VERSION,
                otel::GEN_AI_PROVIDER_NAME,
                otel::GEN_AI_REQUEST_MODEL,
                blotter::BLOTTER_APPROVAL_POLICY,
                blotter::BLOTTER_SANDBOX_POLICY,
                blotter::BLOTTER_CONTENT_POLICY,
                blotter::BLOTTER_SESSION_PARENT_ID,
                blotter::BLOTTER_SESSION_DEPTH,
            ];
            if !own.contains(key) {
                fixed.0.push((*key, value.clone()));
            }
        }
        let depth = parent.depth + 1;
        fixed.add(blotter::BLOTTER_SESSION_PARENT_ID, Arc::clone(&parent.session_id));
        fixed.add(blotter::BLOTTER_SESSION_DEPTH, i64::from(depth));
        let mut own = Attributes::with_capacity(3);
        own.add_some(blotter::BLOTTER_SESSION_DEPTH_LIMIT, limits.depth.map(i64::from));
        own.add_some(blotter::BLOTTER_SESSION_THREADS, limits.running.map(i64::from));
        own.add_some(blotter::BLOTTER_SESSION_THREAD_LIMIT, limits.threads.map(i64::from));
        let (profile, transport) = {
            let now = parent.now.read().unwrap_or_else(PoisonError::into_inner);
            (now.profile.clone(), now.transport.clone())
        };
        let session_id = uuid::Uuid::new_v4().to_string();
        let core = Arc::clone(&parent.core);
        Self::begin(core, &session_id, (fixed, depth), profile, transport, own)
    }

    /// Another profile holds from now on.
    pub fn profile_changed(&self, profile: ProfileInEffect) {
        if let Some(state) = &self.state {
            state.change(|now| now.profile = profile);
            state.record(EventName::ProfileChanged, false, Attributes::default());
        }
    }

    /// A file or definition that steers the agent was taken up: at the start of the session, or anew. What is
    /// recorded is its name, size and digest.
    pub fn configuration_loaded(&self, configuration: Configuration) {
        if let Some(state) = &self.state {
            state.record(EventName::ConfigurationLoaded, false, configuration.attributes());
        }
    }

    /// The model is reached another way from now on, or the connection was made again.
    pub fn transport_changed(&self, transport: Transport) {
        if let Some(state) = &self.state {
            state.change(|now| now.transport = transport);
            state.record(EventName::TransportChanged, false, Attributes::default());
        }
    }

    /// Ends it.
    pub fn end(mut self) {
        if let Some(state) = self.state.take() {
            state.record(EventName::SessionEnded, false, Attributes::default());
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        if let Some(state) = self.state.take() {
            let mut attributes = Attributes::with_capacity(1);
            attributes.add(otel::ERROR_TYPE, crate::interruption());
            state.record(EventName::SessionEnded, true, attributes);
        }
    }
}

impl Identity {
    fn write(self, core: &Core, attributes: &mut Attributes) {
        attributes.add_some(otel::USER_ID, self.user_id);
        attributes.add_some(otel::USER_EMAIL, self.user_email);
        attributes.add_some(blotter::BLOTTER_ACCOUNT_ID, self.account_id);
        attributes.add_some(blotter::BLOTTER_AUTH_MODE, self.auth_mode);
        if let Some(credential) = self.credential {
            attributes.add(blotter::BLOTTER_TOKEN_TYPE, credential.kind().as_str());
            let fingerprint = credential.fingerprint(core.recorder.keys());
            attributes.add_some(blotter::BLOTTER_TOKEN_FINGERPRINT, fingerprint);
        }
    }
}
