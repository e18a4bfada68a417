import { RunnerError, type Task } from '@stratagem/core';
import { parallel } from '@stratagem/parallel';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { eventsOf, streamingModel, workerModel } from '../../test/models.js';
import type { PlanAndExecuteOptions } from './options.js';
import { type GoalHandle, planAndExecute } from './plan-and-execute.js';

beforeEach(() => {
  vi.useFakeTimers({
    toFake: ['setTimeout', 'clearTimeout', 'setImmediate', 'performance', 'Date'],
  });
});
afterEach(() => {
  vi.useRealTimers();
});

const taskOf = (id: string, ...dependencies: string[]) => ({
  id,
  description: `Work on ${id}, and write down what matters in a few words`,
  type: 'action',
  dependencies,
});
const planOf = (...tasks: object[]) => JSON.stringify({ tasks });

const strategy = parallel({ maxParallel: 50 });
const COMPLEX = 'Research the market, then compare the vendors and write a report';

function start(
  planner: ReturnType<typeof streamingModel>,
  options: Partial<PlanAndExecuteOptions> = {},
) {
  const { runner } = workerModel({ latencyMs: 1_000 });
  return planAndExecute(COMPLEX, {
    ...{ strategy, runner, planner: planner.runner, complexity: 'complex', stream: true },
    ...{ retry: { maxAttempts: 1 } },
    ...options,
  });
}

/** Advances the time until the goal is finished. */
async function ended(handle: GoalHandle) {
  let isFinished = false;
  void handle.result.then(() => {
    isFinished = true;
  });
  while (!isFinished) await vi.advanceTimersByTimeAsync(20);
  return handle.result;
}

function wait(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** When each task started, in milliseconds from the start of the run. */
function startsOf({ result }: Awaited<GoalHandle>): Record<string, number> {
  const [first] = result?.timeline ?? [];
  return Object.fromEntries(
    eventsOf(result?.timeline, 'task_started').map(({ taskId, timestamp }) => [
      taskId,
      Math.round(timestamp - (first?.timestamp ?? 0)),
    ]),
  );
}

describe('a plan of 20 tasks in three levels, written at 50 tokens a second', () => {
  const level = (name: string, count: number, above: readonly string[]) =>
    Array.from({ length: count }, (_, n) => {
      const [first, second] = [above[n % above.length], above[(n + 1) % above.length]];
      return taskOf(`${name}-${n}`, ...new Set([first, second].filter((id) => id !== undefined)));
    });
  const idsOf = (tasks: readonly { id: string }[]) => tasks.map(({ id }) => id);
  const research = level('research', 10, []);
  const analysis = level('analysis', 7, idsOf(research));
  const writers = level('chapter', 3, idsOf(analysis));
  const answer = planOf(...research, ...analysis, ...writers);
  const writingMs = Math.ceil(answer.length / 4) * 20;
  const both = async (stream: boolean) =>
    ended(
      start(streamingModel([answer], 50), {
        ...{ stream, maxSubtasks: 20 },
        runner: workerModel({ latencyMs: 5_000 }).runner,
      }),
    );

  test('starts before 15 % of it are written, and finishes 20 % sooner than without streaming', async () => {
    const streamed = await both(true);
    const whole = await both(false);
    expect(streamed.status).toBe('completed');
    expect(whole.status).toBe('completed');
    // Both do the same tasks.
    expect(new Set(idsOf(whole.plan?.tasks ?? []))).toEqual(
      new Set(idsOf(streamed.plan?.tasks ?? [])),
    );
    expect(whole.plan?.tasks).toHaveLength(21);

    const starts = startsOf(streamed);
    expect(starts['research-0']).toBeLessThan(0.15 * writingMs);
    const makespan = ({ planning, result }: typeof whole) =>
      (planning.result?.metrics.executionTimeMs ?? 0) + (result?.metrics.executionTimeMs ?? 0);
    expect(makespan(whole)).toBeGreaterThanOrEqual(writingMs + 4 * 5_000);
    expect(makespan(streamed)).toBeLessThan(0.8 * makespan(whole));
  });
});

describe('a streamed task', () => {
  test('waits for dependencies that are written after it', async () => {
    const answer = planOf(taskOf('end', 'a', 'b'), taskOf('a'), taskOf('b', 'a'));
    const result = await ended(start(streamingModel([answer], 1_000)));
    expect(result.output).toBe('end is done');
    const order = eventsOf(result.result?.timeline, 'tasks_added').map(({ tasks }) => tasks[0]?.id);
    expect(order).toEqual(['a', 'b', 'end']);
    expect(eventsOf(result.result?.timeline, 'tasks_added')[0]?.taskId).toBe('(plan)');
  });

  test('waits for the whole answer when it needs repair', async () => {
    const odd = { task_id: 2, prompt: 'Second', depends_on: 1 };
    const answer = planOf(taskOf('1'), odd, taskOf('end', '2'));
    const result = await ended(start(streamingModel([answer], 100)));
    expect(result.status).toBe('completed');
    expect(result.planning.repairs.length).toBeGreaterThan(0);
    expect(result.plan?.tasks.map(({ id }) => id)).toEqual(['1', '2', 'end']);
    const starts = startsOf(result);
    expect(starts['2']).toBeGreaterThanOrEqual((answer.length / 4) * 10);
    expect(starts['1']).toBeLessThan((answer.length / 4) * 10);
  });

  test('is found in an answer that does not stream', async () => {
    const { runner } = streamingModel([planOf(taskOf('a'), taskOf('b', 'a'))], 1_000);
    const silent = {
      ...runner,
      run: ((request, context) =>
        runner.run(request, {
          ...context,
          signal: context.signal,
          emit: () => undefined,
        })) as typeof runner.run,
    };
    const result = await ended(start({ runner: silent, requests: [] }));
    expect(result.output).toBe('b is done');
  });

  test('beyond the limits is neither added nor silently dropped', async () => {
    const many = Array.from({ length: 5 }, (_, n) => taskOf(`t${n}`));
    const planner = streamingModel([planOf(...many), planOf(...many)], 1_000);
    const result = await ended(start(planner, { maxSubtasks: 3, repairAttempts: 1 }));
    expect(result.status).toBe('failed');
    expect(result.error?.message).toMatch(/more than the limit of 3/);
    const ids = result.result?.tasks.map(({ id, status }) => [id, status]);
    expect(ids).toEqual([
      ['(plan)', 'failed'],
      ['t0', 'completed'],
      ['t1', 'completed'],
      ['t2', 'completed'],
    ]);
    expect(result.planning.rejectedAnswers).toHaveLength(2);
  });
});

describe('an unusable streamed answer', () => {
  test('is sent back, and running tasks stay', async () => {
    const first = planOf(taskOf('a'), taskOf('b', 'nowhere'));
    const planner = streamingModel([first, planOf(taskOf('b', 'a'))], 1_000);
    const result = await ended(start(planner));
    expect(result.output).toBe('b is done');
    expect(planner.requests[1]?.prompt).toContain('"nowhere"');
    expect(planner.requests[1]?.prompt).toContain('running already');
    expect(planner.requests[1]?.prompt).toContain('they were written: "a".');
    expect(result.result?.tasks.filter(({ id }) => id === 'a')).toHaveLength(1);
    expect(result.planning.rejectedAnswers).toMatchObject([
      { problems: [{ code: 'unknown_dependency' }] },
    ]);
    expect(result.usage.inputTokens).toBe(2 * 10 + 2 * 3);
  });

  test('may be followed by the whole plan again', async () => {
    const first = planOf(taskOf('a'), taskOf('b', 'nowhere'));
    const second = planOf({ ...taskOf('a'), description: 'Another way' }, taskOf('b', 'a'));
    const result = await ended(start(streamingModel([first, second], 1_000)));
    expect(result.output).toBe('b is done');
    expect(result.plan?.tasks.map(({ description }) => description)).toEqual([
      taskOf('a').description,
      taskOf('b').description,
    ]);
  });

  test('continues after a transient error, without repeating running tasks', async () => {
    const whole = planOf(taskOf('a'), taskOf('b', 'a'));
    const planner = streamingModel([whole.slice(0, 130), whole], 1_000);
    let attempts = 0;
    const breaking: typeof planner.runner = {
      ...planner.runner,
      async run(request, context) {
        const answer = await planner.runner.run(request, context);
        if (attempts++ === 0) throw new RunnerError('connection', 'it broke');
        return answer;
      },
    };
    const options = { retry: { maxAttempts: 2, initialDelayMs: 0 } };
    const result = await ended(start({ ...planner, runner: breaking }, options));
    expect(result.output).toBe('b is done');
    expect(planner.requests[1]?.prompt).toContain('they were written: "a".');
    const started = eventsOf(result.result?.timeline, 'task_started').map(({ taskId }) => taskId);
    expect(started.toSorted()).toEqual(['(plan)', '(plan)', 'a', 'b']);
  });

  test('is ignored once its attempt is abandoned', async () => {
    const late = planOf(taskOf('a'), taskOf('ghost'), taskOf('z', 'ghost'));
    const planner = streamingModel(['', planOf(taskOf('a'), taskOf('b', 'a'))], 1_000);
    const cut = late.indexOf('},') + 1;
    let attempts = 0;
    const deaf: typeof planner.runner = {
      ...planner.runner,
      async run(request, context) {
        const isFirst = attempts++ === 0;
        const answer = await planner.runner.run(request, context);
        if (!isFirst) {
          await wait(400);
          return answer;
        }
        await context.emit(late.slice(0, cut));
        await wait(600);
        await context.emit(late.slice(cut));
        return { output: late };
      },
    };
    const options = { timeoutMs: 500, retry: { maxAttempts: 2, initialDelayMs: 0 } };
    const { runner } = workerModel();
    const result = await ended(start({ ...planner, runner: deaf }, { ...options, runner }));
    expect(result.output).toBe('b is done');
    expect(result.plan?.tasks.map(({ id }) => id)).toEqual(['a', 'b']);
    expect(result.planning.rejectedAnswers).toEqual([]);
  });

  test('with the id of the planning task is sent back', async () => {
    const first = planOf(taskOf('(plan)'), taskOf('b'));
    const result = await ended(start(streamingModel([first, planOf(taskOf('a', 'b'))], 1_000)));
    expect(result.output).toBe('a is done');
    expect(result.planning.rejectedAnswers[0]?.problems[0]?.message).toContain(
      '"(plan)" is already used',
    );
  });
});

describe('tools and fields of a streamed plan', () => {
  test('are only the allowed ones', async () => {
    const forbidden = { ...taskOf('a'), run: 'rm -rf /', metadata: { x: 1 } };
    const planner = streamingModel(
      [planOf(forbidden, taskOf('b')), planOf(taskOf('a'), taskOf('b'))],
      1_000,
    );
    const result = await ended(start(planner));
    expect(result.planning.rejectedAnswers[0]?.problems[0]?.code).toBe('forbidden_field');
    const known: (keyof Task)[] = ['id', 'description', 'dependencies', 'type'];
    for (const task of result.plan?.tasks ?? []) {
      expect(known).toEqual(expect.arrayContaining(Object.keys(task)));
    }
  });
});
