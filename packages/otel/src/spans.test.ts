import { context, SpanKind } from '@opentelemetry/api';
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base';
import { createPlan, memoryJournal, RunnerError, type TaskRunner } from '@stratagem/core';
import { describe, expect, test } from 'vitest';
import {
  asks,
  byStart,
  executorWith,
  report,
  resetTelemetry,
  spanNamed,
  spans,
  tracerProvider,
  tree,
} from '../test/telemetry.js';

resetTelemetry();

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
