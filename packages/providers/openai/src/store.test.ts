import { createExecutor, createPlan, tool } from '@stratagem/core';
import { inOrder, json, testServer } from '@stratagem/test-kit';
import { describe, expect, test } from 'vitest';
import { openai } from './openai.js';
import type { OpenAIOptions } from './options.js';

const server = testServer('/v1');
const clock = tool({
  name: 'clock',
  description: 'The time.',
  inputSchema: { type: 'object', properties: {} },
  execute: () => '12:00',
});

const usage = { input_tokens: 12, output_tokens: 3 };
const reasoning = (id: string, encrypted_content?: string) => ({
  ...{ type: 'reasoning', id, summary: [] },
  ...(encrypted_content !== undefined && { encrypted_content }),
});
const calling = (...thoughts: object[]) =>
  json(200, {
    status: 'completed',
    model: 'm',
    output: [
      ...thoughts,
      { type: 'function_call', id: 'fc_1', call_id: 'call_1', name: 'clock', arguments: '{}' },
    ],
    usage,
  });
const saying = json(200, {
  status: 'completed',
  model: 'm',
  output: [{ type: 'message', id: 'msg_1', content: [{ type: 'output_text', text: 'Noon.' }] }],
  usage,
});

async function ask(options: OpenAIOptions, ...thoughts: object[]) {
  server.replyWith(calling(...thoughts), saying);
  const fixed = {
    apiKey: 'sk-test',
    baseURL: server.url,
    api: 'responses',
    stream: false,
  } as const;
  const runner = openai({ model: 'm', ...fixed, ...options });
  const plan = createPlan('x').addTask({
    id: 'a',
    description: 'What time is it?',
    tools: [clock],
  });
  const result = await createExecutor({ strategy: inOrder, runner }).execute(plan).orThrow();
  const [, second] = server.requests;
  const input = second?.body.input as { type: string; encrypted_content?: string }[];
  return { result, bodies: server.requests.map(({ body }) => body), input };
}

describe('a conversation that the provider does not store', () => {
  test.each<[string, OpenAIOptions]>([
    ['store', { store: false }],
    ['provider options', { providerOptions: { openai: { store: false } } }],
  ])('carries the reasoning in encrypted form (%s)', async (_, options) => {
    const { bodies, input } = await ask(options, reasoning('rs_1', 'gAAAA'), reasoning('rs_2'));
    for (const body of bodies) {
      expect(body).toMatchObject({ store: false, include: ['reasoning.encrypted_content'] });
    }
    // The server does not know reasoning again that came without its content.
    expect(input.map(({ type }) => type)).toEqual([
      'message',
      'reasoning',
      'function_call',
      'function_call_output',
    ]);
    expect(input[1]).toMatchObject({ id: 'rs_1', encrypted_content: 'gAAAA' });
  });

  test('asks for what the user includes, too', async () => {
    const include = ['web_search_call.action.sources'];
    const { bodies } = await ask({ store: false, providerOptions: { openai: { include } } });
    expect(bodies[0]?.include).toEqual(['reasoning.encrypted_content', ...include]);
  });
});

test('a stored conversation repeats all reasoning by its ids', async () => {
  const { bodies, input } = await ask({}, reasoning('rs_1'));
  expect(bodies[0]).not.toHaveProperty('include');
  expect(input[1]).toMatchObject({ type: 'reasoning', id: 'rs_1' });
});
