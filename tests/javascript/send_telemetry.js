// Sends logs, spans and metrics with the OpenTelemetry SDK for JavaScript.
//
// Usage: node send_telemetry.js PACKAGES PROTOCOL ENDPOINT COMPRESSION FOLDER
//
// PACKAGES is the folder that holds node_modules; PROTOCOL is http/protobuf, http/json or grpc; COMPRESSION none or gzip. Every request is also
// written to FOLDER as NNNN.<signal>.pb or .json, so that what arrived can be compared with what was sent. Ends with 1 when the receiver did not accept everything.

const fs = require("node:fs");
const path = require("node:path");
const { createRequire } = require("node:module");

const [packages, protocol, endpoint, compression, folder] = process.argv.slice(2);
const need = createRequire(path.resolve(packages, "package.json"));

const { SpanKind, SpanStatusCode, trace, context } = need("@opentelemetry/api");
const { LoggerProvider, SimpleLogRecordProcessor } = need("@opentelemetry/sdk-logs");
const { MeterProvider, PeriodicExportingMetricReader } = need("@opentelemetry/sdk-metrics");
const { BatchSpanProcessor, TracerProvider } = need("@opentelemetry/sdk-trace");
const { resourceFromAttributes } = need("@opentelemetry/resources");

const kind = { "http/protobuf": "proto", "http/json": "http", grpc: "grpc" }[protocol];
const { OTLPLogExporter } = need(`@opentelemetry/exporter-logs-otlp-${kind}`);
const { OTLPTraceExporter } = need(`@opentelemetry/exporter-trace-otlp-${kind}`);
const { OTLPMetricExporter } = need(`@opentelemetry/exporter-metrics-otlp-${kind}`);

const refused = [];

/** The settings of an exporter for one signal. */
function settings(signal) {
  const url = kind === "grpc" ? endpoint : `${endpoint}/v1/${signal}`;
  return { url, compression, timeoutMillis: 20000 };
}

let number = 0;

/** Writes each request of an exporter down before it is sent, and remembers what could not be delivered. */
function watched(exporter, signal) {
  const serializer = exporter._delegate._serializer;
  const extension = kind === "http" ? "json" : "pb";
  exporter._delegate._serializer = {
    ...serializer,
    serializeRequest: (batch) => {
      const body = serializer.serializeRequest(batch);
      number += 1;
      fs.writeFileSync(path.join(folder, `${String(number).padStart(4, "0")}.${signal}.${extension}`), body);
      return body;
    },
    deserializeResponse: (body) => serializer.deserializeResponse(body),
  };
  const send = exporter.export.bind(exporter);
  exporter.export = (batch, done) =>
    send(batch, (result) => {
      if (result.code !== 0) refused.push(`${signal}: ${result.error}`);
      done(result);
    });
  return exporter;
}

async function main() {
  fs.mkdirSync(folder, { recursive: true });
  const resource = resourceFromAttributes({ "service.name": "javascript-sdk", list: ["a", "b"], answer: 42 });

  const spans = new TracerProvider({
    resource,
    spanProcessors: [new BatchSpanProcessor({ exporter: watched(new OTLPTraceExporter(settings("traces")), "traces") })],
  });
  const tracer = spans.getTracer("blotter.javascript", "1.2.3");
  const parent = tracer.startSpan("parent", {
    kind: SpanKind.SERVER,
    attributes: { text: "grüße 🜂", empty: "", flag: false, whole: -7, part: 0.1, texts: ["a", ""], wholes: [0, 2 ** 40] },
  });
  parent.addEvent("first", { n: 1 });
  parent.recordException(new Error("it broke"));
  parent.setStatus({ code: SpanStatusCode.ERROR, message: "it broke" });
  const inside = trace.setSpan(context.active(), parent);
  for (let number = 0; number < 5; number++) {
    tracer.startSpan(`child ${number}`, { kind: SpanKind.CLIENT, links: [{ context: parent.spanContext() }] }, inside).end();
  }
  parent.end();

  const logs = new LoggerProvider({
    resource,
    processors: [new SimpleLogRecordProcessor({ exporter: watched(new OTLPLogExporter(settings("logs")), "logs") })],
  });
  const logger = logs.getLogger("blotter.javascript", "1.2.3");
  const bodies = ["", "a line\nand another\u202e", true, -1, 2.5, ["mixed", 1, null, { map: { in: "list" } }], { deep: { deeper: [1] } }];
  bodies.forEach((body, number) =>
    logger.emit({ body, severityNumber: number + 1, severityText: `severity ${number}`, attributes: { number }, context: inside }),
  );
  logger.emit({ body: "bytes", attributes: { bytes: new Uint8Array([0, 255, 254]) } });

  const metrics = new MeterProvider({
    resource,
    readers: [new PeriodicExportingMetricReader({ exporter: watched(new OTLPMetricExporter(settings("metrics")), "metrics"), exportIntervalMillis: 3600000 })],
  });
  const meter = metrics.getMeter("blotter.javascript", "1.2.3");
  const counter = meter.createCounter("requests", { unit: "1" });
  const histogram = meter.createHistogram("latency", { unit: "ms" });
  for (let number = 0; number < 10; number++) {
    counter.add(number, { route: `/${number % 2}` });
    histogram.record(number * 7);
  }

  for (const provider of [spans, logs, metrics]) {
    await provider.shutdown();
  }
  if (refused.length > 0) {
    console.error(`not accepted: ${refused.join("; ")}`);
    process.exit(1);
  }
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
