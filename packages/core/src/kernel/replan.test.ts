import { describe, expect, test, vi } from 'vitest';
import {
  deferred,
  eventsOf,
  execute,
  inOrder,
  no,
  planOf,
  statuses,
  taskOf,
} from '../../test/runs.js';
import {
  createExecutor,
  type Replan,
  type ReplanContext,
  RunnerError,
  type Situation,
  type Task,
} from '../index.js';
import { Graph, RunState } from '../kernel.js';
import type { SimulateOptions } from '../simulate/options.js';
import { simulate } from '../simulate/simulate.js';
import { computeMetrics } from '../state/metrics.js';

const failing: Task = { id: 'a', run: no };
const after = (id: string, ...dependencies: string[]): Task => ({
  id,
  dependencies,
  run: () => id,
});

/** A planner that answers its rounds one by one, and remembers its requests. */
function plannerOf(...answers: (readonly Task[])[]) {
  const situations: Situation[] = [];
  const revise: Replan['revise'] = (situation) => {
    situations.push(situation);
    return answers.shift();
  };
  return { revise, situations };
}

describe('a plan with a failed task', () => {
  test('completes when added tasks replace the failure', async () => {
    const { revise, situations } = plannerOf([after('again'), after('end again', 'again')]);
    const plan = planOf(failing, after('end', 'a'), after('other'));
    const result = await execute(plan, { replan: { revise } });
    expect(result.status).toBe('completed');
    expect(result.error).toBeUndefined();
    expect(statuses(result)).toEqual({
      a: 'failed',
      end: 'skipped',
      other: 'completed',
      again: 'completed',
      'end again': 'completed',
    });
    expect(taskOf(result, 'a').replacedInRound).toBe(1);
    expect(taskOf(result, 'other')).not.toHaveProperty('replacedInRound');
    expect(situations).toHaveLength(1);
    expect(situations[0]).toMatchObject({
      goal: 'x',
      reason: 'tasks_failed',
      round: 1,
      completed: [{ task: { id: 'other' }, output: 'other' }],
      failed: [{ task: { id: 'a' }, error: { code: 'task_failed', taskId: 'a' } }],
      dropped: [{ task: { id: 'end' }, failedTaskId: 'a' }],
      remaining: { rounds: 2, tasks: 50 },
    });
  });

  test('logs each round as plain data', async () => {
    const { revise } = plannerOf([after('again')]);
    const { timeline, metrics } = await execute(planOf(failing, after('end', 'a')), {
      replan: { revise },
    });
    const [from] = timeline.filter(({ type }) => type === 'replan_started');
    const rest = timeline.slice(from?.sequence);
    expect(rest.map(({ type }) => type)).toEqual([
      'replan_started',
      'replan_completed',
      'tasks_added',
      'task_started',
      'task_completed',
      'run_completed',
    ]);
    expect(rest[0]).toMatchObject({
      round: 1,
      reason: 'tasks_failed',
      failedTaskIds: ['a'],
      droppedTasks: 1,
    });
    expect(rest[1]).toMatchObject({ round: 1, tasks: 1, replaces: ['a'] });
    expect(rest[1]).not.toHaveProperty('usage');
    expect(rest[2]).toMatchObject({ source: 'replan', tasks: [{ id: 'again' }] });
    expect(rest[2]).not.toHaveProperty('taskId');
    expect(JSON.parse(JSON.stringify(timeline))).toHaveLength(timeline.length);
    expect(metrics.replanRounds).toBe(1);
    expect(computeMetrics(timeline)).toEqual(metrics);
  });

  test('has its failures until the log has the tasks that replace them', async () => {
    const plan = planOf(failing);
    const { timeline } = await execute(plan, {
      replan: { revise: plannerOf([after('again')]).revise },
    });
    const state = new RunState(new Graph(plan.tasks));
    const failures = timeline.map((event) => {
      state.apply(event);
      return `${event.type} ${state.failures.size}`;
    });
    expect(failures.slice(-6)).toEqual([
      'replan_started 1',
      'replan_completed 1',
      'tasks_added 0',
      'task_started 0',
      'task_completed 0',
      'run_completed 0',
    ]);
  });

  test('fails as without re-planning when no tasks are added', async () => {
    for (const answer of [undefined, [], { tasks: [] }]) {
      const revise = vi.fn<Replan['revise']>(async () => answer);
      const result = await execute(planOf(failing), { replan: { revise } });
      expect(result.error).toMatchObject({ code: 'run_failed', cause: { taskId: 'a' } });
      expect(result.error?.message).toBe(
        'The run failed. Task "a" failed: no (the last round of re-planning added no tasks)',
      );
      expect(revise).toHaveBeenCalledTimes(1);
      expect(eventsOf(result, 'tasks_added')).toEqual([]);
      expect(eventsOf(result, 'replan_completed')).toMatchObject([{ tasks: 0, replaces: [] }]);
    }
  });

  test('is revised until the rounds are used up', async () => {
    const revise: Replan['revise'] = ({ round }) => [{ id: `try ${round}`, run: no }];
    const result = await execute(planOf(failing), { replan: { revise, maxRounds: 2 } });
    expect(statuses(result)).toEqual({ a: 'failed', 'try 1': 'failed', 'try 2': 'failed' });
    expect(result.status).toBe('failed');
    expect(result.error?.message).toBe(
      'The run failed. Task "try 2" failed: no (re-planning is limited to 2 rounds)',
    );
    expect(result.metrics.replanRounds).toBe(2);
    expect(eventsOf(result, 'replan_started').map((each) => each.failedTaskIds)).toEqual([
      ['a'],
      ['try 1'],
    ]);
  });

  test('gets three rounds and fifty tasks by default', async () => {
    const revise = vi.fn<Replan['revise']>(({ round }) => [{ id: `try ${round}`, run: no }]);
    await execute(planOf(failing), { replan: { revise } });
    expect(revise.mock.calls.map(([{ remaining }]) => remaining)).toEqual([
      { rounds: 2, tasks: 50 },
      { rounds: 1, tasks: 49 },
      { rounds: 0, tasks: 48 },
    ]);
  });

  test('does not complete while a failure is not replaced', async () => {
    const revise: Replan['revise'] = ({ round }) =>
      round === 1 ? { tasks: [after('for a')], replaces: ['a'] } : undefined;
    const result = await execute(planOf(failing, { id: 'b', run: no }), { replan: { revise } });
    expect(result.error).toMatchObject({ code: 'run_failed', cause: { taskId: 'b' } });
    expect(taskOf(result, 'a').replacedInRound).toBe(1);
    expect(taskOf(result, 'b')).not.toHaveProperty('replacedInRound');
    expect(eventsOf(result, 'replan_started').map((each) => each.failedTaskIds)).toEqual([
      ['a', 'b'],
      ['b'],
    ]);
  });

  test('does not complete when another task is skipped later because of it', async () => {
    const { revise } = plannerOf([{ id: 'more', run: () => run.addTasks([after('late', 'a')]) }]);
    const run = execute(planOf(failing), { replan: { revise, maxRounds: 1 } });
    const result = await run;
    expect(statuses(result)).toEqual({ a: 'failed', more: 'completed', late: 'skipped' });
    expect(result.error).toMatchObject({ code: 'run_failed', cause: { taskId: 'a' } });
    expect(taskOf(result, 'a')).not.toHaveProperty('replacedInRound');
  });

  test('passes groups and fan-outs to the planner as wholes', async () => {
    const { revise, situations } = plannerOf();
    const plan = planOf(
      { id: 'group', subtasks: [failing, after('b', 'a'), after('c')] },
      after('after group', 'group'),
      { id: 'list', run: () => [1, 2] },
      {
        id: 'each',
        dependencies: ['list'],
        forEach: { items: 'list', minSuccess: 1 },
        run: ({ item }) => (item === 1 ? no() : item),
      },
    );
    await execute(plan, { replan: { revise } });
    const [{ completed, failed, dropped } = { completed: [], failed: [], dropped: [] }] =
      situations;
    expect(failed.map(({ task }) => task.id)).toEqual(['a']);
    expect(dropped.map(({ task, failedTaskId }) => [task.id, failedTaskId])).toEqual([
      ['group', 'a'],
      ['b', 'a'],
      ['after group', 'a'],
    ]);
    expect(completed.map(({ task }) => task.id)).toEqual(['c', 'list', 'each']);
  });

  test('does not pass a replaced group to the planner again', async () => {
    const { revise, situations } = plannerOf();
    const answers: Replan['revise'][] = [
      () => ({ tasks: [after('c')], replaces: ['group'] }),
      (situation) => {
        void revise(situation, {} as ReplanContext);
        return undefined;
      },
    ];
    const group: Task = {
      id: 'group',
      dependencies: ['later'],
      when: no,
      subtasks: [after('in', 'a'), after('there')],
    };
    await execute(planOf(failing, after('later'), group), {
      replan: { revise: (...given) => answers.shift()?.(...given) },
    });
    const [{ failed, dropped } = { failed: [], dropped: [] }] = situations;
    expect(failed.map(({ task }) => task.id)).toEqual(['a']);
    expect(dropped.map(({ task }) => task.id)).toEqual(['in']);
  });

  test('is not revised after a stop at the first failure', async () => {
    const { revise, situations } = plannerOf([after('again')]);
    const result = await execute(planOf(failing, after('b')), {
      failFast: true,
      replan: { revise },
    });
    expect(result.error?.message).toBe('The run failed. Task "a" failed: no');
    expect(situations).toEqual([]);
  });
});

describe('a plan whose goal is not achieved', () => {
  const goalState = {
    criteria: [{ count: 'outputs.*.papers', operator: '>=', value: 3 }],
  } as const;
  const papers = (id: string, count: number): Task => ({
    id,
    run: () => ({ papers: Array.from({ length: count }) }),
  });

  test('continues with added tasks until it is achieved', async () => {
    const { revise, situations } = plannerOf([papers('second', 1)], [papers('third', 1)]);
    const plan = { ...planOf(papers('first', 1)), goalState };
    const result = await execute(plan, { replan: { revise } });
    expect(result.status).toBe('completed');
    expect(result.goalProgress).toMatchObject({ achieved: true });
    expect(situations.map(({ reason, goalProgress }) => [reason, goalProgress?.criteria])).toEqual([
      ['goal_not_achieved', [expect.objectContaining({ met: false, actual: 1 })]],
      ['goal_not_achieved', [expect.objectContaining({ met: false, actual: 2 })]],
    ]);
    expect(situations[0]).toMatchObject({ failed: [], dropped: [] });
  });

  test('fails with the reason if it is not achieved in the end', async () => {
    const { revise } = plannerOf([papers('second', 1)]);
    const plan = { ...planOf(papers('first', 1)), goalState };
    const result = await execute(plan, { replan: { revise, maxRounds: 1 } });
    expect(result.error?.code).toBe('goal_not_achieved');
    expect(result.error?.message).toMatch(/it is 2\) \(re-planning is limited to 1 round\)$/);
  });

  test('is not revised when it achieves its goal despite a failure', async () => {
    const { revise, situations } = plannerOf([after('again')]);
    const plan = { ...planOf({ id: 'a', run: no }, papers('all', 3)), goalState };
    expect((await execute(plan, { replan: { revise } })).status).toBe('completed');
    expect(situations).toEqual([]);
  });
});

describe('an invalid revision', () => {
  /** The result of a run whose only round is answered like this, and what `check` says of it. */
  async function answeredWith(answer: unknown, replan: Partial<Replan> = {}) {
    let problems: ReturnType<ReplanContext['check']> = [];
    const result = await createExecutor({ strategy: inOrder }).execute(
      planOf(failing, after('b', 'a'), after('c')),
      {
        replan: {
          revise(_, { check }) {
            problems = check(answer as Task[]);
            return answer as Task[];
          },
          ...replan,
        },
      },
    );
    return { result, problems };
  }

  test.each<[string, unknown, string]>([
    ['that needs what failed', [after('d', 'c', 'a')], '"a" failed; depend on completed tasks'],
    [
      'that needs what was skipped',
      [after('d', 'b')],
      '"b" was skipped; depend on completed tasks',
    ],
    ['inside a group', [{ id: 'g', subtasks: [after('d', 'a')] }], '"a" failed; depend on'],
    ['with an id that is taken', [after('c')], 'the id "c" is already used'],
    ['that needs what is not there', [after('d', 'e')], 'there is no task "e"'],
    ['with a cycle', [after('d', 'e'), after('e', 'd')], 'd → e → d'],
    ['of too many tasks', [after('d'), after('e'), after('f')], 'there are 3 tasks'],
    [
      'that makes up for nothing',
      { tasks: [after('d')], replaces: ['c'] },
      'not one of the failed',
    ],
    ['for a runner that there is not', [{ id: 'd', description: 'x' }], 'needs a runner'],
    [
      'with a tool for a function',
      [{ ...after('d'), tools: ['t'] }],
      'has no effect on a task with a run function',
    ],
    ['of no tasks at all', 'a text', 'revise() must return tasks'],
    ['with a broken list', { tasks: [], replaces: 'a' }, 'revise() returned replaces'],
    ['with a broken usage', { tasks: [], usage: { inputTokens: 1 } }, 'revise() returned a usage'],
    ['with a broken cost', { tasks: [], costUsd: Number.NaN }, 'revise() returned a costUsd'],
    ['with a negative cost', { tasks: [], costUsd: -1 }, 'revise() returned a costUsd'],
    [
      'with a field that there is not',
      { tasks: [after('d')], replace: [] },
      'unknown field "replace". Did you mean "replaces"?',
    ],
  ])('%s ends the plan and is in the log', async (_, answer, message) => {
    const { result, problems } = await answeredWith(answer, { maxTasks: 2 });
    expect(problems.map((each) => each.message).join()).toContain(message);
    expect(result.error).toMatchObject({ code: 'run_failed', cause: { taskId: 'a' } });
    expect(result.error?.message).toContain(message);
    const [failure] = eventsOf(result, 'replan_failed');
    expect(failure).toMatchObject({ round: 1, error: { code: 'replan_failed', round: 1 } });
    expect(failure?.error.message).toContain(message);
    expect(result.tasks).toHaveLength(3);
  });

  test.each<[string, object]>([
    ['tasks that cannot be added', { tasks: [after('c')] }],
    ['a list that is none', { tasks: [], replaces: 'a' }],
  ])('is paid for all the same: %s', async (_, answer) => {
    const usage = { inputTokens: 30, outputTokens: 10 };
    const { result } = await answeredWith({ ...answer, usage, costUsd: 2 });
    expect(result.metrics).toMatchObject({ usage, costUsd: 2, replanRounds: 1 });
    expect(eventsOf(result, 'replan_failed')[0]?.error).toMatchObject({ usage, costUsd: 2 });
  });

  test('can be corrected before it is returned', async () => {
    const revise: Replan['revise'] = (_, { check }) => {
      const wrong = [after('d', 'a')];
      expect(check(wrong)).toMatchObject([
        { code: 'failed_dependency', path: ['tasks', 0, 'dependencies', 0] },
      ]);
      const right = [after('d', 'c')];
      expect(check(right)).toEqual([]);
      return right;
    };
    const result = await execute(planOf(failing, after('c')), { replan: { revise } });
    expect(result.status).toBe('completed');
  });

  test('may be an error of the planner, with its cost', async () => {
    const usage = { inputTokens: 30, outputTokens: 10 };
    for (const revise of [
      () => {
        throw new RunnerError('overloaded', 'too busy', { usage, model: 'm' });
      },
      async () => {
        throw new RunnerError('overloaded', 'too busy', { usage, model: 'm' });
      },
    ]) {
      const prices = { m: { inputPerMillion: 1e6, outputPerMillion: 0 } };
      const result = await execute(planOf(failing), { replan: { revise }, prices });
      expect(result.error?.message).toBe(
        'The run failed. Task "a" failed: no (Re-planning failed in round 1: too busy)',
      );
      expect(result.metrics).toMatchObject({ usage, costUsd: 30, replanRounds: 1 });
      expect(eventsOf(result, 'replan_failed')).toMatchObject([
        { error: { cause: { code: 'overloaded' }, usage, costUsd: 30 } },
      ]);
      expect(computeMetrics(result.timeline)).toEqual(result.metrics);
    }
  });

  test('does not collide with tasks that were added during the round', async () => {
    const asked = deferred();
    const answer = deferred<readonly Task[]>();
    const revise = () => {
      asked.resolve();
      return answer.promise;
    };
    const run = execute(planOf(failing), { replan: { revise } });
    await asked.promise;
    run.addTasks([after('b')]);
    answer.resolve([after('b')]);
    const result = await run;
    expect(eventsOf(result, 'replan_failed')[0]?.error.message).toContain('"b" is already used');
    expect(statuses(result)).toEqual({ a: 'failed', b: 'completed' });
  });
});

describe('the cost of a round', () => {
  const usage = { inputTokens: 30, outputTokens: 10 };

  test('is in the metrics, at the prices of the user', async () => {
    const revision = { tasks: [after('b')], usage, costUsd: 7, model: 'm', requestId: 'r' };
    const prices = { m: { inputPerMillion: 1e6, outputPerMillion: 0 } };
    const result = await execute(planOf(failing), { replan: { revise: () => revision }, prices });
    expect(result.metrics).toMatchObject({ usage, costUsd: 30 });
    expect(eventsOf(result, 'replan_completed')).toMatchObject([
      { usage, costUsd: 30, model: 'm', requestId: 'r' },
    ]);
  });

  const tokens = (limit: number): Partial<SimulateOptions> => ({ budget: { tokens: limit } });
  const revisedIn = (options: Partial<SimulateOptions>) =>
    simulate(planOf({ id: 'a', description: 'a' }), {
      strategy: inOrder,
      retry: { maxAttempts: 1 },
      attempt: () => ({ durationMs: 10, error: new RunnerError('refused', 'no', { usage }) }),
      replan: {
        revise: ({ round }) => ({
          durationMs: 5,
          tasks: [{ id: `b${round}`, description: 'b' }],
          usage,
        }),
      },
      ...options,
    });

  test('counts against the budget', () => {
    const result = revisedIn(tokens(100));
    expect(result.error?.message).toContain('before task "b1": its budget of 100 for tokens');
    expect(result.metrics.usage.inputTokens).toBe(60);
  });

  test.each([
    [{ tokens: 79 }, 'its budget of 79 for tokens'],
    [{ tokens: 40 }, 'its budget of 40 for tokens'],
    [{ tasks: 1 }, 'its budget of 1 for tasks'],
    [{ wallTimeMs: 10 }, 'its budget of 10 for wallTimeMs'],
    [{ costUsd: 1 }, 'its budget of 1 for costUsd'],
  ])('is not spent when the budget is %j', (budget, why) => {
    const result = revisedIn({ budget });
    expect(result.metrics.replanRounds).toBe(0);
    expect(result.error?.code).toBe('run_failed');
    expect(result.error?.message).toContain(`${why} leaves no room for re-planning`);
  });

  test('is reserved while other tasks could start', () => {
    const result = revisedIn({
      ...tokens(120),
      actions: [
        { atMs: 12, act: (run) => run.addTasks([{ id: 'c', description: 'c' }]) },
        { atMs: 13, act: (run) => run.addTasks([{ id: 'd', description: 'd' }]) },
      ],
    });
    // 40 are used, 40 are reserved for the round and 40 for c: d waits for the round.
    const starts = eventsOf(result, 'task_started').map(({ taskId, timestamp }) => [
      taskId,
      timestamp,
    ]);
    expect(starts).toEqual([
      ['a', 0],
      ['c', 12],
    ]);
    expect(result.error?.code).toBe('budget_exceeded');
  });

  test('is known to the planner before it answers', () => {
    const situations: Situation[] = [];
    revisedIn({
      budget: { tokens: 1_000, tasks: 5, wallTimeMs: 100 },
      deadlineMs: 70,
      replan: {
        maxTasks: 9,
        revise(situation) {
          situations.push(situation);
          return { durationMs: 1 };
        },
      },
    });
    expect(situations[0]?.remaining).toEqual({ rounds: 2, tasks: 4, tokens: 960, timeMs: 60 });
  });
});

describe('a round in flight', () => {
  /** A run whose planner has been asked and does not answer by itself. */
  async function asked(plan = planOf(failing), options: { deadlineMs?: number } = {}) {
    const begun = deferred<ReplanContext>();
    const answer = deferred<readonly Task[]>();
    const revise: Replan['revise'] = (_, context) => {
      begun.resolve(context);
      return answer.promise;
    };
    const run = execute(plan, { ...options, replan: { revise } });
    return { run, context: await begun.promise, answer };
  }

  test('is aborted when the run is canceled, and a late answer is ignored', async () => {
    const { run, context, answer } = await asked();
    expect(context.signal.aborted).toBe(false);
    run.cancel('enough');
    const result = await run;
    expect(result.status).toBe('canceled');
    expect(context.signal.reason).toMatchObject({ code: 'run_canceled' });
    expect(result.timeline.slice(-2).map(({ type }) => type)).toEqual([
      'replan_failed',
      'run_canceled',
    ]);
    answer.resolve([after('b')]);
    await answer.promise;
    expect(result.tasks).toHaveLength(1);
  });

  test('is aborted at the deadline of the run, which it knows', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
    try {
      const { run, context } = await asked(planOf(failing), { deadlineMs: 50 });
      expect(context.remainingMs).toBe(50);
      await vi.advanceTimersByTimeAsync(50);
      const result = await run;
      expect(result.error?.code).toBe('deadline_exceeded');
      expect(context.signal.reason).toMatchObject({ code: 'deadline_exceeded' });
      expect(eventsOf(result, 'replan_failed')).toMatchObject([
        { error: { cause: { code: 'deadline_exceeded' } } },
      ]);
    } finally {
      vi.useRealTimers();
    }
  });

  test('continues during a pause, and its tasks wait until the run is resumed', async () => {
    const { run, answer } = await asked();
    run.pause();
    answer.resolve([after('b')]);
    await answer.promise;
    await new Promise(setImmediate);
    run.resume();
    const result = await run;
    const types = result.timeline.map(({ type }) => type);
    expect(types.slice(types.indexOf('replan_started'))).toEqual([
      'replan_started',
      'run_paused',
      'replan_completed',
      'tasks_added',
      'run_unpaused',
      'task_started',
      'task_completed',
      'run_completed',
    ]);
  });

  test('does not start during a pause', () => {
    const result = simulate(planOf({ id: 'a', description: 'a' }), {
      strategy: inOrder,
      attempt: ({ id }) => ({ durationMs: 10, ...(id === 'a' && { error: 'no' }) }),
      replan: { revise: () => ({ durationMs: 0, tasks: [{ id: 'b', description: 'b' }] }) },
      actions: [
        { atMs: 5, act: (run) => run.pause() },
        { atMs: 30, act: (run) => run.resume() },
      ],
    });
    expect(eventsOf(result, 'replan_started')).toMatchObject([{ timestamp: 30 }]);
    expect(result.status).toBe('completed');
  });

  test('does not keep the run from ending when the goal is achieved', async () => {
    const goalState = { criteria: [{ count: 'outputs.*', operator: '>=', value: 2 }] } as const;
    const { run, context } = await asked({ ...planOf(after('a')), goalState });
    const { signal } = context;
    run.addTasks([after('b')]);
    const result = await run;
    expect(result.status).toBe('completed');
    expect(signal.aborted).toBe(true);
    expect(eventsOf(result, 'replan_failed')).toHaveLength(1);
  });
});

describe('the option replan', () => {
  test.each<[unknown, RegExp]>([
    [{ rounds: 3 }, /execute\(\): replan has no option "rounds"/],
    [{}, /execute\(\): replan needs a function revise\(\)/],
    [{ revise: no, maxRounds: 0 }, /replan: maxRounds must be an integer ≥ 1/],
    [{ revise: no, maxTasks: 1.5 }, /replan: maxTasks must be an integer ≥ 1/],
  ])('is refused when it is %j', (replan, message) => {
    const executor = createExecutor({ strategy: inOrder });
    expect(() => executor.execute(planOf(failing), { replan: replan as Replan })).toThrow(message);
    const options = { strategy: inOrder, replan } as unknown as SimulateOptions;
    expect(() => simulate(planOf(failing), options)).toThrow(
      new RegExp(message.source.replace('execute', 'simulate')),
    );
  });

  test('may be set on the executor, or be a class instance', async () => {
    class Planner implements Replan {
      readonly maxRounds = 1;
      readonly #tasks = [after('b')];
      revise = () => this.#tasks;
    }
    const executor = createExecutor({ strategy: inOrder, replan: new Planner() });
    expect((await executor.execute(planOf(failing))).status).toBe('completed');
  });
});
