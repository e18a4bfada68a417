import { createExecutor, createPlan } from '@stratagem/core';
import { attempt, inOrder, json, type Reply, request, testServer } from '@stratagem/test-kit';
import { describe, expect, test } from 'vitest';
import { stream } from '../test/streams.js';
import { anthropic } from './anthropic.js';

const server = testServer();

async function run(reply: Reply, isStreamed: boolean) {
  server.replyWith(reply);
  const fixed = { apiKey: 'sk-ant-test', baseURL: server.url, model: 'm', stream: isStreamed };
  const plan = createPlan('Ask').addTask({ id: 'a', description: 'Why?' });
  const executor = createExecutor({ strategy: inOrder, runner: anthropic(fixed) });
  const { outputs, metrics } = await executor.execute(plan).orThrow();
  return [outputs.a, metrics.usage.outputTokens];
}

const said = { type: 'text', text: 'Hi' };
const counts = { input_tokens: 5, output_tokens: 2 };

describe('a whole answer is read', () => {
  const message = { id: 'm', type: 'message', role: 'assistant', model: 'm' };
  test.each<[string, object]>([
    ['with a text as its content', { ...message, content: 'Hi' }],
    ['beside null as a block', { ...message, content: [null, said] }],
    ['beside null as a text', { ...message, content: [{ type: 'text', text: null }, said] }],
    ['beside a block that is not known', { ...message, content: [{ type: 'new' }, said] }],
    ['without its type', { content: [said] }],
    ['with a reason of another API', { ...message, content: [said], stop_reason: 'STOP' }],
  ])('%s', async (_, body) => {
    const reply = json(200, { stop_reason: 'end_turn', usage: counts, ...body });
    expect(await run(reply, false)).toEqual(['Hi', 2]);
  });
});

describe('a stream is read', () => {
  const start = { type: 'message_start', message: { model: 'm', content: [], usage: counts } };
  const begin = {
    type: 'content_block_start',
    index: 0,
    content_block: { type: 'text', text: '' },
  };
  const delta = (text: unknown) => ({
    ...{ type: 'content_block_delta', index: 0 },
    delta: { type: 'text_delta', text },
  });
  const end = [
    { type: 'message_delta', delta: { stop_reason: 'end_turn' }, usage: counts },
    { type: 'message_stop' },
  ];
  test.each<[string, Event[]]>([
    ['without its start', [begin, delta('Hi'), ...end]],
    ['without the start of a block', [start, delta('Hi'), ...end]],
    ['with null as a text', [start, begin, delta(null), delta('Hi'), ...end]],
    ['with null as a block', [start, { ...begin, content_block: null }, delta('Hi'), ...end]],
    ['with null as a delta', [start, begin, { ...delta(''), delta: null }, delta('Hi'), ...end]],
    [
      'with null as a delta of the message',
      [start, begin, delta('Hi'), { type: 'message_delta', delta: null, usage: null }, ...end],
    ],
    ['without its last event', [start, begin, delta('Hi'), end[0] as Event]],
    [
      'with a reason that comes again as null',
      [
        ...[start, begin, delta('Hi'), end[0] as Event],
        { type: 'message_delta', delta: { stop_reason: null }, usage: null },
      ],
    ],
    [
      'with counts of another API',
      [
        ...[{ ...start, message: {} }, begin, delta('Hi')],
        { ...end[0], usage: { prompt_tokens: 5, completion_tokens: 2 } } as Event,
      ],
    ],
    ['with events that are not known', [start, { type: 'new' }, begin, delta('Hi'), ...end]],
    [
      'with deltas that are not known',
      [start, begin, { ...delta(''), delta: { type: 'new_delta' } }, delta('Hi'), ...end],
    ],
  ])('%s', async (_, events) => {
    expect(await run(stream(events), true)).toEqual(['Hi', 2]);
  });
});

const answered = [
  { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'Hi' } },
  { type: 'message_delta', delta: { stop_reason: 'end_turn' }, usage: counts },
];

test('events may have their type as their name alone, and what follows the end takes nothing away', async () => {
  const reply: Reply = (response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    for (const { type, ...event } of answered) {
      response.write(`event: ${type}\ndata: ${JSON.stringify(event)}\n\n`);
    }
    response.end('data: {"type":"mess');
  };
  expect(await run(reply, true)).toEqual(['Hi', 2]);
});

test('an error of another API has its class', async () => {
  const error = { message: 'Slow.', code: 429 };
  server.replyWith(stream([answered[0] as Event, { error } as never]));
  const runner = anthropic({ apiKey: 'sk-ant-test', baseURL: server.url });
  const failure = runner.run(request('Why?'), attempt());
  await expect(failure).rejects.toMatchObject({ code: 'rate_limited' });
});

interface Event {
  readonly type: string;
  readonly [field: string]: unknown;
}

describe('on a connection that stays open', () => {
  const open =
    (...events: readonly Event[]): Reply =>
    (response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      for (const event of events) response.write(`data: ${JSON.stringify(event)}\n\n`);
    };

  test.each([
    ['with its last event', [{ type: 'message_stop' }]],
    ['with the reason of its end', []],
  ])('an answer is complete %s', async (_, last) => {
    expect(await run(open(...answered, ...last), true)).toEqual(['Hi', 2]);
    await server.closed;
  });

  test('an answer without a reason is over with its last event', async () => {
    const cut = answered.filter(({ type }) => type !== 'message_delta');
    const answer = run(open(...cut, { type: 'message_stop' }), true);
    await expect(answer).rejects.toThrow('the stream ended before the answer was complete');
  });
});
