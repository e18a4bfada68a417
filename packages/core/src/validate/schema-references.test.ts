import { describe, expect, test } from 'vitest';
import * as z from 'zod';
import { execute, planOf, runnerOf, statuses, taskOf } from '../../test/runs.js';
import type { Condition } from '../contract/condition.js';
import { parsePlanDocument } from '../document.js';
import { formatProblem, type Plan, PlanError, type Task, validatePlan } from '../index.js';

const verdict = z.object({
  kind: z.enum(['bug', 'question', 'wish']),
  score: z.number(),
  urgent: z.boolean(),
  labels: z.array(z.enum(['ui', 'api'])),
  author: z.object({ name: z.string() }).nullable(),
  parts: z.array(z.object({ title: z.string() })),
  extra: z.record(z.string(), z.number()),
  reason: z.string().optional(),
});

const triage: Task = { id: 'triage', description: 'Triage', outputSchema: verdict };
const problemsOf = (plan: Plan) => validatePlan(plan).map(formatProblem);

/** The problems in code, which are those of a plan file as well. */
function problemsOfTask(fields: Partial<Task>, before: readonly Task[] = [triage]): string[] {
  const task = {
    id: 'then',
    description: 'x',
    dependencies: before.map(({ id }) => id),
    ...fields,
  };
  const plan = planOf(...before, task);
  const problems = problemsOf(plan);
  expect(problemsOfFile(plan)).toEqual(problems);
  return problems.map((problem) => problem.replace(/^tasks\[\d\]\./, ''));
}

function problemsOfFile({ goal, tasks }: Plan): string[] {
  const asJson = (task: Task): object => ({
    ...task,
    ...(task.outputSchema && { outputSchema: z.toJSONSchema(task.outputSchema as z.ZodType) }),
    ...(task.subtasks && { subtasks: task.subtasks.map(asJson) }),
  });
  try {
    parsePlanDocument(JSON.parse(JSON.stringify({ goal, tasks: tasks.map(asJson) })));
  } catch (error) {
    if (error instanceof PlanError) return error.problems.map(formatProblem);
    throw error;
  }
  return [];
}

const when = (path: string, operator: string, value: unknown) =>
  ({ when: { path, operator, value } as Condition }) satisfies Partial<Task>;

describe('the path of a condition', () => {
  test('that the schema does not know is a problem', () => {
    expect(problemsOfTask(when('triage.knd', '==', 'bug'))).toEqual([
      'when.path: "triage.knd" is not in the output of "triage": its schema has no "knd" there. Did you mean "kind"?',
    ]);
    expect(problemsOfTask(when('triage.parts[0].name', '==', 'x'))).toEqual([
      'when.path: "triage.parts[0].name" is not in the output of "triage": its schema has no "name" there. Known fields are title.',
    ]);
    const nested = {
      when: { any: [{ not: { path: 'triage.authr.name', operator: '==', value: 'x' } }] },
    };
    expect(problemsOfTask(nested as Partial<Task>)).toEqual([
      expect.stringContaining(
        'when.any[0].not.path: "triage.authr.name" is not in the output of "triage"',
      ),
    ]);
    expect(problemsOfTask(when('triage.score.x', '==', 1))).toHaveLength(1);
    expect(problemsOfTask(when('triage.parts.title', '==', 'x'))).toHaveLength(1);
  });

  test.each([
    ['triage.kind', '==', 'bug'],
    ['triage.kind', '!=', 'wish'],
    ['triage.kind.length', '>', 3],
    ['triage.kind', 'matches', 'b'],
    ['triage.kind', 'contains', 'u'],
    ['triage.score', '>=', 0.5],
    ['triage.urgent', '==', true],
    ['triage.labels', 'contains', 'ui'],
    ['triage.labels.length', '==', 2],
    ['triage.labels[7]', '==', 'api'],
    ['triage.author', '==', null],
    ['triage.author.name', 'matches', 'A'],
    ['triage.parts[3].title', '==', 'x'],
    ['triage.extra.anything', '>', 1],
    ['triage.reason', '==', 'x'],
    ['triage', '!=', { kind: 'bug' }],
  ])('%s %s %j may be', (path, operator, value) => {
    expect(problemsOfTask(when(path, operator, value))).toEqual([]);
  });

  test.each([
    [
      'triage.kind',
      '==',
      'qestion',
      'must be one of "bug", "question", "wish". Did you mean "question"?',
    ],
    ['triage.kind', '!=', 'urgent', 'must be one of "bug", "question", "wish".'],
    ['triage.score', '==', '3', 'must be a number, as the schema says'],
    ['triage.score', '>', '3', 'must be a number, as the schema says'],
    ['triage.urgent', '==', 'yes', 'must be one of true, false.'],
    ['triage.labels', 'contains', 'uy', 'must be one of "ui", "api". Did you mean "ui"?'],
    ['triage.score', 'contains', 1, 'the value at the path has no parts: it is a number'],
    [
      'triage.score',
      'matches',
      '1',
      'only text matches a pattern; the value at the path is a number',
    ],
    ['triage.author', '==', 'Ada', 'must be an object or null, as the schema says'],
    ['triage.extra.cost', '==', 'low', 'must be a number, as the schema says'],
    ['triage', '==', 'bug', 'must be an object, as the schema says'],
  ])('%s %s %j can never be', (path, operator, value, problem) => {
    expect(problemsOfTask(when(path, operator, value))).toEqual([`when.value: ${problem}`]);
  });
});

describe('other references', () => {
  test('in prompts must be in the schema', () => {
    expect(problemsOfTask({ description: 'See {{triage.kind}} and {{ triage.knd }}' })).toEqual([
      expect.stringContaining('description: {{triage.knd}} is not in the output of "triage"'),
    ]);
  });

  test('of fan-outs must be lists in the schema, and so must their items know what is used', () => {
    expect(problemsOfTask({ forEach: 'triage.prts', description: '{{item}}' })).toEqual([
      expect.stringContaining('forEach: "triage.prts" is not in the output of "triage"'),
    ]);
    expect(problemsOfTask({ forEach: { items: 'triage.kind' }, description: '{{item}}' })).toEqual([
      'forEach.items: "triage.kind" is not a list: its schema says text',
    ]);
    const each = {
      forEach: 'triage.parts',
      description: '{{item.title}} {{item.titel}} {{index}}',
    };
    expect(problemsOfTask(each)).toEqual([
      expect.stringMatching(/{{item.titel}} is not in the output of "item".*Did you mean "title"/),
    ]);
    const subtasks: Task[] = [
      { id: 's', description: '{{item.title}} {{triage.kind}}', dependencies: ['triage'] },
      { id: 't', description: 'x', ...when('item.titel', '==', 'x') },
      { id: 'u', description: '{{triage.knd}}', dependencies: ['triage'] },
    ];
    expect(problemsOfTask({ forEach: 'triage.parts', description: undefined, subtasks })).toEqual([
      expect.stringContaining('subtasks[1].when.path: "item.titel" is not in the output of "item"'),
      expect.stringContaining('subtasks[2].description: {{triage.knd}} is not in the output of'),
    ]);
  });

  test('to fan-outs, groups and approvals know the outputs of these', () => {
    const before: Task[] = [
      {
        id: 'each',
        description: 'x',
        forEach: 'list.items',
        dependencies: ['list'],
        outputSchema: verdict,
      },
      { id: 'group', subtasks: [{ id: 'in', description: 'x', outputSchema: verdict }] },
      { id: 'ok', description: 'Ok?', waitFor: 'approval' },
    ];
    const list: Task = { id: 'list', description: 'x' };
    const of = (fields: Partial<Task>) => problemsOfTask(fields, [list, ...before]);
    expect(
      of({ description: '{{each[0].output.kind}} {{each[0].status}} {{each.length}}' }),
    ).toEqual([]);
    expect(of({ description: '{{group.in.kind}} {{list.anything}}' })).toEqual([]);
    expect(of({ description: '{{each[0].kind}}' })).toHaveLength(1);
    expect(of({ description: '{{each[0].output.knd}}' })).toEqual([
      expect.stringContaining('Did you mean "kind"?'),
    ]);
    expect(of({ description: '{{group.inn}}' })).toEqual([
      expect.stringContaining('Did you mean "in"?'),
    ]);
    expect(of({ description: '{{group.in.knd}}' })).toEqual([
      expect.stringContaining('Did you mean "kind"?'),
    ]);
    expect(of(when('ok', '==', 'yes'))).toEqual(['when.value: must be one of true, false.']);
  });
});

describe('schemas of every form', () => {
  const shape = (outputSchema: object, path: string) =>
    problemsOf(
      planOf(
        { ...triage, outputSchema },
        { id: 'b', description: `{{triage${path}}}`, dependencies: ['triage'] },
      ),
    );

  test.each<[object, string]>([
    [
      {
        anyOf: [
          { type: 'object', properties: { a: {} } },
          { type: 'object', properties: { b: {} } },
        ],
      },
      '.b',
    ],
    [{ oneOf: [{ type: 'string' }, { type: 'object', properties: { a: {} } }] }, '.a'],
    [{ allOf: [{ type: 'object', properties: { a: {} } }, { properties: { b: {} } }] }, '.b'],
    [
      {
        $ref: '#/$defs/a',
        $defs: { a: { type: 'object', properties: { a: { $ref: '#/$defs/a' } } } },
      },
      '.a.a.a',
    ],
    [{ type: 'object' }, '.a'],
    [{}, '.a[0].b'],
    [{ type: ['object', 'null'], properties: { a: {} } }, '.a'],
    [{ type: 'object', properties: { a: {} }, additionalProperties: true }, '.b'],
    [{ type: 'object', patternProperties: { x: {} } }, '.b'],
    [{ type: 'array', prefixItems: [{ type: 'object', properties: { a: {} } }] }, '[0].a'],
    [{ type: 'array', items: { type: 'object', properties: { a: {} } } }, '[12].a'],
    [{ enum: [{ a: 1 }] }, '.a'],
    [{ properties: { a: { $ref: '#' } } }, '.a.a'],
  ])('%j has %s', (schema, path) => {
    expect(shape(schema, path)).toEqual([]);
  });

  test.each<[object, string]>([
    [
      {
        anyOf: [
          { type: 'object', properties: { a: {} } },
          { type: 'object', properties: { b: {} } },
        ],
      },
      '.c',
    ],
    [{ allOf: [{ type: 'object', properties: { a: {} } }, { properties: { b: {} } }] }, '.c'],
    [
      {
        $ref: '#/$defs/a',
        $defs: { a: { type: 'object', properties: { a: { $ref: '#/$defs/a' } } } },
      },
      '.a.b',
    ],
    [{ type: 'object', properties: { a: {} } }, '.b'],
    [{ type: 'object', properties: {}, additionalProperties: false }, '.b'],
    [{ type: 'string' }, '.b'],
    [{ type: 'array', prefixItems: [{ type: 'string' }], items: false }, '[1]'],
    [{ type: 'number' }, '[0]'],
    [{ const: 'x' }, '.a'],
  ])('%j has no %s', (schema, path) => {
    expect(shape(schema, path)).toHaveLength(1);
  });

  test('that nothing is known of, allow every path', () => {
    for (const outputSchema of [z.any(), z.string().transform((text) => ({ text }))]) {
      const task: Task = { id: 'triage', run: () => ({ text: 1 }), outputSchema };
      expect(
        problemsOf(
          planOf(task, { id: 'b', description: '{{triage.text}}', dependencies: ['triage'] }),
        ),
      ).toEqual([]);
    }
  });
});

describe('a path that is missing at run time', () => {
  const before: Task = { id: 'a', run: () => ({ kind: 'bug', none: null, list: [1] }) };
  const runOf = (fields: Partial<Task>) =>
    execute(planOf(before, { id: 'b', run: () => 1, dependencies: ['a'], ...fields }));

  test.each([
    [
      'a.knd',
      '==',
      'there is no value at "a.knd", which its when compares; a has the fields kind, none, list',
    ],
    ['a.none.x', '!=', 'a has null there'],
    ['a.list[1]', '>', 'a has a list of 1 there'],
  ])('%s fails the task that compares it', async (path, operator, message) => {
    const result = await runOf(when(path, operator, 1));
    expect(statuses(result)).toEqual({ a: 'completed', b: 'failed' });
    expect(taskOf(result, 'b').error).toMatchObject({
      code: 'invalid_input',
      message: expect.stringContaining(message),
    });
  });

  test('of a task that was not chosen is no error, and neither is one that need not be looked at', async () => {
    const { runner } = runnerOf();
    const plan = planOf(
      before,
      { id: 'off', run: () => ({ x: 1 }), dependencies: ['a'], ...when('a.kind', '==', 'no') },
      { id: 'b', run: () => 1, dependencies: ['a', 'off'], ...when('off.x', '!=', 1) },
      {
        id: 'c',
        run: () => 1,
        dependencies: ['a'],
        when: {
          any: [
            { path: 'a.kind', operator: '==', value: 'bug' },
            { path: 'a.x', operator: '==', value: 1 },
          ],
        },
      },
    );
    const result = await execute(plan, { runner });
    expect(statuses(result)).toEqual({
      a: 'completed',
      off: 'skipped',
      b: 'completed',
      c: 'completed',
    });
  });
});
