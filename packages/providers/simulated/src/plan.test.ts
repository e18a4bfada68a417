import { validatePlan } from '@stratagem/core';
import { attempt, request } from '@stratagem/test-kit';
import { describe, expect, test } from 'vitest';
import { simulated } from './index.js';

const planning = {
  goal: 'Report on the market for heat pumps',
  minSubtasks: 2,
  maxSubtasks: 10,
  maxTasks: 50,
  taskTypes: ['action', 'decision', 'observation', 'aggregate'],
};
const outputSchema = {
  type: 'object',
  properties: { tasks: { type: 'array', items: { type: 'object' } } },
  required: ['tasks'],
};

interface Planned {
  tasks: { id: string; description: string; type: string; dependencies: string[] }[];
}

/** What the model answers to a request for a plan, or what it is made to say. */
async function ask(metadata: Record<string, unknown>, options = {}): Promise<unknown> {
  const runner = simulated({ latencyMs: 0, ...options });
  const { output } = await runner.run(request('Plan', { outputSchema, metadata }), attempt());
  return output;
}

describe('a request for a plan', () => {
  test('gets a plan for its goal, with tasks that can run in parallel', async () => {
    const { tasks } = (await ask({ planning })) as Planned;
    expect(tasks.map(({ id, type, dependencies }) => [id, type, dependencies])).toEqual([
      ['gather', 'observation', []],
      ['figures', 'action', ['gather']],
      ['opinions', 'action', ['gather']],
      ['result', 'aggregate', ['figures', 'opinions']],
    ]);
    for (const { description } of tasks) expect(description).toContain(planning.goal);
  });

  test.each([
    [1, 1, 1, 1],
    [2, 2, 50, 2],
    [2, 3, 50, 3],
    [2, 10, 3, 3],
    [9, 10, 50, 9],
  ])('of %i to %i tasks in a list, %i in all, gets %i', async (least, most, all, size) => {
    const limits = { minSubtasks: least, maxSubtasks: most, maxTasks: all };
    const { tasks } = (await ask({ planning: { ...planning, ...limits } })) as Planned;
    expect(tasks).toHaveLength(size);
    expect(validatePlan({ goal: '', tasks } as never)).toEqual([]);
  });

  test('gets a plan with allowed task types only', async () => {
    const { tasks } = (await ask({
      planning: { ...planning, taskTypes: ['decision'] },
    })) as Planned;
    expect(new Set(tasks.map(({ type }) => type))).toEqual(new Set(['decision']));
  });

  test('gets a plan that quotes a long goal shortened, on one line', async () => {
    const goal = `Find\nout ${'everything '.repeat(100)}`;
    const { tasks } = (await ask({ planning: { ...planning, goal } })) as Planned;
    for (const { description } of tasks) {
      expect(description).toMatch(/: Find out everything .*…$/);
      expect(description.length).toBeLessThan(300);
    }
  });

  test('is passed to `respond` if there is one', async () => {
    expect(await ask({ planning }, { respond: () => 'mine' })).toBe('mine');
  });

  test.each([
    ['a request that says nothing of a plan', {}],
    ['metadata of another kind', { planning: 'yes' }],
    ['metadata without limits', { planning: { goal: 'x' } }],
    ['no metadata of that name', { planning: null }],
  ])('is not recognised without valid metadata: %s', async (_, metadata) => {
    expect(await ask(metadata)).toEqual({ tasks: [{}, {}, {}] });
  });
});
