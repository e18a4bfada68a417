import { describe, expect, test } from 'vitest';
import { planOf } from '../../test/runs.js';
import { RunnerError } from '../contract/errors.js';
import type { OutputPart } from '../contract/output-part.js';
import type { TaskView } from '../contract/strategy.js';
import type { Task } from '../contract/task.js';
import { type SimulateOptions, simulate } from '../simulate.js';
import type { SimulatedRequest, SimulatedServer } from './server.js';

const inOrder = {
  name: 'in-order',
  begin() {
    const ready: TaskView[] = [];
    return { ready: (task: TaskView) => void ready.push(task), next: () => ready.shift() };
  },
};

/** Takes one request at a time, a second each; notes what it is told. */
function oneByOne() {
  const told: string[] = [];
  const queue: SimulatedRequest[] = [];
  let endsAt = Number.POSITIVE_INFINITY;
  const work = (now: number) => {
    endsAt = queue.length > 0 ? now + 1_000 : Number.POSITIVE_INFINITY;
  };
  const server: SimulatedServer = {
    get nextAt() {
      return endsAt;
    },
    start(request, now) {
      told.push(`${now}: start ${request.task.id}, attempt ${request.attempt}`);
      if (queue.push(request) === 1) work(now);
    },
    abort(request, now) {
      told.push(`${now}: abort ${request.task.id}`);
      const position = queue.indexOf(request);
      queue.splice(position, 1);
      if (position === 0) work(now);
    },
    advance(now) {
      const request = queue.shift();
      work(now);
      return request && { request, output: `${request.task.id} at ${now}` };
    },
  };
  return { server, told };
}

const part: OutputPart = { kind: 'text', text: 'word' };

const task = (id: string, more: Partial<Task> = {}): Task => ({ id, description: 'x', ...more });

function run(server: SimulatedServer, tasks: Task[], options: Partial<SimulateOptions> = {}) {
  return simulate(planOf(...tasks), { strategy: inOrder, server, ...options });
}

describe('simulate with a server', () => {
  test('ends each attempt when the server ends it', () => {
    const { server, told } = oneByOne();
    const result = run(server, [task('a'), task('b'), task('c', { dependencies: ['a'] })]);
    expect(told).toEqual([
      '0: start a, attempt 1',
      '0: start b, attempt 1',
      '1000: start c, attempt 1',
    ]);
    expect(result.outputs).toEqual({ a: 'a at 1000', b: 'b at 2000', c: 'c at 3000' });
    expect(result.metrics.executionTimeMs).toBe(3_000);
  });

  test('passes the resource of each task to the server', () => {
    const { server } = oneByOne();
    const resources: string[] = [];
    const watched: SimulatedServer = {
      get nextAt() {
        return server.nextAt;
      },
      start(request, now) {
        resources.push(request.resource);
        server.start(request, now);
      },
      abort: server.abort,
      advance: server.advance,
    };
    run(watched, [task('a'), task('b')], { resourceOf: ({ id }) => `${id}'s` });
    expect(resources).toEqual(["a's", "b's"]);
  });

  test('aborts requests at the server, which then never end', () => {
    const { server, told } = oneByOne();
    const { tasks } = run(server, [task('a'), task('b', { timeoutMs: 400 }), task('c')], {
      retry: { maxAttempts: 1 },
    });
    expect(told).toContain('400: abort b');
    expect(tasks.map(({ status, completedAt }) => [status, completedAt])).toEqual([
      ['completed', 1_000],
      ['failed', 400],
      ['completed', 2_000],
    ]);
  });

  test('accepts an answer at the exact time of the timeout', () => {
    const { server } = oneByOne();
    expect(run(server, [task('a', { timeoutMs: 1_000 })]).status).toBe('completed');
  });

  test('aborts requests in flight when the run stops', () => {
    const { server, told } = oneByOne();
    const result = run(server, [task('a'), task('b')], {
      actions: [{ atMs: 1_500, act: (running) => running.cancel('enough') }],
    });
    expect(result.status).toBe('canceled');
    expect(told.at(-1)).toBe('1500: abort b');
  });

  test('retries attempts that the server fails', () => {
    const { server, told } = oneByOne();
    let failures = 0;
    const failing: SimulatedServer = {
      get nextAt() {
        return server.nextAt;
      },
      start: server.start,
      abort: server.abort,
      advance(now) {
        const end = server.advance(now);
        if (end === undefined || ++failures > 2) return end;
        return { request: end.request, error: new RunnerError('overloaded', 'no capacity') };
      },
    };
    const result = run(failing, [task('a')], { retry: { initialDelayMs: 0 } });
    expect(result.tasks[0]).toMatchObject({ status: 'completed', attempts: 3 });
    expect(told.at(-1)).toBe('2000: start a, attempt 3');
  });

  test('does not send function tasks to the server, but calls `attempt` for them', () => {
    const { server, told } = oneByOne();
    const asked: string[] = [];
    const result = run(server, [task('a'), { id: 'f', run: () => 1 }], {
      attempt: ({ id }) => {
        asked.push(id);
        return { durationMs: 7, output: 'by hand' };
      },
    });
    expect(asked).toEqual(['f']);
    expect(told).toEqual(['0: start a, attempt 1']);
    expect(result.outputs.f).toBe('by hand');
  });

  test('throws when the server never ends an attempt', () => {
    const silent: SimulatedServer = {
      nextAt: Number.POSITIVE_INFINITY,
      start() {},
      abort() {},
      advance: () => undefined,
    };
    expect(() => run(silent, [task('a')])).toThrow(/never ends/);
    expect(() => run({ ...silent, nextAt: 5 }, [task('a')])).toThrow(/called forever/);
    expect(run(silent, [task('a')], { deadlineMs: 10 }).error?.code).toBe('deadline_exceeded');
  });

  test('throws when the server reports forever without advancing time', () => {
    const requests: SimulatedRequest[] = [];
    const babbling: SimulatedServer = {
      nextAt: 5,
      start: (request) => void requests.push(request),
      abort() {},
      advance: () => ({ request: requests[0] as SimulatedRequest, part }),
    };
    expect(() => run(babbling, [task('a')])).toThrow(/called forever/);
    let now = 0;
    const talkative: SimulatedServer = {
      ...babbling,
      get nextAt() {
        return now + 1;
      },
      advance(at) {
        now = at;
        return { request: requests[0] as SimulatedRequest, part };
      },
    };
    requests.length = 0;
    const { error, timeline } = run(talkative, [task('a')], { deadlineMs: 10 });
    expect(error?.code).toBe('deadline_exceeded');
    expect(timeline.filter(({ type }) => type === 'task_output')).toHaveLength(10);
  });

  test('logs the parts that the server reports', () => {
    const { server } = oneByOne();
    let current: SimulatedRequest | undefined;
    let reported: SimulatedRequest | undefined;
    const streaming: SimulatedServer = {
      get nextAt() {
        return reported === undefined ? server.nextAt - 300 : server.nextAt;
      },
      start(request, now) {
        reported = undefined;
        current = request;
        server.start(request, now);
      },
      abort: server.abort,
      advance(now) {
        if (reported !== undefined) return server.advance(now);
        reported = current;
        return { request: current as SimulatedRequest, part };
      },
    };
    const { timeline, outputs } = run(streaming, [task('a'), task('b', { dependencies: ['a'] })]);
    expect(timeline.filter(({ type }) => type.startsWith('task_'))).toMatchObject([
      { type: 'task_started', timestamp: 0, taskId: 'a' },
      { type: 'task_output', timestamp: 700, taskId: 'a', level: 0, attempt: 1, ...part },
      { type: 'task_completed', timestamp: 1_000, taskId: 'a' },
      { type: 'task_started', timestamp: 1_000, taskId: 'b' },
      { type: 'task_output', timestamp: 1_700, taskId: 'b', level: 1, attempt: 1, ...part },
      { type: 'task_completed', timestamp: 2_000, taskId: 'b' },
    ]);
    expect(outputs).toEqual({ a: 'a at 1000', b: 'b at 2000' });
  });

  test.each([
    ['the end', {}, /ended an attempt at "x" that is not in flight/],
    ['a part', { part }, /reported a part of an attempt at "x" that is not in flight/],
  ])('rejects %s of an attempt that is not in flight', (_, outcome, message) => {
    const request = { task: task('x'), attempt: 1, resource: 'r' };
    const wrong: SimulatedServer = {
      nextAt: 5,
      start() {},
      abort() {},
      advance: () => ({ request, ...outcome }),
    };
    const running = () => run(wrong, [task('a')]);
    expect(running).toThrow(TypeError);
    expect(running).toThrow(message);
  });

  test('rejects a part of an aborted attempt', () => {
    const { server } = oneByOne();
    let given: SimulatedRequest | undefined;
    const late: SimulatedServer = {
      get nextAt() {
        return given === undefined ? server.nextAt : 500;
      },
      start: server.start,
      abort(request, now) {
        given = request;
        server.abort(request, now);
      },
      advance: () => ({ request: given as SimulatedRequest, part }),
    };
    const tasks = [task('a', { timeoutMs: 400, retry: { maxAttempts: 1 } }), task('b')];
    expect(() => run(late, tasks)).toThrow(
      'the server reported a part of an attempt at "a" that is not in flight',
    );
  });
});
