import { describe, expect, test } from 'vitest';
import * as z from 'zod';
import { execute, messagesOf, runnerOf, statuses } from '../../test/runs.js';
import {
  createPlan,
  type Plan,
  type RunEvent,
  type StandardSchema,
  type TaskRunner,
} from '../index.js';

describe('a pattern that takes too long on a text', () => {
  const text = { id: 'text', run: () => 'x'.repeat(40_000) };
  const value = '[\\w\\W]{1,4900}z';

  test('fails the task whose condition it is', async () => {
    const when = { path: 'text', operator: 'matches', value } as const;
    const plan = {
      goal: 'x',
      tasks: [text, { id: 'b', dependencies: ['text'], when, run: () => 1 }],
    };
    const { tasks } = await execute(plan);
    const error = tasks[1]?.error;
    expect(error).toMatchObject({ code: 'invalid_input' });
    expect(error?.message).toContain('matches: the pattern takes too many steps');
  });

  test('does not meet a criterion', async () => {
    const goalState = { criteria: [{ path: 'outputs.text', operator: 'matches', value } as const] };
    const { error } = await execute({ goal: 'x', tasks: [text], goalState });
    expect(error).toMatchObject({ code: 'goal_not_achieved' });
  });
});

describe('an output schema', () => {
  const companies = z.object({ companies: z.array(z.object({ name: z.string() })) });

  test('passes on matching outputs as it transforms them', async () => {
    const plan = createPlan('x')
      .addTask({ id: 'a', run: () => '12', outputSchema: z.string().transform(Number) })
      .addTask({ id: 'b', dependencies: ['a'], run: ({ a }) => a + 1 });
    expect((await execute(plan)).outputs).toEqual({ a: 12, b: 13 });
  });

  test.each([
    ['an object', { companies: [{ name: 'Ada' }] }],
    ['JSON', '{"companies": [{"name": "Ada"}]}'],
    ['a fenced block', '```json\n{"companies": [{"name": "Ada"}]}\n```\n'],
  ])('takes %s of a runner', async (_, a) => {
    const plan = createPlan('x').addTask({ id: 'a', description: 'Find', outputSchema: companies });
    const { runner, requests } = runnerOf({ a });
    const { outputs } = await execute(plan, { runner });
    expect(outputs).toEqual({ a: { companies: [{ name: 'Ada' }] } });
    expect(requests.get('a')?.outputSchema).toMatchObject({ required: ['companies'] });
    expect(requests.get('a')?.prompt).toContain('Answer with JSON alone');
  });

  test('fails the attempt with its message, and counts its usage', async () => {
    const usage = { inputTokens: 3, outputTokens: 4 };
    const runner: TaskRunner = {
      name: 'test',
      run: async () => ({ output: '{"companies": [{"name": 1}]}', usage, costUsd: 0.5 }),
    };
    const plan = createPlan('x').addTask({ id: 'a', description: 'Find', outputSchema: companies });
    const { tasks, metrics } = await execute(plan, { runner });
    expect(tasks[0]?.error).toMatchObject({
      code: 'invalid_output',
      message: expect.stringMatching(/companies\[0\]\.name: .*expected string/),
    });
    expect(tasks[0]?.attempts).toBe(1);
    expect(metrics).toMatchObject({ usage, costUsd: 0.5 });
  });

  test('leads to a retry only if the policy includes it', async () => {
    let asked = 0;
    const plan = createPlan('x').addTask({
      id: 'a',
      run: () => (++asked < 3 ? 'no number' : 7),
      outputSchema: z.number(),
      retry: { on: ['invalid_output'], initialDelayMs: 0 },
    });
    const { outputs, tasks } = await execute(plan);
    expect(outputs).toEqual({ a: 7 });
    expect(tasks[0]?.attempts).toBe(3);
  });

  test('may be of any library, and asynchronous', async () => {
    const even: StandardSchema<unknown, number> = {
      '~standard': {
        version: 1,
        vendor: 'mine',
        async validate(value) {
          const isEven = typeof value === 'number' && value % 2 === 0;
          return isEven ? { value } : { issues: [{ message: 'must be even' }] };
        },
      },
    };
    const plan = createPlan('x')
      .addTask({ id: 'a', run: () => 4, outputSchema: even })
      .addTask({ id: 'b', run: () => 5, outputSchema: even });
    const { tasks } = await execute(plan);
    expect(statuses({ tasks })).toEqual({ a: 'completed', b: 'failed' });
    expect(tasks[1]?.error?.message).toContain('must be even');
  });
});

test('a result can be serialized to JSON whatever its schemas contain', async () => {
  const tree = z.object({
    name: z.string(),
    get children() {
      return z.array(tree);
    },
  });
  const plan: Plan = {
    goal: 'x',
    tasks: [
      { id: 'list', run: () => [1] },
      {
        id: 'each',
        dependencies: ['list'],
        forEach: 'list',
        run: () => ({ name: 'a', children: [] }),
        outputSchema: tree,
      },
    ],
  };
  const result = await execute(plan);
  expect(result.status).toBe('completed');
  const { timeline } = JSON.parse(JSON.stringify(result));
  expect(timeline[0].plan.tasks[1].outputSchema).toMatchObject({ type: 'object' });
  expect(timeline.find(({ type }: RunEvent) => type === 'tasks_added').tasks[0]).toMatchObject({
    id: 'each[0]',
    outputSchema: { type: 'object' },
  });
});

describe('a prompt', () => {
  const research = { companies: [{ name: 'Ada' }, { name: 'Bob' }], 'odd key': 1 };
  const promptOf = async (description: string, dependencies = ['research']) => {
    const { runner, requests } = runnerOf({ research, notes: 'Some notes' });
    const tasks = [
      { id: 'research', description: 'x' },
      { id: 'notes', description: 'x' },
      { id: 'a', description, dependencies },
    ];
    const { error } = await execute({ goal: 'x', tasks }, { runner });
    return requests.get('a')?.prompt ?? error?.message;
  };

  test.each([
    ['{{ research.companies[0].name }} beats {{research.companies[1].name}}', 'Ada beats Bob'],
    ['{{research["odd key"]}} of {{research.companies.length}}', '1 of 2'],
    ['{{research.companies[1]}}', '{\n  "name": "Bob"\n}'],
    ['\\{{not a reference}} {{research.companies[0].name}}', '{{not a reference}} Ada'],
  ])('fills in %j', async (description, prompt) => {
    expect(await promptOf(description)).toBe(prompt);
  });

  test('without references is followed by the outputs of all dependencies', async () => {
    expect(await promptOf('Sum up', ['notes', 'research'])).toMatch(
      /^Sum up\n\n<output task="notes">\nSome notes\n<\/output>\n\n<output task="research">\n{/,
    );
  });

  test('does not expand references in inserted outputs', async () => {
    const { runner, requests } = runnerOf({ a: '{{b}} and {{a}}' });
    const tasks = [
      { id: 'a', description: 'x' },
      { id: 'b', description: '<{{a}}>', dependencies: ['a'] },
    ];
    await execute({ goal: 'x', tasks }, { runner });
    expect(requests.get('b')?.prompt).toBe('<{{b}} and {{a}}>');
  });

  test('lists the existing fields when a path does not exist', async () => {
    expect(await promptOf('{{research.companies[7].name}}')).toContain(
      'there is no value at {{research.companies[7].name}}; research has a list of 2 there',
    );
    expect(await promptOf('{{research.company}}')).toContain('has the fields companies, odd key');
    expect(await promptOf('{{research.constructor}}')).toContain('there is no value at');
  });

  test('may be made in code', async () => {
    const { runner, requests } = runnerOf({ a: 'A' });
    const plan = createPlan('x')
      .addTask({ id: 'a', description: 'x' })
      .addTask({ id: 'b', dependencies: ['a'], prompt: ({ a }) => `${a} {{literally}}` });
    await execute(plan, { runner });
    expect(requests.get('b')?.prompt).toBe('A {{literally}}');
  });

  test('may only refer to dependencies', () => {
    const tasks = [
      { id: 'research', description: 'x' },
      { id: 'a', description: 'See {{reserch.x}}', dependencies: ['research'] },
      { id: 'b', description: 'See {{research}}' },
      { id: 'c', description: 'See {{nothing}}' },
    ];
    expect(messagesOf(() => execute({ goal: 'x', tasks }))).toEqual([
      '{{reserch.x}} is not an input of this task. Did you mean "research"?',
      '{{research}} is not an input of this task. Add "research" to the dependencies of "b".',
      '{{nothing}} is not an input of this task. It has no dependencies. Write \\{{ for literal braces.',
    ]);
  });
});
