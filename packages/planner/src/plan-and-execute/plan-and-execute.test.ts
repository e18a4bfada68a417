import {
  OptionError,
  type Plan,
  type PlanResult,
  type RunEvent,
  RunnerError,
  StratagemError,
} from '@stratagem/core';
import { parallel } from '@stratagem/parallel';
import { describe, expect, expectTypeOf, test, vi } from 'vitest';
import { eventsOf, planningModel, workerModel } from '../../test/models.js';
import { DecompositionError } from '../ask/decomposition-error.js';
import type { PlanAndExecuteOptions } from './options.js';
import { planAndExecute } from './plan-and-execute.js';

const strategy = parallel();
const GOAL = 'Research the market, then compare the vendors and write a report';
const taskOf = (id: string, ...dependencies: string[]) => ({
  id,
  description: `Do ${id}`,
  type: 'action',
  dependencies,
});
const planOf = (...tasks: object[]) => JSON.stringify({ tasks });
const chain = planOf(taskOf('a'), taskOf('b', 'a'));

function start(answers: readonly unknown[], options: Partial<PlanAndExecuteOptions> = {}) {
  const { runner: planner, requests } = planningModel(...answers);
  const tasks = workerModel();
  const handle = planAndExecute(GOAL, {
    ...{ strategy, runner: tasks.runner, planner, complexity: 'complex' },
    ...{ retry: { maxAttempts: 1 } },
    ...options,
  });
  return { handle, planned: requests, worked: tasks.requests };
}

describe('a goal', () => {
  test('has one final output and the total cost', async () => {
    const { handle, worked } = start([chain]);
    const result = await handle;
    expect(result).toMatchObject({
      status: 'completed',
      goal: GOAL,
      output: 'b is done',
      usage: { inputTokens: 10 + 2 * 3, outputTokens: 5 + 2 * 2 },
      costUsd: 1 + 2 * 0.5,
      replanRounds: 0,
      planning: { repairs: [], rejectedAnswers: [] },
      plan: { goal: GOAL, tasks: [{ id: 'a' }, { id: 'b' }] },
    });
    expect(result.error).toBeUndefined();
    expect(result.result?.outputs).toEqual({ a: 'a is done', b: 'b is done' });
    expect(result.planning.result?.status).toBe('completed');
    expect(worked.map(({ taskId }) => taskId)).toEqual(['a', 'b']);
  });

  test('whose plan ends in several tasks gets one more, which combines them', async () => {
    const { handle, worked } = start([planOf(taskOf('a'), taskOf('b'), taskOf('c', 'a'))]);
    const { output, plan } = await handle;
    expect(output).toBe('result is done');
    expect(plan?.tasks.at(-1)).toMatchObject({ id: 'result', dependencies: ['b', 'c'] });
    const { prompt } = worked.at(-1) ?? {};
    expect(prompt).toContain(GOAL);
    expect(prompt).toContain('b is done');
    expect(prompt).toContain('c is done');
  });

  test('that is simple becomes one task without planning', async () => {
    for (const stream of [false, true]) {
      const { handle, planned } = start([], { complexity: 'simple', stream });
      expect(await handle).toMatchObject({ output: 'answer is done', planning: { repairs: [] } });
      expect(planned).toEqual([]);
    }
  });

  test('is planned by the runner of the tasks by default', async () => {
    const { runner } = planningModel(chain, 'one', 'two');
    const result = await planAndExecute(GOAL, { strategy, runner, complexity: 'complex' });
    expect(result.output).toBe('two');
  });

  test('has an output when it is completed, and otherwise an error', async () => {
    const result = await start([chain]).handle;
    if (result.status === 'completed') {
      expectTypeOf(result.plan).toEqualTypeOf<Plan>();
      expectTypeOf(result.result).toEqualTypeOf<PlanResult>();
      expectTypeOf(result.error).toEqualTypeOf<undefined>();
    } else {
      expectTypeOf(result.error).toEqualTypeOf<StratagemError>();
      expectTypeOf(result.output).toEqualTypeOf<undefined>();
    }
    expect(Object.keys(result)).toContain('output');
  });

  test('without an output is an error for programs that ask for one', async () => {
    const { handle } = start([chain]);
    expectTypeOf((await handle.orThrow()).output).toEqualTypeOf<unknown>();
    const failing = {
      name: 'failing',
      run: async () => {
        throw new RunnerError('missing_api_key', 'set X_API_KEY');
      },
    };
    const failed = start([chain], { runner: failing }).handle;
    await expect(failed.orThrow()).rejects.toMatchObject({
      name: 'RunError',
      code: 'missing_api_key',
      taskId: 'a',
      message: expect.stringContaining('set X_API_KEY'),
      result: await failed,
    });
    const unplanned = start([], { planner: failing }).handle;
    await expect(unplanned.orThrow()).rejects.toMatchObject({
      code: 'missing_api_key',
      message: expect.stringContaining('set X_API_KEY'),
      cause: expect.any(DecompositionError),
    });
  });

  test('has a result even when its cost is unknown', async () => {
    const { runner } = workerModel();
    const unpriced = {
      ...runner,
      run: async () => ({ output: 1, usage: { inputTokens: 1, outputTokens: 1 } }),
    };
    const { handle } = start([chain], { runner: unpriced });
    expect(await handle).toMatchObject({ costUsd: null, usage: { inputTokens: 12 } });
  });
});

describe('the events', () => {
  test('are those of planning and then those of the run, for listeners and iterators alike', async () => {
    const heard: RunEvent[] = [];
    const { handle } = start([chain], { onEvent: (event) => heard.push(event) });
    const read: RunEvent[] = [];
    for await (const event of handle) read.push(event);
    const { planning, result } = await handle;
    const all = [...(planning.result?.timeline ?? []), ...(result?.timeline ?? [])];
    expect(read).toEqual(all);
    expect(heard).toEqual(all);
    const late: RunEvent[] = [];
    for await (const event of handle) late.push(event);
    expect(late).toEqual(all);
    expect(eventsOf(read, 'run_started')).toHaveLength(2);
  });

  test('form one log when the plan is streamed', async () => {
    const { handle } = start([chain], { stream: true });
    const read: RunEvent[] = [];
    for await (const event of handle) read.push(event);
    const { result, usage } = await handle;
    expect(read).toEqual(result?.timeline);
    expect(usage).toEqual(result?.metrics.usage);
    expect(eventsOf(read, 'run_started')).toHaveLength(1);
  });

  test('are not kept with timeline: stream', async () => {
    const { handle } = start([chain], { timeline: 'stream' });
    const { result, planning } = await handle;
    expect([result?.timeline, planning.result?.timeline]).toEqual([[], []]);
    for await (const event of handle) throw new Error(event.type);
  });
});

describe('a review', () => {
  const reviewed = (verdict: unknown) => {
    const plans: Plan[] = [];
    const work = start([chain], {
      review(plan) {
        plans.push(plan);
        return verdict as Plan;
      },
    });
    return { ...work, plans };
  };

  test('sees the plan before it runs, and can approve it', async () => {
    for (const verdict of [undefined, true, Promise.resolve(true)]) {
      const { handle, plans, worked } = reviewed(verdict);
      expect((await handle).status).toBe('completed');
      expect(plans[0]?.tasks.map(({ id }) => id)).toEqual(['a', 'b']);
      expect(worked).toHaveLength(2);
    }
  });

  test('may replace the plan', async () => {
    const plan = { goal: 'Less', tasks: [{ id: 'only', description: 'Do it' }] };
    const result = await reviewed(plan).handle;
    expect(result).toMatchObject({ output: 'only is done', plan });
  });

  test('that refuses cancels the goal; the result has the plan and its cost', async () => {
    const { handle, worked } = reviewed(false);
    const result = await handle;
    expect(result).toMatchObject({
      status: 'canceled',
      error: { code: 'run_canceled', message: 'The plan was not approved, and was not run' },
      plan: { tasks: [{ id: 'a' }, { id: 'b' }] },
      costUsd: 1,
    });
    expect(result.result).toBeUndefined();
    expect(worked).toEqual([]);
  });

  test('that returns an invalid plan fails', async () => {
    const { status, error } = await reviewed({ goal: 'x', tasks: [] }).handle;
    expect([status, error?.code]).toEqual(['failed', 'invalid_plan']);
  });

  test('that returns anything else fails and runs nothing', async () => {
    for (const verdict of ['no', 0, null]) {
      const { handle, worked } = reviewed(verdict);
      const { status, error } = await handle;
      expect([status, error?.code]).toEqual(['failed', 'invalid_option']);
      expect(error?.message).toContain(`it returned ${verdict}`);
      expect(worked).toEqual([]);
    }
  });

  test.each<[string, Partial<Plan>]>([
    [
      'goal_achieved',
      { goalState: { criteria: [{ path: 'metrics.completedTasks', operator: '>=', value: 1 }] } },
    ],
    [
      'condition_false',
      {
        tasks: [
          { id: 'a', description: 'A' },
          {
            ...{ id: 'b', description: 'B', dependencies: ['a'] },
            when: { path: 'a', operator: '==', value: 'never' },
          },
        ],
      },
    ],
  ])('with a plan that completes without its final task fails: %s', async (why, change) => {
    const { handle } = start([chain], { review: (plan) => ({ ...plan, ...change }) });
    const result = await handle;
    expect(result.result?.status).toBe('completed');
    expect(result).toMatchObject({ status: 'failed', error: { code: 'run_failed' } });
    expect(result.error?.message).toBe(
      `The plan completed without its final output: task "b", which produces it, was skipped (${why})`,
    );
  });

  test('that throws fails the goal', async () => {
    const { handle } = start([chain], {
      review() {
        throw new Error('nobody there');
      },
    });
    const { status, error } = await handle;
    expect([status, error?.code, error?.message]).toEqual([
      'failed',
      'run_failed',
      'The plan was not run: nobody there',
    ]);
  });

  test('that is pending is abandoned on cancellation', async () => {
    let seen: AbortSignal | undefined;
    const { handle } = start([chain], {
      review: (_, { signal }) => {
        seen = signal;
        handle.cancel('enough');
        return new Promise(() => {});
      },
    });
    const { status, error } = await handle;
    expect([status, error?.message]).toEqual(['canceled', 'The run was canceled: enough']);
    expect(seen?.aborted).toBe(true);
  });
});

describe('a goal ends early', () => {
  test('when no answer of the planner is usable', async () => {
    const { handle, worked } = start(['no', 'plan', 'at all']);
    const result = await handle;
    expect(result.status).toBe('failed');
    expect(result.error).toBeInstanceOf(DecompositionError);
    expect(result).toMatchObject({ usage: { inputTokens: 30 }, costUsd: 3 });
    expect(result.planning.rejectedAnswers.map(({ answer }) => answer)).toEqual([
      'no',
      'plan',
      'at all',
    ]);
    expect(result.planning.result?.status).toBe('failed');
    expect(result.plan).toBeUndefined();
    expect(worked).toEqual([]);
  });

  test('without an output when a task fails', async () => {
    const { runner } = workerModel({ failing: ['b'] });
    const result = await start([chain], { runner }).handle;
    expect(result).toMatchObject({ status: 'failed', error: { code: 'run_failed' } });
    expect(result.output).toBeUndefined();
    expect(result.result?.outputs).toEqual({ a: 'a is done' });
  });

  test.each(['planning', 'running'])('when it is canceled while %s', async (phase) => {
    for (const by of ['handle', 'signal']) {
      for (const stream of [false, true]) {
        const controller = new AbortController();
        const hang = vi.fn((_: unknown, { signal }: { signal: AbortSignal }) => {
          queueMicrotask(() =>
            by === 'handle' ? handle.cancel('enough') : controller.abort('enough'),
          );
          return new Promise<never>((_, reject) => {
            signal.addEventListener('abort', () => reject(signal.reason));
          });
        });
        const hanging = { name: 'hanging', run: hang };
        const which = phase === 'planning' ? { planner: hanging } : { runner: hanging };
        const options = { ...which, stream, signal: controller.signal };
        const { handle } = start([chain], options);
        const result = await handle;
        expect(result).toMatchObject({ status: 'canceled', error: { code: 'run_canceled' } });
        expect(result.error?.message).toContain('enough');
        expect(hang).toHaveBeenCalledTimes(1);
      }
    }
  });

  test('when it is canceled while its complexity is estimated', async () => {
    for (const stream of [false, true]) {
      const complexity = () => {
        handle.cancel('enough');
        return new Promise<never>(() => {});
      };
      const { handle, planned } = start([chain], { complexity, stream });
      const result = await handle;
      expect(result).toMatchObject({ status: 'canceled', error: { code: 'run_canceled' } });
      expect(result.error?.message).toContain('The run was canceled: enough');
      expect(planned).toEqual([]);
    }
  });

  test('when it is canceled before it starts', async () => {
    const { handle, planned } = start([chain]);
    handle.cancel();
    expect((await handle).status).toBe('canceled');
    expect(planned).toEqual([]);
  });
});

describe('the limits', () => {
  test('of a budget apply to planning and running together', async () => {
    // 15 tokens for the plan, 5 for each task.
    const result = await start([chain], { budget: { tokens: 20 } }).handle;
    expect(result.error?.code).toBe('budget_exceeded');
    expect(result.result?.outputs).toEqual({ a: 'a is done' });
    expect((await start([chain], { budget: { tokens: 25 } }).handle).status).toBe('completed');
  });

  test.each([
    [{ tokens: 15 }, /the budget for tokens is used up, because planning used 15 of 15/],
    [{ costUsd: 1 }, /the budget for costUsd is used up, because planning used 1 of 1/],
  ])('of the budget %j can be used up by planning', async (budget, message) => {
    const { handle, worked } = start([chain], { budget });
    const { error, plan } = await handle;
    expect(error?.code).toBe('budget_exceeded');
    expect(error?.message).toMatch(message);
    expect(plan?.tasks).toHaveLength(2);
    expect(worked).toEqual([]);
  });

  test('of a resource apply to planning and running where both use it', async () => {
    const both = (tokens: number) => {
      const { runner } = planningModel(chain, 'one', 'two');
      const budget = { resources: { [runner.name]: { tokens } } };
      return planAndExecute(GOAL, { strategy, runner, complexity: 'complex', budget });
    };
    // 15 tokens for each answer of this model.
    expect((await both(45)).status).toBe('completed');
    const spent = await both(31);
    expect(spent.error?.message).toContain('the budget of resource');
    expect(spent.result?.outputs).toEqual({ a: 'one' });
    expect((await both(15)).error?.message).toMatch(/the budget for tokens at ".+" is used up/);
  });

  test('of the resource of the planner alone do not limit the tasks', async () => {
    const planner = planningModel(chain).runner;
    const budget = { resources: { [planner.name]: { tokens: 16 } } };
    expect((await start([chain], { planner, budget }).handle).status).toBe('completed');
  });

  test('of a run apply to it', async () => {
    const tasks = planOf(taskOf('a'), taskOf('b'), taskOf('c'));
    const { result } = await start([tasks], { maxParallel: 1 }).handle;
    expect(result?.metrics.peakConcurrency).toBe(1);
    const { runner } = workerModel({ failing: ['a'] });
    const failed = await start([tasks], { runner, failFast: true, maxParallel: 1 }).handle;
    expect(failed.result?.metrics.attempts).toBe(1);
  });

  test('of planning apply to it', async () => {
    const answers = [planOf(taskOf('a'), taskOf('b'), taskOf('c')), chain];
    const { handle, planned } = start(answers, { maxTasks: 2 });
    expect((await handle).plan?.tasks).toHaveLength(2);
    expect(planned).toHaveLength(2);
  });
});

describe('re-planning', () => {
  const replan = { maxRounds: 2 };
  const three = planOf(taskOf('a'), taskOf('b'), taskOf('end', 'a', 'b'));
  const { runner } = workerModel({ failing: ['a'] });
  const answerOf = (...tasks: object[]) => JSON.stringify({ tasks, replaces: ['a'] });

  test.each([false, true])('replaces failed tasks (streamed: %s)', async (stream) => {
    const { handle, planned } = start([three, answerOf(taskOf('a2'), taskOf('end2', 'a2', 'b'))], {
      ...{ runner, replan, stream },
    });
    const result = await handle;
    expect(result).toMatchObject({ status: 'completed', output: 'end2 is done', replanRounds: 1 });
    expect(result.usage.inputTokens).toBe(2 * 10 + 4 * 3 - 3);
    expect(planned).toHaveLength(2);
  });

  test('combines unused outputs', async () => {
    const { handle } = start([three, answerOf(taskOf('a2'))], { runner, replan });
    const result = await handle;
    expect(result.output).toBe('result is done');
    const [added] = eventsOf(result.result?.timeline, 'tasks_added');
    expect(added?.tasks.at(-1)).toMatchObject({ id: 'result', dependencies: ['b', 'a2'] });
  });

  test('finds a free id for the final task of every round', async () => {
    const two = planOf(taskOf('a'), taskOf('b'));
    const first = answerOf(taskOf('a2'), taskOf('x'));
    const failing = workerModel({ failing: ['a', 'x'] });
    const second = JSON.stringify({ tasks: [taskOf('a3'), taskOf('y')], replaces: ['x'] });
    const { handle } = start([two, first, second], { runner: failing.runner, replan });
    const result = await handle;
    expect(result).toMatchObject({ output: 'result-3 is done', replanRounds: 2 });
    const ids = result.result?.tasks.map(({ id, status }) => [id, status]);
    expect(ids).toContainEqual(['result', 'skipped']);
    expect(ids).toContainEqual(['result-2', 'skipped']);
    const [, added] = eventsOf(result.result?.timeline, 'tasks_added');
    expect(added?.tasks.at(-1)).toMatchObject({ dependencies: ['b', 'a2', 'a3', 'y'] });
  });

  test('adds no more tasks than allowed, except for the final task', async () => {
    const one = { runner, replan: { maxRounds: 2, maxTasks: 1 } };
    const { handle } = start([three, answerOf(taskOf('a2'))], one);
    expect(await handle).toMatchObject({ output: 'result is done' });
    const two = start([three, answerOf(taskOf('a2'), taskOf('a3'))], { ...one, repairAttempts: 0 });
    expect((await two.handle).error?.message).toContain('more tasks than the limit of 1');
    const failing = workerModel({ failing: ['a', 'a2'] });
    const twice = start([three, answerOf(taskOf('a2'))], { ...one, runner: failing.runner });
    expect((await twice.handle).error?.message).toContain('re-planning added no tasks');
    expect(twice.planned).toHaveLength(2);
  });

  test('happens only when requested, and only with a whole plan', async () => {
    const once = start([three], { runner });
    expect((await once.handle).status).toBe('failed');
    expect(once.planned).toHaveLength(1);
    const broken = start(['no'], { runner, replan, stream: true, repairAttempts: 0 });
    expect((await broken.handle).status).toBe('failed');
    expect(broken.planned).toHaveLength(1);
  });
});

describe('the options', () => {
  const { runner } = workerModel();
  const of = (options: object) => () =>
    planAndExecute(GOAL, { strategy, runner, ...options } as PlanAndExecuteOptions);

  test.each<[string, object, RegExp]>([
    ['unknown', { steps: 3 }, /planAndExecute\(\) has no option "steps"/],
    ['runner', { runner: {} }, /runner must be a TaskRunner/],
    ['planner', { planner: { name: 'x' } }, /planner must be a TaskRunner/],
    ['strategy', { strategy: undefined }, /strategy must be a Strategy/],
    ['complexity', { complexity: 'hard' }, /planAndExecute\(\): complexity must be/],
    ['review', { review: true }, /review must be a function/],
    ['onEvent', { onEvent: 5 }, /onEvent must be a function/],
    ['signal', { signal: 5 }, /signal must be an AbortSignal/],
    ['stream', { stream: 'yes' }, /stream must be true or false/],
    ['stream with review', { stream: true, review: () => true }, /exclude each other/],
    ['replan', { replan: { rounds: 1 } }, /replan has no option "rounds"/],
    ['maxRounds', { replan: { maxRounds: 0 } }, /maxRounds must be an integer ≥ 1/],
    ['maxSubtasks', { maxSubtasks: 0 }, /planAndExecute\(\): maxSubtasks must be/],
    ['maxParallel', { maxParallel: 0 }, /maxParallel must be an integer ≥ 1/],
  ])('are checked immediately: %s', (_, options, message) => {
    expect(of(options)).toThrow(OptionError);
    expect(of(options)).toThrow(message);
  });

  test('include a goal', () => {
    expect(() => planAndExecute(' ', { strategy, runner })).toThrow(/must be a non-empty string/);
  });

  test('are errors of this library', () => {
    expect(of({ steps: 3 })).toThrow(StratagemError);
  });
});
