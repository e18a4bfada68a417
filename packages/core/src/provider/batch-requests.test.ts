import { describe, expect, test } from 'vitest';
import { ask, FakeProvider, pass, quick, settle, useFakeTime } from '../../test/fake-batches.js';
import { RunnerError } from '../contract/errors.js';
import { BatchQueue } from './batch-queue.js';

useFakeTime();

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
      return submit(requests, undefined);
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
