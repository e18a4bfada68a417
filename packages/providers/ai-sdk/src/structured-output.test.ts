import { createExecutor, createPlan } from '@stratagem/core';
import { inOrder, testServer } from '@stratagem/test-kit';
import { describe, expect, test } from 'vitest';
import * as z from 'zod';
import { callsOf, compatible, mockOf, type StepReply, saying } from '../test/model.js';
import { aiSdk } from './ai-sdk.js';
import type { AiSdkOptions } from './options.js';

const server = testServer('/v1');
const cafe = z.object({ name: z.string(), seats: z.int().min(2) });
const sea = '{"name":"Sea","seats":8}';

function runOn(model: Parameters<typeof aiSdk>[0], schema: z.ZodType, options: AiSdkOptions = {}) {
  const plan = createPlan('Cafés').addTask({
    id: 'a',
    description: 'Invent a café.',
    outputSchema: schema,
  });
  const runner = aiSdk(model, options);
  const retry = { maxAttempts: 1 };
  return createExecutor({ strategy: inOrder, runner, retry, onEvent: () => {} }).execute(plan);
}

describe('a task with a schema', () => {
  test('has its schema in the request, and in the prompt for providers that ignore it', async () => {
    const model = mockOf({ text: sea });
    const result = await runOn(model, cafe);
    expect(result.outputs).toEqual({ a: { name: 'Sea', seats: 8 } });
    const [call] = callsOf(model);
    expect(call?.responseFormat).toMatchObject({
      type: 'json',
      schema: { type: 'object', required: ['name', 'seats'], additionalProperties: false },
    });
    expect(JSON.stringify(call?.prompt)).toContain('fits this JSON Schema');
    expect(callsOf(model)).toHaveLength(1);
  });

  test('streams its answer', async () => {
    const result = await runOn(mockOf({ text: sea }), cafe);
    const texts = result.timeline.flatMap((event) =>
      event.type === 'task_output' && event.kind === 'text' ? [event.text] : [],
    );
    expect(texts).toEqual(['{"name"', ':"Sea",', '"seats"', ':8}']);
  });

  test('is corrected once, with the reason', async () => {
    const model = mockOf({ text: '{"name":"Sea","seats":1}' }, { text: sea });
    const result = await runOn(model, cafe);
    expect(result.outputs).toEqual({ a: { name: 'Sea', seats: 8 } });
    expect(callsOf(model)[1]?.prompt).toMatchObject([
      { role: 'user' },
      { role: 'assistant', content: [{ type: 'text', text: '{"name":"Sea","seats":1}' }] },
      {
        role: 'user',
        content: [{ text: expect.stringMatching(/^That answer cannot be used: .*seats/s) }],
      },
    ]);
    const steps = result.timeline.flatMap((event) =>
      event.type === 'task_output' && event.kind === 'step' ? [event.step] : [],
    );
    expect(steps).toEqual([1, 2]);
    expect(result.metrics.usage).toMatchObject({ inputTokens: 200, outputTokens: 80 });
  });

  test.each(['no JSON at all', '{"name":"Sea","seats":1}'])(
    'fails as invalid_output when the second answer does not fit either: %s',
    async (text) => {
      const model = mockOf({ text });
      const result = await runOn(model, cafe);
      const failed = result.timeline.find((event) => event.type === 'task_failed');
      expect(failed).toMatchObject({
        error: { code: 'invalid_output', usage: { inputTokens: 200 } },
      });
      expect(callsOf(model)).toHaveLength(2);
    },
  );

  test('makes no second request beyond maxSteps', async () => {
    const model = mockOf({ text: 'no JSON at all' });
    const result = await runOn(model, cafe, { maxSteps: 1 });
    expect(result.status).toBe('failed');
    expect(callsOf(model)).toHaveLength(1);
  });

  test('accepts an answer in a fence', async () => {
    const model = mockOf({ text: `\`\`\`json\n${sea}\n\`\`\`` });
    expect((await runOn(model, cafe)).outputs).toEqual({ a: { name: 'Sea', seats: 8 } });
    expect(callsOf(model)).toHaveLength(1);
  });

  test.each([
    ['a list', z.array(z.string()), '["Sea","Sky"]', ['Sea', 'Sky']],
    ['a number', z.number(), '7', 7],
  ])('of %s is described in the prompt alone', async (_, schema, text, output) => {
    const model = mockOf({ text });
    expect((await runOn(model, schema)).outputs).toEqual({ a: output });
    const [call] = callsOf(model);
    expect(call?.responseFormat).toBeUndefined();
    expect(JSON.stringify(call?.prompt)).toContain('fits this JSON Schema');
  });

  test('for any text sends the same request as no schema', async () => {
    const model = mockOf({ text: 'Sea' });
    expect((await runOn(model, z.string())).outputs).toEqual({ a: 'Sea' });
    expect(callsOf(model)[0]?.responseFormat).toBeUndefined();
  });
});

describe('over HTTP', () => {
  const script = (...said: StepReply[]) => server.replyWith(...said.map((each) => saying(each)));

  test('a server with structured outputs gets the schema', async () => {
    script({ text: sea });
    const model = compatible(server.url, { supportsStructuredOutputs: true });
    expect((await runOn(model, cafe)).outputs).toEqual({ a: { name: 'Sea', seats: 8 } });
    expect(server.requests[0]?.body.response_format).toMatchObject({
      type: 'json_schema',
      json_schema: { schema: { required: ['name', 'seats'] } },
    });
  });

  test('a server without them is asked for JSON, without a warning', async () => {
    const warnings: unknown[] = [];
    globalThis.AI_SDK_LOG_WARNINGS = ({ warnings: given }) => void warnings.push(...given);
    script({ text: sea });
    expect((await runOn(compatible(server.url), cafe)).outputs).toEqual({
      a: { name: 'Sea', seats: 8 },
    });
    globalThis.AI_SDK_LOG_WARNINGS = undefined;
    expect(server.requests[0]?.body.response_format).toEqual({ type: 'json_object' });
    expect(warnings).toEqual([]);
  });
});
