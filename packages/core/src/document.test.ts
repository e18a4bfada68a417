import { describe, expect, test } from 'vitest';
import { parsePlanDocument, planDocumentSchema, planJsonSchema } from './document.js';
import { formatProblem, PlanError } from './problem.js';

const task = { id: 'research', description: 'Gather market data' };
const document = { goal: 'Report', tasks: [task] };

function problemsOf(value: unknown): string[] {
  try {
    parsePlanDocument(value);
  } catch (error) {
    if (error instanceof PlanError) return error.problems.map(formatProblem);
    throw error;
  }
  return [];
}

describe('parsePlanDocument', () => {
  test('gives the plan and the strategy as an object', () => {
    expect(parsePlanDocument(document)).toEqual({ plan: document });
    expect(parsePlanDocument({ ...document, strategy: 'parallel' })).toEqual({
      plan: document,
      strategy: { name: 'parallel' },
    });
    const strategy = { name: 'parallel', maxParallel: 3, levelBarrier: true };
    expect(parsePlanDocument({ ...document, strategy, $schema: './x.json' })).toEqual({
      plan: document,
      strategy,
    });
  });

  test('takes every field of a task', () => {
    const full = {
      ...task,
      type: 'observation',
      priority: 2,
      estimate: { durationMs: 100 },
      metadata: { team: 'a' },
    };
    const second = { id: '2', description: 'x', dependencies: ['research'] };
    const plan = { goal: 'Report', metadata: { n: 1 }, tasks: [full, second] };
    expect(parsePlanDocument(plan).plan).toEqual(plan);
  });

  test.each([
    [null, 'must be a plan: an object with a goal and tasks'],
    ['text', 'must be a plan: an object with a goal and tasks'],
    [{ tasks: [task] }, 'goal: is missing; it must be a string'],
    [{ goal: 'x' }, 'tasks: is missing; it must be a list of tasks'],
    [{ goal: 'x', tasks: [] }, 'tasks: the plan has no tasks; give it at least one'],
    [{ ...document, taks: [] }, 'taks: unknown field "taks". Did you mean "tasks"?'],
    [
      { ...document, strategy: 'paralell' },
      'strategy: there is no strategy "paralell"; it must be sequential or parallel. Did you mean "parallel"?',
    ],
    [
      { ...document, strategy: { name: 'parallel', maxparallel: 3 } },
      'strategy.maxparallel: unknown field "maxparallel". Did you mean "maxParallel"?',
    ],
    [
      { ...document, strategy: { name: 'sequential', maxParallel: 3 } },
      'strategy.maxParallel: unknown field "maxParallel". Known fields are name.',
    ],
    [
      { ...document, strategy: { name: 'parallel', maxParallel: 1.5 } },
      'strategy.maxParallel: must be a whole number of at least 1',
    ],
    [
      { ...document, strategy: ['parallel'] },
      'strategy: must be sequential, parallel, or an object with a name and options',
    ],
    [{ goal: 'x', tasks: ['a'] }, 'tasks[0]: must be an object with an id and a description'],
    [
      { goal: 'x', tasks: [{ ...task, id: 7 }] },
      'tasks[0].id: must be a string (a number or a date needs quotes)',
    ],
    [
      { goal: 'x', tasks: [{ ...task, dependencies: 'a' }] },
      'tasks[0].dependencies: must be a list of task ids, like [research, interviews]',
    ],
    [
      { goal: 'x', tasks: [{ ...task, type: 'Aggregate' }] },
      'tasks[0].type: must be one of action, decision, observation, aggregate. Did you mean "aggregate"?',
    ],
    [
      { goal: 'x', tasks: [{ ...task, run: 'rm' }] },
      'tasks[0].run: unknown field "run". Known fields are id, description, type, dependencies, priority, estimate, metadata.',
    ],
    [
      { goal: 'x', tasks: [{ ...task, estimate: { duration: 1 } }] },
      'tasks[0].estimate.duration: unknown field "duration". Did you mean "durationMs"?',
    ],
  ])('says what is wrong with %j', (value, problem) => {
    expect(problemsOf(value)).toEqual([problem]);
  });

  test('reports what is wrong with fields and between tasks in one go', () => {
    const problems = problemsOf({
      goal: 'x',
      tasks: [
        { id: 'a', descripton: 'x', dependencies: ['b', 'reserch'] },
        { id: 'b', description: 'x', dependencies: ['a'] },
        task,
        task,
      ],
    });
    expect(problems).toEqual([
      'tasks[0].description: is missing; it must be a string, the prompt',
      'tasks[0].descripton: unknown field "descripton". Did you mean "description"?',
      'tasks[3].id: the id "research" is already used by tasks[2]; ids must be unique',
      'tasks[0].dependencies[1]: there is no task "reserch". Did you mean "research"?',
      'tasks[0].dependencies: tasks wait for each other: a → b → a (each depends on the next)',
    ]);
  });

  test('takes ids like __proto__ as ids', () => {
    const tasks = JSON.parse(
      '[{"id":"__proto__","description":"x"},{"id":"constructor","description":"x","dependencies":["__proto__"]}]',
    );
    expect(parsePlanDocument({ goal: 'x', tasks }).plan.tasks).toHaveLength(2);
  });
});

test('the JSON Schema that the package publishes is the one of this code', async () => {
  const published = `${JSON.stringify(planJsonSchema(), undefined, 2)}\n`;
  await expect(published).toMatchFileSnapshot('../schema/plan.schema.json');
});

test('the schema describes every field it knows', () => {
  const { properties } = planJsonSchema() as {
    properties: Record<string, { description?: string }>;
  };
  expect(Object.keys(properties)).toEqual(Object.keys(planDocumentSchema.shape));
});
