import { inspect } from 'node:util';
import { attempt, json, type Reply, request, testServer } from '@stratagem/test-kit';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { openai } from './openai.js';

/** Bodies of another kind than their headers announce, and streams with more than an answer. */
const server = testServer('/v1');
const label = 'openai/m';

const usage = { prompt_tokens: 5, completion_tokens: 2 };
const chunk = (delta: unknown, finish_reason: unknown = null, more = {}) => ({
  choices: [{ index: 0, delta, finish_reason }],
  ...more,
});
const message = { role: 'assistant', content: 'Hi' };
const whole = JSON.stringify({ choices: [{ message, finish_reason: 'stop' }], usage });
const event = (value: unknown) => `data: ${JSON.stringify(value)}\n\n`;
const events = `${event(chunk(message))}${event(chunk({}, 'stop', { usage }))}data: [DONE]\n\n`;

const raw =
  (body: string, type = 'text/event-stream'): Reply =>
  (response) =>
    void response.writeHead(200, { 'content-type': type }).end(body);

async function run(reply: Reply, options: object = {}) {
  server.replyWith(reply);
  const runner = openai({ apiKey: 'sk-planted', baseURL: server.url, model: 'm', ...options });
  const { output, usage } = await runner.run(request('Why?'), attempt());
  return [output, usage];
}

const failure = (reply: Reply) => run(reply).catch((thrown) => thrown);

describe.each([true, false])('with stream: %s', (stream) => {
  test.each<[string, string, string]>([
    ['JSON as a stream', whole, 'text/event-stream'],
    [
      'JSON on several lines as a stream',
      JSON.stringify(JSON.parse(whole), null, 2),
      'text/event-stream',
    ],
    ['JSON as a text', whole, 'text/plain'],
    ['JSON with a type in capitals', whole, 'Application/JSON'],
    ['JSON of another type', whole, 'application/vnd.api+json; charset=utf-8'],
    ['JSON after blank lines', `\n\n ${whole}`, 'application/json'],
    ['JSON after a comment', `: PROCESSING\n\n${whole}`, 'application/json'],
    ['JSON after a comment, as a stream', `: PROCESSING\n\n${whole}`, 'text/event-stream'],
    ['JSON twice', `${whole}\n${whole}`, 'application/json'],
    ['JSON before a remark', `${whole} -- ok`, 'application/json'],
    ['a stream as JSON', events, 'application/json'],
    ['a stream as a text', events, 'text/plain'],
  ])('%s is read', async (_, body, type) => {
    const read = await run(raw(body, type), { stream });
    expect(read).toEqual(['Hi', { inputTokens: 5, outputTokens: 2 }]);
  });
});

test.each([
  [
    'a page as JSON',
    '<html><title>Log in</title></html>',
    'application/json',
    /is the base URL right\? It says: Log in$/,
  ],
  ['a page as a stream', '<html><title>Log in</title></html>', undefined, /It says: Log in$/],
  [
    'a text',
    'no healthy upstream',
    'text/plain',
    /answered with text\/plain.*no healthy upstream$/,
  ],
  [
    'a text with a key',
    'The key sk-planted is unknown',
    'text/plain',
    /The key \[redacted\] is unknown$/,
  ],
  [
    'JSON that is cut off',
    whole.slice(0, 60),
    'application/json',
    /the JSON of the answer is broken$/,
  ],
])('%s is an error of the server', async (_, body, type, words) => {
  const error = await failure(raw(body, type));
  expect(error).toMatchObject({ code: 'server_error', message: expect.stringMatching(words) });
  // Nor does the log show the body as the cause.
  expect(inspect(error.cause)).not.toContain(body);
});

describe('after the end of an answer,', () => {
  const ended = event(chunk(message)) + event(chunk({}, 'stop', { usage }));
  test.each([
    ['a mark that is no JSON', 'data: [done]\n\n'],
    ['an event that is cut off', 'data: {"choices":[],"us'],
  ])('%s takes nothing away', async (_, more) => {
    expect((await run(raw(ended + more)))[0]).toBe('Hi');
  });

  test('so does a broken connection', async () => {
    let interrupt = () => {};
    server.replyWith((response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' }).write(ended);
      interrupt = () => void response.destroy();
    });
    // The text and the end arrive together.
    const emit = (): undefined => {
      interrupt();
    };
    const runner = openai({ apiKey: 'k', baseURL: server.url, model: 'm' });
    expect((await runner.run(request('Why?'), attempt({ emit }))).output).toBe('Hi');
  });

  test('a failure of the server counts', async () => {
    const failed = event({ error: { message: 'Too late.', code: 503 } });
    expect(await failure(raw(ended + failed))).toMatchObject({ code: 'overloaded' });
  });

  test('and not before it', async () => {
    // Some servers send the reason with every piece.
    const pieces = event(chunk(message, 'stop'));
    const cut = await failure(raw(`${pieces}data: {"choi`));
    expect(cut).toMatchObject({ code: 'server_error' });
  });
});

describe('on a connection that stays open', () => {
  const open =
    (...events: string[]): Reply =>
    (response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      for (const event of events) response.write(event);
    };
  const counts = event({ choices: [], usage });
  const counted = { inputTokens: 5, outputTokens: 2 };

  test.each<[string, string[]]>([
    ['its end and its counts', [event(chunk(message)), event(chunk({}, 'stop')), counts]],
    ['an end with counts', [event(chunk(message)), event(chunk({}, 'stop', { usage }))]],
    [
      'an end without a list of calls',
      [event(chunk(message)), event(chunk({ tool_calls: [] }, 'stop')), counts],
    ],
    [
      'an end in its last piece',
      [event(chunk({ content: 'H' })), event(chunk({ content: 'i' }, 'stop')), counts],
    ],
    // Whether this was the last piece, the counts say.
    ['an end in its only piece', [event(chunk(message, 'stop')), counts]],
    [
      'an empty delta after its end',
      [event(chunk(message)), event(chunk({}, 'stop')), event(chunk({})), counts],
    ],
  ])('an answer is complete with %s', async (_, events) => {
    expect(await run(open(...events))).toEqual(['Hi', counted]);
    await server.closed;
  });

  describe('where time is virtual,', () => {
    beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }));
    afterEach(() => void vi.useRealTimers());

    /** A request whose answer has begun, and the end of the response. */
    async function ask(events: readonly string[]) {
      let end!: (text: string) => void;
      server.replyWith((response) => {
        response.writeHead(200, { 'content-type': 'text/event-stream' });
        end = (text) => response.end(text);
        for (const each of events) response.write(each);
      });
      const context = attempt();
      const answer = openai({ apiKey: 'k', baseURL: server.url, model: 'm', timeoutMs: 60_000 })
        .run(request('Why?'), context)
        .then(
          ({ output, usage }) => ({ output, usage }),
          ({ code }) => code,
        );
      await vi.waitFor(() => expect(context.emitted.join('')).toBe('Hi'), { timeout: 100_000 });
      return { answer, end };
    }

    test('counts are waited for', async () => {
      const { answer, end } = await ask([event(chunk(message)), event(chunk({}, 'stop'))]);
      await vi.advanceTimersByTimeAsync(2_900);
      end(counts);
      expect(await answer).toEqual({ output: 'Hi', usage: counted });
    });

    test('counts that do not come are waited for no longer', async () => {
      const { answer } = await ask([event(chunk(message)), event(chunk({}, 'stop'))]);
      await vi.advanceTimersByTimeAsync(3_000);
      expect(await answer).toEqual({ output: 'Hi' });
    });

    test('silence ends no answer whose pieces all have a reason', async () => {
      const { answer } = await ask([event(chunk(message, 'stop'))]);
      await vi.advanceTimersByTimeAsync(60_000);
      expect(await answer).toBe('timeout');
    });

    test.each([
      [
        'in the middle of it',
        [
          chunk({ content: 'Oh. ' }),
          chunk({}, 'stop'),
          chunk({ content: '' }),
          chunk({ content: 'So. ' }),
        ],
      ],
      ['before the first piece', [chunk({ role: 'assistant', content: '' }, 'stop')]],
      ['with its reasoning', [chunk({ reasoning_content: 'Hm.' }, 'stop')]],
      ['and goes on', [chunk({ content: '' }, 'stop'), chunk({ content: '' }, 'stop')]],
    ])('nor one whose reason comes %s', async (_, begun) => {
      let write!: (text: string) => void;
      server.replyWith((response) => {
        response.writeHead(200, { 'content-type': 'text/event-stream' });
        for (const each of begun) response.write(event(each));
        write = (text) => response.end(text);
      });
      const answer = openai({ apiKey: 'k', baseURL: server.url, model: 'm' }).run(
        request('Why?'),
        attempt(),
      );
      await vi.waitFor(() => expect(server.requests).toHaveLength(1), { timeout: 100_000 });
      // Until the events have been read, time stands still.
      for (let turn = 0; turn < 50; turn++) await new Promise(setImmediate);
      await vi.advanceTimersByTimeAsync(30_000);
      write(events);
      expect((await answer).output).toMatch(/^(Oh. So. )?Hi$/);
    });
  });
});

describe('errors beside the answer', () => {
  test.each<[string, unknown, object]>([
    [
      'in a choice, as from OpenRouter',
      { choices: [{ delta: {}, finish_reason: 'error', error: { code: 502, message: 'Broke.' } }] },
      { code: 'server_error', message: `${label}: Broke.` },
    ],
    ['without a field of their own', { code: 429, message: 'Slow.' }, { code: 'rate_limited' }],
    [
      'in a detail',
      { detail: 'Key sk-planted died.' },
      { message: `${label}: Key [redacted] died.` },
    ],
  ])('%s', async (_, value, expected) => {
    expect(await failure(raw(event(chunk(message)) + event(value)))).toMatchObject(expected);
    if (!('choices' in Object(value))) return;
    const choices = [{ message: { content: '' }, ...Object(value).choices[0] }];
    expect(await failure(json(200, { choices }))).toMatchObject(expected);
  });

  test('that say nothing do no harm', async () => {
    const odd = event({ ...chunk(message), error: {} }) + event({ message: 'Loading' });
    expect((await run(raw(odd + event(chunk({}, 'stop')))))[0]).toBe('Hi');
  });
});

test('of several choices, the first one is the answer', async () => {
  const choice = (index: number, content: string, finish_reason: string | null = null) => ({
    index,
    finish_reason,
    delta: { content },
    message: { content },
  });
  const chunks = [
    [choice(1, 'x'), choice(0, 'H')],
    [choice(1, 'y', 'length')],
    [choice(0, 'i', 'stop')],
    [choice(2, 'z', 'content_filter')],
  ];
  const streamed = chunks.map((choices) => event({ choices })).join('');
  expect((await run(raw(streamed)))[0]).toBe('Hi');
  const listed = { choices: [choice(1, 'x', 'length'), choice(0, 'Hi', 'stop')] };
  expect((await run(json(200, listed), { stream: false }))[0]).toBe('Hi');
});

test('a message in the place of a delta is read', async () => {
  const body = event({ choices: [{ index: 0, message, finish_reason: 'stop' }], usage });
  expect((await run(raw(body)))[0]).toBe('Hi');
});
