import { createExecutor, type TaskRunner, tool } from '@stratagem/core';
import type { AttemptCall } from '@stratagem/core/kernel';
import { parallel } from '@stratagem/parallel';
import { Queue } from 'bullmq';
import { describe, expect, test } from 'vitest';
import { Bench, deferred, planOf, until } from '../test/bench.js';
import { engines } from '../test/engines.js';
import { startRelay } from '../test/relay.js';
import { Engine } from './engine.js';
import { bullmqCarrier, serveAttempts } from './index.js';
import { Places } from './places.js';

/** A worker that never ends its attempts. Its locks last longer than a test, until `endLock`. */
function dyingWorker(engine: Engine) {
  const begun = deferred<string>();
  const worker = engine.worker('', {
    ...{ lockDuration: 600_000, stalledInterval: 100, skipLockRenewal: true },
    ...{ places: new Places(1), onLost() {} },
    process: (_, token) => new Promise(() => begun.resolve(token)),
  });
  return { worker, begun: begun.promise };
}

/** Makes the lock of a dead worker one whose time is over. */
async function endLock(engine: Engine, key: string, token: string): Promise<void> {
  await (await engine.queue().getJob(key))?.extendLock(token, 1);
}

describe.each(engines)('over %s', (kind, url) => {
  test('10,000 of 10,000 parts arrive in order', async () => {
    await using bench = new Bench(url);
    const count = 10_000;
    const plan = planOf([
      {
        id: 'speaks',
        async run(_: unknown, { emit }) {
          for (let n = 0; n < count; n++) await emit(`${n}`);
          return 'spoken';
        },
      },
    ]);
    await bench.worker({ plans: [plan] });
    const { ended, reports } = bench.start(bench.carrier(), 'speaks');
    expect(await ended).toMatchObject({ type: 'completed', result: { output: 'spoken' } });
    const texts = reports.flatMap((report) =>
      report.type === 'output' && report.part.kind === 'text' ? report.part.text : [],
    );
    expect(texts).toEqual(Array.from({ length: count }, (_, n) => `${n}`));
  });

  test('a part may be longer than a message of the server, and hold any text', async () => {
    await using bench = new Bench(url);
    const text = `${'ä€😀\0\n'.repeat(20_000)}\ud800`;
    const plan = planOf([
      {
        id: 'speaks',
        async run(_: unknown, { emit }) {
          await emit(text);
          return text.repeat(2);
        },
      },
    ]);
    await bench.worker({ plans: [plan] });
    const { ended, reports } = bench.start(bench.carrier(), 'speaks');
    expect(await ended).toMatchObject({ result: { output: text.repeat(2) } });
    expect(reports[1]).toMatchObject({ part: { text } });
  });

  test('a worker waits while the run is behind', async () => {
    await using bench = new Bench(url);
    let emitted = 0;
    const plan = planOf([
      {
        id: 'speaks',
        async run(_: unknown, { emit }) {
          for (; emitted < 2_000; emitted++) await emit(`${emitted}`);
        },
      },
    ]);
    await bench.worker({ plans: [plan] });
    const carrier = bench.carrier();
    const behind = deferred();
    const ended = deferred();
    let parts = 0;
    const { call } = bench.start(carrier, 'speaks');
    // The second start takes the reports over.
    carrier.start(call, ({ type }) => {
      if (type === 'completed') ended.resolve();
      if (type !== 'output') return undefined;
      return ++parts === 1 ? behind.promise : undefined;
    });
    await until(() => parts === 1 && emitted >= 250);
    // It would emit more in this time.
    for (let n = 0; n < 5; n++) await carrier.alive?.([`unknown ${n}`]);
    expect(emitted).toBeLessThan(300);
    expect(parts).toBe(1);
    behind.resolve();
    await ended.promise;
    expect(parts).toBe(2_000);
  });

  test('a canceled attempt hears of it from the run, not from a later look', async () => {
    await using bench = new Bench(url);
    const begun = deferred();
    const aborted = deferred();
    const plan = planOf([
      {
        id: 'waits',
        run: (_: unknown, { signal }) =>
          new Promise((_, reject) => {
            begun.resolve();
            signal.addEventListener('abort', () => {
              aborted.resolve();
              reject(signal.reason);
            });
          }),
      },
    ]);
    await bench.worker({ plans: [plan] });
    const carrier = bench.carrier({ sweepMs: 60_000 });
    const { call } = bench.start(carrier, 'waits');
    await begun.promise;
    carrier.cancel(call.key, new Error('no'));
    await aborted.promise;
  });

  test('an attempt that is canceled before a worker takes it never begins', async () => {
    await using bench = new Bench(url);
    const ran: string[] = [];
    const plan = planOf([
      { id: 'unwanted', run: () => void ran.push('unwanted') },
      { id: 'wanted', run: () => void ran.push('wanted') },
    ]);
    const carrier = bench.carrier();
    const { call, reports } = bench.start(carrier, 'unwanted');
    carrier.cancel(call.key, new Error('no'));
    const { ended } = bench.start(carrier, 'wanted');
    await bench.worker({ plans: [plan] });
    await ended;
    expect(ran).toEqual(['wanted']);
    expect(reports).toEqual([]);
  });

  test('another process takes an attempt over, under way or ended, and it runs once', async () => {
    await using bench = new Bench(url);
    const finish = deferred<string>();
    let runs = 0;
    const plan = planOf([
      {
        id: 'long',
        async run(_: unknown, { emit, addTasks }) {
          runs++;
          await emit('before');
          addTasks([{ id: 'added', description: 'x' }]);
          return finish.promise;
        },
      },
    ]);
    await bench.worker({ plans: [plan] });
    const first = bench.carrier();
    const { call, reports } = bench.start(first, 'long');
    await until(() => reports.length === 3);
    first.detach(call.key);

    const second = bench.carrier();
    expect(await second.alive?.([call.key, 'unknown'])).toEqual(new Set([call.key]));
    const again = bench.start(second, 'long', call);
    await until(() => again.reports.length === 2);
    // Added tasks may not have been recorded. The run knows those that were.
    expect(again.reports.map(({ type }) => type)).toEqual(['begun', 'add_tasks']);
    second.detach(call.key);
    finish.resolve('done');

    const third = bench.carrier();
    await until(async () => (await third.alive?.([call.key]))?.size === 1);
    expect(await bench.start(third, 'long', call).ended).toMatchObject({
      result: { output: 'done' },
    });
    third.forget?.(call.key);
    expect(runs).toBe(1);
    expect(reports).toHaveLength(3);
  });

  test('an attempt that waits is taken over as well, without a later look', async () => {
    await using bench = new Bench(url);
    const first = bench.carrier();
    const { call, reports } = bench.start(first, 'task');
    await until(async () => (await first.alive?.([call.key]))?.size === 1);
    const second = bench.carrier({ sweepMs: 60_000 });
    await until(async () => (await second.alive?.([call.key]))?.size === 1);
    const hold = deferred();
    const plan = planOf([
      { id: 'task', run: () => 'taken over' },
      { id: 'holds', run: () => hold.promise },
    ]);
    // The only place is taken, so that the worker is there before the attempt can begin.
    const holding = bench.start(first, 'holds', { priority: 1 });
    await until(async () => (await first.alive?.([holding.call.key]))?.size === 1);
    await bench.worker({ plans: [plan], concurrency: 1 });
    await until(() => holding.reports.length > 0);
    first.detach(call.key);
    const again = bench.start(second, 'task', call);
    // Its message to the workers was sent before this answer came.
    await second.alive?.(['unknown']);
    hold.resolve();
    expect(await again.ended).toMatchObject({ result: { output: 'taken over' } });
    expect(reports).toEqual([]);
  });

  test('an attempt of a carrier that was closed is stopped, and begins again for another one', async () => {
    await using bench = new Bench(url);
    let runs = 0;
    const begun = deferred();
    const plan = planOf([
      {
        id: 'task',
        run: (_: unknown, { signal }) =>
          ++runs > 1
            ? 'again'
            : new Promise((_, reject) => {
                begun.resolve();
                signal.addEventListener('abort', () => reject(signal.reason));
              }),
      },
    ]);
    await bench.worker({ plans: [plan] });
    const first = bench.carrier();
    const { call } = bench.start(first, 'task');
    await begun.promise;
    await first.close();
    const second = bench.carrier({ sweepMs: 100 });
    expect(await bench.start(second, 'task', call).ended).toMatchObject({
      result: { output: 'again' },
    });
  });

  test('an attempt whose end is recorded does not begin again when a crash took the end of its job', async () => {
    await using bench = new Bench(url);
    const carrier = bench.carrier({ sweepMs: 60_000 });
    const done = await bench.worker({ plans: [planOf([{ id: 'task', run: () => 'done' }])] });
    const { ended, call } = bench.start(carrier, 'task');
    await ended;
    await done.stop();
    // As after a crash: a worker has the job again, which was added by a coordinator that has died.
    const engine = new Engine({ url, queue: bench.queue, onError() {} });
    await until(async () => (await engine.queue().getJobState(call.key)) === 'completed');
    await engine.queue().remove(call.key);
    const data = { call: JSON.stringify(call), to: 'dead' };
    await engine.queue().add('task', data, { jobId: call.key });
    const dies = dyingWorker(engine);
    const token = await dies.begun;
    const closed = dies.worker.close(true);
    carrier.forget?.(call.key);
    await until(async () => (await engine.queue().getJob(call.key))?.data.hasEnded === true);
    await endLock(engine, call.key, token);
    let runs = 0;
    const again = planOf([{ id: 'task', run: () => void runs++ }]);
    // It has heard nothing of the end.
    await bench.worker({ plans: [again], lockMs: 300 });
    await until(async () => (await engine.queue().getJobState(call.key)) === 'completed');
    expect(runs).toBe(0);
    await closed;
    await engine.close();
  });

  test('the end of an attempt that its coordinator did not record is found, or the attempt begins again', async () => {
    await using bench = new Bench(url);
    let runs = 0;
    const plan = planOf([{ id: 'task', run: () => `run ${++runs}` }]);
    const worker = await bench.worker({ plans: [plan] });
    const engine = new Engine({ url, queue: bench.queue, onError() {} });
    const isAlive = async (key: string) => (await bench.carrier().alive?.([key]))?.size === 1;
    /** A coordinator takes the attempt over, and dies before it records the end. */
    const takeOver = (given?: AttemptCall) => {
      const carrier = bench.carrier();
      const started = bench.start(carrier, 'task', given);
      return { ...started, die: () => carrier.detach(started.call.key) };
    };
    const first = takeOver();
    const { call } = first;
    expect(await first.ended).toMatchObject({ result: { output: 'run 1' } });
    first.die();
    // The queue has the end.
    await until(async () => (await engine.queue().getJobState(call.key)) === 'completed');
    expect(await isAlive(call.key)).toBe(true);
    const second = takeOver(call);
    expect(await second.ended).toMatchObject({ result: { output: 'run 1' } });
    second.die();
    await worker.stop();

    // The server has lost the job.
    await engine.queue().obliterate({ force: true });
    expect(await isAlive(call.key)).toBe(false);
    const third = takeOver(call);
    // Or it has lost the end alone: the job has a worker, which has died as well.
    const dead = dyingWorker(engine);
    const token = await dead.begun;
    const closed = dead.worker.close(true);
    third.die();
    expect(await isAlive(call.key)).toBe(true);
    await endLock(engine, call.key, token);
    await bench.worker({ plans: [plan], lockMs: 1_000 });
    expect(await takeOver(call).ended).toMatchObject({ result: { output: 'run 2' } });
    await closed;
    await engine.close();
  });

  test('what the queue has lost is put back', async () => {
    await using bench = new Bench(url);
    const carrier = bench.carrier({ sweepMs: 100 });
    const { ended, call } = bench.start(carrier, 'lost');
    await until(async () => (await carrier.alive?.([call.key]))?.size === 1);
    const engine = new Engine({ url, queue: bench.queue, onError() {} });
    await engine.queue().obliterate({ force: true });
    await engine.close();
    await bench.worker({ plans: [planOf([{ id: 'lost', run: () => 'found' }])] });
    expect(await ended).toMatchObject({ result: { output: 'found' } });
  });

  test('a worker that loses the network is replaced, and gives up what it had begun', async () => {
    await using bench = new Bench(url);
    await using relay = await startRelay(url);
    const begun = deferred();
    const aborted = deferred();
    const lonely = planOf([
      {
        id: 'task',
        run: (_: unknown, { signal }) =>
          new Promise((_, reject) => {
            begun.resolve();
            signal.addEventListener('abort', () => {
              aborted.resolve();
              reject(signal.reason);
            });
          }),
      },
    ]);
    // Neither it nor a third of it is a whole number.
    const lockMs = 500.5;
    await bench.worker({ url: relay.url, plans: [lonely], lockMs });
    const { ended, reports } = bench.start(bench.carrier(), 'task');
    await begun.promise;
    relay.cut();
    await bench.worker({ plans: [planOf([{ id: 'task', run: () => 'elsewhere' }])], lockMs });
    expect(await ended).toMatchObject({ result: { output: 'elsewhere' } });
    await aborted.promise;
    expect(reports.filter(({ type }) => type === 'completed')).toHaveLength(1);
    await relay[Symbol.asyncDispose]();
  });

  test('a cap of a resource holds over all workers and carriers, and is used', async () => {
    await using bench = new Bench(url);
    let running = 0;
    const counts: number[] = [];
    const full = deferred();
    const plan = planOf([
      {
        id: 'capped',
        async run() {
          counts.push(++running);
          if (running === 3) full.resolve();
          // So the cap is reached.
          await full.promise;
          await new Promise((next) => setTimeout(next, 10));
          running--;
        },
      },
      { id: 'free', run: () => 'free' },
    ]);
    for (let n = 0; n < 2; n++) await bench.worker({ plans: [plan], concurrency: 8 });
    const resources = { 'a/model': { maxParallel: 3 } };
    const carriers = [bench.carrier({ resources }), bench.carrier({ resources })];
    const started = Array.from({ length: 40 }, (_, n) =>
      bench.start(carriers[n % 2] as never, 'capped', { resource: 'a/model' }),
    );
    const free = bench.start(carriers[0] as never, 'free');
    await free.ended;
    for (const { ended } of started) expect(await ended).toMatchObject({ type: 'completed' });
    expect(Math.max(...counts)).toBe(3);
  });

  test('a worker never has more attempts than places, over all its queues', async () => {
    await using bench = new Bench(url);
    let running = 0;
    let most = 0;
    const full = deferred();
    const plan = planOf([
      {
        id: 'counts',
        async run() {
          most = Math.max(most, ++running);
          if (running === 4) full.resolve();
          // So all places are taken at least once.
          await full.promise;
          await new Promise((next) => setTimeout(next, 2));
          running--;
        },
      },
    ]);
    const resources = { a: { maxParallel: 100 }, b: { maxParallel: 100 } };
    const carrier = bench.carrier({ resources });
    await carrier.ready();
    await bench.worker({ plans: [plan], concurrency: 4 });
    const started = Array.from({ length: 60 }, (_, n) =>
      bench.start(carrier, 'counts', { resource: ['a', 'b', 'c'][n % 3] as string }),
    );
    for (const { ended } of started) await ended;
    expect(most).toBe(4);
  });

  test('a worker that stops gives its attempts back, or lets them end first', async () => {
    await using bench = new Bench(url);
    const begun = deferred();
    const forever = planOf([
      {
        id: 'task',
        run: () =>
          new Promise(() => {
            begun.resolve();
          }),
      },
    ]);
    const first = await bench.worker({ plans: [forever], lockMs: 60_000 });
    const carrier = bench.carrier();
    const { ended } = bench.start(carrier, 'task');
    await begun.promise;
    await first.stop();
    const finish = deferred<string>();
    const second = await bench.worker({
      plans: [planOf([{ id: 'task', run: () => finish.promise }])],
      lockMs: 60_000,
    });
    await until(() => second.running.length === 1);
    const stopped = second.stop({ drain: true });
    finish.resolve('drained');
    expect(await ended).toMatchObject({ result: { output: 'drained' } });
    await stopped;
    expect(second.running).toEqual([]);
    await expect(first.stop({ timeoutMs: 5 })).rejects.toThrow('timeoutMs has no effect');
  });

  test('a human approves a call of a tool on a worker', async () => {
    await using bench = new Bench(url);
    const pay = tool({
      name: 'pay',
      description: 'pays',
      inputSchema: { type: 'object' },
      needsApproval: true,
      execute: () => 'paid',
    });
    const runner: TaskRunner = {
      name: 'caller',
      supportsTools: true,
      run: async ({ tools = [] }) => ({ output: (await tools[0]?.call({}, 'call'))?.ok }),
    };
    await bench.worker({ runner, tools: [pay] });
    const executor = createExecutor({
      strategy: parallel(),
      runner,
      tools: [pay],
      carrier: bench.carrier(),
    });
    const run = executor.execute({
      goal: 'approve',
      tasks: [{ id: 'task', description: 'Pay', tools: ['pay'] }],
    });
    for await (const event of run) {
      if (event.type === 'tool_approval_requested') await run.approve('task');
    }
    expect((await run).outputs.task).toBe(true);
  });

  test('an attempt that no worker takes says so', async () => {
    if (kind !== engines[0]?.[0]) return;
    await using bench = new Bench(url);
    const { reports } = bench.start(bench.carrier({ sweepMs: 100 }), 'task');
    await until(() => reports.length > 0);
    expect(reports).toMatchObject([
      { type: 'output', part: { kind: 'notice', message: expect.stringContaining('no worker') } },
    ]);
  });

  test('a worker without the plan of a task says so', async () => {
    await using bench = new Bench(url);
    await bench.worker({ plans: [] });
    const { ended } = bench.start(bench.carrier(), 'task');
    expect(await ended).toMatchObject({
      type: 'failed',
      error: { message: expect.stringContaining('this worker has no plan of that goal') },
    });
  });
});

test('jobs are those of BullMQ, for its dashboards', async () => {
  const [engine] = engines;
  if (engine?.[0] !== 'redis') return;
  await using bench = new Bench(engine[1]);
  const carrier = bench.carrier();
  const { call } = bench.start(carrier, 'task');
  await until(async () => (await carrier.alive?.([call.key]))?.size === 1);
  const queue = new Queue(bench.queue, { connection: { url: engine[1] } });
  expect((await queue.getJob(call.key))?.name).toBe('task');
  await queue.close();
});

test.each([
  ['postgres://user:hunter2@127.0.0.1:1/x', 'PostgreSQL at 127.0.0.1:1/x, cannot be used'],
  ['redis://user:hunter2@127.0.0.1:1', 'Redis at 127.0.0.1:1, cannot be used'],
])('%s is an error with a remedy', async (url, message) => {
  for (const connect of [() => serveAttempts({ url }), () => bullmqCarrier({ url }).ready()]) {
    const error: Error = await connect().then(
      () => expect.unreachable(),
      (thrown) => thrown,
    );
    expect(error.message).toContain(message);
    expect(error.message).toContain('check that it runs');
    expect(JSON.stringify(error) + error.message).not.toContain('hunter2');
  }
});

test('options are checked', () => {
  const url = 'redis://host';
  expect(() => bullmqCarrier({ url: 'http://host' })).toThrow('url must look like postgres://');
  expect(() => bullmqCarrier({ url, queue: 'a:b' })).toThrow('queue must have');
  expect(() => bullmqCarrier({ url, resources: { a: { maxParallel: 0 } } })).toThrow('maxParallel');
  expect(() => bullmqCarrier({ url, sweepMS: 5 } as never)).toThrow('sweepMs');
});
