"""An agent that leaves a whole audit trail with nothing but the OpenTelemetry SDK: see docs/emit.md.

Usage: emit_agent.py ENDPOINT

It makes up a session with four calls: one that ran, one that was refused, one of an MCP server, and one that
was cut off.
"""

import sys
import uuid

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import SpanKind, StatusCode

# The resource says that everything this process sends is written by these rules.
provider = TracerProvider(
    resource=Resource({"service.name": "py-agent", "service.version": "1.2", "host.name": "lab",
                       "blotter.instrumentation.version": "1"})
)
provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(f"{sys.argv[1]}/v1/traces")))
tracer = provider.get_tracer("blotter.agent")

# What holds for the whole session stands on every span.
SESSION = {
    "session.id": "py-session",
    "gen_ai.agent.name": "py-agent",
    "gen_ai.provider.name": "a-provider",
    "gen_ai.request.model": "a-model",
    "user.email": "ada@example.com",
    "blotter.auth.mode": "api_key",
    "blotter.token.type": "api_key",
    "blotter.profile.name": ":workspace",
    "blotter.profile.digest": "b3:0f1e",
    "blotter.approval.policy": "on-request",
    "blotter.sandbox.policy": "workspace-write",
    "blotter.transport": "http",
    "blotter.content.policy": "full",
}


def turn(prompt):
    """One prompt and everything until the agent stops."""
    attributes = SESSION | {"gen_ai.operation.name": "invoke_agent", "blotter.turn.id": str(uuid.uuid4())}
    span = tracer.start_span("invoke_agent py-agent", attributes=attributes)
    span.add_event("blotter.prompt", {"blotter.prompt.text": prompt})
    return span, attributes["blotter.turn.id"]


def call(around, turn_id, call_id, tool, arguments, why, **more):
    """One invocation of a tool."""
    attributes = SESSION | {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": tool,
        "gen_ai.tool.call.id": call_id,
        "gen_ai.tool.call.arguments": arguments,
        "blotter.turn.id": turn_id,
        "blotter.call.justification": why,
        "blotter.executor": "local_sandbox",
    } | more
    span = tracer.start_span(f"execute_tool {tool}", context=trace.set_span_in_context(around), attributes=attributes)
    span.add_event("blotter.call.started")
    return span


def decided(span, decision, source):
    span.add_event("blotter.decision", {"blotter.decision": decision, "blotter.decision.source": source})


def ended(span, outcome, executed, **more):
    attributes = {"blotter.call.outcome": outcome, "blotter.call.executed": executed} | more
    for key, value in attributes.items():
        span.set_attribute(key, value)
    if outcome == "succeeded":
        span.set_status(StatusCode.OK)
    else:
        span.set_attribute("error.type", outcome)
        span.set_status(StatusCode.ERROR, outcome)
    span.end()


asked, turn_id = turn("list the files")

ran = call(asked, turn_id, "py-call-1", "shell", '{"command": "ls"}', "to see what is there")
ran.add_event("blotter.approval.requested", {"blotter.approval.request": "run ls?"})
decided(ran, "allow", "user")
ran.add_event("blotter.call.executing")
ran.add_event("blotter.proxy.decision", {
    "server.address": "example.com", "server.port": 443, "blotter.proxy.decision": "deny",
    "blotter.decision.reason": "not_allowed",
})
ran.add_event("blotter.sandbox", {"blotter.sandbox.outcome": "held"})
ended(ran, "succeeded", True, **{"process.exit.code": 0, "gen_ai.tool.call.result": "a.txt"})

refused = call(asked, turn_id, "py-call-2", "shell", '{"command": "rm -rf /"}', "to clean up")
decided(refused, "deny", "reviewer")
ended(refused, "refused", False)

of_server = {"blotter.mcp.server": "files", "blotter.mcp.transport": "stdio", "blotter.executor": "mcp_server"}
asks = call(asked, turn_id, "py-call-3", "read_file", '{"path": "a.txt"}', "to read it", **of_server)
decided(asks, "allow", "config")
request = tracer.start_span(
    "tools/call read_file", context=trace.set_span_in_context(asks), kind=SpanKind.CLIENT,
    attributes=SESSION | of_server | {
        "mcp.method.name": "tools/call", "gen_ai.tool.name": "read_file", "gen_ai.tool.call.id": "py-call-3",
        "blotter.turn.id": turn_id,
    },
)
request.set_status(StatusCode.OK)
request.end()
ended(asks, "succeeded", True, **{"mcp.method.name": "tools/call", "gen_ai.tool.call.result": "words"})

# What is cut off still says so: end spans in `finally`, also when a task is cancelled.
cut = call(asked, turn_id, "py-call-4", "shell", '{"command": "sleep 1000"}', "to wait")
decided(cut, "allow", "config")
ended(cut, "interrupted", True)

asked.add_event("blotter.response", {"blotter.response.text": "there is a.txt"})
asked.set_attribute("blotter.turn.outcome", "finished")
asked.set_status(StatusCode.OK)
asked.end()
provider.shutdown()
