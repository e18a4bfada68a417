import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Plan } from '../contract/plan.js';
import { formatProblem, PlanError } from '../contract/plan-error.js';
import type { Task } from '../contract/task.js';
import { graphOf, validatePlan } from './plan.js';

const text = { description: 'x' };

function problemsOf(tasks: unknown): string[] {
  return validatePlan({ goal: 'x', tasks } as Plan).map(formatProblem);
}

/** A list in which nothing stands at the first place, not even undefined. */
function withHole<T>(...items: T[]): T[] {
  const list: T[] = new Array(items.length + 1);
  for (const [index, item] of items.entries()) list[index + 1] = item;
  return list;
}

describe('validatePlan', () => {
  test.each<[unknown, string]>([
    [undefined, 'a plan is an object with a goal and tasks'],
    [null, 'a plan is an object with a goal and tasks'],
    [[], 'a plan is an object with a goal and tasks'],
    [{ tasks: [{ id: 'a', ...text }] }, 'goal: must be a string'],
    [{ goal: 'x' }, 'tasks: must be a list of tasks'],
    [{ goal: 'x', tasks: [] }, 'tasks: the plan has no tasks; give it at least one'],
    [
      { goal: 'x', tasks: [{ id: 'a', ...text }], taks: 1 },
      'taks: unknown field "taks". Did you mean "tasks"?',
    ],
    [{ goal: 'x', metadata: 3, tasks: [{ id: 'a', ...text }] }, 'metadata: must be an object'],
  ])('refuses %j', (plan, problem) => {
    expect(validatePlan(plan as Plan).map(formatProblem)).toEqual([problem]);
  });

  test.each<[unknown, string]>([
    [undefined, 'tasks[0]: a task is an object with an id and a description'],
    ['a', 'tasks[0]: a task is an object with an id and a description'],
    [{ ...text }, 'tasks[0].id: must be a non-empty string'],
    [{ id: '', ...text }, 'tasks[0].id: must be a non-empty string'],
    [{ id: 7, ...text }, 'tasks[0].id: must be a non-empty string'],
    ...(['a\nb', '\u0000', 'a\u001b[31m', '\u0085', 'a\ud800', '\udc00b'].map((id) => [
      { id, ...text },
      'tasks[0].id: must not contain control characters or lone surrogates',
    ]) as [object, string][]),
    [
      { id: 'a' },
      'tasks[0].description: is missing; a task without a run function, tool or command needs a description, which is its prompt',
    ],
    [{ id: 'a', description: ' ' }, 'tasks[0].description: must not be empty; it is the prompt'],
    [{ id: 'a', description: 3 }, 'tasks[0].description: must be a string'],
    [{ id: 'a', ...text, run: 'x' }, 'tasks[0].run: must be a function'],
    [
      { id: 'a', prompt: 'Say hello' },
      'tasks[0].prompt: must be a function of the inputs; write a fixed prompt as the description',
    ],
    [
      { id: 'a', ...text, dependsOn: ['b'] },
      'tasks[0].dependsOn: unknown field "dependsOn". Did you mean "dependencies"?',
    ],
    [
      { id: 'a', ...text, type: 'agregate' },
      'tasks[0].type: must be one of action, decision, observation, aggregate. Did you mean "aggregate"?',
    ],
    [
      { id: 'a', ...text, dependencies: 'b' },
      'tasks[0].dependencies: must be a list of task ids, like ["research"]',
    ],
    [
      { id: 'a', ...text, dependencies: [''] },
      'tasks[0].dependencies: must be a list of task ids, like ["research"]',
    ],
    [{ id: 'a', ...text, priority: Number.NaN }, 'tasks[0].priority: must be a number'],
    [
      { id: 'a', ...text, estimate: 5 },
      'tasks[0].estimate: must be an object like { durationMs: 2000 }',
    ],
    [
      { id: 'a', ...text, estimate: { durationMs: -1 } },
      'tasks[0].estimate.durationMs: must be a number of milliseconds ≥ 0',
    ],
    [{ id: 'a', ...text, metadata: [] }, 'tasks[0].metadata: must be an object'],
    [
      { id: 'a', ...text, dependecies: [] },
      'tasks[0].dependecies: unknown field "dependecies". Did you mean "dependencies"?',
    ],
    [
      { id: 'a', ...text, dependencies: ['a'] },
      'tasks[0].dependencies[0]: task "a" depends on itself',
    ],
  ])('refuses the task %j', (task, problem) => {
    expect(problemsOf([task])).toEqual([problem]);
  });

  test('reports all problems at once, each with its path', () => {
    expect(
      problemsOf([
        { id: 'research', ...text },
        { id: 'a', descripton: 'x', dependencies: ['reserch', 'b', 'b'] },
        { id: 'b', ...text, dependencies: ['c'] },
        { id: 'c', ...text, dependencies: ['a'] },
        { id: 'a', ...text },
        null,
      ]),
    ).toEqual([
      'tasks[1].descripton: unknown field "descripton". Did you mean "description"?',
      'tasks[1].description: is missing; a task without a run function, tool or command needs a description, which is its prompt',
      'tasks[5]: a task is an object with an id and a description',
      'tasks[4].id: the id "a" is already used by tasks[1]; ids must be unique',
      'tasks[1].dependencies[0]: there is no task "reserch". Did you mean "research"?',
      'tasks[1].dependencies[2]: "b" is listed twice',
    ]);
  });

  test('shows each cycle once, as a path from its earliest task', () => {
    expect(
      problemsOf([
        { id: 'x', ...text, dependencies: ['C'] },
        { id: 'A', ...text, dependencies: ['B'] },
        { id: 'B', ...text, dependencies: ['C'] },
        { id: 'C', ...text, dependencies: ['A'] },
        { id: 'p', ...text, dependencies: ['q'] },
        { id: 'q', ...text, dependencies: ['p'] },
      ]),
    ).toEqual([
      'tasks[1].dependencies: dependency cycle: A → B → C → A (each depends on the next)',
      'tasks[4].dependencies: dependency cycle: p → q → p (each depends on the next)',
    ]);
  });

  test.each(['__proto__', 'constructor', 'toString', 'a"b', 'é–🙂', ' ', 'x'.repeat(1_000_000)])(
    'takes the id %.20j like any other',
    (id) => {
      expect(
        problemsOf([
          { id, ...text },
          { id: 'b', ...text, dependencies: [id] },
        ]),
      ).toEqual([]);
      expect(problemsOf([{ id: 'b', ...text, dependencies: [id] }])).toHaveLength(1);
    },
  );

  test.each<[string, unknown, string[]]>([
    [
      'a hole in its tasks',
      withHole({ id: 'a', ...text }, { id: 'b', ...text }),
      ['tasks[0]: a task is an object with an id and a description'],
    ],
    [
      'a hole in a list of dependencies',
      [
        { id: 'a', ...text },
        { id: 'b', ...text, dependencies: withHole('a') },
      ],
      ['tasks[1].dependencies: must be a list of task ids, like ["research"]'],
    ],
    ['a text for its tasks', 'tasks', ['tasks: must be a list of tasks']],
    ['an object for its tasks', { length: 1 }, ['tasks: must be a list of tasks']],
    ['a set for its tasks', new Set([{ id: 'a', ...text }]), ['tasks: must be a list of tasks']],
    [
      'tasks of every other kind',
      [null, 3, 'a', ['a'], () => {}, Symbol('a'), 3n, true],
      Array.from(
        { length: 8 },
        (_, index) => `tasks[${index}]: a task is an object with an id and a description`,
      ),
    ],
    [
      'dependencies of every other kind',
      [null, 3, 'a', {}, true, new Set(['a']), [3], [null], [['a']], [undefined]].map(
        (dependencies, index) => ({ id: `${index}`, ...text, dependencies }),
      ),
      Array.from(
        { length: 10 },
        (_, index) => `tasks[${index}].dependencies: must be a list of task ids, like ["research"]`,
      ),
    ],
    [
      'null in every field',
      [
        {
          id: null,
          description: null,
          type: null,
          dependencies: null,
          priority: null,
          estimate: null,
          metadata: null,
          run: null,
        },
      ],
      [
        'tasks[0].id: must be a non-empty string',
        'tasks[0].run: must be a function',
        'tasks[0].description: must be a string',
        'tasks[0].type: must be one of action, decision, observation, aggregate.',
        'tasks[0].dependencies: must be a list of task ids, like ["research"]',
        'tasks[0].priority: must be a number',
        'tasks[0].estimate: must be an object like { durationMs: 2000 }',
        'tasks[0].metadata: must be an object',
      ],
    ],
    [
      'fields that every object has',
      [JSON.parse('{"id": "a", "description": "x", "__proto__": 1, "constructor": 2}')],
      [
        'tasks[0].__proto__: unknown field "__proto__". Known fields are id, description, dependencies, run, type, runAfter, priority, estimate, metadata, prompt, outputSchema, when, forEach, repeat, subtasks, plan, with, retry, timeoutMs, idleTimeoutMs, waitFor, tools, tool, args, command, save, attachments, model, instructions, temperature, topP, seed, stopSequences, maxOutputTokens, toolChoice, serverTools, headers, providerOptions, reasoning, stream, serviceTier, store, promptCacheKey, promptCacheTtl.',
        'tasks[0].constructor: unknown field "constructor". Known fields are id, description, dependencies, run, type, runAfter, priority, estimate, metadata, prompt, outputSchema, when, forEach, repeat, subtasks, plan, with, retry, timeoutMs, idleTimeoutMs, waitFor, tools, tool, args, command, save, attachments, model, instructions, temperature, topP, seed, stopSequences, maxOutputTokens, toolChoice, serverTools, headers, providerOptions, reasoning, stream, serviceTier, store, promptCacheKey, promptCacheTtl.',
      ],
    ],
  ])('lists the problems of a plan with %s', (_, tasks, problems) => {
    expect(problemsOf(tasks)).toEqual(problems);
  });

  test('accepts tasks without a prototype, frozen ones, and instances of a class', () => {
    class Custom implements Task {
      readonly id = 'c';
      readonly dependencies = ['a', 'b'];
      run() {
        return this.id;
      }
    }
    const bare = Object.assign(Object.create(null), { id: 'a', ...text });
    const frozen = Object.freeze({ id: 'b', ...text, dependencies: Object.freeze(['a']) });
    expect(problemsOf(Object.freeze([bare, frozen, new Custom()]))).toEqual([]);
  });

  test('rethrows the error of a getter of the plan', () => {
    const task = {
      get id(): string {
        throw new Error('from the getter');
      },
    };
    expect(() => problemsOf([task])).toThrow('from the getter');
  });

  test('finds exactly the problems that were inserted, each with its path', () => {
    const flaws = fc.array(
      fc.constantFrom('none', 'none', 'unknown', 'self', 'twice', 'duplicate', 'field', 'type'),
      { minLength: 1, maxLength: 30 },
    );
    fc.assert(
      fc.property(flaws, (kinds) => {
        const expected: string[] = [];
        const tasks: unknown[] = [{ id: 'first', ...text }];
        for (const kind of kinds) {
          const at = tasks.length;
          const id = `task ${at}`;
          const found = (code: string, path: string) =>
            expected.push(`${code} tasks[${at}]${path}`);
          const flawed = {
            none: { id, ...text, dependencies: ['first'] },
            unknown: { id, ...text, dependencies: ['first', `nobody ${at}`] },
            self: { id, ...text, dependencies: [id, 'first'] },
            twice: { id, ...text, dependencies: ['first', 'first'] },
            duplicate: { id: 'first', ...text },
            field: { id, ...text, color: 'red' },
            type: { id, ...text, type: 'poem' },
          }[kind];
          tasks.push(flawed);
          if (kind === 'unknown') found('unknown_dependency', '.dependencies[1]');
          if (kind === 'self') found('self_dependency', '.dependencies[0]');
          if (kind === 'twice') found('duplicate_dependency', '.dependencies[1]');
          if (kind === 'duplicate') found('duplicate_id', '.id');
          if (kind === 'field') found('unknown_field', '.color');
          if (kind === 'type') found('invalid_value', '.type');
        }
        const problems = validatePlan({ goal: 'x', tasks } as Plan);
        const seen = problems.map(
          ({ code, path }) => `${code} ${formatProblem({ code, path, message: '' }).slice(0, -2)}`,
        );
        expect(seen.sort()).toEqual(expected.sort());
      }),
    );
  });

  test('reports a path that leads to the wrong value', () => {
    const plan = {
      goal: 'x',
      tasks: [
        { id: 'a', ...text, dependencies: ['b', 'nobody'], estimate: { durationMs: -1 } },
        { id: 'b', ...text, dependencies: ['a'], type: 'poem' },
      ],
    };
    const at = (path: readonly (string | number)[]) =>
      path.reduce<unknown>((value, key) => (value as Record<string | number, unknown>)[key], plan);
    expect(validatePlan(plan as Plan).map(({ code, path }) => [code, at(path)])).toEqual([
      ['invalid_value', -1],
      ['invalid_value', 'poem'],
      ['unknown_dependency', 'nobody'],
      ['cycle', ['b', 'nobody']],
    ]);
  });

  test('reports 300,000 problems between tasks and one of a task by itself', () => {
    const dependencies = Array.from({ length: 300_000 }, (_, n) => `nobody ${n}`);
    expect(problemsOf([{ id: 'a', dependencies }])).toHaveLength(300_001);
  });

  test('limits the search for suggestions when many long ids are misspelt', () => {
    const id = (start: string, n: number) =>
      `${start} a rather long id of a task ${n}`.padEnd(64, '.');
    const tasks: Task[] = Array.from({ length: 10_000 }, (_, n) => ({
      id: id('this is', n),
      ...text,
    }));
    const dependencies = Array.from({ length: 1_000 }, (_, n) => id('that was', n));
    expect(problemsOf([...tasks, { id: 'end', ...text, dependencies }])).toHaveLength(1_000);
  });

  test('reports a million problems', () => {
    const size = 100_000;
    const unknown: Task[] = Array.from({ length: size }, (_, n) => ({
      id: `task ${n}`,
      ...text,
      dependencies: [`tsak ${n}`],
    }));
    const problems = validatePlan({ goal: 'x', tasks: unknown });
    expect(problems).toHaveLength(size);
    expect(problems[0]?.message).toContain('Did you mean');

    const ring = unknown.map((task, n) => ({ ...task, dependencies: [`task ${(n + 1) % size}`] }));
    const [cycle, ...others] = validatePlan({ goal: 'x', tasks: ring });
    expect(others).toEqual([]);
    expect(cycle?.message).toMatch(/^dependency cycle: task 0 → task 1 → .* → … → .* → task 0 \(/);

    const all = unknown.map(({ id }) => id);
    const fan = [
      ...unknown.map(({ id }) => ({ id, ...text })),
      { id: 'end', ...text, dependencies: all },
    ];
    expect(validatePlan({ goal: 'x', tasks: fan })).toEqual([]);
  });
});

describe('graphOf', () => {
  test('throws an error that lists the problems, the first twenty by name', () => {
    const tasks = Array.from({ length: 30 }, (_, n) => ({ id: `${n}` }));
    const error = (() => {
      try {
        return graphOf({ goal: 'x', tasks });
      } catch (thrown) {
        return thrown;
      }
    })() as PlanError;
    expect(error).toBeInstanceOf(PlanError);
    expect(error.code).toBe('invalid_plan');
    expect(error.problems).toHaveLength(30);
    expect(error.message).toMatch(/^The plan is invalid, it has 30 problems:\n {2}- tasks\[0\]/);
    expect(error.message).toMatch(/and 10 more$/);
    expect(JSON.parse(JSON.stringify(error)).problems).toHaveLength(30);
  });

  test('returns a graph that does not change when tasks are added to the plan later', () => {
    const tasks: Task[] = [{ id: 'a', ...text }];
    const graph = graphOf({ goal: 'x', tasks });
    tasks.push({ id: 'b', ...text });
    expect(graph.size).toBe(1);
  });
});

test('the criteria of a goal are checked against the schemas of outputs', () => {
  const outputSchema = {
    type: 'object',
    properties: { score: { type: 'number' }, kind: { enum: ['good', 'bad'] } },
    required: ['score'],
  };
  const problemsOf = (criterion: object) =>
    validatePlan({
      goal: 'x',
      goalState: { criteria: [criterion] },
      tasks: [{ id: 'report', description: 'x', outputSchema }],
    } as never).map(formatProblem);
  expect(problemsOf({ path: 'outputs.report.score', operator: '>=', value: 1 })).toEqual([]);
  expect(problemsOf({ path: 'outputs.report.scor', operator: '>=', value: 1 })).toEqual([
    'goalState.criteria[0].path: "outputs.report.scor" does not exist: the schema of the output has no "scor" there. Did you mean "score"?',
  ]);
  expect(problemsOf({ path: 'outputs.report.kind', operator: '==', value: 'god' })).toEqual([
    'goalState.criteria[0].value: must be one of "good", "bad". Did you mean "good"?',
  ]);
  expect(problemsOf({ path: 'outputs.report.score', operator: '==', value: 'high' })).toEqual([
    'goalState.criteria[0].value: must be a number, as the schema says',
  ]);
});
