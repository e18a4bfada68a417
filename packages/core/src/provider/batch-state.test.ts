import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { ask, FakeProvider, pass, quick, settle, useFakeTime } from '../../test/fake-batches.js';
import { RunnerError } from '../contract/errors.js';
import type { BatchOptions } from './batch-options.js';
import type { BatchQueue } from './batch-queue.js';

useFakeTime();

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
