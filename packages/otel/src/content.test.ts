import type { ReadableSpan } from '@opentelemetry/sdk-trace-base';
import { createPlan, type Plan } from '@stratagem/core';
import { parsePlanDocument } from '@stratagem/core/document';
import { workerCarrier } from '@stratagem/core/kernel';
import { describe, expect, test, vi } from 'vitest';
import {
  asks,
  executorWith,
  logger,
  logs,
  overWire,
  report,
  resetTelemetry,
  shout,
  spanNamed,
  spans,
  traced,
} from '../test/telemetry.js';

resetTelemetry();

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
