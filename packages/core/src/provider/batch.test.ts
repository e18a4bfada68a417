import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as realTime } from 'node:timers/promises';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { RunnerError } from '../contract/errors.js';
import { OptionError } from '../index.js';
import { batchRunner } from './batch.js';
import type { BatchBackend, BatchProgress, BatchRequest } from './batch-backend.js';
import { type BatchOptions, checkBatchOptions } from './batch-options.js';
import { BatchQueue } from './batch-queue.js';

/** A provider whose jobs end when a test ends them. */
class FakeProvider implements BatchBackend {
  readonly label = 'fake/m';
  maxRequests = 1_000;
  maxBytes = 1_000_000;
  readonly jobs = new Map<string, readonly BatchRequest[]>();
  readonly canceled: string[] = [];
  readonly polls: string[] = [];
  readonly ended = new Set<string>();
  /** The next errors of submitting and polling. */
  readonly failures: unknown[] = [];
  problem: RunnerError | undefined;
  /** The answer to a request of a job that has ended; undefined for no result. */
  answer: (body: { n: number }, customId: string) => string | Error | undefined = ({ n }) => `${n}`;

  async submit(requests: readonly BatchRequest[]): Promise<string> {
    this.#fail();
    const id = `job-${this.jobs.size + 1}`;
    this.jobs.set(id, requests);
    return id;
  }

  async poll(jobId: string): Promise<BatchProgress> {
    this.polls.push(jobId);
    this.#fail();
    if (!this.ended.has(jobId)) return { ended: false };
    const requests = [...(this.jobs.get(jobId) ?? [])].reverse();
    const { answer, problem } = this;
    return {
      ended: true,
      ...(problem && { problem }),
      async *results() {
        for (const { customId, body } of requests) {
          const said = answer(body as { n: number }, customId);
          if (said === undefined) continue;
          const read = () => {
            if (said instanceof Error) throw said;
            return { text: said };
          };
          yield { customId, read };
        }
      },
    };
  }

  async cancel(jobId: string): Promise<void> {
    this.canceled.push(jobId);
  }

  #fail(): void {
    const failure = this.failures.shift();
    if (failure !== undefined) throw failure;
  }

  endAll(): void {
    for (const id of this.jobs.keys()) this.ended.add(id);
  }
}

const quick = { batchWindowMs: 10, pollMs: 100 };

/** Sends these requests, and collects their answers or errors. */
function ask(queue: BatchQueue, numbers: readonly number[], signal = new AbortController().signal) {
  const notices: string[] = [];
  const answers = numbers.map((n) =>
    queue
      .answer({ n }, signal, (message) => notices.push(message))
      .then(
        ({ text }) => text,
        (error: RunnerError) => error,
      ),
  );
  return { answers: Promise.all(answers), notices };
}

/** Waits for work without timers: hashes and file operations run in other threads. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) {
    await crypto.subtle.digest('SHA-256', new Uint8Array(1));
    await realTime(2);
  }
}

async function pass(ms: number): Promise<void> {
  await settle();
  await vi.advanceTimersByTimeAsync(ms);
  await settle();
}

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] });
});
afterEach(() => {
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});

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

describe('polls that are refused', () => {
  const refused = () => new RunnerError('authentication', 'fake/m: 401 No.');

  test.each([1, 2])('%i times in a row do not fail the job', async (times) => {
    const provider = new FakeProvider();
    const { answers, notices } = ask(new BatchQueue(provider, quick), [1]);
    await pass(10);
    for (let time = 0; time < times; time++) provider.failures.push(refused());
    await pass(100 * times);
    expect(notices.slice(1)).toEqual(
      Array(times).fill('fake/m: 401 No.; the job goes on, and is asked for again in 100 ms'),
    );
    provider.endAll();
    await pass(100);
    expect(await answers).toEqual(['1']);
  });

  test('three times in a row fail the job', async () => {
    const provider = new FakeProvider();
    const { answers } = ask(new BatchQueue(provider, quick), [1]);
    await pass(10);
    provider.failures.push(refused(), refused(), refused());
    await pass(300);
    expect(await answers).toMatchObject([{ code: 'authentication' }]);
  });
});

describe('requests', () => {
  test('within the batch window share one job, and each gets its own result', async () => {
    const provider = new FakeProvider();
    const { answers, notices } = ask(new BatchQueue(provider, quick), [1, 2, 3]);
    await pass(10);
    expect(provider.jobs.size).toBe(1);
    expect(notices).toEqual(Array(3).fill('sent in batch job-1'));
    await pass(250);
    expect(provider.polls).toEqual(['job-1', 'job-1']);
    provider.endAll();
    await pass(100);
    expect(await answers).toEqual(['1', '2', '3']);
  });

  test('after batchWindowMs are sent in another job', async () => {
    const provider = new FakeProvider();
    const queue = new BatchQueue(provider, quick);
    const first = ask(queue, [1]);
    await pass(6);
    const second = ask(queue, [2]);
    await pass(6);
    expect(provider.jobs.size).toBe(0);
    await pass(4);
    const third = ask(queue, [3]);
    await pass(10);
    expect([...provider.jobs.values()].map((requests) => requests.length)).toEqual([2, 1]);
    provider.endAll();
    await pass(100);
    expect(await Promise.all([first.answers, second.answers, third.answers])).toEqual([
      ['1'],
      ['2'],
      ['3'],
    ]);
  });

  test.each([
    ['too many', { maxRequests: 2 }, {}],
    ['more than the provider allows', {}, { maxRequests: 2 }],
    ['too large together', {}, { maxBytes: 16 }],
  ])('are split over several jobs when they are %s', async (_, options, limits) => {
    const provider = Object.assign(new FakeProvider(), limits);
    const { answers } = ask(new BatchQueue(provider, { ...quick, ...options }), [1, 2, 3, 4, 5]);
    await pass(10);
    expect([...provider.jobs.values()].map((requests) => requests.length)).toEqual([2, 2, 1]);
    provider.endAll();
    await pass(100);
    expect(await answers).toEqual(['1', '2', '3', '4', '5']);
  });

  test('that are equal have different ids, of letters and digits', async () => {
    const provider = new FakeProvider();
    const { answers } = ask(new BatchQueue(provider, quick), [7, 7, 7]);
    await pass(10);
    const ids = [...(provider.jobs.get('job-1') ?? [])].map(({ customId }) => customId);
    expect(new Set(ids).size).toBe(3);
    for (const id of ids) expect(id).toMatch(/^[a-z0-9]{48}-\d$/);
    provider.endAll();
    await pass(100);
    expect(await answers).toEqual(['7', '7', '7']);
  });

  test('fail independently, each with its own error', async () => {
    const provider = new FakeProvider();
    const refused = new RunnerError('refused', 'no');
    provider.answer = ({ n }) => (n === 2 ? refused : n === 3 ? undefined : `${n}`);
    const { answers } = ask(new BatchQueue(provider, quick), [1, 2, 3]);
    await pass(10);
    provider.endAll();
    await pass(100);
    expect(await answers).toMatchObject([
      '1',
      { code: 'refused' },
      {
        code: 'server_error',
        message: 'fake/m: batch job-1 ended without a result for this request',
      },
    ]);
  });

  test('without a result fail with the error of their job', async () => {
    const provider = new FakeProvider();
    provider.answer = ({ n }) => (n === 1 ? '1' : undefined);
    provider.problem = new RunnerError('timeout', 'the job expired');
    const { answers } = ask(new BatchQueue(provider, quick), [1, 2, 3]);
    await pass(10);
    provider.endAll();
    await pass(100);
    const [first, second, third] = await answers;
    expect([first, second]).toMatchObject(['1', { code: 'timeout', message: 'the job expired' }]);
    expect(second).not.toBe(third);
  });

  test('of a job that could not be sent fail with its error, and can be sent again', async () => {
    const provider = new FakeProvider();
    provider.failures.push(new RunnerError('rate_limited', 'later', { retryAfterMs: 5 }));
    const queue = new BatchQueue(provider, quick);
    const failed = ask(queue, [1, 2]);
    await pass(10);
    const [first, second] = await failed.answers;
    expect([first, second]).toMatchObject([
      { code: 'rate_limited', retryAfterMs: 5 },
      { code: 'rate_limited', retryAfterMs: 5 },
    ]);
    expect(first).not.toBe(second);
    const again = ask(queue, [1, 2]);
    await pass(10);
    provider.endAll();
    await pass(100);
    expect(await again.answers).toEqual(['1', '2']);
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

describe('an aborted request', () => {
  test('is not sent when it was aborted before its job', async () => {
    const provider = new FakeProvider();
    const queue = new BatchQueue(provider, quick);
    const controller = new AbortController();
    const stopped = ask(queue, [1], controller.signal);
    const other = ask(queue, [2]);
    await pass(5);
    controller.abort(new Error('enough'));
    expect(await stopped.answers).toMatchObject([{ code: 'aborted' }]);
    await pass(10);
    expect(provider.jobs.get('job-1')).toHaveLength(1);
    provider.endAll();
    await pass(100);
    expect(await other.answers).toEqual(['2']);
  });

  test.each([
    [{}, ['job-1']],
    [{ onAbandoned: 'keep' }, []],
  ] as const)(
    'leaves its job, which is abandoned with the last request: %j',
    async (options, canceled) => {
      const provider = new FakeProvider();
      const queue = new BatchQueue(provider, { ...quick, ...options });
      const [first, second] = [new AbortController(), new AbortController()];
      const answers = [ask(queue, [1], first.signal), ask(queue, [2], second.signal)];
      await pass(10);
      first.abort();
      await pass(100);
      expect(provider.canceled).toEqual([]);
      second.abort();
      await settle();
      expect(provider.canceled).toEqual(canceled);
      for (const { answers: ended } of answers) {
        expect(await ended).toMatchObject([{ code: 'aborted' }]);
      }
    },
  );

  test('cancels its job when it was aborted while the job was being sent', async () => {
    const provider = new FakeProvider();
    const submit = provider.submit.bind(provider);
    let open = () => {};
    provider.submit = async (requests) => {
      await new Promise<void>((resolve) => {
        open = resolve;
      });
      return submit(requests);
    };
    const queue = new BatchQueue(provider, quick);
    const controller = new AbortController();
    const stopped = ask(queue, [1], controller.signal);
    await pass(10);
    controller.abort();
    expect(await stopped.answers).toMatchObject([{ code: 'aborted' }]);
    open();
    await settle();
    expect(provider.canceled).toEqual(['job-1']);
  });

  test('sends nothing when its signal was aborted from the start', async () => {
    const provider = new FakeProvider();
    const { answers } = ask(new BatchQueue(provider, quick), [1], AbortSignal.abort());
    expect(await answers).toMatchObject([{ code: 'aborted' }]);
    await pass(50);
    expect(provider.jobs.size).toBe(0);
  });
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
        provider.submit = async (batch) => {
          const id = await submit(batch);
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
