import { context, SpanKind } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base';
import { createExecutor, createPlan, tool } from '@stratagem/core';
import { openai } from '@stratagem/openai';
import { sequential } from '@stratagem/sequential';
import { json, testServer } from '@stratagem/test-kit';
import OpenAI from 'openai';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { instrument } from './instrument.js';

const server = testServer('/v1');
const spans = new InMemorySpanExporter();
const tracerProvider = new BasicTracerProvider({
  spanProcessors: [new SimpleSpanProcessor(spans)],
});

beforeAll(() => {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
});
afterAll(() => context.disable());

const answer = (message: object, id: string) => ({
  ...{ id, object: 'chat.completion', created: 1, model: 'gpt-test-2026' },
  choices: [{ index: 0, finish_reason: 'tool_calls' in message ? 'tool_calls' : 'stop', message }],
  usage: { prompt_tokens: 20, completion_tokens: 3, total_tokens: 23 },
});

test('each request of an attempt is a model call, and its HTTP request is inside', async () => {
  const call = {
    id: 'c1',
    type: 'function',
    function: { name: 'add', arguments: '{"a":1,"b":2}' },
  };
  server.replyWith(
    json(200, answer({ role: 'assistant', content: null, tool_calls: [call] }, '1')),
    json(200, answer({ role: 'assistant', content: 'three' }, '2')),
  );
  const add = tool({
    ...{ name: 'add', description: 'Adds two numbers.' },
    inputSchema: { type: 'object', properties: { a: { type: 'number' }, b: { type: 'number' } } },
    execute: () => 3,
  });
  const client = new OpenAI({
    ...{ apiKey: 'sk-test', baseURL: server.url },
    fetch: (...given) => {
      tracerProvider.getTracer('http').startSpan('POST', { kind: SpanKind.CLIENT }).end();
      return fetch(...given);
    },
  });
  const runner = openai({
    ...{ client, api: 'chat', model: 'gpt-test', stream: false, temperature: 0.5 },
  });
  const executor = createExecutor({
    ...{ strategy: sequential(), runner },
    instrumentation: instrument({ tracerProvider, captureContent: true }),
  });
  const plan = createPlan('p').addTask({ id: 'a', description: 'Add 1 and 2.', tools: [add] });
  await executor.execute(plan).orThrow();

  const finished = spans.getFinishedSpans();
  const ids = new Map(finished.map((span) => [span.spanContext().spanId, span.name]));
  const parents = finished.map((span) => [
    span.name,
    ids.get(span.parentSpanContext?.spanId ?? '') ?? '-',
  ]);
  expect(parents).toEqual([
    ['POST', 'chat gpt-test'],
    ['chat gpt-test', 'attempt a'],
    ['execute_tool add', 'attempt a'],
    ['POST', 'chat gpt-test'],
    ['chat gpt-test', 'attempt a'],
    ['attempt a', 'task a'],
    ['task a', 'invoke_workflow'],
    ['invoke_workflow', '-'],
  ]);
  const [first, second] = finished.filter(({ name }) => name === 'chat gpt-test');
  const { hostname, port } = new URL(server.url);
  expect(first?.attributes).toMatchObject({
    'gen_ai.provider.name': 'openai',
    'gen_ai.request.model': 'gpt-test',
    'gen_ai.request.temperature': 0.5,
    'gen_ai.response.model': 'gpt-test-2026',
    'gen_ai.response.finish_reasons': ['tool_call'],
    'gen_ai.output.type': 'text',
    'gen_ai.usage.input_tokens': 20,
    'server.address': hostname,
    'server.port': Number(port),
    'stratagem.step': 1,
  });
  expect(JSON.parse(String(second?.attributes['gen_ai.input.messages']))).toEqual([
    { role: 'tool', parts: [{ type: 'tool_call_response', id: 'c1', response: '3' }] },
  ]);
  expect(JSON.stringify(finished.map(({ attributes }) => attributes))).not.toContain('sk-test');
});
