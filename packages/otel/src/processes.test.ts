import { createPlan, memoryJournal, type Plan } from '@stratagem/core';
import { workerCarrier } from '@stratagem/core/kernel';
import { describe, expect, test } from 'vitest';
import {
  asks,
  executorWith,
  overWire,
  report,
  resetTelemetry,
  shout,
  spanNamed,
  spans,
  traced,
  tracerProvider,
  tree,
} from '../test/telemetry.js';

resetTelemetry();

test('the trace of a web request travels over a carrier to the worker of an attempt', async () => {
  const worker = workerCarrier({
    runner: asks,
    tools: [shout],
    plans: [report as Plan],
    instrumentation: traced(),
  });
  const executor = executorWith({ runner: asks, carrier: overWire(worker) });
  await tracerProvider.getTracer('http').startActiveSpan('POST /reports', async (span) => {
    await executor.execute(report).orThrow();
    span.end();
  });
  expect(tree()).toBe(
    [
      'POST /reports',
      '  invoke_workflow',
      '    task report',
      '      attempt report',
      '        GET /data',
      '    task research',
      '      attempt research',
      '        chat model-1',
      '        execute_tool shout',
      '          GET /shout',
      '        POST /chat',
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

  test('counts in its span what this process has done', async () => {
    const { journal, plan } = await interrupted();
    await executorWith({ journal }).resume('r', { plan }).orThrow();
    // Task "a" was completed before.
    const { attributes } = spanNamed('invoke_workflow');
    expect(attributes).toMatchObject({ 'stratagem.tasks.completed': 1 });
  });

  test('that is over already has no span', async () => {
    const { journal, plan } = await interrupted();
    await executorWith({ journal }).resume('r', { plan }).orThrow();
    spans.reset();
    await executorWith({ journal }).resume('r', { plan }).orThrow();
    expect(spans.getFinishedSpans()).toEqual([]);
  });
});
