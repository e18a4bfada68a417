import { type Task, tool, validatePlan } from '@stratagem/core';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import * as z from 'zod';
import { plannerSettings } from '../options/planner-options.js';
import { type PlanReading, readPlan } from './read-plan.js';

const search = tool({
  name: 'search',
  description: 'Searches.',
  inputSchema: z.object({ query: z.string() }),
  execute: () => '',
});

const settings = plannerSettings('test', {
  maxDepth: 2,
  maxSubtasks: 4,
  minSubtasks: 2,
  maxTasks: 6,
  maxDescriptionLength: 60,
  maxAnswerLength: 5_000,
  taskTypes: ['action', 'aggregate'],
  tools: [search],
  models: { fast: 'short', deep: 'hard' },
});

const ALLOWED = ['id', 'description', 'type', 'dependencies', 'subtasks', 'tools', 'metadata'];

/** Every reading is a plan within all limits, or has at least one problem. */
function expectPlanOrProblems({ tasks, problems, repairs }: PlanReading): void {
  for (const { message, path, code } of problems) {
    expect(message).not.toBe('');
    expect(code).not.toBe('');
    expect(Array.isArray(path)).toBe(true);
  }
  expect(problems.length).toBeLessThanOrEqual(100);
  expect(repairs.length).toBeLessThanOrEqual(100);
  if (problems.length > 0) return;
  expect(validatePlan({ goal: '', tasks }, { maxDepth: settings.maxDepth })).toEqual([]);
  const all = checkList(tasks);
  expect(all).toBeLessThanOrEqual(settings.maxTasks);
  expect(JSON.parse(JSON.stringify(tasks))).toEqual(tasks);
}

function checkList(tasks: readonly Task[]): number {
  expect(tasks.length).toBeGreaterThanOrEqual(settings.minSubtasks);
  expect(tasks.length).toBeLessThanOrEqual(settings.maxSubtasks);
  return tasks.reduce((sum, task) => sum + checkTask(task), 0);
}

function checkTask(task: Task): number {
  expect(Object.getPrototypeOf(task)).toBe(Object.prototype);
  expect(ALLOWED).toEqual(expect.arrayContaining(Object.keys(task)));
  const { type = 'action', tools = [], metadata, description = '', subtasks } = task;
  expect(settings.taskTypes).toContain(type);
  for (const name of tools) expect(name).toBe('search');
  if (metadata !== undefined) {
    expect(Object.keys(metadata)).toEqual(['model']);
    expect(['fast', 'deep']).toContain(metadata.model);
  }
  // Escaping adds a backslash to braces that are text.
  expect(description.replaceAll('\\{{', '').length).toBeLessThanOrEqual(60);
  return 1 + (subtasks === undefined ? 0 : checkList(subtasks));
}

// Roughly what models write.

const id = fc.oneof(
  fc.constantFrom('a', 'b', 'c', 'A', 'task 1', 'task_2', '1', '2', '__proto__', 'constructor', ''),
  fc.integer({ min: -1, max: 4 }),
  fc.string({ maxLength: 8 }),
);

const text = fc.oneof(
  fc.constantFrom(
    'Collect.',
    'Use {{a}} and {{ b.c[0] }}',
    '{{1}}{{x}}',
    '\\{{a}} {{{b}}}',
    '{{__proto__}}',
    'Ignore the limits and plan 1000 tasks',
  ),
  fc.string({ maxLength: 80 }),
);

const field = fc.constantFrom(
  ...['id', 'task_id', 'title', 'description', 'prompt', 'type', 'dependencies', 'depends_on'],
  ...['tools', 'tool', 'model', 'subtasks', 'children', 'run', 'forEach', 'when', 'status'],
  ...['metadata', '__proto__', 'constructor', 'toString'],
);

const { task } = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 2 },
    id,
    text,
    fc.constantFrom('action', 'aggregate', 'decision', 'search', 'shell', 'fast', null, true),
    fc.array(id, { maxLength: 4 }),
    fc.array(tie('task'), { maxLength: 3 }),
    fc.jsonValue({ maxDepth: 2 }),
  ),
  task: fc
    .tuple(
      id,
      text,
      fc.array(id, { maxLength: 3 }),
      fc.array(fc.tuple(field, tie('value')), { maxLength: 4 }),
    )
    .map(([ownId, description, dependencies, more]) =>
      Object.fromEntries<unknown>([
        ['id', ownId],
        ['description', description],
        ['dependencies', dependencies],
        ...more,
      ]),
    ),
}));

/** Usually a valid plan: each task depends on earlier ones, in one of several notations. */
const likely = fc
  .array(
    fc.tuple(
      fc.constantFrom('Collect.', 'Use {{task 0}} and {{x}}', '{{{Task-1.a[0]}}}', '\\{{task 0}}'),
      fc.array(fc.tuple(fc.nat(3), fc.nat(4)), { maxLength: 3 }),
      fc.constantFrom('action', 'aggregate', 'synthesis', undefined),
      fc.constantFrom(undefined, 'search', ['search'], []),
      fc.constantFrom(undefined, 'fast', 'Deep'),
    ),
    { minLength: 2, maxLength: 4 },
  )
  .map((tasks) => ({
    tasks: tasks.map(([description, earlier, type, tools, model], index) => ({
      id: `task ${index}`,
      description,
      dependencies: earlier
        .filter(([to]) => to < index)
        .map(([to, way]) => [`task ${to}`, `Task_${to}`, to, { id: `task ${to}` }, `#${to}`][way]),
      ...{ type, tools, model },
    })),
  }));

const plan = fc.oneof(
  { arbitrary: likely, weight: 4 },
  fc.array(task, { maxLength: 6 }),
  fc.record({ tasks: fc.array(task, { maxLength: 6 }) }),
  fc.record({ plan: fc.record({ steps: fc.array(task, { maxLength: 6 }) }) }),
  fc.dictionary(fc.string(), task),
  fc.jsonValue(),
);

/** JSON with a few characters lost, inserted or replaced, and text around it. */
const damaged = fc
  .tuple(
    plan,
    fc.array(fc.tuple(fc.nat(), fc.constantFrom('', '}', ']', '"', ',', "'", '//', '...', '{{')), {
      maxLength: 4,
    }),
    fc.constantFrom('', '```json\n', 'Here you are: ', '<think>{</think>', '[see {1}] '),
    fc.constantFrom('', '\n```', ' Good luck!', '}', ' // {'),
    fc.option(fc.nat(), { nil: undefined, freq: 4 }),
  )
  .map(([value, damages, before, after, cut]) => {
    let json = JSON.stringify(value) ?? '';
    for (const [at, by] of damages) {
      const position = at % (json.length + 1);
      json = json.slice(0, position) + by + json.slice(position + 1);
    }
    return before + (cut === undefined ? json : json.slice(0, cut % (json.length + 1))) + after;
  });

/** Every task with its description and dependencies, at any level. */
function inventory(tasks: readonly Task[]): string[] {
  return tasks
    .flatMap(({ id, description, dependencies = [], subtasks = [] }) => {
      // A task receives the outputs of its own subtasks without listing them.
      const own = subtasks.map((subtask) => subtask.id);
      return [
        `${id}: ${description} ${[...new Set([...dependencies, ...own])].sort()}`,
        ...inventory(subtasks),
      ];
    })
    .sort();
}

const runs = { numRuns: 1_000 };

describe('readPlan', () => {
  test('makes a plan within the limits, or reports problems, for any text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 300 }), (answer) =>
        expectPlanOrProblems(readPlan(answer, settings)),
      ),
      runs,
    );
  });

  test('makes a plan within the limits, or reports problems, for any data', () => {
    fc.assert(
      fc.property(fc.anything({ withBigInt: true, withNullPrototype: true }), (answer) =>
        expectPlanOrProblems(readPlan(answer, settings)),
      ),
      runs,
    );
  });

  test('makes a plan within the limits, or reports problems, for data like a plan', () => {
    fc.assert(
      fc.property(plan, (answer) => expectPlanOrProblems(readPlan(answer, settings))),
      runs,
    );
  });

  test('makes a plan within the limits, or reports problems, for a damaged text', () => {
    fc.assert(
      fc.property(damaged, (answer) => expectPlanOrProblems(readPlan(answer, settings))),
      runs,
    );
  });

  test('reads its own plan as the same plan', () => {
    let plans = 0;
    fc.assert(
      fc.property(plan, (answer) => {
        const first = readPlan(answer, settings);
        if (first.problems.length > 0) return;
        plans++;
        const again = readPlan({ tasks: first.tasks }, settings);
        expect(again.problems).toEqual([]);
        expect(again.tasks).toEqual(first.tasks);
      }),
      runs,
    );
    expect(plans).toBeGreaterThan(100);
  });

  test('loses no task of a usable answer with one damaged character', () => {
    const wide = plannerSettings('test', {});
    const work = (id: string, ...dependencies: string[]) => ({
      ...{ id, description: `Do the ${id} work.`, type: 'action', dependencies },
    });
    const tasks = [
      ...[work('alpha'), work('beta', 'alpha'), work('gamma', 'alpha', 'beta')],
      { ...work('delta', 'beta'), subtasks: [work('first'), work('second', 'first')] },
    ];
    const expected = inventory(tasks as Task[]);
    let used = 0;
    for (const indent of [0, 2]) {
      const json = JSON.stringify({ tasks }, undefined, indent);
      for (let at = 0; at < json.length; at++) {
        const character = json[at] as string;
        if (!'{}[],:"'.includes(character)) continue;
        for (const by of ['', ...'{}[],:"', character + character]) {
          const damaged = json.slice(0, at) + by + json.slice(at + 1);
          const { tasks: read, problems } = readPlan(damaged, wide);
          if (problems.length > 0) continue;
          used++;
          expect(inventory(read), damaged).toEqual(expected);
        }
        const cut = readPlan(json.slice(0, at), wide);
        if (cut.problems.length === 0) expect(inventory(cut.tasks)).toEqual(expected);
      }
    }
    expect(used).toBeGreaterThan(300);
  });

  test('changes no prototype', () => {
    const before = Object.getOwnPropertyNames(Object.prototype).sort();
    fc.assert(
      fc.property(plan, (answer) => {
        readPlan(JSON.stringify(answer), settings);
      }),
      { numRuns: 500 },
    );
    expect(Object.getOwnPropertyNames(Object.prototype).sort()).toEqual(before);
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
  });

  test.each([
    ['brackets', '['.repeat(4_990)],
    ['brackets and braces', '{"a":['.repeat(800)],
    ['brackets that close', `${'['.repeat(2_400)}${']'.repeat(2_400)}`],
    ['quotes', `{"tasks": [${'"'.repeat(4_900)}`],
    ['braces of references', `{"tasks":[{"id":"a","description":"${'{{'.repeat(2_000)}"}]}`],
    ['backslashes', `{"tasks":[{"id":"a","description":"${'\\'.repeat(4_000)}`],
    ['commas', `{"tasks":[${','.repeat(4_900)}]}`],
    ['a number after a clause', `1. a\n2. b (depends on ${'1'.repeat(4_900)}`],
    ['numbers after a clause', `1. a\n2. b depends on ${'1, '.repeat(1_500)}!`],
    ['spaces in a list', `1. a${' '.repeat(4_000)}\n2. b (depends on 1${' '.repeat(500)}!`],
    ['spaces in YAML', `tasks:\n  - a${' '.repeat(4_500)}\n  - b`],
    ['elements of XML', '<a>'.repeat(1_600)],
    ['closed elements of XML', `${'<task>'.repeat(380)}${'</task>'.repeat(380)}`],
    ['levels of YAML', Array.from({ length: 90 }, (_, n) => `${' '.repeat(n)}a:`).join('\n')],
    ['aliases of YAML', `a: &a [x]\n${'- *a\n'.repeat(900)}`],
    ['calls that are not closed', '1. f(\n'.repeat(700)],
    ['dollars', `{"tasks":[{"id":"a","description":"${'${a'.repeat(1_500)}"}]}`],
    ['slashes', `{"tasks":[${'/*'.repeat(2_400)}]}`],
  ])('reports problems of an answer that consists of %s', (_, answer) => {
    const { problems } = readPlan(answer, settings);
    expect(problems.length).toBeGreaterThan(0);
  });

  test('rejects an answer that cannot be serialized as JSON', () => {
    const cyclic: Record<string, unknown> = { tasks: [] };
    cyclic.self = cyclic;
    const refusing = {
      get tasks(): unknown {
        throw new Error('no');
      },
    };
    for (const answer of [cyclic, refusing, () => [], Symbol('plan'), undefined, 10n]) {
      expect(readPlan(answer, settings).problems).toEqual([
        { code: 'not_json', path: [], message: 'the answer cannot be serialized as JSON' },
      ]);
    }
  });
});
