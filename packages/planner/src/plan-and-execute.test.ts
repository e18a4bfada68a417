import {
  OptionError,
  type Plan,
  type PlanEvent,
  type PlanResult,
  StratagemError,
} from '@stratagem/core';
import { parallel } from '@stratagem/parallel';
import { describe, expect, expectTypeOf, test, vi } from 'vitest';
import { answering, eventsOf, working } from '../test/models.js';
import { DecompositionError } from './decomposition-error.js';
import { type PlanAndExecuteOptions, planAndExecute } from './plan-and-execute.js';

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
  const { runner: planner, requests } = answering(...answers);
  const tasks = working();
  const handle = planAndExecute(GOAL, {
    ...{ strategy, runner: tasks.runner, planner, complexity: 'complex' },
    ...{ retry: { maxAttempts: 1 } },
    ...options,
  });
  return { handle, planned: requests, worked: tasks.requests };
}

describe('a goal', () => {
  test('ends in the one output that was asked for, with what all of it cost', async () => {
    const { handle, worked } = start([chain]);
    const result = await handle;
    expect(result).toMatchObject({
      status: 'completed',
      goal: GOAL,
      output: 'b is done',
      usage: { inputTokens: 10 + 2 * 3, outputTokens: 5 + 2 * 2 },
      costUsd: 1 + 2 * 0.5,
      replanRounds: 0,
      planning: { repairs: [], rejected: [] },
      plan: { goal: GOAL, tasks: [{ id: 'a' }, { id: 'b' }] },
    });
    expect(result.error).toBeUndefined();
    expect(result.result?.outputs).toEqual({ a: 'a is done', b: 'b is done' });
    expect(result.planning.result?.status).toBe('completed');
    expect(worked.map(({ taskId }) => taskId)).toEqual(['a', 'b']);
  });

  test('with several last tasks ends in one that puts them together', async () => {
    const { handle, worked } = start([planOf(taskOf('a'), taskOf('b'), taskOf('c', 'a'))]);
    const { output, plan } = await handle;
    expect(output).toBe('result is done');
    expect(plan?.tasks.at(-1)).toMatchObject({ id: 'result', dependencies: ['b', 'c'] });
    const { prompt } = worked.at(-1) ?? {};
    expect(prompt).toContain(GOAL);
    expect(prompt).toContain('b is done');
    expect(prompt).toContain('c is done');
  });

  test('that is simple is one task, and no model is asked for a plan', async () => {
    for (const stream of [false, true]) {
      const { handle, planned } = start([], { complexity: 'simple', stream });
      expect(await handle).toMatchObject({ output: 'answer is done', planning: { repairs: [] } });
      expect(planned).toEqual([]);
    }
  });

  test('is planned by the runner of the tasks when nothing else is said', async () => {
    const { runner } = answering(chain, 'one', 'two');
    const result = await planAndExecute(GOAL, { strategy, runner, complexity: 'complex' });
    expect(result.output).toBe('two');
  });

  test('has an output when it is completed, and an error when it is not', async () => {
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

  test('has a result of its own even when it costs nobody knows how much', async () => {
    const { runner } = working();
    const unpriced = {
      ...runner,
      run: async () => ({ output: 1, usage: { inputTokens: 1, outputTokens: 1 } }),
    };
    const { handle } = start([chain], { runner: unpriced });
    expect(await handle).toMatchObject({ costUsd: null, usage: { inputTokens: 12 } });
  });
});

describe('the events', () => {
  test('are those of planning and then those of the run, to listeners and readers alike', async () => {
    const heard: PlanEvent[] = [];
    const { handle } = start([chain], { onEvent: (event) => heard.push(event) });
    const read: PlanEvent[] = [];
    for await (const event of handle) read.push(event);
    const { planning, result } = await handle;
    const all = [...(planning.result?.timeline ?? []), ...(result?.timeline ?? [])];
    expect(read).toEqual(all);
    expect(heard).toEqual(all);
    const late: PlanEvent[] = [];
    for await (const event of handle) late.push(event);
    expect(late).toEqual(all);
    expect(eventsOf(read, 'plan_started')).toHaveLength(2);
  });

  test('are one log when the plan is streamed', async () => {
    const { handle } = start([chain], { stream: true });
    const read: PlanEvent[] = [];
    for await (const event of handle) read.push(event);
    const { result, usage } = await handle;
    expect(read).toEqual(result?.timeline);
    expect(usage).toEqual(result?.metrics.usage);
    expect(eventsOf(read, 'plan_started')).toHaveLength(1);
  });

  test('are not kept when nobody wants them', async () => {
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

  test('sees the plan before anything of it is run, and lets it run', async () => {
    for (const verdict of [undefined, true, Promise.resolve(true)]) {
      const { handle, plans, worked } = reviewed(verdict);
      expect((await handle).status).toBe('completed');
      expect(plans[0]?.tasks.map(({ id }) => id)).toEqual(['a', 'b']);
      expect(worked).toHaveLength(2);
    }
  });

  test('may put another plan in its place', async () => {
    const plan = { goal: 'Less', tasks: [{ id: 'only', description: 'Do it' }] };
    const result = await reviewed(plan).handle;
    expect(result).toMatchObject({ output: 'only is done', plan });
  });

  test('that refuses ends it as canceled, with the plan and what it has cost', async () => {
    const { handle, worked } = reviewed(false);
    const result = await handle;
    expect(result).toMatchObject({
      status: 'canceled',
      error: { code: 'plan_canceled', message: 'The plan was not approved, and was not run' },
      plan: { tasks: [{ id: 'a' }, { id: 'b' }] },
      costUsd: 1,
    });
    expect(result.result).toBeUndefined();
    expect(worked).toEqual([]);
  });

  test('with a plan that cannot be run says so', async () => {
    const { status, error } = await reviewed({ goal: 'x', tasks: [] }).handle;
    expect([status, error?.code]).toEqual(['failed', 'invalid_plan']);
  });

  test('that says something else runs nothing', async () => {
    for (const verdict of ['no', 0, null]) {
      const { handle, worked } = reviewed(verdict);
      const { status, error } = await handle;
      expect([status, error?.code]).toEqual(['failed', 'invalid_option']);
      expect(error?.message).toContain(`it gave ${verdict}`);
      expect(worked).toEqual([]);
    }
  });

  test.each<[string, Partial<Plan>]>([
    [
      'goal_achieved',
      { goalState: { criteria: [{ path: 'metrics.completedTasks', operator: '>=', value: 1 }] } },
    ],
    [
      'not_chosen',
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
  ])('with a plan that ends without its result is no success: %s', async (why, change) => {
    const { handle } = start([chain], { review: (plan) => ({ ...plan, ...change }) });
    const result = await handle;
    expect(result.result?.status).toBe('completed');
    expect(result).toMatchObject({ status: 'failed', error: { code: 'plan_failed' } });
    expect(result.error?.message).toBe(
      `The plan is complete, but has no result: task "b", which was to bring it, was skipped (${why})`,
    );
  });

  test('that throws ends it', async () => {
    const { handle } = start([chain], {
      review() {
        throw new Error('nobody there');
      },
    });
    const { status, error } = await handle;
    expect([status, error?.code, error?.message]).toEqual([
      'failed',
      'plan_failed',
      'The plan was not run: nobody there',
    ]);
  });

  test('that is still waiting is left when it is canceled', async () => {
    let seen: AbortSignal | undefined;
    const { handle } = start([chain], {
      review: (_, { signal }) => {
        seen = signal;
        handle.cancel('enough');
        return new Promise(() => {});
      },
    });
    const { status, error } = await handle;
    expect([status, error?.message]).toEqual(['canceled', 'The plan was canceled: enough']);
    expect(seen?.aborted).toBe(true);
  });
});

describe('what ends it early', () => {
  test('is a planner whose answers cannot be used', async () => {
    const { handle, worked } = start(['no', 'plan', 'at all']);
    const result = await handle;
    expect(result.status).toBe('failed');
    expect(result.error).toBeInstanceOf(DecompositionError);
    expect(result).toMatchObject({ usage: { inputTokens: 30 }, costUsd: 3 });
    expect(result.planning.rejected.map(({ answer }) => answer)).toEqual(['no', 'plan', 'at all']);
    expect(result.planning.result?.status).toBe('failed');
    expect(result.plan).toBeUndefined();
    expect(worked).toEqual([]);
  });

  test('is a task that fails, and then there is no output', async () => {
    const { runner } = working({ failing: ['b'] });
    const result = await start([chain], { runner }).handle;
    expect(result).toMatchObject({ status: 'failed', error: { code: 'plan_failed' } });
    expect(result.output).toBeUndefined();
    expect(result.result?.outputs).toEqual({ a: 'a is done' });
  });

  test.each(['planning', 'running'])('is a cancellation while it is %s', async (phase) => {
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
        expect(result).toMatchObject({ status: 'canceled', error: { code: 'plan_canceled' } });
        expect(result.error?.message).toContain('enough');
        expect(hang).toHaveBeenCalledTimes(1);
      }
    }
  });

  test('is a cancellation while it is judged', async () => {
    for (const stream of [false, true]) {
      const complexity = () => {
        handle.cancel('enough');
        return new Promise<never>(() => {});
      };
      const { handle, planned } = start([chain], { complexity, stream });
      const result = await handle;
      expect(result).toMatchObject({ status: 'canceled', error: { code: 'plan_canceled' } });
      expect(result.error?.message).toContain('The plan was canceled: enough');
      expect(planned).toEqual([]);
    }
  });

  test('is a cancellation before it has begun', async () => {
    const { handle, planned } = start([chain]);
    handle.cancel();
    expect((await handle).status).toBe('canceled');
    expect(planned).toEqual([]);
  });
});

describe('the limits', () => {
  test('of a budget hold for planning and running together', async () => {
    // 15 tokens for the plan, 5 for each task.
    const result = await start([chain], { budget: { tokens: 20 } }).handle;
    expect(result.error?.code).toBe('budget_exceeded');
    expect(result.result?.outputs).toEqual({ a: 'a is done' });
    expect((await start([chain], { budget: { tokens: 25 } }).handle).status).toBe('completed');
  });

  test.each([
    [{ tokens: 15 }, /nothing is left of its budget for tokens.*has used 15 of 15/],
    [{ costUsd: 1 }, /nothing is left of its budget for costUsd.*has used 1 of 1/],
  ])('of the budget %j leave nothing for the run', async (budget, message) => {
    const { handle, worked } = start([chain], { budget });
    const { error, plan } = await handle;
    expect(error?.code).toBe('budget_exceeded');
    expect(error?.message).toMatch(message);
    expect(plan?.tasks).toHaveLength(2);
    expect(worked).toEqual([]);
  });

  test('of a run reach it', async () => {
    const tasks = planOf(taskOf('a'), taskOf('b'), taskOf('c'));
    const { result } = await start([tasks], { maxParallel: 1 }).handle;
    expect(result?.metrics.peakConcurrency).toBe(1);
    const { runner } = working({ failing: ['a'] });
    const failed = await start([tasks], { runner, failFast: true, maxParallel: 1 }).handle;
    expect(failed.result?.metrics.attempts).toBe(1);
  });

  test('of planning reach it', async () => {
    const answers = [planOf(taskOf('a'), taskOf('b'), taskOf('c')), chain];
    const { handle, planned } = start(answers, { maxTasks: 2 });
    expect((await handle).plan?.tasks).toHaveLength(2);
    expect(planned).toHaveLength(2);
  });
});

describe('re-planning', () => {
  const replan = { maxRounds: 2 };
  const three = planOf(taskOf('a'), taskOf('b'), taskOf('end', 'a', 'b'));
  const { runner } = working({ failing: ['a'] });
  const answerOf = (...tasks: object[]) => JSON.stringify({ tasks, replaces: ['a'] });

  test.each([false, true])('makes up for what failed (streamed: %s)', async (stream) => {
    const { handle, planned } = start([three, answerOf(taskOf('a2'), taskOf('end2', 'a2', 'b'))], {
      ...{ runner, replan, stream },
    });
    const result = await handle;
    expect(result).toMatchObject({ status: 'completed', output: 'end2 is done', replanRounds: 1 });
    expect(result.usage.inputTokens).toBe(2 * 10 + 4 * 3 - 3);
    expect(planned).toHaveLength(2);
  });

  test('puts together what is left without an end', async () => {
    const { handle } = start([three, answerOf(taskOf('a2'))], { runner, replan });
    const result = await handle;
    expect(result.output).toBe('result is done');
    const [added] = eventsOf(result.result?.timeline, 'tasks_added');
    expect(added?.tasks.at(-1)).toMatchObject({ id: 'result', dependencies: ['b', 'a2'] });
  });

  test('finds an id for what puts together in every round', async () => {
    const two = planOf(taskOf('a'), taskOf('b'));
    const first = answerOf(taskOf('a2'), taskOf('x'));
    const failing = working({ failing: ['a', 'x'] });
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

  test('adds no more than it may, besides what puts outputs together', async () => {
    const one = { runner, replan: { maxRounds: 2, maxTasks: 1 } };
    const { handle } = start([three, answerOf(taskOf('a2'))], one);
    expect(await handle).toMatchObject({ output: 'result is done' });
    const two = start([three, answerOf(taskOf('a2'), taskOf('a3'))], { ...one, repairAttempts: 0 });
    expect((await two.handle).error?.message).toContain('more than the 1');
    const failing = working({ failing: ['a', 'a2'] });
    const twice = start([three, answerOf(taskOf('a2'))], { ...one, runner: failing.runner });
    expect((await twice.handle).error?.message).toContain('re-planning added nothing');
    expect(twice.planned).toHaveLength(2);
  });

  test('does not happen unless it is asked for, and not without a whole plan', async () => {
    const once = start([three], { runner });
    expect((await once.handle).status).toBe('failed');
    expect(once.planned).toHaveLength(1);
    const broken = start(['no'], { runner, replan, stream: true, repairAttempts: 0 });
    expect((await broken.handle).status).toBe('failed');
    expect(broken.planned).toHaveLength(1);
  });
});

describe('the options', () => {
  const { runner } = working();
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
    ['stream with review', { stream: true, review: () => true }, /take one of them/],
    ['replan', { replan: { rounds: 1 } }, /replan has no option "rounds"/],
    ['maxRounds', { replan: { maxRounds: 0 } }, /maxRounds must be an integer ≥ 1/],
    ['maxSubtasks', { maxSubtasks: 0 }, /planAndExecute\(\): maxSubtasks must be/],
    ['maxParallel', { maxParallel: 0 }, /maxParallel must be an integer ≥ 1/],
  ])('are checked at once: %s', (_, options, message) => {
    expect(of(options)).toThrow(OptionError);
    expect(of(options)).toThrow(message);
  });

  test('include a goal', () => {
    expect(() => planAndExecute(' ', { strategy, runner })).toThrow(/must be a text/);
  });

  test('are errors of this library', () => {
    expect(of({ steps: 3 })).toThrow(StratagemError);
  });
});
