import { createExecutor, createPlan, tool } from '@stratagem/core';
import { inOrder, type ModelReply, type Received, testServer } from '@stratagem/test-kit';
import { describe, expect, test } from 'vitest';
import * as z from 'zod';
import { saying } from '../test/model.js';
import { anthropic } from './anthropic.js';
import type { AnthropicOptions } from './options.js';

const server = testServer();
const cafe = z.object({ name: z.string(), seats: z.int().min(2) });
const lookUp = tool({
  name: 'look_up',
  description: 'Looks up names.',
  inputSchema: z.object({}),
  execute: () => 'Sea is free',
});

async function ask(schema: z.ZodType, options: AnthropicOptions, ...script: ModelReply[]) {
  server.replyWith(...script.map((said) => saying(said)));
  const plan = createPlan('Cafés').addTask({
    id: 'a',
    description: 'Invent a café.',
    outputSchema: schema,
  });
  return runOf(options).execute(plan);
}

function runOf(options: AnthropicOptions) {
  const runner = anthropic({
    model: 'a-model',
    stream: true,
    apiKey: 'sk-ant',
    baseURL: server.url,
    ...options,
  });
  return createExecutor({ strategy: inOrder, runner, retry: { maxAttempts: 1 } });
}

const about = { model: 'a-model', max_tokens: 32_000, stream: true };
const asked = [{ role: 'user', content: 'Invent a café.' }];
const schema = {
  type: 'object',
  properties: {
    name: { type: 'string' },
    seats: { type: 'integer', minimum: 2, maximum: 9007199254740991 },
  },
  required: ['name', 'seats'],
  additionalProperties: false,
};
const sea = { name: 'Sea', seats: 8 };

test('the request contains the schema, with unsupported limits in its descriptions', async () => {
  const result = await ask(cafe, {}, { text: JSON.stringify(sea) });
  expect(result.outputs).toEqual({ a: sea });
  expect(server.requests.map(({ body }) => body)).toEqual([
    {
      ...about,
      messages: asked,
      output_config: {
        format: {
          type: 'json_schema',
          schema: {
            ...schema,
            properties: {
              name: { type: 'string' },
              seats: { type: 'integer', description: '{minimum: 2, maximum: 9007199254740991}' },
            },
          },
        },
      },
    },
  ]);
});

test('those limits are checked, and the model is asked again', async () => {
  const result = await ask(
    cafe,
    {},
    { text: '{"name":"Sea","seats":1}' },
    { text: JSON.stringify(sea) },
  );
  expect(result.outputs).toEqual({ a: sea });
  expect(server.requests[1]?.body.messages).toEqual([
    ...asked,
    { role: 'assistant', content: [{ type: 'text', text: '{"name":"Sea","seats":1}' }] },
    { role: 'user', content: expect.stringContaining('That answer cannot be used: ') },
  ]);
});

test('a list is wrapped in an object, and unwrapped from the answer', async () => {
  const result = await ask(z.array(cafe), {}, { text: JSON.stringify({ answer: [sea] }) });
  expect(result.outputs).toEqual({ a: [sea] });
  expect(server.requests[0]?.body.output_config).toMatchObject({
    format: { schema: { type: 'object', required: ['answer'] } },
  });
});

describe('a tool for the answer', () => {
  const give = (input: object) => ({ calls: [{ name: 'give_answer', input }] });

  test('must be called when the API has no structured output', async () => {
    const result = await ask(cafe, { structuredOutput: 'tool' }, give(sea));
    expect(result.outputs).toEqual({ a: sea });
    expect(server.requests.map(({ body }) => body)).toEqual([
      {
        ...about,
        messages: asked,
        tools: [
          {
            name: 'give_answer',
            description: 'Gives the answer. Call it once, when the answer is complete.',
            input_schema: schema,
          },
        ],
        tool_choice: { type: 'tool', name: 'give_answer' },
      },
    ]);
    expect(result.timeline.filter(({ type }) => type === 'task_output')).toEqual([]);
  });

  test.each([
    ['records', z.record(z.string(), z.number()), { sea: 1 }],
    [
      'records in a list',
      z.object({ of: z.array(z.record(z.string(), z.number())) }),
      { of: [{}] },
    ],
    ['objects with additional fields', z.looseObject({ a: z.string() }), { a: '', b: 1 }],
  ])('supports schemas that structured output does not: %s', async (_, loose, value) => {
    const result = await ask(loose, {}, give(value));
    expect(result.outputs).toEqual({ a: value });
    expect(server.requests[0]?.body).toMatchObject({
      tool_choice: { type: 'tool', name: 'give_answer' },
    });
    expect(server.requests[0]?.body).not.toHaveProperty('output_config');
  });

  test('is added to the tools of the task', async () => {
    server.replyWith(saying({ calls: [{ name: 'look_up', input: {} }] }), saying(give(sea)));
    const plan = createPlan('Cafés').addTask({
      id: 'a',
      description: 'Invent a café.',
      outputSchema: cafe,
      tools: [lookUp],
    });
    const result = await runOf({ structuredOutput: 'tool' }).execute(plan);
    expect(result.outputs).toEqual({ a: sea });
    expect(server.requests.map(({ body }) => body.tool_choice)).toEqual([
      { type: 'any' },
      { type: 'any' },
    ]);
  });

  test('gets an error as its result when its input does not fit', async () => {
    const result = await ask(
      cafe,
      { structuredOutput: 'tool' },
      give({ name: 'Sea', seats: 0 }),
      give(sea),
    );
    expect(result.outputs).toEqual({ a: sea });
    expect(((server.requests[1] as Received).body.messages as unknown[]).slice(1)).toEqual([
      {
        role: 'assistant',
        content: [
          {
            type: 'tool_use',
            id: 'toolu_0',
            name: 'give_answer',
            input: { name: 'Sea', seats: 0 },
          },
        ],
      },
      {
        role: 'user',
        content: [
          {
            type: 'tool_result',
            tool_use_id: 'toolu_0',
            content: expect.stringContaining('That answer cannot be used: '),
            is_error: true,
          },
        ],
      },
    ]);
  });
});

test('the prompt alone may describe the schema', async () => {
  const result = await ask(cafe, { structuredOutput: 'prompt' }, { text: JSON.stringify(sea) });
  expect(result.outputs).toEqual({ a: sea });
  expect(server.requests.map(({ body }) => body)).toEqual([
    {
      ...about,
      messages: [
        {
          role: 'user',
          content:
            'Invent a café.\n\nAnswer with JSON alone, nothing before or after it, ' +
            `that fits this JSON Schema:\n${JSON.stringify(schema)}`,
        },
      ],
    },
  ]);
});
