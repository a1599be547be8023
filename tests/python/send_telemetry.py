"""Sends logs, spans and metrics with the OpenTelemetry SDK, and writes down what it sends.

Usage: send_telemetry.py --protocol http|grpc --endpoint URL --compression none|gzip --sent FOLDER

Every export request is also written to FOLDER as NNNN.<signal>.pb, so that what arrived can be
compared with what was sent. Ends with 1 when the receiver did not accept everything.
"""

import argparse
import itertools
import pathlib
import sys

from opentelemetry import trace
from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.exporter.otlp.proto.common._log_encoder import encode_logs
from opentelemetry.exporter.otlp.proto.common.metrics_encoder import encode_metrics
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.metrics import Observation
from opentelemetry.sdk._logs import LoggerProvider, LogRecordLimits
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.metrics import AlwaysOnExemplarFilter, Counter, Histogram, MeterProvider
from opentelemetry.sdk.metrics.export import AggregationTemporality, PeriodicExportingMetricReader
from opentelemetry.sdk.metrics.view import ExponentialBucketHistogramAggregation, View
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanLimits, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode, TraceFlags, TraceState

DELTA = {Counter: AggregationTemporality.DELTA, Histogram: AggregationTemporality.DELTA}
SCOPE = {"version": "1.2.3", "schema_url": "https://example.invalid/scope"}


def exporters(protocol, endpoint, compression):
    """The three exporters of one transport."""
    if protocol == "grpc":
        from grpc import Compression
        from opentelemetry.exporter.otlp.proto.grpc._log_exporter import OTLPLogExporter
        from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter
        from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter

        squeeze = Compression.Gzip if compression == "gzip" else Compression.NoCompression
        common = {"insecure": True, "compression": squeeze, "timeout": 20}
        paths = [endpoint] * 3
    else:
        from opentelemetry.exporter.otlp.proto.http import Compression
        from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
        from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

        squeeze = Compression.Gzip if compression == "gzip" else Compression.NoCompression
        common = {"compression": squeeze, "timeout": 20}
        paths = [f"{endpoint}/v1/{signal}" for signal in ("logs", "traces", "metrics")]
    return (
        OTLPLogExporter(endpoint=paths[0], **common),
        OTLPSpanExporter(endpoint=paths[1], **common),
        OTLPMetricExporter(endpoint=paths[2], preferred_temporality=DELTA, **common),
    )


class Tee:
    """Writes each request down before its exporter sends it, and remembers refusals."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.number = itertools.count(1)
        self.refused = []

    def into(self, exporter, signal, encode):
        send = exporter.export

        def export(batch, *args, **kwargs):
            body = encode(batch).SerializeToString()
            (self.folder / f"{next(self.number):04}.{signal}.pb").write_bytes(body)
            result = send(batch, *args, **kwargs)
            if result.name != "SUCCESS":
                self.refused.append(signal)
            return result

        exporter.export = export
        return exporter


def send_spans(provider):
    """Spans with every field the SDK can fill; gives the context of one, for the others to refer to."""
    tracer = provider.get_tracer("blotter.python", "1.2.3", "https://example.invalid/scope", {"scope": "attribute"})
    elsewhere = SpanContext(
        0x0AF7651916CD43DD8448EB211C80319C,
        0xB7AD6B7169203331,
        is_remote=True,
        trace_flags=TraceFlags(1),
        trace_state=TraceState([("vendor", "one"), ("other", "two")]),
    )
    remote = trace.set_span_in_context(trace.NonRecordingSpan(elsewhere))
    attributes = {
        "text": "grüße 🜂",
        "empty": "",
        "flag": False,
        "whole": -(2**63),
        "part": 0.1,
        "texts": ["a", "", "ü"],
        "flags": [True, False],
        "wholes": [0, 2**63 - 1],
        "parts": [1.5, float("inf"), float("-inf"), float("nan")],
    }
    links = [Link(elsewhere, {"why": "follows"}), Link(elsewhere)]
    parent = tracer.start_span("parent", context=remote, kind=SpanKind.SERVER, attributes=attributes, links=links)
    parent.add_event("first", {"n": 1, "list": ["x"]}, timestamp=1_795_219_200_000_000_001)
    parent.add_event("second")
    parent.record_exception(ValueError("it broke"))
    parent.set_status(Status(StatusCode.ERROR, "it broke"))
    inside = trace.set_span_in_context(parent)
    for kind in SpanKind:
        child = tracer.start_span(f"child {kind.name}", context=inside, kind=kind)
        child.set_status(StatusCode.OK)
        child.end()
    crowded = tracer.start_span("crowded", context=inside, attributes={f"key {n}": n for n in range(40)})
    for n in range(20):
        crowded.add_event(f"event {n}", {f"key {k}": k for k in range(20)})
    crowded.end()
    parent.end()
    other = provider.get_tracer("blotter.python.other")
    other.start_span("alone", start_time=1, kind=SpanKind.CONSUMER).end(end_time=2**62)
    return inside


def send_logs(provider, inside):
    """Log records with every kind of value, with and without a span around them."""
    logger = provider.get_logger("blotter.python", attributes={"scope": "attribute"}, **SCOPE)
    bodies = [
        None,
        "",
        "a line\nand another\x00\u202e",
        True,
        -1,
        2.5,
        b"\x00\xff\xfe bytes",
        ["mixed", 1, 2.5, False, None, b"\x01", ["deep"], {"map": {"in": "list"}}],
        {"map": {"deeper": {"deepest": [1, 2, 3]}}, "none": None, "empty": ""},
    ]
    for number, body in enumerate(bodies):
        logger.emit(
            LogRecord(
                timestamp=1_795_219_200_000_000_000 + number,
                observed_timestamp=1_795_219_200_500_000_000 + number,
                context=inside if number % 2 else None,
                severity_number=list(SeverityNumber)[number],
                severity_text=f"severity {number}",
                body=body,
                attributes={"number": number, "nested": {"body": body, "list": [body]}, "empty": {}},
                event_name=f"blotter.test.{number}" if number % 3 else None,
            )
        )
    logger.emit(LogRecord(observed_timestamp=1_795_219_200_500_000_000, body="no time of its own"))
    logger.emit(LogRecord(body="crowded", attributes={f"key {n}": "value" * n for n in range(40)}))
    logger.emit(LogRecord(body="failed", exception=ValueError("it broke")))
    logger.emit(LogRecord(body="long", attributes={"text": "0123456789" * 2_000}))


def send_metrics(provider, inside):
    """One instrument of each kind, with exemplars from the span."""
    meter = provider.get_meter("blotter.python", attributes={"scope": "attribute"}, **SCOPE)
    counter = meter.create_counter("requests", "1", "Requests.")
    balance = meter.create_up_down_counter("balance")
    gauge = meter.create_gauge("level", "Cel")
    histogram = meter.create_histogram("latency", "ms", explicit_bucket_boundaries_advisory=[1, 10, 100])
    exponential = meter.create_histogram("exponential", "By")
    meter.create_observable_gauge("observed", [lambda _: [Observation(1.25, {"of": "sensor"}), Observation(-3)]])
    meter.create_observable_counter("total", [lambda _: [Observation(2**62)]])
    for number in range(50):
        attributes = {"route": f"/{number % 3}", "ok": number % 2 == 0}
        counter.add(number, attributes, inside)
        balance.add(-0.5 * number, attributes, inside)
        gauge.set(number / 3, {"of": "room"}, inside)
        histogram.record(number * 7 % 130, attributes, inside)
        exponential.record(1.9**number, {"list": ["a", "b"]}, inside)
    exponential.record(0, {"list": ["a", "b"]})


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--protocol", choices=["http", "grpc"], required=True)
    parser.add_argument("--endpoint", required=True)
    parser.add_argument("--compression", choices=["none", "gzip"], required=True)
    parser.add_argument("--sent", required=True)
    options = parser.parse_args()

    tee = Tee(options.sent)
    logs, spans, metrics = exporters(options.protocol, options.endpoint, options.compression)
    resource = Resource(
        {"service.name": "python-sdk", "service.version": "9.9", "list": ["a", "b"], "answer": 42},
        "https://example.invalid/resource",
    )
    span_limits = SpanLimits(max_span_attributes=16, max_events=8, max_event_attributes=4)
    tracer_provider = TracerProvider(resource=resource, span_limits=span_limits)
    tracer_provider.add_span_processor(BatchSpanProcessor(tee.into(spans, "traces", encode_spans)))
    limits = LogRecordLimits(max_attributes=24)
    logger_provider = LoggerProvider(resource=resource, log_record_limits=limits)
    logger_provider.add_log_record_processor(BatchLogRecordProcessor(tee.into(logs, "logs", encode_logs)))
    reader = PeriodicExportingMetricReader(tee.into(metrics, "metrics", encode_metrics), 3_600_000)
    view = View(instrument_name="exponential", aggregation=ExponentialBucketHistogramAggregation())
    meter_provider = MeterProvider([reader], resource, exemplar_filter=AlwaysOnExemplarFilter(), views=[view])

    inside = send_spans(tracer_provider)
    send_logs(logger_provider, inside)
    send_metrics(meter_provider, inside)
    for provider in (tracer_provider, logger_provider, meter_provider):
        provider.shutdown()
    if tee.refused:
        sys.exit(f"not accepted: {', '.join(tee.refused)}")


main()
