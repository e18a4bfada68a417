import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { parseErrorEvent, parseEvent, type ServerEvent, serverEvents } from './server-events.js';

/** A body of these pieces, and how it was left. */
function bodyOf(pieces: readonly Uint8Array[]) {
  let next = 0;
  const state = { isCanceled: false };
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      const piece = pieces[next++];
      if (piece === undefined) controller.close();
      else controller.enqueue(piece);
    },
    cancel() {
      state.isCanceled = true;
    },
  });
  return { body: body as Response['body'], state };
}

/** The events of a body, in the groups that came together. */
async function groups(body: Response['body']): Promise<ServerEvent[][]> {
  const read: ServerEvent[][] = [];
  for await (const events of serverEvents(body)) read.push(events);
  return read;
}

async function read(body: Response['body']): Promise<ServerEvent[]> {
  return (await groups(body)).flat();
}

const bytesOf = (text: string) => new TextEncoder().encode(text);

function cut(bytes: Uint8Array, places: readonly number[]): Uint8Array[] {
  const borders = [0, ...places.toSorted((a, b) => a - b), bytes.length];
  return borders.slice(1).map((end, index) => bytes.subarray(borders[index], end));
}

const event = (data: string, name?: string): ServerEvent => ({ name, data });

describe.each(['\n', '\r\n', '\r'])('with lines that end with %j', (lineEnd) => {
  test('events are read in whatever pieces they arrive', async () => {
    const lines = [
      ...[': hello', '', 'data: {"a":"Größe 💡"}', '', 'event: error', 'data:{"b":1}', 'id: 7', ''],
      ...[
        '',
        'event: ping',
        '',
        'data',
        '',
        'data: 1',
        'data:  2',
        '',
        'retry: 5',
        '',
        'data: last',
      ],
    ];
    const bytes = bytesOf(lines.join(lineEnd));
    const expected = [
      ...[event('{"a":"Größe 💡"}'), event('{"b":1}', 'error'), event('', 'ping'), event('')],
      ...[event('1\n 2'), event('last')],
    ];
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(bytes.length), { maxLength: 20 }), async (places) => {
        expect(await read(bodyOf(cut(bytes, places)).body)).toEqual(expected);
      }),
      { numRuns: 50 },
    );
    const single = Array.from(bytes, (byte) => Uint8Array.of(byte));
    expect(await read(bodyOf(single).body)).toEqual(expected);
  });
});

test('events that arrive in one piece come together', async () => {
  const pieces = ['data: 1\n\ndata: 2\n\nda', 'ta: 3\n', '\n'].map(bytesOf);
  const together = await groups(bodyOf(pieces).body);
  expect(together.map((events) => events.map(({ data }) => data))).toEqual([['1', '2'], ['3']]);
});

test('a body that is left early is canceled, and one that has ended is not', async () => {
  const left = bodyOf(['data: 1\n\n', 'data: 2\n\n', ': 3\n', ': 4\n'].map(bytesOf));
  for await (const _ of serverEvents(left.body)) break;
  await new Promise(setImmediate);
  expect(left.state.isCanceled).toBe(true);
  const whole = bodyOf([bytesOf('data: 1\n\n')]);
  await read(whole.body);
  expect(whole.state.isCanceled).toBe(false);
});

test('a body that is left before its end is read to it for a short time', async () => {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  for (const ends of [true, false]) {
    let canceled = false;
    let source!: ReadableStreamDefaultController<Uint8Array>;
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => {
        source = controller;
        controller.enqueue(bytesOf('data: last\n\n'));
      },
      cancel: () => {
        canceled = true;
      },
    });
    for await (const _ of serverEvents(body as Response['body'])) break;
    await vi.advanceTimersByTimeAsync(50);
    expect(canceled).toBe(false);
    if (ends) source.close();
    await vi.advanceTimersByTimeAsync(100);
    expect(canceled).toBe(!ends);
    expect(vi.getTimerCount()).toBe(0);
  }
});

describe('when the end is expected,', () => {
  /** A body that stays open. */
  function openBody() {
    let canceled = false;
    let source!: ReadableStreamDefaultController<Uint8Array>;
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => {
        source = controller;
      },
      cancel: () => {
        canceled = true;
      },
    });
    return {
      body: body as Response['body'],
      write: (text: string) => source.enqueue(bytesOf(text)),
      close: () => source.close(),
      isCanceled: () => canceled,
    };
  }

  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  test('silence ends the events, and what has arrived of a line is read', async () => {
    const open = openBody();
    const events = serverEvents(open.body);
    open.write('data: 1\n\n');
    await events.next();
    events.expectEnd(500);
    const next = events.next();
    await vi.advanceTimersByTimeAsync(499);
    open.write('data: 2\n\ndata: 3');
    expect(await next).toMatchObject({ value: [{ data: '2' }] });
    expect(vi.getTimerCount()).toBe(0);
    const last = events.next();
    await vi.advanceTimersByTimeAsync(501);
    expect(await last).toMatchObject({ value: [{ data: '3' }] });
    expect(await events.next()).toEqual({ done: true, value: '' });
    await vi.advanceTimersByTimeAsync(100);
    expect(open.isCanceled()).toBe(true);
    expect(vi.getTimerCount()).toBe(0);
  });

  test('silence ends nothing once more of the answer is expected', async () => {
    const open = openBody();
    const events = serverEvents(open.body);
    events.expectEnd(500);
    open.write('data: 1\n\n');
    await events.next();
    events.expectEnd(undefined);
    const next = events.next();
    await vi.advanceTimersByTimeAsync(60_000);
    open.write('data: 2\n\n');
    expect(await next).toMatchObject({ value: [{ data: '2' }] });
  });

  test('a body that ends at once leaves no timer', async () => {
    const open = openBody();
    const events = serverEvents(open.body);
    events.expectEnd(500);
    const next = events.next();
    open.close();
    expect((await next).done).toBe(true);
    expect(vi.getTimerCount()).toBe(0);
    expect(open.isCanceled()).toBe(false);
  });

  test('marks that follow the last event do not close the connection', async () => {
    const open = openBody();
    const events = serverEvents(open.body);
    open.write('data: 1\n\n');
    await events.next();
    events.expectEnd(500);
    await events.return('');
    open.write(': bye\n\n');
    await vi.advanceTimersByTimeAsync(50);
    open.write('data: [DONE]\n\n');
    open.close();
    await vi.advanceTimersByTimeAsync(100);
    expect(open.isCanceled()).toBe(false);
    expect(vi.getTimerCount()).toBe(0);
  });
});

test('work that keeps the process busy is no silence of the server', async () => {
  let write!: (text: string) => void;
  const server = createServer((_, response) => {
    write = (text) => void response.write(text);
    write('data: 1\n\n');
  });
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const { body } = await fetch(`http://127.0.0.1:${port}`);
  const events = serverEvents(body);
  expect(await events.next()).toMatchObject({ value: [{ data: '1' }] });
  events.expectEnd(50);
  const next = events.next();
  setImmediate(() => {
    write('data: 2\n\n');
    const end = performance.now() + 100;
    while (performance.now() < end);
  });
  expect(await next).toMatchObject({ value: [{ data: '2' }] });
  await events.return('');
});

test('a body that breaks throws after the events before', async () => {
  const error = new TypeError('terminated');
  const broken = new ReadableStream<Uint8Array>({
    start: (controller) => controller.enqueue(bytesOf('data: 1\n\nda')),
    pull: (controller) => controller.error(error),
  });
  const seen: ServerEvent[] = [];
  const reading = async () => {
    for await (const events of serverEvents(broken as Response['body'])) seen.push(...events);
  };
  await expect(reading()).rejects.toBe(error);
  expect(seen).toEqual([event('1')]);
});

test.each([
  ['{"a":1}', '{"a":1}'],
  ['\n\n{\n  "id": "x"\n}\n', '{\n  "id": "x"\n}'],
  ['<html>\r\n<title>Log in</title>', '<html>\n<title>Log in</title>'],
  ['no healthy upstream', 'no healthy upstream'],
  [': hello\n\nid: 1\nretry: 5\n\n', ''],
  ['hello\n\ndata: 1\n\nhello\n', ''],
])('the text of a body without events is returned: %j', async (text, expected) => {
  const events = serverEvents(bodyOf(cut(bytesOf(text), [5])).body);
  let last = await events.next();
  while (last.done !== true) last = await events.next();
  expect(last.value).toBe(expected);
});

test.each([
  ['objects without a blank line between them', 'data: {"a":1}\ndata: {"b":\ndata: 2}\n', 2],
  ['an error in a field of its own', 'data: {"a":1}\n\nerror: {"b":\n\n', 2],
  ['the name of the field twice', 'data: data: {"a":1}\n\n', 1],
])('%s are read', async (_, text, count) => {
  const events = await read(bodyOf([bytesOf(text)]).body);
  expect(events).toHaveLength(count);
  expect(events[0]?.data).toBe('{"a":1}');
});

test('bodies that are no web streams are read', async () => {
  const pieces = ['data: 1\n', bytesOf('\ndata: 2'), bytesOf('\n\n').buffer];
  const body = (async function* () {
    yield* pieces;
  })() as unknown as Response['body'];
  expect(await read(body)).toEqual([event('1'), event('2')]);
  expect(await read(null)).toEqual([]);
});

test('a body that cannot be left does no harm', async () => {
  const pieces = ['data: 1\n\n', 'data: 2\n\n'];
  let isLeft = false;
  const iterator = {
    next: async () => ({ done: false, value: pieces.shift() }),
    return() {
      isLeft = true;
      throw new Error('broken');
    },
  };
  const body = { [Symbol.asyncIterator]: () => iterator } as unknown as Response['body'];
  for await (const [first] of serverEvents(body)) {
    expect(first?.data).toBe('1');
    break;
  }
  await new Promise(setImmediate);
  expect(isLeft).toBe(true);
});

test('a long line in many pieces takes time in proportion to its length', async () => {
  const pieces = Array.from({ length: 2_000 }, () => bytesOf('x'.repeat(500)));
  const [only] = await read(bodyOf([bytesOf('data: '), ...pieces]).body);
  expect(only?.data).toHaveLength(1_000_000);
});

test('data that is not JSON is an error that does not quote it', () => {
  expect(parseEvent('{"a":1}')).toEqual({ a: 1 });
  expect(() => parseEvent('{"key":"sk-secret')).toThrow(
    new SyntaxError('the server sent an event that is not JSON'),
  );
});

test('an error is JSON or a text', () => {
  expect(parseErrorEvent('{"error":{"code":1}}')).toEqual({ error: { code: 1 } });
  expect(parseErrorEvent('The worker died.')).toBe('The worker died.');
});
