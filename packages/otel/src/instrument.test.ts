import { type Context, context, metrics, propagation, SpanKind, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import {
  InMemoryLogRecordExporter,
  LoggerProvider,
  SimpleLogRecordProcessor,
} from '@opentelemetry/sdk-logs';
import {
  AggregationTemporality,
  type Histogram,
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
  memoryJournal,
  type Plan,
  RunnerError,
  type TaskRunner,
  tool,
} from '@stratagem/core';
import { parsePlanDocument } from '@stratagem/core/document';
import { decodeReport, encodeReport, workerCarrier } from '@stratagem/core/kernel';
import { sequential } from '@stratagem/sequential';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { instrument } from './instrument.js';
import type { InstrumentOptions } from './options.js';

const spans = new InMemorySpanExporter();
const tracerProvider = new BasicTracerProvider({
  spanProcessors: [new SimpleSpanProcessor(spans)],
});
const logs = new InMemoryLogRecordExporter();
const logger = new LoggerProvider({
  processors: [new SimpleLogRecordProcessor({ exporter: logs } as never)],
}).getLogger('test');

let meters: InMemoryMetricExporter;
let reader: PeriodicExportingMetricReader;
let meterProvider: MeterProvider;

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

function traced(options: InstrumentOptions = {}) {
  return instrument({ tracerProvider, meterProvider, ...options });
}

function executorWith(options: Partial<ExecutorOptions>, given?: InstrumentOptions) {
  return createExecutor({
    ...{ strategy: sequential(), instrumentation: traced(given) },
    ...options,
  });
}

/** The spans as a tree: one line for each, below its parent, in the order of their names. */
function tree(): string {
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

function byStart(a: ReadableSpan, b: ReadableSpan): number {
  return a.startTime[0] - b.startTime[0] || a.startTime[1] - b.startTime[1];
}

function spanNamed(name: string): ReadableSpan {
  const found = spans.getFinishedSpans().find((span) => span.name === name);
  if (found === undefined) throw new Error(`there is no span "${name}" in:\n${tree()}`);
  return found;
}

async function metricNamed(name: string) {
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

const asks: TaskRunner = {
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

const shout = tool({
  name: 'shout',
  description: 'Writes a text in capitals.',
  inputSchema: { type: 'object', properties: { text: { type: 'string' } } },
  execute: async (input) => {
    request('GET /shout');
    return `${(input as { text: string }).text.toUpperCase()} MARK result`;
  },
});

const report = createPlan('MARK goal')
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

describe('spans', () => {
  test('show run, tasks, attempts, model calls and tools, and what they request is inside', async () => {
    await executorWith({ runner: asks }).execute(report).orThrow();
    expect(tree()).toBe(
      [
        'invoke_workflow',
        '  task report',
        '    attempt report',
        '      GET /data',
        '  task research',
        '    attempt research',
        '      chat model-1',
        '      execute_tool shout',
        '        GET /shout',
        '      POST /chat',
      ].join('\n'),
    );
  });

  test('are children of the span of a web request', async () => {
    const executor = executorWith({ runner: asks });
    const tracer = tracerProvider.getTracer('http');
    await tracer.startActiveSpan('POST /report', async (span) => {
      await executor.execute(report).orThrow();
      span.end();
    });
    const parent = spanNamed('POST /report').spanContext();
    expect(spanNamed('invoke_workflow').parentSpanContext?.spanId).toBe(parent.spanId);
    const traces = new Set(spans.getFinishedSpans().map((span) => span.spanContext().traceId));
    expect([...traces]).toEqual([parent.traceId]);
  });

  test('of two runs at once do not mix', async () => {
    const executor = executorWith({ runner: asks });
    const tracer = tracerProvider.getTracer('http');
    const runIn = (name: string) =>
      tracer.startActiveSpan(name, async (span) => {
        await executor.execute(report, { runId: name }).orThrow();
        span.end();
      });
    await Promise.all([runIn('first'), runIn('second')]);
    for (const name of ['first', 'second']) {
      const { traceId } = spanNamed(name).spanContext();
      const own = spans.getFinishedSpans().filter((span) => span.spanContext().traceId === traceId);
      expect(own).toHaveLength(11);
    }
  });

  test('have the attributes of the conventions', async () => {
    await executorWith({ runner: asks }, { workflowName: ({ tasks }) => `of ${tasks.length}` })
      .execute(report, { runId: 'r-1' })
      .orThrow();
    expect(spanNamed('invoke_workflow of 2')).toMatchObject({
      kind: SpanKind.INTERNAL,
      attributes: {
        'gen_ai.operation.name': 'invoke_workflow',
        'gen_ai.agent.name': 'of 2',
        'stratagem.run.id': 'r-1',
        'stratagem.strategy': 'sequential',
        'stratagem.status': 'completed',
        'stratagem.tasks.completed': 2,
        'gen_ai.usage.input_tokens': 10,
        'gen_ai.usage.output_tokens': 5,
      },
    });
    const call = spanNamed('chat model-1');
    expect(call.kind).toBe(SpanKind.CLIENT);
    expect(call.attributes).toEqual({
      'gen_ai.operation.name': 'chat',
      'gen_ai.provider.name': 'own',
      'gen_ai.request.model': 'model-1',
      'gen_ai.response.model': 'model-1-2026',
      'gen_ai.response.finish_reasons': ['stop'],
      'gen_ai.usage.input_tokens': 10,
      'gen_ai.usage.output_tokens': 5,
      'gen_ai.usage.cache_read.input_tokens': 4,
      'gen_ai.usage.reasoning.output_tokens': 2,
      'stratagem.provider.request_id': 'req-1',
    });
    expect(spanNamed('execute_tool shout').attributes).toEqual({
      'gen_ai.operation.name': 'execute_tool',
      'gen_ai.tool.name': 'shout',
      'gen_ai.tool.call.id': 'call-1',
      'gen_ai.tool.type': 'function',
    });
    expect(spanNamed('attempt research').attributes).toMatchObject({
      'stratagem.task.id': 'research',
      'stratagem.attempt': 1,
      'stratagem.cost_usd': 0.25,
    });
  });

  test('end in order: no child begins before its parent or ends after it', async () => {
    await executorWith({ runner: asks }).execute(report).orThrow();
    const all = new Map(spans.getFinishedSpans().map((span) => [span.spanContext().spanId, span]));
    const toMs = ([s, ns]: ReadableSpan['startTime']) => s * 1_000 + ns / 1e6;
    for (const span of all.values()) {
      const parent = all.get(span.parentSpanContext?.spanId ?? '');
      if (parent === undefined || !/^(task|attempt)/.test(span.name)) continue;
      expect(toMs(span.startTime)).toBeGreaterThanOrEqual(toMs(parent.startTime));
      expect(toMs(span.endTime)).toBeLessThanOrEqual(toMs(parent.endTime));
    }
  });

  test('show each attempt of a task, and why it failed', async () => {
    let tries = 0;
    const runner: TaskRunner = {
      name: 'shaky',
      run: async () => {
        tries++;
        if (tries === 1) throw new RunnerError('overloaded', 'no capacity', { retryAfterMs: 0 });
        throw new Error('MARK answer');
      },
    };
    const plan = createPlan('p').addTask({
      ...{ id: 'a[3]', description: 'x', retry: { maxAttempts: 2, initialDelayMs: 0 } },
    });
    await executorWith({ runner }).execute(plan);
    expect(tree()).toBe(
      [
        'invoke_workflow',
        '  task a',
        '    attempt a',
        '      chat shaky',
        '    attempt a',
        '      chat shaky',
      ].join('\n'),
    );
    const [first, second] = spans
      .getFinishedSpans()
      .filter(({ name }) => name === 'attempt a')
      .sort(byStart);
    expect(first?.attributes['error.type']).toBe('overloaded');
    expect(first?.status.message).toContain('no capacity');
    expect(second?.attributes['error.type']).toBe('task_failed');
    expect(second?.status).toEqual({ code: 2 });
    expect(spanNamed('invoke_workflow').attributes).toMatchObject({
      'error.type': 'run_failed',
      'stratagem.status': 'failed',
    });
  });

  test('work without a context manager', async () => {
    context.disable();
    await executorWith({ runner: asks }).execute(report).orThrow();
    expect(spanNamed('execute_tool shout').parentSpanContext?.spanId).toBe(
      spanNamed('attempt research').spanContext().spanId,
    );
  });

  test('leave nothing behind that was open when the run is canceled or given up', async () => {
    const never = createPlan('p').addTask({
      id: 'a',
      run: (_, { signal }) =>
        new Promise((_resolve, reject) =>
          signal.addEventListener('abort', () => reject(signal.reason)),
        ),
    });
    const run = executorWith({}).execute(never);
    run.cancel('enough');
    await run;
    const journal = memoryJournal();
    const given = executorWith({ journal }).execute(never);
    for await (const { type } of given) if (type === 'task_started') void given.interrupt();
    expect((await given).status).toBe('interrupted');
    const statuses = spans
      .getFinishedSpans()
      .filter(({ name }) => name === 'invoke_workflow')
      .map(({ attributes }) => attributes['stratagem.status']);
    expect(statuses).toEqual(['canceled', 'interrupted']);
    expect(spanNamed('attempt a').ended).toBe(true);
  });
});

describe('content', () => {
  const everything = () =>
    JSON.stringify([
      ...spans.getFinishedSpans().map(shown),
      ...logs
        .getFinishedLogRecords()
        .map(({ eventName, attributes }) => ({ eventName, attributes })),
    ]);
  const shown = ({ name, attributes, status, events }: ReadableSpan) => ({
    name,
    attributes,
    status,
    events,
  });

  test('is not recorded unless it is asked for', async () => {
    await executorWith({ runner: asks }, { logger }).execute(report).orThrow();
    const failing = createPlan('MARK').addTask({
      id: 'a',
      run: () => {
        throw new Error('MARK');
      },
    });
    await executorWith({ runner: asks }, { logger }).execute(failing);
    expect(everything()).not.toContain('MARK');
    expect(logs.getFinishedLogRecords()).toHaveLength(1);
  });

  test('is recorded in spans in the form of the conventions', async () => {
    await executorWith({ runner: asks }, { captureContent: true }).execute(report).orThrow();
    const { attributes } = spanNamed('chat model-1');
    expect(JSON.parse(String(attributes['gen_ai.input.messages']))).toEqual([
      { role: 'user', parts: [{ type: 'text', content: 'MARK prompt' }] },
    ]);
    expect(JSON.parse(String(attributes['gen_ai.output.messages']))).toEqual([
      { role: 'assistant', parts: [{ type: 'text', content: 'MARK 11' }], finish_reason: 'stop' },
    ]);
    expect(spanNamed('execute_tool shout').attributes).toMatchObject({
      'gen_ai.tool.call.arguments': '{"text":"MARK input"}',
      'gen_ai.tool.call.result': 'MARK INPUT MARK result',
    });
    expect(spanNamed('invoke_workflow').attributes['stratagem.plan.goal']).toBe('MARK goal');
  });

  test('is in events instead where there is a logger, and can be changed', async () => {
    const captureContent = (text: string) => text.replaceAll('MARK', '…');
    await executorWith({ runner: asks }, { captureContent, logger }).execute(report).orThrow();
    expect(spanNamed('chat model-1').attributes['gen_ai.input.messages']).toBeUndefined();
    const [record] = logs.getFinishedLogRecords();
    expect(record?.eventName).toBe('gen_ai.client.inference.operation.details');
    expect(record?.attributes).toMatchObject({
      'gen_ai.request.model': 'model-1',
      'gen_ai.input.messages': [{ role: 'user', parts: [{ type: 'text', content: '… prompt' }] }],
    });
    expect(record?.spanContext?.spanId).toBe(spanNamed('attempt research').spanContext().spanId);
    expect(everything()).not.toContain('MARK');
  });

  test('never has the values of secret inputs, here or on a worker', async () => {
    vi.stubEnv('OTEL_TEST_KEY', 'open-sesame');
    const { plan } = parsePlanDocument({
      ...{ goal: 'p', inputs: { key: { type: 'string', secret: true, env: 'OTEL_TEST_KEY' } } },
      tasks: [{ id: 'a', tool: 'shout', args: { text: '{{inputs.key}}' } }],
    });
    const content = { captureContent: true };
    await executorWith({ tools: [shout] }, content)
      .execute(plan as Plan)
      .orThrow();
    expect(spanNamed('execute_tool shout').attributes).toMatchObject({
      'gen_ai.tool.call.arguments': '{"text":"[secret]"}',
      'gen_ai.tool.call.result': 'OPEN-SESAME MARK result',
    });
    const worker = workerCarrier({ tools: [shout], instrumentation: traced(content) });
    await executorWith({ tools: [shout], carrier: overWire(worker) }, content)
      .execute(plan as Plan)
      .orThrow();
    const { attributes } = spans
      .getFinishedSpans()
      .findLast(({ name }) => name === 'execute_tool shout') as ReadableSpan;
    expect(Object.keys(attributes)).not.toContain('gen_ai.tool.call.arguments');
    expect(everything()).not.toContain('open-sesame');
  });
});

/** A carrier that takes calls and reports over a wire, as JSON. */
function overWire(worker: AttemptCarrier): AttemptCarrier {
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

test('the trace of an attempt travels over a carrier to its worker', async () => {
  const worker = workerCarrier({
    runner: asks,
    tools: [shout],
    plans: [report as Plan],
    instrumentation: traced(),
  });
  const executor = executorWith({ runner: asks, carrier: overWire(worker) });
  await executor.execute(report).orThrow();
  expect(tree()).toBe(
    [
      'invoke_workflow',
      '  task report',
      '    attempt report',
      '      GET /data',
      '  task research',
      '    attempt research',
      '      chat model-1',
      '      execute_tool shout',
      '        GET /shout',
      '      POST /chat',
    ].join('\n'),
  );
});

describe('a resumed run', () => {
  async function interrupted() {
    const journal = memoryJournal();
    let isOpen = false;
    const plan = createPlan('p')
      .addTask({ id: 'a', run: () => 1 })
      .addTask({
        ...{ id: 'b', dependencies: ['a'] },
        run: (_, { signal }) =>
          isOpen
            ? 2
            : new Promise((_resolve, reject) => {
                signal.addEventListener('abort', () => reject(signal.reason));
              }),
      });
    const run = executorWith({ journal }).execute(plan, { runId: 'r' });
    for await (const event of run) {
      if (event.type === 'task_started' && event.taskId === 'b') void run.interrupt();
    }
    await run;
    isOpen = true;
    const first = spanNamed('invoke_workflow').spanContext();
    spans.reset();
    return { journal, plan, first };
  }

  test('continues the trace in which it began', async () => {
    const { journal, plan, first } = await interrupted();
    await executorWith({ journal }).resume('r', { plan }).orThrow();
    const { parentSpanContext, attributes, links } = spanNamed('invoke_workflow');
    expect(parentSpanContext).toMatchObject({ traceId: first.traceId, spanId: first.spanId });
    expect(attributes).toMatchObject({ 'stratagem.resumed': true, 'stratagem.restarted_tasks': 1 });
    expect(links).toEqual([]);
    expect(tree()).toBe('invoke_workflow\n  task b\n    attempt b');
  });

  test('belongs to the trace in which it is resumed, and links to that in which it began', async () => {
    const { journal, plan, first } = await interrupted();
    await tracerProvider.getTracer('http').startActiveSpan('POST /resume', async (span) => {
      await executorWith({ journal }).resume('r', { plan }).orThrow();
      span.end();
    });
    const { parentSpanContext, links } = spanNamed('invoke_workflow');
    expect(parentSpanContext?.spanId).toBe(spanNamed('POST /resume').spanContext().spanId);
    expect(links.map((link) => link.context.spanId)).toEqual([first.spanId]);
  });

  test('that is over already has no span', async () => {
    const { journal, plan } = await interrupted();
    await executorWith({ journal }).resume('r', { plan }).orThrow();
    spans.reset();
    await executorWith({ journal }).resume('r', { plan }).orThrow();
    expect(spans.getFinishedSpans()).toEqual([]);
  });
});

describe('metrics', () => {
  test('count tokens and durations by the conventions', async () => {
    await executorWith({ runner: asks }).execute(report).orThrow();
    const usage = await metricNamed('gen_ai.client.token.usage');
    const points = usage.dataPoints.map(({ attributes, value }) => [
      attributes['gen_ai.token.type'],
      (value as { sum?: number }).sum,
    ]);
    expect(points).toEqual([
      ['input', 10],
      ['output', 5],
    ]);
    expect(usage.descriptor.unit).toBe('{token}');
    const duration = await metricNamed('gen_ai.client.operation.duration');
    expect(duration.descriptor.unit).toBe('s');
    expect(duration.dataPoints.map(({ attributes }) => attributes)).toEqual([
      {
        'gen_ai.operation.name': 'chat',
        'gen_ai.provider.name': 'own',
        'gen_ai.request.model': 'model-1',
        'gen_ai.response.model': 'model-1-2026',
      },
    ]);
    const { boundaries } = (duration.dataPoints[0] as { value: Histogram }).value.buckets;
    expect(boundaries[0]).toBe(0.01);
    const cost = await metricNamed('stratagem.cost');
    expect(cost.dataPoints.map(({ value }) => value)).toEqual([0.25]);
    for (const name of ['gen_ai.invoke_agent.duration', 'gen_ai.execute_tool.duration']) {
      expect((await metricNamed(name)).dataPoints).toHaveLength(1);
    }
    const attempts = await metricNamed('stratagem.attempt.duration');
    expect((attempts.dataPoints[0] as { value: Histogram }).value.count).toBe(2);
  });
});

test('providers that are registered later are used', async () => {
  const executor = createExecutor({
    ...{ strategy: sequential(), runner: asks, instrumentation: instrument() },
  });
  trace.setGlobalTracerProvider(tracerProvider);
  metrics.setGlobalMeterProvider(meterProvider);
  await executor.execute(report).orThrow();
  expect(spanNamed('chat model-1')).toBeDefined();
  expect((await metricNamed('gen_ai.client.token.usage')).dataPoints).toHaveLength(2);
});

test.each([
  [{ tracerProvider: {} }, 'tracerProvider must be an object with a method getTracer()'],
  [{ meterProvider: {} }, 'meterProvider must be an object with a method getMeter()'],
  [{ logger: console }, 'logger must be an object with a method emit()'],
  [{ captureContent: 'yes' }, 'captureContent must be true, false, or a function'],
  [{ workflowName: 7 }, 'workflowName must be a text, or a function of the plan'],
  [{ captureContents: true }, 'captureContent'],
])('refuses %j', (options, message) => {
  expect(() => instrument(options as never)).toThrow(message);
});
