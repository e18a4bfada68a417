import { createExecutor, createPlan, RunnerError } from '@stratagem/core';
import { inOrder, type ModelReply, type Received, testServer } from '@stratagem/test-kit';
import { OpenAI } from 'openai';
import { describe, expect, test } from 'vitest';
import * as z from 'zod';
import { saying } from '../test/model.js';
import { openai } from './openai.js';
import type { OpenAIOptions } from './options.js';

const server = testServer('/v1');
const cafe = z.object({ name: z.string(), seats: z.int().min(2) });

/** A client whose base URL is OpenAI's, and whose requests go to the test server. */
function ours(): OpenAI {
  return new OpenAI({
    apiKey: 'sk-test',
    baseURL: 'https://api.openai.com/v1',
    fetch: (url, init) => fetch(String(url).replace('https://api.openai.com/v1', server.url), init),
  });
}

async function ask(schema: z.ZodType, options: OpenAIOptions, ...script: ModelReply[]) {
  server.replyWith(...script.map((said) => saying(said)));
  const plan = createPlan('Cafés').addTask({
    id: 'a',
    description: 'Invent a café.',
    outputSchema: schema,
  });
  const runner = openai({ model: 'a-model', stream: true, ...options });
  return createExecutor({ strategy: inOrder, runner, retry: { maxAttempts: 1 } }).execute(plan);
}

const strict = {
  type: 'object',
  properties: {
    name: { type: 'string' },
    seats: { type: 'integer', minimum: 2, maximum: 9007199254740991 },
  },
  required: ['name', 'seats'],
  additionalProperties: false,
};
const sea = { text: '{"name":"Sea","seats":8}' };
const inPrompt =
  'Invent a café.\n\nAnswer with JSON alone, nothing before or after it, that fits this JSON Schema:\n' +
  JSON.stringify(strict);

describe('at OpenAI', () => {
  test('the request contains the schema, which is strict', async () => {
    const result = await ask(cafe, { client: ours() }, sea);
    expect(result.outputs).toEqual({ a: { name: 'Sea', seats: 8 } });
    expect(server.requests.map(({ body }) => body)).toEqual([
      {
        model: 'a-model',
        input: 'Invent a café.',
        stream: true,
        text: { format: { type: 'json_schema', name: 'answer', strict: true, schema: strict } },
      },
    ]);
  });

  test('the same holds for Chat Completions', async () => {
    const result = await ask(cafe, { client: ours(), api: 'chat' }, sea);
    expect(result.outputs).toEqual({ a: { name: 'Sea', seats: 8 } });
    expect(server.requests[0]?.body).toEqual({
      model: 'a-model',
      messages: [{ role: 'user', content: 'Invent a café.' }],
      stream: true,
      stream_options: { include_usage: true },
      response_format: {
        type: 'json_schema',
        json_schema: { name: 'answer', strict: true, schema: strict },
      },
    });
  });

  test('a list is wrapped in an object, and unwrapped from the answer', async () => {
    const result = await ask(
      z.array(cafe),
      { client: ours() },
      {
        text: '{"answer":[{"name":"Sea","seats":8}]}',
      },
    );
    expect(result.outputs).toEqual({ a: [{ name: 'Sea', seats: 8 }] });
    expect(server.requests[0]?.body.text).toMatchObject({
      format: { strict: true, schema: { type: 'object', required: ['answer'] } },
    });
  });

  test('a schema that cannot be strict is sent as it is, and described in the prompt', async () => {
    const loose = z.object({ name: z.string(), motto: z.string().optional() });
    const result = await ask(loose, { client: ours() }, { text: '{"name":"Sea"}' });
    expect(result.outputs).toEqual({ a: { name: 'Sea' } });
    const { input, text } = (server.requests[0] as Received).body;
    expect(input).toContain('Answer with JSON alone');
    expect(text).toMatchObject({
      format: {
        strict: false,
        schema: { properties: { motto: { type: 'string' } }, required: ['name'] },
      },
    });
  });

  test('parts that strict mode refuses are left out, and checked here', async () => {
    const schema = z.object({
      url: z.url(),
      code: z.string().regex(/^(?=A)/),
      note: z.string().default('none'),
    });
    const wrong = { text: '{"url":"sea","code":"B","note":"x"}' };
    const right = { text: '{"url":"https://sea.example","code":"A1","note":"x"}' };
    const result = await ask(schema, { client: ours() }, wrong, right);
    expect(result.outputs).toEqual({ a: { url: 'https://sea.example', code: 'A1', note: 'x' } });
    expect(server.requests).toHaveLength(2);
    expect(server.requests[0]?.body.text).toMatchObject({
      format: {
        strict: true,
        schema: {
          properties: {
            url: { type: 'string', description: 'format: uri' },
            code: { type: 'string', description: 'pattern: ^(?=A)' },
            note: { type: 'string' },
          },
          required: ['url', 'code', 'note'],
        },
      },
    });
    expect(JSON.stringify(server.requests[0]?.body)).not.toContain('"default"');
  });

  test('a field of any type makes the schema loose', async () => {
    const schema = z.object({ any: z.unknown() });
    const result = await ask(schema, { client: ours() }, { text: '{"any":[1]}' });
    expect(result.outputs).toEqual({ a: { any: [1] } });
    expect(server.requests[0]?.body.text).toMatchObject({ format: { strict: false } });
  });

  test('limits that a strict schema does not support are checked, and the model is asked again', async () => {
    const even = cafe.refine(({ seats }) => seats % 2 === 0, 'must be even');
    const result = await ask(even, { client: ours() }, { text: '{"name":"Sea","seats":7}' }, sea);
    expect(result.outputs).toEqual({ a: { name: 'Sea', seats: 8 } });
    expect(result.tasks[0]?.attempts).toBe(1);
    expect(server.requests[1]?.body.input).toMatchObject([
      { role: 'user' },
      { type: 'message', role: 'assistant' },
      { role: 'user', content: expect.stringContaining('must be even') },
    ]);
  });

  test('a task with a text as its output sends no schema', async () => {
    await ask(z.string(), { client: ours() }, { text: 'A quiet place.' });
    expect(server.requests[0]?.body).toEqual({
      model: 'a-model',
      input: 'Invent a café.',
      stream: true,
    });
  });
});

describe('at a compatible server', () => {
  const there = () => ({ apiKey: 'none', baseURL: server.url });

  test('the prompt describes the schema, and fences around the answer are ignored', async () => {
    const result = await ask(cafe, there(), { text: '```json\n{"name":"Sea","seats":8}\n```' });
    expect(result.outputs).toEqual({ a: { name: 'Sea', seats: 8 } });
    expect(server.requests[0]?.body).toEqual({
      model: 'a-model',
      messages: [{ role: 'user', content: inPrompt }],
      stream: true,
      stream_options: { include_usage: true },
    });
  });

  test('an answer that does not fit is sent back once', async () => {
    const prose = { text: 'Sure! How about "Sea"?' };
    const result = await ask(cafe, there(), prose, sea);
    expect(result.outputs).toEqual({ a: { name: 'Sea', seats: 8 } });
    expect(server.requests).toHaveLength(2);
    expect(server.requests[1]?.body.messages).toMatchObject([
      { role: 'user' },
      { role: 'assistant', content: 'Sure! How about "Sea"?' },
      { role: 'user', content: expect.stringContaining('That answer cannot be used: ') },
    ]);
    const failed = await ask(cafe, there(), prose);
    expect(failed.tasks[0]?.error).toMatchObject({
      code: 'invalid_output',
      usage: { inputTokens: 24, outputTokens: 6 },
      model: 'a-model-2026',
    });
    expect(server.requests).toHaveLength(2);
  });

  test.each([
    ['json_object', { type: 'json_object' }],
    [
      'json_schema',
      { type: 'json_schema', json_schema: { name: 'answer', strict: true, schema: strict } },
    ],
  ] as const)(
    'that is declared to support %s gets it in the request too',
    async (structuredOutput, wire) => {
      await ask(cafe, { ...there(), structuredOutput }, sea);
      expect(server.requests[0]?.body).toMatchObject({
        messages: [{ role: 'user', content: inPrompt }],
        response_format: wire,
      });
    },
  );

  test.each(['json_object', 'json_schema'] as const)(
    'a list is described in the prompt alone where %s would make it an object',
    async (structuredOutput) => {
      const result = await ask(
        z.array(z.string()),
        { ...there(), structuredOutput },
        {
          text: '["Sea"]',
        },
      );
      expect(result.outputs).toEqual({ a: ['Sea'] });
      expect(server.requests[0]?.body).not.toHaveProperty('response_format');
    },
  );
});

test('a refusal is an error of its own, with any schema', async () => {
  const runner = openai({ model: 'a-model', client: ours() });
  expect(runner.supportsTools).toBe(true);
  server.replyWith((response) => {
    response.writeHead(200, { 'content-type': 'application/json' });
    const content = [{ type: 'refusal', refusal: 'I must not.' }];
    const output = [{ type: 'message', role: 'assistant', content }];
    response.end(JSON.stringify({ status: 'completed', model: 'a-model', output }));
  });
  const plan = createPlan('x').addTask({ id: 'a', description: 'x', outputSchema: cafe });
  const result = await createExecutor({ strategy: inOrder, runner }).execute(plan);
  expect(result.tasks[0]?.error).toMatchObject({ code: 'refused' });
  expect(result.tasks[0]?.error?.cause).toBeInstanceOf(RunnerError);
});
