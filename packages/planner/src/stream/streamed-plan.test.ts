import { createExecutor, type Task, type TaskRunner, tool } from '@stratagem/core';
import { parallel } from '@stratagem/parallel';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import * as z from 'zod';
import { fixtureFiles, fixturesIn } from '../../test/fixtures.js';
import { planSchema } from '../ask/plan-schema.js';
import { planningTask } from '../ask/planning-task.js';
import { type PlannerOptions, plannerSettings } from '../options/planner-options.js';
import { StreamedPlan } from './streamed-plan.js';

const tools = ['web_search', 'calculator'].map((name) =>
  tool({ name, description: `The ${name}.`, inputSchema: z.object({}), execute: () => '' }),
);
const worker: TaskRunner = {
  name: 'worker',
  supportsTools: true,
  run: async ({ taskId }) => ({ output: taskId }),
};

/** Runs a plan while it is written in these pieces, with one turn of microtasks between them. */
async function streamed(pieces: readonly string[], options: PlannerOptions) {
  const settings = plannerSettings('test', { tools, repairAttempts: 0, ...options });
  const plan = new StreamedPlan('x', settings);
  const task = {
    ...planningTask({ ...request, settings, schema: planSchema(settings) }),
    id: '(plan)',
  };
  const writer: TaskRunner = {
    name: 'writer',
    async run(_, { emit }) {
      for (const piece of pieces) {
        await emit(piece);
        await undefined;
      }
      return { output: pieces.join('') };
    },
  };
  const runner = plan.wrap(task.id, worker, writer);
  const executor = createExecutor({ strategy: parallel({ maxParallel: 8 }), runner, tools });
  const result = await executor.execute(
    { goal: 'x', tasks: [task] },
    { retry: { maxAttempts: 1 } },
  );
  return { plan, result };
}

const request = { goal: 'x', prompt: 'x' };

/** The added tasks by id, without a final task that the model did not write. */
function tasksOf({ tasks, finalTaskId }: StreamedPlan, written: readonly unknown[]): Task[] {
  const isWritten = written.some((task) => (task as Task).id === finalTaskId);
  return tasks.filter(({ id }) => isWritten || id !== finalTaskId).toSorted(byId);
}

function byId(a: Task, b: Task): number {
  return a.id < b.id ? -1 : 1;
}

describe.each(fixtureFiles)('the answers of %s, streamed character by character', (file) => {
  test.each(fixturesIn(file).map((fixture) => [fixture.name, fixture] as const))(
    '%s: lead to the same plan as the whole answer',
    async (_, { answer, options, plan: expected, sentBack }) => {
      const { plan, result } = await streamed([...answer], options);
      if (sentBack !== undefined) {
        expect(result.status).toBe('failed');
        expect(plan.repairLoop.rejectedAnswers).toHaveLength(1);
        return;
      }
      expect(result.error?.message).toBeUndefined();
      const written = expected as readonly Task[];
      expect(tasksOf(plan, written)).toEqual(written.toSorted(byId));
      expect(result.outputs).toHaveProperty([plan.finalTaskId as string]);
    },
  );
});

/** These letters avoid words with a meaning in dependencies: none, all, … */
const ids = fc.uniqueArray(fc.stringMatching(/^[b-k]{1,4}$/), { minLength: 2, maxLength: 10 });

/** The tasks of a plan in any order, and places to cut their text. */
const plans = ids.chain((names) =>
  fc.record({
    tasks: fc
      .tuple(...names.map((id, index) => taskAfter(id, names.slice(0, index))))
      .chain((tasks) => fc.shuffledSubarray([...tasks], { minLength: tasks.length })),
    cuts: fc.array(fc.nat(2_000), { maxLength: 30 }),
  }),
);

function taskAfter(id: string, before: readonly string[]) {
  return fc.record({
    id: fc.constant(id),
    description: fc.constant('Do it'),
    dependencies: fc.subarray([...before]),
  });
}

test('in any order and in any pieces, each task runs once, after its dependencies', async () => {
  await fc.assert(
    fc.asyncProperty(plans, async ({ tasks, cuts }) => {
      const text = JSON.stringify({ tasks });
      const places = [0, ...cuts.filter((cut) => cut < text.length), text.length];
      const ordered = places.toSorted((a, b) => a - b);
      const pieces = ordered.slice(1).map((end, index) => text.slice(ordered[index], end));
      const { plan, result } = await streamed(pieces, {});
      expect(result.error?.message).toBeUndefined();
      expect(tasksOf(plan, tasks)).toMatchObject(
        tasks.toSorted(byId).map(({ id, description }) => ({ id, description })),
      );
      const starts = result.timeline.flatMap((event) =>
        event.type === 'task_started' ? event.taskId : [],
      );
      expect(new Set(starts).size).toBe(starts.length);
      for (const { id, dependencies } of tasks) {
        for (const before of dependencies) {
          expect(starts.indexOf(before)).toBeLessThan(starts.indexOf(id));
        }
      }
    }),
    { numRuns: 300 },
  );
});

test('no task is lost when an id is used at two levels, in either order', async () => {
  const [inner, outer] = [
    {
      id: 'g',
      description: 'Both',
      subtasks: [
        { id: 'x', description: 'Inner' },
        { id: 'y', description: 'y' },
      ],
    },
    { id: 'x', description: 'Outer' },
  ];
  for (const tasks of [
    [inner, outer],
    [outer, inner],
  ]) {
    const { plan, result } = await streamed([JSON.stringify({ tasks })], {});
    const done = plan.tasks.some(({ description }) => description === 'Outer');
    expect(done || result.status === 'failed').toBe(true);
    expect(plan.tasks.some(({ id }) => id === 'g')).toBe(true);
  }
});

test('an answer is sent back when it adds a dependency to a task that is running already', async () => {
  const tasks = ['a', 'b'].map((id) => ({ id, description: `Do ${id}.`, dependencies: [] }));
  const answer = JSON.stringify({ tasks, edges: [['a', 'b']] });
  const { plan, result } = await streamed([...answer], {});
  expect(result.status).toBe('failed');
  expect(plan.repairLoop.rejectedAnswers[0]?.problems).toMatchObject([
    { code: 'unclear', message: expect.stringContaining('"b" is running already') },
  ]);
});

test('a task waits for the whole answer when its text may refer to a later task', async () => {
  const tasks = [
    { id: 'b', description: 'Shorten {a}.', dependencies: [] },
    { id: 'a', description: 'Write a text.', dependencies: [] },
  ];
  const { plan, result } = await streamed([...JSON.stringify({ tasks })], {});
  expect(result.status).toBe('completed');
  expect(plan.tasks.find(({ id }) => id === 'b')?.dependencies).toEqual(['a']);
});
