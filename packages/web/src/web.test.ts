import {
  createExecutor,
  createPlan,
  memoryJournal,
  type Plan,
  type RunEvent,
} from '@stratagem/core';
import { sequential } from '@stratagem/sequential';
import fc from 'fast-check';
import { Hono } from 'hono';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { FollowError, followRun, type WireEvent } from './client.js';
import { type RunStreamsOptions, runStreams, streamRun } from './index.js';

beforeEach(() => vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }));
afterEach(() => vi.useRealTimers());

const journal = memoryJournal();
const executor = createExecutor({ strategy: sequential(), journal });
const plan = createPlan('p')
  .addTask({ id: 'a', run: () => 'first\nsecond' })
  .addTask({ id: 'b', dependencies: ['a'], run: () => 2 });

/** A plan whose last task waits for `go`. */
function gated() {
  let go = () => {};
  const gate = new Promise<void>((resolve) => {
    go = resolve;
  });
  const waits = createPlan('g')
    .addTask({ id: 'a', run: () => 1 })
    .addTask({ id: 'b', dependencies: ['a'], run: () => gate });
  return { waits: waits as Plan, go };
}

function serverOf(options: RunStreamsOptions = {}) {
  const streams = runStreams(options);
  const app = new Hono();
  app.get('/runs/:id/events', (c) => streams.respond(c.req.param('id'), c.req.raw));
  return { streams, fetch: (request: Request) => app.fetch(request) };
}

const urlOf = (runId: string) => `http://localhost/runs/${runId}/events`;

async function all(events: AsyncIterable<WireEvent>): Promise<WireEvent[]> {
  const list: WireEvent[] = [];
  for await (const event of events) list.push(event);
  return list;
}

const plain = (events: readonly RunEvent[]) => JSON.parse(JSON.stringify(events));

describe('a client', () => {
  test('gets every event of a run, while it lasts and afterwards', async () => {
    const { streams, fetch } = serverOf();
    const run = streams.add(executor.execute(plan));
    const live = await all(followRun(urlOf(run.runId), { fetch }));
    const { timeline } = await run;
    expect(live).toEqual(plain(timeline));
    expect(await all(followRun(urlOf(run.runId), { fetch }))).toEqual(live);
    expect(await all(followRun(urlOf(run.runId), { fetch, after: 3 }))).toEqual(live.slice(4));
  });

  test('gets what follows when a run that had failed was resumed', async () => {
    let isBroken = true;
    const repaired = createPlan('r').addTask({
      id: 'a',
      run: () => {
        if (isBroken) throw new Error('no');
        return 1;
      },
    });
    const { runId, result } = executor.execute(repaired);
    await result;
    isBroken = false;
    await executor.resume(runId, { plan: repaired, retryFailed: true });
    const { fetch } = serverOf({ journal });
    const types = (await all(followRun(urlOf(runId), { fetch }))).map(({ type }) => type);
    expect(types).toContain('run_failed');
    expect(types.at(-1)).toBe('run_completed');
  });

  test('gets integers that JSON has no number for as text', async () => {
    const { streams, fetch } = serverOf();
    const big = createPlan('b').addTask({ id: 'a', run: () => 2n ** 64n });
    const run = streams.add(createExecutor({ strategy: sequential() }).execute(big));
    const events = await all(followRun(urlOf(run.runId), { fetch }));
    const completed = events.find(({ type }) => type === 'task_completed');
    expect(completed).toMatchObject({ output: '18446744073709551616' });
  });

  test('gets errors as plain data', async () => {
    const { streams, fetch } = serverOf();
    const failing = createPlan('f').addTask({
      id: 'a',
      run: () => {
        throw new Error('no');
      },
    });
    const run = streams.add(executor.execute(failing));
    const events = await all(followRun(urlOf(run.runId), { fetch }));
    const failed = events.find(({ type }) => type === 'task_failed');
    expect(failed).toMatchObject({ error: { code: 'task_failed', name: 'TaskError' } });
  });

  test('continues after the last event when the connection breaks, wherever that is', async () => {
    const run = executor.execute(plan);
    const { timeline } = await run;
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(6), { maxLength: 6 }), async (cuts) => {
        const asked: (string | null)[] = [];
        const fetch = (request: Request) => {
          asked.push(request.headers.get('last-event-id'));
          const whole = streamRun(timeline, { request, retryMs: 10 });
          const cut = cuts[asked.length - 1];
          return cut === undefined ? whole : cutAfter(whole, cut);
        };
        const following = all(followRun(urlOf('r'), { fetch, maxFailures: 100 }));
        const advancing = setImmediateLoop(following);
        expect(await following).toEqual(plain(timeline));
        await advancing;
        expect(asked.length).toBeLessThanOrEqual(cuts.length + 1);
      }),
      { numRuns: 40 },
    );
  });

  test('finds the events of another process in the journal, and the rest later', async () => {
    const { waits, go } = gated();
    const run = executor.execute(waits);
    for await (const { type, ...event } of run) {
      if (type === 'task_started' && 'taskId' in event && event.taskId === 'b') break;
    }
    const { fetch } = serverOf({ journal });
    const lost: number[] = [];
    const onLost = (ms: number) => {
      lost.push(ms);
      go();
    };
    const following = all(followRun(urlOf(run.runId), { fetch, onLost }));
    await setImmediateLoop(following);
    expect(await following).toEqual(plain((await run).timeline));
    expect(lost.length).toBeGreaterThan(0);
  });

  test('ends with an error when there is no such run, or nothing but errors', async () => {
    const { fetch } = serverOf({ journal });
    const missing = all(followRun(urlOf('nobody'), { fetch }));
    await expect(missing).rejects.toMatchObject({ name: 'FollowError', status: 404 });
    const waits: number[] = [];
    const down = all(
      followRun(urlOf('r'), {
        fetch: () => new Response(null, { status: 503 }),
        maxFailures: 3,
        onLost: (ms) => void waits.push(ms),
      }),
    );
    down.catch(() => {});
    await setImmediateLoop(down);
    await expect(down).rejects.toThrow(FollowError);
    expect(waits).toEqual([1_000, 2_000, 4_000]);
    const page = () => new Response('<html>', { headers: { 'content-type': 'text/html' } });
    await expect(all(followRun(urlOf('r'), { fetch: page }))).rejects.toThrow('text/html');
  });

  test('stops when its signal aborts, and the run continues', async () => {
    const { waits, go } = gated();
    const { streams, fetch } = serverOf();
    const run = streams.add(executor.execute(waits));
    const stop = new AbortController();
    const events: string[] = [];
    for await (const { type } of followRun(urlOf(run.runId), { fetch, signal: stop.signal })) {
      events.push(type);
      if (events.length === 3) stop.abort();
    }
    expect(events).toHaveLength(3);
    go();
    expect((await run).status).toBe('completed');
  });
});

describe('a stream', () => {
  test('is one message for each event, with its number', async () => {
    const { timeline } = await executor.execute(plan);
    const response = streamRun(timeline, { retryMs: 2_000 });
    expect(response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
    const [retry, first] = (await response.text()).split('\n\n');
    expect(retry).toBe('retry: 2000');
    expect(first).toMatch(/^id: 0\ndata: \{"type":"run_started"/);
  });

  test('sends a comment when nothing happens', async () => {
    const { waits, go } = gated();
    const run = executor.execute(waits);
    const reader = streamRun(run, { heartbeatMs: 5_000 }).body?.getReader();
    const decoder = new TextDecoder();
    let text = '';
    while (!text.includes(': quiet')) {
      const reading = reader?.read();
      await setImmediateLoop(reading as Promise<unknown>, 5_000);
      text += decoder.decode((await reading)?.value);
    }
    expect(text).toContain('"taskId":"b"');
    go();
    await reader?.cancel();
    await run;
  });

  test('can show less, and tells when the client goes away', async () => {
    const { waits, go } = gated();
    const run = executor.execute(waits);
    const stop = new AbortController();
    const request = new Request('http://localhost/?after=1', { signal: stop.signal });
    const onDisconnect = vi.fn();
    const select = (event: RunEvent) => (event.type === 'task_started' ? event : undefined);
    const reader = streamRun(run, { request, select, onDisconnect }).body?.getReader();
    await reader?.read();
    const { value } = (await reader?.read()) ?? {};
    expect(new TextDecoder().decode(value)).toMatch(/^id: 2\ndata: \{"type":"task_started"/);
    await reader?.cancel();
    expect(onDisconnect).toHaveBeenCalledOnce();
    go();
    await run;
  });

  test.each([
    [{ heartbeatMs: 0 }, 'heartbeatMs'],
    [{ retryMs: -1 }, 'retryMs'],
    [{ select: 'all' }, 'select must be a function'],
    [{ Select: () => undefined }, 'select'],
  ])('refuses %j', (options, message) => {
    expect(() => streamRun([], options as never)).toThrow(message);
  });
});

test('runs are forgotten a while after they have ended', async () => {
  const { streams, fetch } = serverOf({ keepMs: 1_000 });
  const run = streams.add(createExecutor({ strategy: sequential() }).execute(plan));
  await run;
  await Promise.resolve();
  const status = async () => (await fetch(new Request(urlOf(run.runId)))).status;
  expect(await status()).toBe(200);
  await vi.advanceTimersByTimeAsync(1_001);
  expect(await status()).toBe(404);
});

test('the types of events are the same at both ends', () => {
  const show = (event: WireEvent): unknown => {
    if (event.type === 'task_failed') return event.error.code;
    return event.type === 'task_completed' ? event.output : undefined;
  };
  expect(show).toBeDefined();
});

/** A response that breaks off after this many messages. */
function cutAfter(response: Response, messages: number): Response {
  let left = messages;
  const cut = new TransformStream<Uint8Array, Uint8Array>({
    transform(piece, controller) {
      if (left-- > 0) controller.enqueue(piece);
      else controller.error(new TypeError('network error'));
    },
  });
  const { status, headers, body } = response;
  return new Response(body?.pipeThrough(cut) ?? null, { status, headers });
}

/** Lets the time of timers pass until a promise has settled. */
async function setImmediateLoop(until: Promise<unknown>, ms = 40_000): Promise<void> {
  let isSettled = false;
  const settle = () => {
    isSettled = true;
  };
  until.then(settle, settle);
  while (!isSettled) {
    await new Promise((resolve) => setImmediate(resolve));
    await vi.advanceTimersByTimeAsync(ms);
  }
}

test('a stream that cannot send an event stops reading the run', async () => {
  let isClosed = false;
  async function* events(): AsyncGenerator<RunEvent> {
    try {
      for await (const event of executor.execute(plan)) yield event;
    } finally {
      isClosed = true;
    }
  }
  const select = () => {
    throw new Error('select is wrong');
  };
  await expect(streamRun(events(), { select }).text()).rejects.toThrow('select is wrong');
  expect(isClosed).toBe(true);
});
