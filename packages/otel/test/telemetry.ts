import { type Context, context, metrics, propagation, SpanKind, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import {
  InMemoryLogRecordExporter,
  LoggerProvider,
  SimpleLogRecordProcessor,
} from '@opentelemetry/sdk-logs';
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics';
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base';
import {
  type AttemptCarrier,
  createExecutor,
  createPlan,
  type ExecutorOptions,
  type TaskRunner,
  tool,
} from '@stratagem/core';
import { decodeReport, encodeReport } from '@stratagem/core/kernel';
import { sequential } from '@stratagem/sequential';
import { afterEach, beforeEach, expect, vi } from 'vitest';
import { instrument } from '../src/instrument.js';
import type { InstrumentOptions } from '../src/options.js';

/** The finished spans of a test. */
export const spans = new InMemorySpanExporter();
export const tracerProvider = new BasicTracerProvider({
  spanProcessors: [new SimpleSpanProcessor(spans)],
});
export const logs = new InMemoryLogRecordExporter();
export const logger = new LoggerProvider({
  processors: [new SimpleLogRecordProcessor({ exporter: logs } as never)],
}).getLogger('test');

let meters: InMemoryMetricExporter;
let reader: PeriodicExportingMetricReader;
export let meterProvider: MeterProvider;

/** Begins each test of a file without spans, logs, measurements and registered providers. */
export function resetTelemetry(): void {
  beforeEach(() => {
    context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
    spans.reset();
    logs.reset();
    meters = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
    reader = new PeriodicExportingMetricReader({ exporter: meters });
    meterProvider = new MeterProvider({ readers: [reader] });
  });

  afterEach(async () => {
    context.disable();
    trace.disable();
    metrics.disable();
    propagation.disable();
    vi.unstubAllEnvs();
    await meterProvider.shutdown();
  });
}

export function traced(options: InstrumentOptions = {}) {
  return instrument({ tracerProvider, meterProvider, ...options });
}

export function executorWith(options: Partial<ExecutorOptions>, given?: InstrumentOptions) {
  return createExecutor({
    ...{ strategy: sequential(), instrumentation: traced(given) },
    ...options,
  });
}

/** The spans as a tree: one line for each, below its parent, in the order of their names. */
export function tree(): string {
  const all = spans.getFinishedSpans();
  const lines: string[] = [];
  const add = (parent: string | undefined, depth: number) => {
    const children = all.filter((span) => span.parentSpanContext?.spanId === parent);
    for (const span of children.sort((a, b) => a.name.localeCompare(b.name))) {
      lines.push(`${'  '.repeat(depth)}${span.name}`);
      add(span.spanContext().spanId, depth + 1);
    }
  };
  const known = new Set(all.map((span) => span.spanContext().spanId));
  const roots = new Set(all.map((span) => span.parentSpanContext?.spanId));
  for (const root of roots) if (root === undefined || !known.has(root)) add(root, 0);
  return lines.join('\n');
}

export function byStart(a: ReadableSpan, b: ReadableSpan): number {
  return a.startTime[0] - b.startTime[0] || a.startTime[1] - b.startTime[1];
}

export function spanNamed(name: string): ReadableSpan {
  const found = spans.getFinishedSpans().find((span) => span.name === name);
  if (found === undefined) throw new Error(`there is no span "${name}" in:\n${tree()}`);
  return found;
}

export async function metricNamed(name: string) {
  await reader.forceFlush();
  const all = meters.getMetrics().flatMap(({ scopeMetrics }) => scopeMetrics);
  const found = all
    .flatMap((scope) => scope.metrics)
    .find(({ descriptor }) => descriptor.name === name);
  if (found === undefined) throw new Error(`there is no metric "${name}"`);
  return found;
}

/** The span of an HTTP client that is instrumented, too. */
function request(name: string): void {
  tracerProvider.getTracer('http').startSpan(name, { kind: SpanKind.CLIENT }).end();
}

export const asks: TaskRunner = {
  name: 'own',
  resource: 'own/model-1',
  supportsTools: true,
  async run({ prompt, tools = [] }, { surround, emit }) {
    await Promise.resolve();
    request('POST /chat');
    for (const each of tools) await each.call({ text: 'MARK input' }, 'call-1');
    await emit('MARK text');
    expect(surround).toBeDefined();
    const usage = { inputTokens: 10, outputTokens: 5, cachedInputTokens: 4, reasoningTokens: 2 };
    return {
      output: `MARK ${prompt.length}`,
      ...{ usage, model: 'model-1-2026', requestId: 'req-1', costUsd: 0.25 },
    };
  },
};

export const shout = tool({
  name: 'shout',
  description: 'Writes a text in capitals.',
  inputSchema: { type: 'object', properties: { text: { type: 'string' } } },
  execute: async (input) => {
    request('GET /shout');
    return `${(input as { text: string }).text.toUpperCase()} MARK result`;
  },
});

export const report = createPlan('MARK goal')
  .addTask({ id: 'research', description: 'MARK prompt', tools: [shout] })
  .addTask({
    id: 'report',
    dependencies: ['research'],
    run: async () => {
      await Promise.resolve();
      request('GET /data');
      return 'MARK output';
    },
  });

/** A carrier that takes calls and reports over a wire, as JSON. */
export function overWire(worker: AttemptCarrier): AttemptCarrier {
  return {
    ...{ name: 'wire', cancel: () => {}, detach: () => {}, close: () => worker.close() },
    start(call, tell) {
      const sent = JSON.parse(JSON.stringify(call));
      setImmediate(() =>
        context.with(ROOT, () =>
          worker.start(sent, (report) =>
            tell(decodeReport(JSON.parse(JSON.stringify(encodeReport(report))))),
          ),
        ),
      );
    },
  };
}

const ROOT = {
  getValue: () => undefined,
  setValue: () => ROOT,
  deleteValue: () => ROOT,
} as Context;
