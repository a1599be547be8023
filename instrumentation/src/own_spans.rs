//! Spans that the agent makes itself, with `tracing` or an OpenTelemetry tracer, go the same way: through the
//! same queue, spool and collector, with the same resource.

use std::sync::{Arc, Weak};
use std::time::Duration;

use opentelemetry::trace::{
    SpanContext, SpanId, TraceContextExt as _, TraceFlags, TraceId, TraceState, TracerProvider as _,
};
use opentelemetry::{Context, InstrumentationScope};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider, Span, SpanData, SpanProcessor};
use tracing_subscriber::registry::LookupSpan;

use crate::agent::{Agent, Core};
use crate::call::Call;
use crate::context::TraceContext;
use crate::record::{Frame, Record, What};
use crate::turn::Turn;
use crate::value::Attributes;

/// Hands spans to the delivery thread.
struct Processor {
    core: Weak<Core>,
    frame: Arc<Frame>,
}

impl std::fmt::Debug for Processor {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Processor")
    }
}

impl SpanProcessor for Processor {
    fn on_start(&self, _: &mut Span, _: &Context) {}

    fn on_end(&self, span: SpanData) {
        if let Some(core) = self.core.upgrade() {
            core.queue.push(Record {
                what: What::Foreign(Box::new(span)),
                frame: Arc::clone(&self.frame),
                around: [None, None],
                attributes: Attributes::default(),
            });
        }
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
        Ok(())
    }
}

impl Agent {
    /// A tracer provider for the agent's own spans, such as those of its requests to the model
    /// (`gen_ai.operation.name` = `chat`). Every span is recorded. [`Agent::flush`] and [`Agent::shutdown`]
    /// deliver them.
    #[must_use]
    pub fn tracer_provider(&self) -> SdkTracerProvider {
        let builder = SdkTracerProvider::builder().with_sampler(Sampler::AlwaysOn);
        let Some(core) = &self.core else {
            return SdkTracerProvider::builder().with_sampler(Sampler::AlwaysOff).build();
        };
        let frame = Frame {
            session_id: "".into(),
            sequence: Arc::default(),
            attributes: Attributes::default(),
        };
        let processor = Processor { core: Arc::downgrade(core), frame: Arc::new(frame) };
        let resource = Resource::builder_empty().with_service_name(core.name.clone()).build();
        builder.with_resource(resource).with_span_processor(processor).build()
    }

    /// A layer for a `tracing` subscriber: its spans become spans of the agent's trace, within the call or
    /// turn whose context is attached ([`Call::otel_context`], [`Turn::otel_context`]).
    #[must_use]
    pub fn tracing_layer<S>(
        &self,
    ) -> tracing_opentelemetry::OpenTelemetryLayer<S, opentelemetry_sdk::trace::SdkTracer>
    where
        S: tracing::Subscriber + for<'span> LookupSpan<'span>,
    {
        let scope = InstrumentationScope::builder("tracing").build();
        let tracer = self.tracer_provider().tracer_with_scope(scope);
        tracing_opentelemetry::layer().with_tracer(tracer)
    }
}

impl Call {
    /// The call as an OpenTelemetry context: attach it, and the agent's own spans are within the call.
    #[must_use]
    pub fn otel_context(&self) -> Context {
        context(self.trace_context())
    }
}

impl Turn {
    /// The turn as an OpenTelemetry context: attach it, and the agent's own spans are within the turn.
    #[must_use]
    pub fn otel_context(&self) -> Context {
        context(self.trace_context())
    }
}

fn context(of: Option<TraceContext>) -> Context {
    let Some(of) = of else { return Context::current() };
    let state: Option<TraceState> = of.state.as_deref().and_then(|state| state.parse().ok());
    let (trace, span) = (TraceId::from_bytes(of.trace_id), SpanId::from_bytes(of.span_id));
    let span = SpanContext::new(trace, span, TraceFlags::SAMPLED, true, state.unwrap_or_default());
    Context::current().with_remote_span_context(span)
}
