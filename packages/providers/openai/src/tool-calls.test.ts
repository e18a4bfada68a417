import { type Received, type Reply, testServer } from '@stratagem/test-kit';
import { describe, expect, test } from 'vitest';
import { isToolResult } from '../test/model.js';
import { stream } from '../test/streams.js';
import {
  ANSWER,
  askForWeather,
  call,
  chunk,
  runOnCalls,
  type ToolMessage,
} from '../test/weather.js';

const server = testServer('/v1');
const rome = '{"city":"Rome"}';

/** Tool calls as each server streams them. */
const CALLS: Record<string, object[]> = {
  'Ollama: whole, each with the index 0, and an end that is a stop': [
    chunk({
      role: 'assistant',
      content: '',
      tool_calls: [
        {
          id: 'call_1',
          index: 0,
          type: 'function',
          function: { name: 'weather', arguments: rome },
        },
      ],
    }),
    chunk({
      tool_calls: [
        {
          id: 'call_2',
          index: 0,
          type: 'function',
          function: { name: 'weather', arguments: '{"city":"Pisa"}' },
        },
      ],
    }),
    chunk({ role: 'assistant', content: '' }, 'stop'),
  ],
  'vLLM: in pieces, with reasoning beside it and counts in each chunk': [
    {
      ...chunk({ role: 'assistant', content: '' }),
      usage: { prompt_tokens: 9, completion_tokens: 0, total_tokens: 9 },
    },
    {
      ...chunk({ reasoning_content: 'Hm.' }),
      usage: { prompt_tokens: 9, completion_tokens: 1, total_tokens: 10 },
    },
    chunk(
      call({ index: 0, id: 'chatcmpl-tool-1', type: 'function', function: { name: 'weather' } }),
    ),
    chunk(call({ index: 0, function: { arguments: '{"city":' } })),
    chunk(call({ index: 0, function: { arguments: ' "Rome"}' } })),
    chunk(
      call({
        index: 1,
        id: 'chatcmpl-tool-2',
        type: 'function',
        function: { name: 'weather', arguments: '' },
      }),
    ),
    chunk(call({ index: 1, function: { arguments: '{"city":"Pisa"}' } })),
    chunk({ content: '' }, 'tool_calls', { stop_reason: null }),
    { choices: [], usage: { prompt_tokens: 9, completion_tokens: 7, total_tokens: 16 } },
  ],
  'llama.cpp: without ids, with timings': [
    chunk({ role: 'assistant', content: null }),
    chunk(
      call({ index: 0, id: '', type: 'function', function: { name: 'weather', arguments: '{' } }),
    ),
    chunk(call({ index: 0, function: { arguments: '"city":"Rome"}' } })),
    chunk(
      call({
        index: 1,
        id: '',
        type: 'function',
        function: { name: 'weather', arguments: '{"city":"Pisa"}' },
      }),
    ),
    { ...chunk({}, 'tool_calls'), timings: { prompt_n: 1, predicted_per_second: 30.1 } },
  ],
  'LM Studio: numbered ids, and arguments as the object they are': [
    chunk({ role: 'assistant' }),
    chunk(
      call({
        index: 0,
        id: '365174485',
        type: 'function',
        function: { name: 'weather', arguments: { city: 'Rome' } },
      }),
    ),
    chunk(
      call({
        index: 1,
        id: '365174486',
        type: 'function',
        function: { name: 'weather', arguments: { city: 'Pisa' } },
      }),
    ),
    chunk({}, 'tool_calls'),
  ],
  'a server without indices, ids and types': [
    chunk(call({ function: { name: 'weather', arguments: rome } })),
    chunk(call({ function: { name: 'weather', arguments: '{"city":"Pisa"}' } })),
    chunk({}, 'stop'),
  ],
};

describe('tool calls can be read from', () => {
  test.each(Object.entries(CALLS))('%s', async (_, chunks) => {
    const reply: Reply = (response, received) =>
      (isToolResult(received) ? ANSWER : stream(chunks))(response, received);
    server.replyWith(reply);
    const result = await askForWeather(server);
    expect(result.error).toBeUndefined();
    expect(result.outputs).toEqual({ a: 'Sun hats.' });
    const { messages } = (server.requests[1] as Received).body;
    const results = (messages as ToolMessage[]).filter(({ role }) => role === 'tool');
    expect(results.map(({ content }) => content)).toEqual(['sunny in Rome', 'sunny in Pisa']);
    const ids = new Set(results.map((message) => message.tool_call_id));
    expect(ids.size).toBe(2);
    expect([...ids].every((id) => id !== '')).toBe(true);
  });
});

/** One call, as servers announce, repeat and split it. */
const ONE_CALL: Record<string, object[]> = {
  'arguments that are null at first': [
    chunk(call({ index: 0, id: 'c1', function: { name: 'weather', arguments: null } })),
    chunk(call({ index: 0, id: null, function: { name: null, arguments: rome } })),
  ],
  'id and name in each piece': ['{"city', '":"Ro', 'me"}', ''].map((piece) =>
    chunk(
      call({
        index: 0,
        id: 'c1',
        type: 'function',
        function: { name: 'weather', arguments: piece },
      }),
    ),
  ),
  'another id in each piece': ['', '{"city', '":"Rome"}'].map((piece, position) =>
    chunk(
      call({
        index: 0,
        id: `chatcmpl-tool-${position}`,
        function: { ...(position === 0 && { name: 'weather' }), arguments: piece },
      }),
    ),
  ),
  'its pieces at two indexes': [
    chunk(call({ index: 0, id: 'c1', function: { name: 'weather', arguments: '' } })),
    chunk(call({ index: 1, id: 'c1', function: { arguments: '{"city":' } })),
    chunk(call({ index: 1, function: { arguments: '"Rome"}' } })),
  ],
  'itself at two indexes': [0, 1].map((index) =>
    chunk(call({ index, id: 'c1', function: { name: 'weather', arguments: rome } })),
  ),
  'an announcement at one index, and itself at another': [
    chunk(call({ index: 0, id: 'c1', function: { name: 'weather', arguments: '{}' } })),
    chunk(call({ index: 1, id: 'c1', function: { name: 'weather', arguments: rome } })),
  ],
  'empty arguments before the whole ones': [
    chunk(call({ index: 0, id: 'c1', function: { name: 'weather', arguments: '{}' } })),
    chunk(call({ index: 0, id: 'c1', function: { name: 'weather', arguments: rome } })),
  ],
  'empty arguments before the pieces': [
    chunk(call({ index: 0, id: 'c1', function: { name: 'weather', arguments: '{}' } })),
    chunk(call({ index: 0, function: { arguments: '{"city"' } })),
    chunk(call({ index: 0, function: { arguments: ':"Rome"}' } })),
  ],
  'the whole arguments again at the end': [
    chunk(call({ index: 0, id: 'c1', function: { name: 'weather', arguments: '{"city"' } })),
    chunk(call({ index: 0, function: { arguments: ':"Rome"}' } })),
    chunk(call({ index: 0, id: 'c1', function: { name: 'weather', arguments: rome } })),
  ],
  'no index, in pieces': [
    chunk(call({ id: 'c1', function: { name: 'weather', arguments: '' } })),
    chunk(call({ function: { arguments: '{"city":"R' } })),
    chunk(call({ function: { arguments: 'ome"}' } })),
  ],
  'an index only after the first piece': [
    chunk(call({ id: 'c1', function: { name: 'weather' } })),
    chunk(call({ index: 0, function: { arguments: rome } })),
  ],
  'a name that comes late': [
    chunk(call({ index: 0, id: 'c1', function: { arguments: '{"city":' } })),
    chunk(call({ index: 0, function: { arguments: '"Rome"}' } })),
    chunk(call({ index: 0, function: { name: 'weather' } })),
  ],
  'a name in pieces': [
    chunk(call({ index: 0, id: 'c1', function: { name: 'wea', arguments: '' } })),
    chunk(call({ index: 0, function: { name: 'ther' } })),
    chunk(call({ index: 0, function: { arguments: rome } })),
  ],
  'a name that grows': [
    chunk(call({ index: 0, id: 'c1', function: { name: 'wea', arguments: '' } })),
    chunk(call({ index: 0, function: { name: 'weather', arguments: rome } })),
  ],
  'arguments that grow': ['{"city', '{"city":"Ro', rome].map((piece) =>
    chunk(call({ index: 0, id: 'c1', function: { name: 'weather', arguments: piece } })),
  ),
  'an index for each piece': [
    chunk(call({ index: 0, id: 'c1', function: { name: 'weather', arguments: '' } })),
    chunk(call({ index: 1, function: { arguments: '{"city":' } })),
    chunk(call({ index: 2, function: { arguments: '"Rome"}' } })),
  ],
  'strings that look like the end': [
    chunk(call({ index: 0, id: 'c1', function: { name: 'weather', arguments: '{"x":"}\\"}",' } })),
    chunk(call({ index: 0, function: { arguments: '"city":"Rome"}' } })),
  ],
};

describe('one call is executed once when a server sends', () => {
  test.each(Object.entries(ONE_CALL))('%s', async (_, chunks) => {
    const cities: string[] = [];
    const { messages } = await runOnCalls(server, chunks, (city) => cities.push(city));
    expect(cities).toEqual(['Rome']);
    const [, asked, ...results] = messages as unknown as [object, object, ...ToolMessage[]];
    expect(asked).toMatchObject({ tool_calls: [{ function: { name: 'weather' } }] });
    expect(results).toMatchObject([{ role: 'tool', content: 'sunny in Rome' }]);
  });
});

describe('two calls stay two when a server sends', () => {
  const pisa = '{"city":"Pisa"}';
  const named = (fields: object, json: string) =>
    chunk(call({ ...fields, function: { name: 'weather', arguments: json } }));
  test.each<[string, object[]]>([
    [
      'the same id for both',
      [named({ index: 0, id: 'c' }, rome), named({ index: 1, id: 'c' }, pisa)],
    ],
    ['the index 0 and no ids', [named({ index: 0 }, rome), named({ index: 0 }, pisa)]],
    [
      'their pieces in turns',
      [
        named({ index: 0, id: 'c1' }, ''),
        named({ index: 1, id: 'c2' }, ''),
        chunk(call({ index: 0, function: { arguments: '{"city":' } })),
        chunk(call({ index: 1, function: { arguments: '{"city":"Pi' } })),
        chunk(call({ index: 0, function: { arguments: '"Rome"}' } })),
        chunk(call({ index: 1, function: { arguments: 'sa"}' } })),
      ],
    ],
    [
      'no index, in pieces',
      [
        named({ id: 'c1' }, '{"city"'),
        chunk(call({ function: { arguments: ':"Rome"}' } })),
        named({ id: 'c2' }, '{"city":'),
        chunk(call({ function: { arguments: '"Pisa"}' } })),
      ],
    ],
  ])('%s', async (_, chunks) => {
    const { messages } = await runOnCalls(server, chunks);
    const results = messages.filter(({ role }) => role === 'tool');
    expect(results.map(({ content }) => content)).toEqual(['sunny in Rome', 'sunny in Pisa']);
    expect(new Set(results.map((message) => message.tool_call_id)).size).toBe(2);
  });
});

test('arguments that are no JSON go back as an error, and into the history as JSON', async () => {
  const cities: string[] = [];
  const { result, messages } = await runOnCalls(
    server,
    [chunk(call({ index: 0, id: 'c1', function: { name: 'weather', arguments: '{"city":"Ro' } }))],
    (city) => cities.push(city),
  );
  expect(cities).toEqual([]);
  expect(messages.slice(1)).toEqual([
    {
      role: 'assistant',
      content: null,
      tool_calls: [{ id: 'c1', type: 'function', function: { name: 'weather', arguments: '{}' } }],
    },
    {
      role: 'tool',
      tool_call_id: 'c1',
      content: 'Error: the input is not the JSON of an object: {"city":"Ro',
    },
  ]);
  expect(result.timeline).toContainEqual(
    expect.objectContaining({ kind: 'tool_call', input: '{"city":"Ro' }),
  );
});
