import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
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

describe('a stateFile', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'stratagem-batch-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  /** The queue of a new process that reads this file. */
  async function restarted(provider: FakeProvider, file: string, options: BatchOptions = {}) {
    vi.resetModules();
    const { BatchQueue: Fresh } = await import('./batch-queue.js');
    return new Fresh(provider, { ...quick, stateFile: file, ...options }) as BatchQueue;
  }

  test('finds a job again after a restart, and pays for nothing twice', async () => {
    const provider = new FakeProvider();
    const file = join(folder, 'state', 'batches.json');
    const controller = new AbortController();
    const first = ask(await restarted(provider, file), [1, 2, 2], controller.signal);
    await vi.waitFor(() => pass(10).then(() => expect(provider.jobs.size).toBe(1)));
    await vi.waitFor(() => expect(first.notices).toHaveLength(3));
    controller.abort();
    await first.answers;
    expect(provider.canceled).toEqual([]);

    provider.endAll();
    const { answers, notices } = ask(await restarted(provider, file), [2, 1, 2]);
    await vi.waitFor(() => pass(1).then(() => expect(notices).toHaveLength(3)));
    expect(notices).toEqual(Array(3).fill('found in batch job-1'));
    expect(await answers).toEqual(['2', '1', '2']);
    expect(provider.jobs.size).toBe(1);
  });

  describe('of a process that ended before the id of a job arrived', () => {
    const never = () => new Promise<void>(() => {});

    /** Sends requests in a process that ends before it hears of their job. */
    async function crashed(provider: FakeProvider, file: string, numbers: readonly number[]) {
      provider.created = never;
      void ask(await restarted(provider, file), numbers);
      await vi.waitFor(() => pass(10).then(() => expect(provider.jobs.size).toBe(1)));
      provider.created = async () => {};
    }

    test('the job is found again, and nothing is sent twice', async () => {
      const provider = new FakeProvider();
      const file = join(folder, 'batches.json');
      await crashed(provider, file, [1, 2]);
      provider.endAll();
      const { answers, notices } = ask(await restarted(provider, file), [2, 1, 3]);
      await vi.waitFor(() => pass(10).then(() => expect(notices).toHaveLength(3)));
      provider.endAll();
      await pass(100);
      expect(await answers).toEqual(['2', '1', '3']);
      expect(provider.finds).toBe(1);
      expect([...provider.jobs.values()].map((job) => job.length)).toEqual([2, 1]);
      await vi.waitFor(async () => {
        const { jobs, sending } = JSON.parse(await readFile(file, 'utf8'));
        expect([Object.keys(jobs), sending]).toEqual([['job-1', 'job-2'], undefined]);
      });
    });

    test('requests are sent if the provider has no such job', async () => {
      const provider = new FakeProvider();
      const file = join(folder, 'batches.json');
      await crashed(provider, file, [1]);
      provider.keys.clear();
      provider.jobs.clear();
      const { answers } = ask(await restarted(provider, file), [1]);
      await vi.waitFor(() => pass(10).then(() => expect(provider.jobs.size).toBe(1)));
      provider.endAll();
      await vi.waitFor(() => pass(100).then(() => expect(provider.polls).not.toHaveLength(0)));
      expect(await answers).toEqual(['1']);
    });

    test('nothing is sent while the provider cannot be asked', async () => {
      const provider = new FakeProvider();
      const file = join(folder, 'batches.json');
      await crashed(provider, file, [1, 2]);
      const { found } = provider;
      provider.found = async () => {
        throw new RunnerError('connection', 'broken');
      };
      const queue = await restarted(provider, file);
      const message = expect.stringMatching(/^broken; .*"sending" is removed from the stateFile$/);
      expect(await ask(queue, [1, 2]).answers).toMatchObject([
        { code: 'connection', message },
        { code: 'connection', message },
      ]);
      provider.found = found;
      provider.endAll();
      const { answers } = ask(queue, [1, 2]);
      await vi.waitFor(() => pass(10).then(() => expect(provider.polls).toEqual(['job-1'])));
      expect(await answers).toEqual(['1', '2']);
      expect(provider.jobs.size).toBe(1);
    });

    test('jobs with other requests are passed over, and then the requests are sent', async () => {
      const provider = new FakeProvider();
      const file = join(folder, 'batches.json');
      await crashed(provider, file, [1]);
      const [mine] = provider.jobs.values();
      const other = [{ customId: 'other-0', body: { n: 7 } }];
      provider.jobs.set('job-a', other).set('job-b', mine ?? []);
      provider.found = async () => ['job-a', 'job-b'];
      const { answers, notices } = ask(await restarted(provider, file), [1]);
      await vi.waitFor(() =>
        pass(10).then(() => expect(notices).toEqual(['perhaps in batch job-a'])),
      );
      provider.endAll();
      await vi.waitFor(() =>
        pass(100).then(() => expect(notices[1]).toBe('perhaps in batch job-b')),
      );
      await pass(100);
      expect(await answers).toEqual(['1']);

      await crashed(new FakeProvider(), file, [2]);
      provider.found = async () => ['job-a'];
      const second = ask(await restarted(provider, file), [2]);
      const again = 'batch job-a has no result for this request; it is sent again';
      await vi.waitFor(() => pass(100).then(() => expect(second.notices).toContain(again)));
      await vi.waitFor(() => pass(10).then(() => expect(provider.jobs.size).toBe(4)));
      provider.endAll();
      await pass(100);
      expect(await second.answers).toEqual(['2']);
    });

    /** Two jobs whose ids never arrived, and a provider that cannot tell them apart. */
    async function crashedTwice(provider: FakeProvider, file: string) {
      provider.created = never;
      for (const [index, n] of [1, 2].entries()) {
        provider.found = async () => [];
        void ask(await restarted(provider, file), [n]);
        await vi.waitFor(() => pass(10).then(() => expect(provider.jobs.size).toBe(index + 1)));
      }
      provider.created = async () => {};
    }

    test.each([
      ['the right order', ['job-1', 'job-2']],
      ['the wrong order', ['job-2', 'job-1']],
    ])('two jobs that look alike are told apart by their results, in %s', async (_, ids) => {
      const provider = new FakeProvider();
      const file = join(folder, 'batches.json');
      await crashedTwice(provider, file);
      provider.found = async ({ isOther }) => ids.filter((id) => !isOther(id));
      provider.endAll();
      const { answers } = ask(await restarted(provider, file), [1, 2]);
      await vi.waitFor(() =>
        pass(100).then(() => expect(provider.polls.length).toBeGreaterThan(1)),
      );
      expect(await answers).toEqual(['1', '2']);
      expect(provider.jobs.size).toBe(2);
    });

    test('a job that may be this one keeps its results for tasks that start later', async () => {
      const provider = new FakeProvider();
      const file = join(folder, 'batches.json');
      await crashed(provider, file, [1, 2]);
      const [mine = []] = provider.jobs.values();
      provider.jobs.set('job-a', [{ customId: 'other-0', body: { n: 7 } }]).set('job-b', mine);
      provider.found = async () => ['job-a', 'job-b'];
      provider.endAll();
      const first = ask(await restarted(provider, file), [1]);
      await vi.waitFor(() => pass(10).then(() => expect(provider.polls).toContain('job-b')));
      expect(await first.answers).toEqual(['1']);
      const second = ask(await restarted(provider, file), [2]);
      await vi.waitFor(() => pass(10).then(() => expect(second.notices).toHaveLength(1)));
      expect(second.notices[0]).toContain('in batch job-b');
      expect(await second.answers).toEqual(['2']);
    });

    test.each<[string, string | string[], string[]]>([
      ['certain is canceled', 'job-1', ['job-1']],
      ["a guess is not canceled, as it may be someone else's", ['job-1'], []],
    ])('an abandoned job that is %s', async (_, found, canceled) => {
      const provider = new FakeProvider();
      const file = join(folder, 'batches.json');
      await crashed(provider, file, [1]);
      provider.found = async () => found;
      // Also in a process that reads the guess of an earlier one.
      for (const _process of [1, 2]) {
        const controller = new AbortController();
        const queue = await restarted(provider, file, { onAbandoned: 'cancel' });
        const { answers, notices } = ask(queue, [1], controller.signal);
        await vi.waitFor(() => pass(10).then(() => expect(notices).toHaveLength(1)));
        controller.abort();
        await answers;
        await settle();
        expect(provider.canceled).toEqual(canceled);
        if (canceled.length > 0) break;
      }
    });
  });

  test('is shared by the queues of a process: none sends what another one is sending', async () => {
    const provider = new FakeProvider();
    let release = () => {};
    provider.created = () =>
      new Promise((resolve) => {
        release = resolve;
      });
    const file = join(folder, 'batches.json');
    vi.resetModules();
    const { BatchQueue: Fresh } = await import('./batch-queue.js');
    const queues = [1, 2].map(() => new Fresh(provider, { ...quick, stateFile: file }));
    const [one, two] = queues as [BatchQueue, BatchQueue];
    const first = ask(one, [1]);
    await vi.waitFor(() => pass(10).then(() => expect(provider.jobs.size).toBe(1)));
    const second = ask(two, [1]);
    await pass(50);
    release();
    await vi.waitFor(() => pass(10).then(() => expect(second.notices).toHaveLength(1)));
    provider.endAll();
    await pass(100);
    expect(await Promise.all([first.answers, second.answers])).toEqual([['1'], ['1']]);
    expect([provider.jobs.size, provider.finds]).toEqual([1, 0]);
  });

  test('an attempt after a lost connection joins the job that was created', async () => {
    const provider = new FakeProvider();
    provider.created = async () => {
      throw new RunnerError('connection', 'broken');
    };
    const queue = await restarted(provider, join(folder, 'batches.json'));
    const first = ask(queue, [1]);
    await vi.waitFor(() => pass(10).then(() => expect(provider.jobs.size).toBe(1)));
    expect(await first.answers).toMatchObject([{ code: 'connection' }]);
    provider.endAll();
    const second = ask(queue, [1]);
    await vi.waitFor(() => pass(10).then(() => expect(second.notices).toHaveLength(1)));
    expect(await second.answers).toEqual(['1']);
    expect(provider.jobs.size).toBe(1);
  });

  test('makes only failed requests be sent again', async () => {
    const provider = new FakeProvider();
    const file = join(folder, 'batches.json');
    provider.answer = ({ n }) => (n === 2 ? new RunnerError('server_error', 'no') : `${n}`);
    const first = ask(await restarted(provider, file), [1, 2]);
    await vi.waitFor(() => pass(10).then(() => expect(provider.jobs.size).toBe(1)));
    provider.endAll();
    await vi.waitFor(() => pass(100).then(() => expect(provider.polls).not.toHaveLength(0)));
    expect(await first.answers).toMatchObject(['1', { code: 'server_error' }]);
    await vi.waitFor(async () => {
      const { jobs } = JSON.parse(await readFile(file, 'utf8'));
      expect(jobs['job-1'].requests).toHaveLength(1);
    });
    provider.answer = ({ n }) => `${n} at last`;
    const second = ask(await restarted(provider, file), [1, 2]);
    await vi.waitFor(() => pass(20).then(() => expect(provider.jobs.size).toBe(2)));
    expect(provider.jobs.get('job-2')).toMatchObject([{ body: { n: 2 } }]);
    provider.endAll();
    await pass(100);
    expect(await second.answers).toEqual(['1 at last', '2 at last']);
  });

  test('contains only hashes and ids, and only its owner can read it', async () => {
    const provider = new FakeProvider();
    const file = join(folder, 'batches.json');
    const controller = new AbortController();
    const body = { prompt: 'the secret plan', key: 'sk-planted-0123456789' };
    const queue = await restarted(provider, file);
    const answer = queue.answer(body, controller.signal, () => {}).catch(() => {});
    await vi.waitFor(() => pass(10).then(() => expect(provider.jobs.size).toBe(1)));
    await vi.waitFor(async () => expect(await readdir(folder)).toContain('batches.json'));
    controller.abort();
    await answer;
    const text = await readFile(file, 'utf8');
    expect(text).toMatch(
      /^\{"version":1,"jobs":\{"job-1":\{"sentAt":\d+,"requests":\["[a-f0-9]{48}-0"\]\}\}\}$/,
    );
    expect((await stat(file)).mode & 0o777).toBe(0o600);
  });

  test.each([
    ['damaged', '{"version":1,"jobs":'],
    ['of another version', '{"version":2,"jobs":{}}'],
    ['not a state', '[1,2]'],
    ['with invalid jobs', '{"version":1,"jobs":{"a":{}}}'],
  ])('%s is an error, and the file stays unchanged', async (_, text) => {
    const file = join(folder, 'batches.json');
    await writeFile(file, text);
    const { answers } = ask(await restarted(new FakeProvider(), file), [1]);
    expect(await answers).toMatchObject([
      {
        code: 'invalid_request',
        message: expect.stringContaining(`the stateFile ${file} is damaged`),
      },
    ]);
    expect(await readFile(file, 'utf8')).toBe(text);
  });

  test('is locked by a process that lives, and not by one that has died', async () => {
    const file = join(folder, 'batches.json');
    await writeFile(`${file}.lock`, String(process.ppid));
    const busy = ask(await restarted(new FakeProvider(), file), [1]);
    expect(await busy.answers).toMatchObject([
      { message: `the stateFile ${file} is used by process ${process.ppid}` },
    ]);
    await writeFile(`${file}.lock`, '999999999');
    const provider = new FakeProvider();
    const free = ask(await restarted(provider, file), [1]);
    await vi.waitFor(() => pass(10).then(() => expect(provider.jobs.size).toBe(1)));
    provider.endAll();
    await vi.waitFor(() => pass(100).then(() => expect(provider.polls).not.toHaveLength(0)));
    expect(await free.answers).toEqual(['1']);
  });
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
