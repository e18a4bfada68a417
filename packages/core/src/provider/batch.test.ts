import fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import { ask, FakeProvider, pass, quick, settle, useFakeTime } from '../../test/fake-batches.js';
import { RunnerError } from '../contract/errors.js';
import { OptionError } from '../index.js';
import { batchRunner } from './batch.js';
import { type BatchOptions, checkBatchOptions } from './batch-options.js';
import { BatchQueue } from './batch-queue.js';

useFakeTime();

describe('a job that the provider has no room for', () => {
  const full = () => new RunnerError('rate_limited', 'fake/m: the queue is full');

  test('waits, longer each time, and is sent again in smaller jobs', async () => {
    const provider = new FakeProvider();
    provider.failures.push(full(), full(), full());
    const { answers, notices } = ask(new BatchQueue(provider, quick), [1, 2, 3, 4]);
    await pass(10);
    expect(provider.jobs.size).toBe(0);
    expect(notices).toEqual(Array(4).fill('fake/m: the queue is full; it is sent again in 100 ms'));
    await pass(100);
    // Two jobs of two, which are refused as well.
    expect(notices.slice(4)).toEqual([
      ...Array(2).fill('fake/m: the queue is full; it is sent again in 200 ms'),
      ...Array(2).fill('fake/m: the queue is full; it is sent again in 400 ms'),
    ]);
    await pass(410);
    expect([...provider.jobs.values()].map((job) => job.length)).toEqual([1, 1, 1, 1]);
    provider.endAll();
    await pass(100);
    expect(await answers).toEqual(['1', '2', '3', '4']);
  });

  test('waits as long as the provider asks', async () => {
    const provider = new FakeProvider();
    const problem = 'Too many concurrent batch jobs';
    provider.failures.push(new RunnerError('rate_limited', problem, { retryAfterMs: 5_000 }));
    const { answers } = ask(new BatchQueue(provider, quick), [1]);
    await pass(10);
    await pass(4_980);
    expect(provider.jobs.size).toBe(0);
    await pass(30);
    provider.endAll();
    await pass(100);
    expect(await answers).toEqual(['1']);
  });

  test('is sent again too when the job itself reports it', async () => {
    const provider = new FakeProvider();
    provider.problem = full();
    provider.answer = () => undefined;
    const { answers } = ask(new BatchQueue(provider, quick), [1, 2]);
    await pass(10);
    provider.endAll();
    await pass(100);
    provider.answer = ({ n }) => `${n}`;
    await pass(110);
    expect([...provider.jobs.values()].map((job) => job.length)).toEqual([2, 1, 1]);
    provider.endAll();
    await pass(100);
    expect(await answers).toEqual(['1', '2']);
  });

  test('is not sent again for requests that are stopped', async () => {
    const provider = new FakeProvider();
    provider.failures.push(full());
    const controller = new AbortController();
    const { answers } = ask(new BatchQueue(provider, quick), [1, 2], controller.signal);
    await pass(10);
    controller.abort();
    expect(await answers).toMatchObject([{ code: 'aborted' }, { code: 'aborted' }]);
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe('a job', () => {
  test('continues while the provider cannot be reached', async () => {
    const provider = new FakeProvider();
    const { answers } = ask(new BatchQueue(provider, quick), [1]);
    await pass(10);
    provider.endAll();
    provider.failures.push(
      new RunnerError('connection', 'broken'),
      new RunnerError('overloaded', 'busy', { retryAfterMs: 700 }),
    );
    await pass(200);
    expect(provider.polls).toHaveLength(2);
    await pass(600);
    expect(provider.polls).toHaveLength(2);
    await pass(100);
    expect(await answers).toEqual(['1']);
  });

  test.each(['invalid_request', 'not_found'] as const)(
    'whose state cannot be read fails its requests: %s',
    async (code) => {
      const provider = new FakeProvider();
      const { answers } = ask(new BatchQueue(provider, quick), [1, 2]);
      await pass(10);
      provider.failures.push(new RunnerError(code, 'no'));
      await pass(100);
      expect(await answers).toMatchObject([{ code }, { code }]);
    },
  );

  test('whose results break off is read again for the remaining ones', async () => {
    const provider = new FakeProvider();
    let broken = false;
    provider.answer = ({ n }) => {
      if (n > 2 || broken) return `${n}`;
      broken = true;
      throw new RunnerError('connection', 'broken');
    };
    const { answers } = ask(new BatchQueue(provider, quick), [1, 2, 3, 4]);
    await pass(10);
    provider.endAll();
    await pass(200);
    expect(await answers).toEqual(['1', '2', '3', '4']);
  });
});

test('delays beyond the limit of a timer do not fire at once', async () => {
  const provider = new FakeProvider();
  const patient = new BatchQueue(provider, { batchWindowMs: 1e12, pollMs: 1e12, maxRequests: 2 });
  const controller = new AbortController();
  const { answers } = ask(patient, [1, 2, 3], controller.signal);
  await pass(60_000);
  expect(provider.jobs.get('job-1')).toHaveLength(2);
  expect(provider.jobs.size).toBe(1);
  expect(provider.polls).toEqual([]);
  controller.abort();
  expect(await answers).toMatchObject(Array(3).fill({ code: 'aborted' }));
  await settle();
});

test('every request gets exactly one answer, for any order, split and failures', async () => {
  vi.useRealTimers();
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.record({ n: fc.nat(5), pause: fc.boolean() }), { maxLength: 40 }),
      fc.integer({ min: 1, max: 7 }),
      fc.array(fc.boolean(), { maxLength: 10 }),
      async (requests, maxRequests, failures) => {
        const provider = new FakeProvider();
        const submit = provider.submit.bind(provider);
        provider.submit = async (batch, key) => {
          const id = await submit(batch, key);
          provider.ended.add(id);
          return id;
        };
        provider.answer = ({ n }) => (n === 0 ? new RunnerError('refused', 'no') : `${n}`);
        for (const fails of failures) {
          provider.failures.push(fails ? new RunnerError('connection', 'broken') : undefined);
        }
        const queue = new BatchQueue(provider, { batchWindowMs: 1, pollMs: 1, maxRequests });
        const answers: Promise<unknown>[] = [];
        for (const { n, pause } of requests) {
          answers.push(ask(queue, [n]).answers);
          if (pause) await new Promise((resolve) => setTimeout(resolve, 2));
        }
        const ended = (await Promise.all(answers)) as [string | RunnerError][];
        for (const [index, [answer]] of ended.entries()) {
          const { n } = requests[index] as { n: number };
          const code = answer instanceof RunnerError ? answer.code : answer;
          // A request that could not be sent fails; every other one gets its own answer.
          expect(['connection', n === 0 ? 'refused' : `${n}`]).toContain(code);
        }
        for (const job of provider.jobs.values())
          expect(job.length).toBeLessThanOrEqual(maxRequests);
      },
    ),
    { numRuns: 60 },
  );
  vi.useFakeTimers();
});

test('the runner gives each task its output, and reports the job of its request', async () => {
  const provider = new FakeProvider();
  const runner = batchRunner(
    {
      name: 'fake-batch',
      resource: 'fake-batch/m',
      settings: { model: 'm' },
      connect: async () => provider,
      prepare: async ({ prompt }) => ({
        body: { n: Number(prompt) },
        outputOf: ({ text }) => ({ output: `the answer is ${text}`, model: 'm' }),
      }),
    },
    quick,
  );
  expect(runner).toMatchObject({
    name: 'fake-batch',
    resource: 'fake-batch/m',
    supportsTools: false,
  });
  const parts: unknown[] = [];
  const texts = { prompt: '6', plainPrompt: '6', description: '6' };
  const answer = runner.run(
    { taskId: 'a', type: 'action', ...texts, inputs: {}, metadata: {} },
    {
      runId: 'run',
      taskId: 'a',
      priority: 0,
      criticalPath: 1,
      attempt: 1,
      idempotencyKey: 'run/task/1',
      attemptsLeft: 1,
      signal: new AbortController().signal,
      remainingMs: undefined,
      emit: (part) => void parts.push(part) as undefined,
      failures: [],
      addTasks: () => {},
    },
  );
  await pass(10);
  provider.endAll();
  await pass(100);
  expect(await answer).toEqual({ output: 'the answer is 6', model: 'm' });
  expect(parts).toEqual([
    { kind: 'notice', source: 'fake-batch', message: 'sent in batch job-1' },
    '6',
  ]);
});

test.each<[string, BatchOptions]>([
  ['batchWindowMs', { batchWindowMs: 0 }],
  ['pollMs', { pollMs: Number.NaN }],
  ['maxRequests', { maxRequests: 0.5 }],
  ['stateFile', { stateFile: '' }],
  ['onAbandoned', { onAbandoned: 'sell' as never }],
])('%s out of range is rejected', (name, options) => {
  expect(() => checkBatchOptions('openaiBatch()', options)).toThrow(OptionError);
  expect(() => checkBatchOptions('openaiBatch()', options)).toThrow(
    `openaiBatch(): ${name} must be`,
  );
});
