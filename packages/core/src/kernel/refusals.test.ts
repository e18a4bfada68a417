import { describe, expect, test } from 'vitest';
import { recorded } from '../../test/recorded.js';
import { eventsOf, inOrder, planOf } from '../../test/runs.js';
import { RunnerError } from '../contract/errors.js';
import type { RunEvent } from '../contract/event.js';
import type { RetryPolicy } from '../contract/retry.js';
import type { Task } from '../contract/task.js';
import type { SimulatedRequest, SimulatedServer } from '../simulate/server.js';
import { resumeSimulation } from '../simulate/simulate.js';
import { type SimulateOptions, simulate } from '../simulate.js';
import { validatePlan } from '../validate/plan.js';
import { Cooldowns } from './cooldowns.js';

interface Ending {
  readonly request: SimulatedRequest;
  readonly at: number;
  readonly retryAfterMs?: number;
}

/** Takes one request every so often, and refuses the others at once, with the time until the next. */
function limitedServer(everyMs: number, latencyMs: number) {
  const endings: Ending[] = [];
  let free = 0;
  let refusals = 0;
  const server: SimulatedServer = {
    get nextAt() {
      return endings[0]?.at ?? Number.POSITIVE_INFINITY;
    },
    start(request, now) {
      if (now < free) {
        refusals++;
        endings.push({ request, at: now + 1, retryAfterMs: free - now - 1 || 1 });
      } else {
        free = now + everyMs;
        endings.push({ request, at: now + latencyMs });
      }
      endings.sort((a, b) => a.at - b.at);
    },
    abort() {},
    advance() {
      const ending = endings.shift();
      if (ending === undefined) return undefined;
      const { request, retryAfterMs } = ending;
      if (retryAfterMs === undefined) return { request, output: request.task.id };
      return { request, error: new RunnerError('rate_limited', 'too many', { retryAfterMs }) };
    },
  };
  return { server, refusals: () => refusals };
}

const asked = (id: string, more: Partial<Task> = {}): Task => ({ id, description: 'x', ...more });

function refusing(times: number, retryAfterMs: number | undefined) {
  return (_: Task, attempt: number) => ({
    durationMs: 1,
    ...(attempt <= times && { error: new RunnerError('overloaded', 'busy', { retryAfterMs }) }),
  });
}

function play(task: Partial<Task>, options: Partial<SimulateOptions> = {}) {
  return simulate(planOf(asked('a', task)), { strategy: inOrder, ...options });
}

describe('a refusal with a time to come back', () => {
  test('uses up no attempt: 30 tasks and their 18 dependents complete on a slow server', () => {
    const first = Array.from({ length: 30 }, (_, n) => asked(`${n}`));
    const then = Array.from({ length: 18 }, (_, n) => asked(`d${n}`, { dependencies: [`${n}`] }));
    const { server, refusals } = limitedServer(400, 2_000);
    const plan = planOf(...first, ...then);
    const result = simulate(plan, { strategy: inOrder, server, maxParallel: 12 });
    expect(result.status).toBe('completed');
    // Some task was refused more often than it has attempts.
    expect(refusals()).toBeGreaterThan(3);
    // The server could not have done it in less than 20.8 s.
    expect(result.metrics.executionTimeMs).toBeLessThan(25_000);
  });

  test('still has a number of its own in the log', () => {
    const { tasks, timeline } = play({}, { attempt: refusing(7, 100) });
    expect(tasks[0]).toMatchObject({ status: 'completed', attempts: 8 });
    expect(eventsOf({ timeline }, 'task_started').map(({ attempt }) => attempt)).toEqual([
      1, 2, 3, 4, 5, 6, 7, 8,
    ]);
  });

  test('leaves the attempts for other errors', () => {
    const attempt = (_: Task, attempt: number) => {
      const code = attempt % 2 === 1 ? 'rate_limited' : 'connection';
      return { durationMs: 1, error: new RunnerError(code, 'no', { retryAfterMs: 5 }) };
    };
    // Three broken connections, with a refusal before each.
    expect(play({}, { attempt }).tasks[0]).toMatchObject({ status: 'failed', attempts: 6 });
  });

  test.each<[string, RetryPolicy, number, number | undefined]>([
    ['is not repeated with maxAttempts 1', { maxAttempts: 1 }, 100, 1],
    ['is not repeated where the policy leaves it out', { on: ['connection'] }, 100, 1],
    ['is not repeated when it asks for more than maxRetryAfterMs', { maxRetryAfterMs: 99 }, 100, 1],
    ['is repeated up to maxRetryAfterMs', { maxRetryAfterMs: 100 }, 100, 6],
  ])('%s', (_, retry, retryAfterMs, attempts) => {
    const [task] = play({ retry }, { attempt: refusing(5, retryAfterMs) }).tasks;
    expect(task).toMatchObject({ attempts, status: attempts === 6 ? 'completed' : 'failed' });
  });

  test('is repeated until the deadline', () => {
    const result = play({}, { attempt: refusing(1_000, 100), deadlineMs: 5_000 });
    expect(result.status).toBe('failed');
    expect(result.tasks[0]?.attempts).toBeGreaterThan(3);
    expect(result.metrics.executionTimeMs).toBeLessThan(5_000);
  });

  test('is not repeated for ever', () => {
    const [task] = play({}, { attempt: refusing(1e9, 100) }).tasks;
    expect(task).toMatchObject({ status: 'failed', attempts: 1_001 });
  });

  test.each([undefined, 0])('that names no time (%s) uses up an attempt', (retryAfterMs) => {
    const [task] = play({}, { attempt: refusing(9, retryAfterMs) }).tasks;
    expect(task).toMatchObject({ status: 'failed', attempts: 3 });
  });

  test.each([
    ['ten minutes without a deadline', {}, 600_000, 600_001],
    ['the time until the deadline', { deadlineMs: 3_600_000 }, 3_500_000, 3_600_000],
    ['what the policy says', { retry: { maxRetryAfterMs: 900_000 } }, 900_000, 900_001],
  ])('is repeated after at most %s', (_, options, allowed, tooLong) => {
    expect(play({}, { attempt: refusing(1, allowed), ...options }).status).toBe('completed');
    const { tasks, metrics } = play({}, { attempt: refusing(1, tooLong), ...options });
    expect(tasks[0]?.error?.code).toBe('overloaded');
    expect(metrics.executionTimeMs).toBe(1);
  });

  test('for longer lets other tasks fail as fast', () => {
    const plan = planOf(asked('a'), asked('b'), asked('c'));
    const options = { attempt: refusing(1, 3_600_000), maxParallel: 1, failFast: false };
    const result = simulate(plan, { strategy: inOrder, ...options });
    expect(result.tasks.map(({ error }) => error?.code)).toEqual(Array(3).fill('overloaded'));
    expect(result.metrics.executionTimeMs).toBe(3);
    expect(eventsOf(result, 'resource_paused')).toEqual([]);
  });

  test('maxRetryAfterMs is checked, in code and in plan files', () => {
    const plan = planOf(asked('a', { retry: { maxRetryAfterMs: -1 } }));
    expect(validatePlan(plan)).toMatchObject([
      { path: ['tasks', 0, 'retry', 'maxRetryAfterMs'], code: 'invalid_value' },
    ]);
  });
});

describe('after a pause', () => {
  function paused(): Cooldowns {
    const cooldowns = new Cooldowns();
    cooldowns.begin('a', 10, 10);
    for (const index of [1, 2, 3, 4, 5, 6]) cooldowns.park(index, 'a');
    expect(cooldowns.unpark(cooldowns)).toBeUndefined();
    cooldowns.expire(10);
    return cooldowns;
  }
  const next = (cooldowns: Cooldowns, now: number) => {
    const index = cooldowns.unpark(cooldowns);
    if (index !== undefined) cooldowns.started('a', index, now);
    return index;
  };
  const start = (cooldowns: Cooldowns, now: number) => {
    const started: number[] = [];
    for (let index = next(cooldowns, now); index !== undefined; index = next(cooldowns, now)) {
      started.push(index);
    }
    return started;
  };

  test('one task starts, and each answer lets one more be in flight', () => {
    const cooldowns = paused();
    expect(start(cooldowns, 10)).toEqual([1]);
    cooldowns.settled('a', 1, false, 15);
    expect(start(cooldowns, 15)).toEqual([2]);
    cooldowns.settled('a', 2, true, 16);
    expect(start(cooldowns, 16)).toEqual([3, 4]);
    cooldowns.settled('a', 3, true, 17);
    expect(start(cooldowns, 17)).toEqual([5, 6]);
    expect(cooldowns.has('a')).toBe(true);
  });

  test('one more starts after each wait as long as the server asked for', () => {
    const cooldowns = paused();
    expect(start(cooldowns, 10)).toEqual([1]);
    expect(cooldowns.next).toBe(20);
    cooldowns.expire(19);
    expect(start(cooldowns, 19)).toEqual([]);
    cooldowns.expire(20);
    expect(start(cooldowns, 20)).toEqual([2]);
    cooldowns.expire(30);
    expect(start(cooldowns, 30)).toEqual([3]);
    expect(cooldowns.next).toBe(40);
  });

  test('an answer to an attempt from before the pause counts only after it', () => {
    const cooldowns = new Cooldowns();
    cooldowns.begin('a', 10, 10);
    cooldowns.settled('a', 7, true, 9);
    for (const index of [1, 2]) cooldowns.park(index, 'a');
    cooldowns.expire(10);
    expect(start(cooldowns, 10)).toEqual([1]);
    cooldowns.settled('a', 8, true, 11);
    expect(start(cooldowns, 11)).toEqual([2]);
  });

  test('a refused attempt begins the next pause, after which one starts again', () => {
    const cooldowns = paused();
    expect(start(cooldowns, 10)).toEqual([1]);
    cooldowns.settled('a', 1, true, 15);
    expect(start(cooldowns, 15)).toEqual([2, 3]);
    cooldowns.settled('a', 2, false, 16);
    cooldowns.begin('a', 30, 14);
    cooldowns.expire(25);
    expect(start(cooldowns, 25)).toEqual([]);
    cooldowns.settled('a', 3, true, 26);
    cooldowns.expire(30);
    expect(start(cooldowns, 30)).toEqual([4]);
  });

  test('a flood is refused about once for each task, not with every answer', () => {
    const { server, refusals } = limitedServer(200, 1_000);
    const tasks = Array.from({ length: 200 }, (_, n) => asked(`${n}`));
    const result = simulate(planOf(...tasks), { strategy: inOrder, server, maxParallel: 128 });
    expect(result.status).toBe('completed');
    // The first 127 met a server of which nothing was known.
    expect(refusals() - 127).toBeLessThan(2 * tasks.length);
    // The server could not have done it in less than 40.8 s.
    expect(result.metrics.executionTimeMs).toBeLessThan(46_000);
  });
});

test('a resumed run tries a server that asked to wait with as few attempts as before its crash', () => {
  const plan = planOf(...Array.from({ length: 6 }, (_, n) => asked(`${n}`)));
  const options: SimulateOptions = {
    strategy: inOrder,
    maxParallel: 6,
    attempt: (_, attempt) => ({
      durationMs: attempt === 1 ? 1 : 1_000,
      ...(attempt === 1 && {
        error: new RunnerError('rate_limited', 'too many', { retryAfterMs: 100 }),
      }),
    }),
  };
  const { timeline } = simulate(plan, options);
  const second = timeline.findIndex(
    (event) => event.type === 'task_started' && event.attempt === 2,
  );
  const log = recorded(plan, timeline.slice(0, second + 1));
  const resumed = resumeSimulation(plan, options, log);
  const starts = (events: readonly RunEvent[]) =>
    events.flatMap((event) =>
      event.type === 'task_started' && event.attempt === 2 ? event.timestamp : [],
    );
  expect(starts(resumed.timeline)).toEqual(starts(timeline));
});
