import { describe, expect, test } from 'vitest';
import { formatProblem, PlanError } from '../contract/plan-error.js';
import type { StandardSchema } from '../contract/schema.js';
import { planJsonSchema } from './json-schema.js';
import { parsePlanDocument } from './parse.js';
import { planDocumentSchema } from './schema.js';

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
  test('returns the plan, and the strategy as an object', () => {
    expect(parsePlanDocument(document)).toEqual({ plan: document });
    expect(parsePlanDocument({ ...document, strategy: 'parallel' })).toEqual({
      plan: document,
      strategy: { name: 'parallel' },
    });
    for (const strategy of [
      { name: 'parallel', maxParallel: 3, levelBarrier: true },
      { name: 'adaptive', maxParallel: 3, adaptiveThreshold: 0.7 },
    ]) {
      expect(parsePlanDocument({ ...document, strategy, $schema: './x.json' })).toEqual({
        plan: document,
        strategy,
      });
    }
  });

  test('accepts every field of a task', () => {
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
    ...(['depends_on', 'dependsOn', 'needs', 'after', 'requires'] as const).map(
      (field): [object, string] => [
        { goal: 'x', tasks: [task, { id: 'b', description: 'x', [field]: ['research'] }] },
        `tasks[1].${field}: unknown field "${field}". Did you mean "dependencies"?`,
      ],
    ),
    [{ ...document, steps: [] }, 'steps: unknown field "steps". Did you mean "tasks"?'],
    [
      { goal: 'x', tasks: [{ ...task, steps: [] }] },
      'tasks[0].steps: unknown field "steps". Did you mean "subtasks"?',
    ],
    [
      { goal: 'x', tasks: [{ ...task, prompt: 'Go' }] },
      'tasks[0].prompt: unknown field "prompt". Did you mean "description"?',
    ],
    [
      { ...document, strategy: 'paralell' },
      'strategy: unknown strategy "paralell"; it must be one of sequential, parallel, adaptive. Did you mean "parallel"?',
    ],
    [
      { ...document, strategy: { name: 'parallel', maxparallel: 3 } },
      'strategy.maxparallel: unknown field "maxparallel". Did you mean "maxParallel"?',
    ],
    [
      { ...document, max_concurrency: 3 },
      'max_concurrency: unknown field "max_concurrency". Did you mean "strategy: { name: parallel, maxParallel: 4 }"?',
    ],
    [
      { ...document, strategy: { name: 'sequential', maxParallel: 3 } },
      'strategy.maxParallel: unknown field "maxParallel". Known fields are name.',
    ],
    [
      { ...document, strategy: { name: 'parallel', maxParallel: 1.5 } },
      'strategy.maxParallel: must be an integer ≥ 1',
    ],
    [
      { ...document, strategy: { name: 'adaptive', adaptiveThreshold: 0 } },
      'strategy.adaptiveThreshold: must be > 0',
    ],
    [
      { ...document, strategy: { name: 'adaptive', levelBarrier: true } },
      'strategy.levelBarrier: unknown field "levelBarrier". Known fields are name, maxParallel, adaptiveThreshold.',
    ],
    [
      { ...document, strategy: ['parallel'] },
      'strategy: must be sequential, parallel, adaptive, or an object with a name and options',
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
      'tasks[0].run: unknown field "run". Did you mean "command"?',
    ],
    [
      { goal: 'x', tasks: [{ ...task, estimate: { duration: 1 } }] },
      'tasks[0].estimate.duration: unknown field "duration". Did you mean "durationMs"?',
    ],
  ])('reports the problem of %j', (value, problem) => {
    expect(problemsOf(value)).toEqual([problem]);
  });

  test('reports problems of fields and between tasks at once', () => {
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
      'tasks[0].dependencies: dependency cycle: a → b → a (each depends on the next)',
    ]);
  });

  test('accepts ids like __proto__', () => {
    const tasks = JSON.parse(
      '[{"id":"__proto__","description":"x"},{"id":"constructor","description":"x","dependencies":["__proto__"]}]',
    );
    expect(parsePlanDocument({ goal: 'x', tasks }).plan.tasks).toHaveLength(2);
  });
});

const everything = {
  goal: 'Review the papers',
  goalState: { criteria: [{ count: 'outputs.*.papers', operator: '>=', value: 3 }] },
  goalCheckInterval: 2,
  retry: { maxAttempts: 2, on: ['rate_limited'] },
  timeoutMs: 60_000,
  deadlineMs: 600_000,
  budget: {
    ...{ tokens: 100_000, costUsd: 2, tasks: 50, wallTimeMs: 500_000 },
    resources: { 'openai/gpt-5': { tokens: 1_000 }, fast: { costUsd: 0.5 } },
  },
  tasks: [
    {
      id: 'gather',
      description: 'Gather papers',
      outputSchema: {
        type: 'object',
        properties: { papers: { type: 'array', items: { type: 'string' } } },
        required: ['papers'],
      },
      retry: { maxAttempts: 5, initialDelayMs: 10, maxDelayMs: 100, factor: 3 },
      timeoutMs: 5_000,
    },
    {
      id: 'read',
      dependencies: ['gather'],
      forEach: { items: 'gather.papers', maxItems: 20, minSuccess: '80%' },
      subtasks: [
        { id: 'summary', description: 'Summarise {{item}}' },
        { id: 'critique', description: 'Criticise {{summary}}', dependencies: ['summary'] },
      ],
    },
    {
      id: 'triage',
      type: 'decision',
      description: 'Is {{read[0].output}} good?',
      dependencies: ['read'],
    },
    {
      id: 'publish',
      description: 'Publish {{triage}}?',
      waitFor: { kind: 'approval', timeoutMs: 1_000, default: false },
      dependencies: ['triage'],
      repeat: {
        until: { path: 'publish', operator: '==', value: true },
        maxIterations: 3,
        onExhausted: 'fail',
      },
      when: {
        any: [
          { path: 'triage', operator: 'matches', value: '(?i)^yes' },
          { not: { all: [{ path: 'triage', operator: '!=', value: 'good' }] } },
        ],
      },
    },
  ],
};

describe('fields that control a run', () => {
  test('are kept as they are, and are the same in JSON', () => {
    const { plan } = parsePlanDocument(everything);
    expect(JSON.parse(JSON.stringify(plan))).toEqual(everything);
    expect(parsePlanDocument(JSON.parse(JSON.stringify(plan))).plan).toEqual(plan);
  });

  test('include schemas that validate', async () => {
    const [gather] = parsePlanDocument(everything).plan.tasks;
    const { outputSchema } = gather as { outputSchema: StandardSchema };
    const { validate } = outputSchema['~standard'];
    expect(await validate({ papers: ['a'] })).toEqual({ value: { papers: ['a'] } });
    expect(await validate({ papers: [1] })).toMatchObject({
      issues: [{ path: ['papers', 0], message: expect.stringContaining('expected string') }],
    });
  });

  test.each([
    [{ outputSchema: 'text' }, 'outputSchema: must be a JSON Schema, like { type: object, … }'],
    [{ outputSchema: { type: 'wood' } }, 'outputSchema: is not a supported JSON Schema: '],
    [{ when: 'research.ok' }, 'when: must be a condition like '],
    [{ when: { path: 'research', operator: '=', value: 1 } }, 'when.operator: must be one of =='],
    [
      { when: { path: 'reserch', operator: '==', value: 1 } },
      'when.path: "reserch" is not an input ',
    ],
    [{ forEach: 'reserch.list' }, 'forEach: "reserch.list" is not an input of this task'],
    [{ forEach: { items: 'research', maxItems: 0 } }, 'forEach.maxItems: must be an integer'],
    [
      { repeat: { until: { path: 'drft', operator: '==', value: 1 } } },
      'repeat.until.path: "drft" is not an input',
    ],
    [{ repeat: { maxIterations: 3 } }, 'repeat.until: is missing'],
    [
      { repeat: { until: { path: 'research', operator: '==', value: 1 }, times: 3 } },
      'repeat.times: unknown field "times"',
    ],
    [
      { until: { path: 'research', operator: '==', value: 1 } },
      'until: unknown field "until". Did you mean "repeat"?',
    ],
    [
      { forEach: { items: 'research', minSuccess: '120%' } },
      'forEach.minSuccess: must be an integer ≥ 0, or a percentage',
    ],
    [{ retry: { maxAttempts: 0 } }, 'retry.maxAttempts: must be an integer ≥ 1'],
    [{ retry: { on: ['timout'] } }, 'retry.on[0]: must be one of task_failed, '],
    [{ retry: { tries: 2 } }, 'retry.tries: unknown field "tries". Did you mean "maxAttempts"?'],
    [{ retry: { pause: 2 } }, 'retry.pause: unknown field "pause". Known fields are maxAttempts, '],
    [{ timeoutMs: '5s' }, 'timeoutMs: must be a number of milliseconds > 0'],
    [{ waitFor: 'aproval' }, 'waitFor: must be one of approval, answer. Did you mean "approval"?'],
    [{ subtasks: 'a' }, 'subtasks: must be a list of tasks'],
    [
      { description: 'See {{reserch.x}}' },
      'description: {{reserch.x}} is not an input of this task',
    ],
  ])('reports the problem of %j', (fields, message) => {
    const wrong = { id: 'report', description: 'x', dependencies: ['research'], ...fields };
    const problems = problemsOf({ goal: 'x', tasks: [task, wrong] });
    expect(problems).toEqual([expect.stringContaining(`tasks[1].${message}`)]);
  });

  test.each([
    [{ budget: { tokns: 1 } }, 'budget.tokns: unknown field "tokns". Did you mean "tokens"?'],
    [
      { budget: { resources: { fast: { costUSD: 1 } } } },
      'budget.resources.fast.costUSD: unknown field "costUSD". Did you mean "costUsd"?',
    ],
    [
      { budget: { resources: { fast: 5 } } },
      'budget.resources.fast: must be a budget, as in { "openai/gpt-5": { tokens: 100000 } }',
    ],
    [
      { budget: { resources: ['fast'] } },
      'budget.resources: must be an object like { "openai/gpt-5": { tokens: 100000 } }',
    ],
    [{ deadlineMs: -1 }, 'deadlineMs: must be a number of milliseconds > 0'],
    [{ goalCheckInterval: 5 }, 'goalCheckInterval: has no effect without a goalState'],
    [
      { goalState: { criteria: [] } },
      'goalState.criteria: must be a list of at least one criterion',
    ],
    [
      { goalState: { criteria: [{ path: 'outputs.x', operator: '==', value: 1 }] } },
      'goalState.criteria[0].path: "x" is not a task of the plan',
    ],
    [
      { goalState: { criteria: [{ path: 'metrics.tokens', operator: '>', value: 1 }] } },
      'goalState.criteria[0].path: unknown metric "tokens"; known metrics are completedTasks',
    ],
  ])('reports the problem of a plan with %j', (fields, message) => {
    expect(problemsOf({ ...document, ...fields })).toEqual([expect.stringContaining(message)]);
  });

  test('may nest up to a limit', () => {
    let nested: object = { id: 'deep', description: 'x' };
    for (let level = 0; level < 20_000; level++) nested = { id: `p${level}`, subtasks: [nested] };
    expect(problemsOf({ goal: 'x', tasks: [nested] })).toEqual([
      expect.stringContaining('is nested deeper than 8 levels'),
    ]);
  });
});

test('the published JSON Schema is that of this code', async () => {
  const published = `${JSON.stringify(planJsonSchema(), undefined, 2)}\n`;
  await expect(published).toMatchFileSnapshot('../../schema/plan.schema.json');
});

test('the schema describes every field', () => {
  const { properties } = planJsonSchema() as {
    properties: Record<string, { description?: string }>;
  };
  expect(Object.keys(properties)).toEqual(Object.keys(planDocumentSchema.shape));
});
