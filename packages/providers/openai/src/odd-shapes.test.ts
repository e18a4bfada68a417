import { createExecutor, createPlan, tool } from '@stratagem/core';
import { inOrder, json, type Reply, testServer } from '@stratagem/test-kit';
import { describe, expect, test } from 'vitest';
import { stream } from '../test/streams.js';
import { openai } from './openai.js';

const server = testServer('/v1');

const chunk = (delta: unknown, finish_reason: unknown = null, more = {}) => ({
  choices: [{ index: 0, delta, finish_reason }],
  ...more,
});
const usage = { prompt_tokens: 5, completion_tokens: 2 };
const stop = chunk({}, 'stop', { usage });

async function run(
  replies: readonly Reply[],
  isStreamed = true,
  api: 'chat' | 'responses' = 'chat',
) {
  server.replyWith(...replies);
  const calls: unknown[] = [];
  const note = tool({
    ...{ name: 'note', description: 'Notes a number.' },
    inputSchema: { type: 'object', properties: { n: { type: 'number' } } },
    execute(input) {
      calls.push(input);
      return 'noted';
    },
  });
  const fixed = { apiKey: 'sk-test', baseURL: server.url, api, model: 'm' };
  const runner = openai({ ...fixed, stream: isStreamed });
  const plan = createPlan('Note').addTask({ id: 'a', description: 'Note it.', tools: [note] });
  const result = await createExecutor({ strategy: inOrder, runner }).execute(plan).orThrow();
  return { output: result.outputs.a, calls, usage: result.metrics.usage };
}

describe('an answer is read', () => {
  test.each<[string, unknown[]]>([
    ['with an empty object as its calls', [chunk({ content: 'Hi', tool_calls: {} })]],
    ['with null as a call', [chunk({ content: 'Hi', tool_calls: [null] })]],
    ['with an empty text as its calls', [chunk({ content: 'Hi', tool_calls: '' })]],
    ['after null as a delta', [chunk(null), chunk({ content: 'Hi' })]],
    ['after null as the choices', [{ choices: null }, chunk({ content: 'Hi' })]],
    ['with one part as its content', [chunk({ content: { type: 'text', text: 'Hi' } })]],
    ['with parts of another type', [chunk({ content: [{ type: 'output_text', text: 'Hi' }] })]],
    ['beside null as a part', [chunk({ content: [null, { type: 'text', text: 'Hi' }] })]],
    ['beside reasoning that is an object', [chunk({ reasoning: { text: 'Hm' }, content: 'Hi' })]],
  ])('%s', async (_, chunks) => {
    const answer = await run([stream([...(chunks as object[]), stop])]);
    expect(answer).toMatchObject({ output: 'Hi', usage: { inputTokens: 5, outputTokens: 2 } });
  });
});

describe('a call is made once', () => {
  const called = (fn: unknown, more = {}) => ({ tool_calls: [{ ...more, function: fn }] });
  const whole = { name: 'note', arguments: '{"n":1}' };
  const end = chunk({}, 'tool_calls', { usage });
  test.each<[string, object[]]>([
    ['with a number as its id', [chunk(called(whole, { index: 0, id: 1 })), end]],
    [
      'with texts as its indexes',
      [
        chunk(called({ name: 'note', arguments: '{"n"' }, { index: '0', id: 'x' })),
        chunk(called({ arguments: ':1}' }, { index: '0' })),
        end,
      ],
    ],
    ['without an object for the function', [chunk({ tool_calls: [{ id: 'x', ...whole }] }), end]],
    ['without a list', [chunk({ tool_calls: { id: 'x', function: whole } }), end]],
    [
      'with null for the function at first',
      [chunk(called(null, { index: 0, id: 'x' })), chunk(called(whole, { index: 0 })), end],
    ],
    [
      'in the field of the older API',
      [
        chunk({ function_call: { name: 'note', arguments: '{"n"' } }),
        chunk({ function_call: { arguments: ':1}' } }),
        chunk({}, 'function_call'),
      ],
    ],
    [
      'with JSON in JSON',
      [chunk(called({ ...whole, arguments: '"{\\"n\\":1}"' }, { id: 'x' })), end],
    ],
    ['in an answer that ends as others do', [chunk(called(whole, { index: 0, id: 'x' })), stop]],
  ])('%s', async (_, chunks) => {
    const { output, calls } = await run([
      stream(chunks),
      stream([chunk({ content: 'Done.' }), stop]),
    ]);
    expect([output, calls]).toEqual(['Done.', [{ n: 1 }]]);
    const messages = server.requests[1]?.body.messages as Record<string, unknown>[];
    expect(messages[1]).toEqual({
      ...{ role: 'assistant', content: null },
      tool_calls: [
        {
          ...{ type: 'function', id: expect.any(String) },
          function: { name: 'note', arguments: expect.stringContaining('1') },
        },
      ],
    });
  });

  test('that is whole, with an object as its arguments, or none as a list', async () => {
    const answer = (message: object, finish_reason: string) =>
      json(200, { choices: [{ message, finish_reason }], usage });
    const fn = { name: 'note', arguments: { n: 1 } };
    const one = answer({ content: null, tool_calls: [{ id: 'x', function: fn }] }, 'tool_calls');
    const last = answer({ content: 'Done.', tool_calls: null }, 'stop');
    expect(await run([one, last], false)).toMatchObject({ output: 'Done.', calls: [{ n: 1 }] });
  });
});

test.each<[string, object, number[]]>([
  ['in `meta`', { meta: { usage } }, [5, 2]],
  ['of Cohere', { meta: { tokens: { input_tokens: 5, output_tokens: 2 } } }, [5, 2]],
  ['of Google', { usageMetadata: { promptTokenCount: 5, candidatesTokenCount: 2 } }, [5, 2]],
  ['in another spelling', { usage: { promptTokens: 5, completionTokens: 2 } }, [5, 2]],
  ['as texts', { usage: { prompt_tokens: '5', completion_tokens: '2' } }, [5, 2]],
  ['as a list', { usage: [] }, [0, 0]],
])('counts %s are read, and lose no answer', async (_, counts, [inputTokens, outputTokens]) => {
  const answer = await run([stream([chunk({ content: 'Hi' }, 'stop', counts)])]);
  expect(answer).toMatchObject({ output: 'Hi', usage: { inputTokens, outputTokens } });
});

describe('the Responses API: ', () => {
  const used = { input_tokens: 5, output_tokens: 2 };
  const response = (output: unknown) => ({ status: 'completed', model: 'm', output, usage: used });
  const message = (content: unknown) => ({ type: 'message', role: 'assistant', content });
  const said = message([{ type: 'output_text', text: 'Hi' }]);

  test.each<[string, unknown[]]>([
    ['null as an item', [null, said]],
    ['null as a content', [message(null), said]],
    ['a text as the content', [message('Hi')]],
    ['null as a part', [message([null, { type: 'output_text', text: 'Hi' }])]],
    ['parts of another type', [message([{ type: 'text', text: 'Hi' }])]],
    ['null as a summary', [{ type: 'reasoning', id: 'r', summary: null }, said]],
  ])('an answer with %s is read', async (_, output) => {
    const reply = json(200, response(output));
    expect(await run([reply], false, 'responses')).toMatchObject({ output: 'Hi' });
  });

  const call = { type: 'function_call', id: 'fc', call_id: 'c', name: 'note' };
  const last = stream([{ type: 'response.completed', response: response([said]) }]);
  const delta = (text: string) => ({
    ...{ type: 'response.function_call_arguments.delta', output_index: 0, delta: text },
  });
  test.each<[string, object[], object]>([
    ['that come in pieces alone', [delta('{"n"'), delta(':1}')], { n: 1 }],
    [
      'that come in pieces, and whole in the end',
      [
        ...[delta('{"n"'), delta(':1}')],
        { ...delta(''), type: 'response.function_call_arguments.done', arguments: '{"n":1}' },
      ],
      { n: 1 },
    ],
    ['that grow with each piece', [delta('{"n"'), delta('{"n":1'), delta('{"n":1}')], { n: 1 }],
    ['that an empty object announces', [{ ...delta('{}') }, { ...delta('{"n":1}') }], { n: 1 }],
    [
      'whose pieces name the item alone',
      [{ ...delta('{"n":1}'), output_index: undefined, item_id: 'fc' }],
      { n: 1 },
    ],
    [
      'that the last item does not repeat',
      [
        delta('{"n":1}'),
        { ...delta(''), type: 'response.function_call_arguments.done', arguments: null },
        {
          ...{ type: 'response.output_item.done', output_index: 0 },
          item: { ...call, arguments: '' },
        },
      ],
      { n: 1 },
    ],
    ['of which there are none', [], {}],
  ])('a call has the arguments %s', async (_, events, input) => {
    const added = { type: 'response.output_item.added', output_index: 0 };
    const first = stream([
      { ...added, item: { ...call, arguments: '' } },
      ...events,
      { type: 'response.completed', response: response([]) },
    ]);
    expect((await run([first, last], true, 'responses')).calls).toEqual([input]);
  });

  test('calls with one index stay two', async () => {
    const events = [1, 2].flatMap((n) => {
      const item = { ...call, id: `fc${n}`, call_id: `c${n}`, arguments: '' };
      return [
        { type: 'response.output_item.added', output_index: 0, item },
        { ...delta(`{"n":${n}}`), item_id: item.id },
      ];
    });
    const first = stream([...events, { type: 'response.completed', response: response([]) }]);
    expect((await run([first, last], true, 'responses')).calls).toEqual([{ n: 1 }, { n: 2 }]);
  });

  test('a call without a name is an error for the model', async () => {
    const first = json(200, response([{ ...call, name: null, arguments: '{}' }]));
    const end = json(200, response([said]));
    expect(await run([first, end], false, 'responses')).toMatchObject({ output: 'Hi', calls: [] });
    const repeated = expect.objectContaining({ type: 'function_call', name: 'unknown' });
    expect(server.requests[1]?.body.input).toContainEqual(repeated);
  });

  const piece = { type: 'response.output_text.delta', output_index: 0, delta: 'Hi' };
  test.each<[string, object[]]>([
    [
      'in the whole text alone',
      [
        { ...piece, type: 'response.output_text.done', text: 'Hi' },
        { type: 'response.completed', response: response([]) },
      ],
    ],
    [
      'in a field of the SDK',
      [{ type: 'response.completed', response: { ...response([]), output_text: 'Hi' } }],
    ],
    ['before an end of another name', [piece, { type: 'response.done', response: response([]) }]],
  ])('an answer %s is read', async (_, events) => {
    const answer = await run([stream(events)], true, 'responses');
    expect(answer).toMatchObject({ output: 'Hi', usage: { inputTokens: 5 } });
  });

  test('events may have their type as their name alone', async () => {
    const reply: Reply = (answer) => {
      answer.writeHead(200, { 'content-type': 'text/event-stream' });
      for (const { type, ...event } of [
        piece,
        { type: 'response.completed', response: response([]) },
      ]) {
        answer.write(`event: ${type}\ndata: ${JSON.stringify(event)}\n\n`);
      }
      // What follows the end takes nothing away.
      answer.end('data: {"type":"resp');
    };
    expect(await run([reply], true, 'responses')).toMatchObject({ output: 'Hi' });
  });

  test('an answer is complete with its last event, also on a connection that stays open', async () => {
    const reply: Reply = (answer) => {
      answer.writeHead(200, { 'content-type': 'text/event-stream' });
      const completed = { type: 'response.completed', response: response([said]) };
      answer.write(`data: ${JSON.stringify(completed)}\n\n`);
    };
    expect(await run([reply], true, 'responses')).toMatchObject({ output: 'Hi' });
  });

  test('a response that was canceled is no answer', async () => {
    const canceled = { ...response([said]), status: 'cancelled' };
    const end = stream([piece, { type: 'response.cancelled', response: canceled }]);
    await expect(run([end], true, 'responses')).rejects.toThrow(/the answer failed/);
  });

  test('a call without arguments is made with none', async () => {
    const first = json(200, response([{ ...call, arguments: null }]));
    const end = json(200, response([said]));
    expect((await run([first, end], false, 'responses')).calls).toEqual([{}]);
  });
});
