import { describe, expect, test, vi } from 'vitest';
import * as z from 'zod';
import { eventsOf, planOf, problemsOf, runnerOf, statuses, taskOf } from '../../test/runs.js';
import { echo, executorWith } from '../../test/steps.js';
import type { CommandRunner } from '../contract/command-runner.js';
import { RunnerError } from '../contract/errors.js';
import { createPlan } from '../contract/plan-builder.js';
import { formatProblem } from '../contract/plan-error.js';
import type { Task } from '../contract/task.js';
import { tool } from '../contract/tool.js';
import { parsePlanDocument } from '../document/parse.js';
import { memoryJournal } from '../journal/memory-journal.js';
import { readRun } from '../journal/read-run.js';
import { workerCarrier } from './worker-carrier.js';

const search = tool({
  name: 'search',
  description: 'Finds pages.',
  inputSchema: z.object({ q: z.string(), limit: z.number().default(3) }),
  execute: ({ q, limit }) => Array.from({ length: limit }, (_, n) => `${q} ${n}`),
});

describe('a task with a tool', () => {
  test('calls it without a runner, and its output is that of the tool', async () => {
    const plan = planOf(
      { id: 'find', tool: search, args: { q: 'cats', limit: 2 } },
      { id: 'both', tool: 'echo', args: { list: '{{find}}' }, dependencies: ['find'] },
    );
    const result = await executorWith({ tools: [echo().tool] }).execute(plan);
    expect(result.outputs).toEqual({
      find: ['cats 0', 'cats 1'],
      both: { list: ['cats 0', 'cats 1'] },
    });
    expect(result.metrics).toMatchObject({ usage: { inputTokens: 0 }, costUsd: 0 });
  });

  test('keeps the types of whole references, and writes others as text', async () => {
    const { tool: made, inputs } = echo();
    const plan = planOf(
      { id: 'a', run: () => ({ n: 3, list: [1, 2], text: 'x', date: null }) },
      {
        id: 'b',
        tool: made,
        dependencies: ['a'],
        args: {
          whole: '{{a}}',
          number: '{{ a.n }}',
          nested: [{ list: '{{a.list}}' }, '{{a.list[1]}} of {{a.list}}'],
          nothing: '{{a.date}}',
          literal: '\\{{a}}',
          plain: 7,
        },
      },
    );
    await executorWith().execute(plan);
    expect(inputs).toEqual([
      {
        whole: { n: 3, list: [1, 2], text: 'x', date: null },
        number: 3,
        nested: [{ list: [1, 2] }, '2 of [1,2]'],
        nothing: null,
        literal: '{{a}}',
        plain: 7,
      },
    ]);
  });

  test('leaves out arguments from a branch that was not chosen', async () => {
    const { tool: made, inputs } = echo();
    const plan = planOf(
      { id: 'a', run: () => 1 },
      { id: 'b', run: () => 2, dependencies: ['a'], when: () => false },
      {
        id: 'c',
        tool: made,
        dependencies: ['a', 'b'],
        args: { a: '{{a}}', b: '{{b}}', t: 'x{{b}}' },
      },
    );
    await executorWith().execute(plan);
    expect(inputs).toEqual([{ a: 1, t: 'x' }]);
  });

  test('may get its arguments from a function', async () => {
    const { tool: made, inputs } = echo();
    const plan = createPlan('x')
      .addTask({ id: 'a', run: () => 4 })
      .addTask({ id: 'b', tool: made, dependencies: ['a'], args: ({ a }) => ({ double: 2 * a }) });
    expect((await executorWith().execute(plan)).status).toBe('completed');
    expect(inputs).toEqual([{ double: 8 }]);
    const wrong = planOf({ id: 'a', tool: made, args: () => [] as never });
    expect((await executorWith().execute(wrong)).error?.message).toContain(
      'its args function must return an object',
    );
  });

  test('is typed by the schema and the result of the tool', async () => {
    const plan = createPlan('x', { inputs: z.object({ q: z.string() }) })
      .addTask({ id: 'find', tool: search, args: { q: '{{inputs.q}}', limit: 1 } })
      .addTask({ id: 'first', dependencies: ['find'], run: ({ find }) => find[0]?.toUpperCase() });
    const { outputs } = await executorWith().execute(plan, { inputs: { q: 'dogs' } });
    expect(outputs.first).toBe('DOGS 0');
    // @ts-expect-error: limit is a number
    createPlan('x').addTask({ id: 'a', tool: search, args: { q: 'x', limit: 'many' } });
    // @ts-expect-error: q is missing
    createPlan('x').addTask({ id: 'a', tool: search, args: { limit: 1 } });
    createPlan('x').addTask({ id: 'a', tool: search, args: { q: 'x', limit: '{{inputs.n}}' } });
  });

  test('runs once for each item of a fan-out, with its own arguments', async () => {
    const { tool: made, inputs } = echo();
    const plan = planOf(
      { id: 'urls', run: () => ['a', 'b'] },
      {
        id: 'get',
        dependencies: ['urls'],
        forEach: 'urls',
        tool: made,
        args: { url: 'http://{{item}}', at: '{{index}}' },
      },
    );
    const result = await executorWith().execute(plan);
    expect(statuses(result)).toMatchObject({ get: 'completed', 'get[1]': 'completed' });
    expect(inputs).toEqual([
      { url: 'http://a', at: 0 },
      { url: 'http://b', at: 1 },
    ]);
  });

  test('fails with the error of the tool, and is repeated like any other task', async () => {
    let calls = 0;
    const flaky = echo('flaky', {
      execute: () => {
        if (++calls === 1) throw new RunnerError('overloaded', 'busy');
        return 'done';
      },
    }).tool;
    const fails = echo('fails', { execute: () => Promise.reject(new Error('no such page')) }).tool;
    const plan = planOf(
      { id: 'a', tool: flaky, retry: { initialDelayMs: 0 } },
      { id: 'b', tool: fails },
    );
    const result = await executorWith().execute(plan);
    expect(taskOf(result, 'a')).toMatchObject({ attempts: 2, output: 'done' });
    expect(taskOf(result, 'b').error).toMatchObject({
      code: 'task_failed',
      message: expect.stringContaining('no such page'),
    });
  });

  test('fails when the arguments do not fit, or the tool takes too long', async () => {
    const slow = echo('slow', { execute: () => new Promise(() => {}), timeoutMs: 1 }).tool;
    const plan = planOf(
      { id: 'a', run: () => 5 },
      { id: 'b', tool: search, args: { q: '{{a}}' }, dependencies: ['a'] },
      { id: 'c', tool: slow, retry: { maxAttempts: 1 } },
    );
    const result = await executorWith().execute(plan);
    expect(taskOf(result, 'b').error).toMatchObject({
      code: 'invalid_input',
      message: expect.stringContaining('its args do not fit the tool "search": q:'),
    });
    expect(taskOf(result, 'c').error).toMatchObject({ code: 'timeout' });
  });

  test('checks its output against the schema of the task', async () => {
    const text = echo('text', { execute: () => '{"n": 1}' }).tool;
    const plan = planOf({ id: 'a', tool: text, outputSchema: z.object({ n: z.number() }) });
    expect((await executorWith().execute(plan)).outputs).toEqual({ a: { n: 1 } });
    const wrong = planOf({ id: 'a', tool: text, outputSchema: z.object({ m: z.number() }) });
    expect((await executorWith().execute(wrong)).error).toMatchObject({ code: 'run_failed' });
  });

  test('logs the call, and the output once', async () => {
    const plan = planOf({ id: 'a', tool: search, args: { q: 'x', limit: 1 } });
    const result = await executorWith().execute(plan);
    expect(eventsOf(result, 'task_output')).toMatchObject([
      { kind: 'tool_call', tool: 'search', input: { q: 'x', limit: 1 } },
      { kind: 'tool_result', tool: 'search', ok: true },
    ]);
    expect(eventsOf(result, 'task_output')[1]).not.toHaveProperty('output');
  });

  test('competes for the tool, whose attempts may be capped', async () => {
    let inFlight = 0;
    let most = 0;
    const busy = echo('busy', {
      execute: async () => {
        most = Math.max(most, ++inFlight);
        await Promise.resolve();
        inFlight--;
      },
    }).tool;
    const tasks = ['a', 'b', 'c', 'd'].map((id): Task => ({ id, tool: busy }));
    const resources = { 'tool:busy': { maxParallel: 1 } };
    const result = await executorWith({ resources }).execute(planOf(...tasks));
    expect([result.status, most]).toEqual(['completed', 1]);
  });

  test('uses no tokens, so that a budget does not stop it', async () => {
    const { runner } = runnerOf();
    const plan = planOf(
      { id: 'a', tool: search, args: { q: 'x' } },
      { id: 'b', tool: search, args: { q: 'y' } },
    );
    const budget = { tokens: 1, costUsd: 0.000_001 };
    expect((await executorWith({ runner, budget }).execute(plan)).status).toBe('completed');
  });

  test('gets secret inputs, which no event, error or output has', async () => {
    vi.stubEnv('STEP_TOKEN', 'hunter22');
    const seen: unknown[] = [];
    const leaky = echo('leaky', {
      execute: (input) => {
        seen.push(input);
        return input;
      },
    }).tool;
    const { plan } = parsePlanDocument({
      goal: 'x',
      inputs: { token: { type: 'string', secret: true, env: 'STEP_TOKEN' } },
      tasks: [{ id: 'a', tool: 'leaky', args: { headers: { auth: 'Bearer {{inputs.token}}' } } }],
    });
    const journal = memoryJournal();
    const result = await executorWith({ tools: [leaky], journal }).execute(plan, { runId: 'r' });
    expect(seen).toEqual([{ headers: { auth: 'Bearer hunter22' } }]);
    const events: unknown[] = [];
    for await (const event of readRun(journal, 'r')) events.push(event);
    expect(JSON.stringify([result, events])).not.toContain('hunter22');
    expect(result.outputs).toEqual({ a: { headers: { auth: 'Bearer [secret]' } } });
    vi.unstubAllEnvs();
  });

  test('is reused from an earlier run with the same tool and arguments', async () => {
    const { tool: made, inputs } = echo();
    const mail = echo('mail', { reusable: false });
    const executor = executorWith({
      tools: [made, mail.tool],
      journal: memoryJournal(),
      reuse: true,
    });
    const planFor = (n: number) =>
      planOf(
        { id: 'a', tool: 'echo', args: { n: 1 } },
        { id: 'b', tool: 'echo', args: { n } },
        { id: 'c', tool: 'mail', args: {} },
      );
    await executor.execute(planFor(2), { runId: 'one' });
    const forecast = await executor.explain(planFor(3));
    expect(forecast.map(({ runs }) => runs)).toEqual([false, true, true]);
    const again = await executor.execute(planFor(3));
    expect(taskOf(again, 'a').reused).toEqual({ runId: 'one' });
    expect(inputs).toEqual([{ n: 1 }, { n: 2 }, { n: 3 }]);
    expect(mail.inputs).toHaveLength(2);
  });

  test('is made again in each iteration of a loop, and reused by the same iteration of a later run', async () => {
    let calls = 0;
    const poll = echo('poll', { execute: () => ++calls }).tool;
    const executor = executorWith({ journal: memoryJournal(), reuse: true });
    const repeat = { until: { path: 'wait', operator: '>=', value: 3 } } as const;
    const plan = planOf({ id: 'wait', tool: poll, args: { job: 7 }, repeat });
    const first = await executor.execute(plan);
    expect([first.outputs.wait, taskOf(first, 'wait').loop]).toEqual([
      3,
      { ending: 'reached', iterations: 3 },
    ]);
    const again = await executor.execute(plan);
    expect([again.outputs.wait, calls]).toEqual([3, 3]);
  });

  test('is resumed by its name alone, and completed calls are not repeated', async () => {
    const journal = memoryJournal();
    const { tool: made, inputs } = echo();
    const plan = planOf(
      { id: 'a', tool: 'echo', args: { n: 1 } },
      { id: 'b', tool: 'stuck', args: { a: '{{a}}' }, dependencies: ['a'] },
    );
    const stuck = echo('stuck', { execute: () => new Promise(() => {}) }).tool;
    const run = executorWith({ tools: [made, stuck], journal }).execute(plan, { runId: 'r' });
    for await (const event of run) if (event.type === 'task_started' && event.taskId === 'b') break;
    await run.interrupt();
    const free = echo('stuck');
    const resumed = await executorWith({ tools: [made, free.tool], journal }).resume('r');
    expect(resumed.outputs).toMatchObject({ b: { a: { n: 1 } } });
    expect([inputs, free.inputs]).toEqual([[{ n: 1 }], [{ a: { n: 1 } }]]);
  });

  test('runs on workers, which have the tool', async () => {
    const { tool: made } = echo();
    const worker = workerCarrier({ tools: [made], commands: { run: async ({ argv }) => argv } });
    const carrier = {
      ...worker,
      name: 'wire',
      start: (call: object, tell: never) =>
        worker.start(JSON.parse(JSON.stringify(call)) as never, tell),
      cancel: () => {},
      detach: () => {},
      close: () => {},
    };
    const commands: CommandRunner = { run: () => Promise.reject(new Error('not here')) };
    const plan = planOf(
      { id: 'a', tool: 'echo', args: { when: new Date(0) } },
      { id: 'b', command: ['x', '{{a.when}}'], dependencies: ['a'] },
    );
    const { outputs } = await executorWith({ tools: [made], commands, carrier }).execute(plan);
    expect(outputs).toMatchObject({ b: ['x', '"1970-01-01T00:00:00.000Z"'] });
  });

  test.each([
    [{ tool: 'serch' }, 'tasks[0].tool: there is no tool "serch". Did you mean "search"?'],
    [{ tool: 'search' }, 'tasks[0].args.q: is missing; the tool "search" needs it'],
    [
      { tool: 'search', args: { q: 'x', limt: 1 } },
      'tasks[0].args.limt: the tool "search" has no argument "limt". Did you mean "limit"?',
    ],
    [{ tool: 'search', args: { q: 1 } }, expect.stringMatching(/^tasks\[0\]\.args\.q: /)],
    [
      { tool: 'search', args: { q: 'x', limit: 'x' } },
      expect.stringMatching(/^tasks\[0\]\.args\.limit: /),
    ],
    [
      { tool: 'search', args: { q: '{{inputs.x}}' } },
      expect.stringContaining('{{inputs.x}} is not an input'),
    ],
    [{ tool: 'a tool' }, 'tasks[0].tool: must be the name of a tool: letters, digits, _ and -'],
    [
      { tool: search, args: [] as never },
      expect.stringContaining('must be an object with the input'),
    ],
    [{ run: (): number => 1, args: {} }, expect.stringContaining('has no effect without a tool')],
    [
      { tool: search, args: { q: 'x' }, run: (): number => 1 },
      'tasks[0].tool: cannot be combined with run: a task does one thing',
    ],
    [
      { tool: search, args: { q: 'x' }, temperature: 1 },
      'tasks[0].temperature: has no effect on a task with a tool',
    ],
    [
      { tool: search, args: { q: 'x' }, tools: ['search'] },
      'tasks[0].tools: has no effect on a task with a tool',
    ],
    [
      { description: 'x', waitFor: 'answer' as const, tool: 'search' },
      'tasks[0].tool: has no effect on a task that waits for an answer',
    ],
    [{ command: ['ls'] }, expect.stringContaining('the executor runs no commands')],
    [{ description: 'x', save: 'x.md' }, expect.stringContaining('the executor saves no files')],
  ])('is refused before anything runs: %j', (task, problem) => {
    const executor = executorWith({ tools: [search], runner: runnerOf().runner });
    const problems = problemsOf(() => executor.execute(planOf({ id: 'a', ...task } as Task)));
    expect(problems.map(formatProblem)).toContainEqual(problem);
  });

  test('reports all unknown tools and arguments at once', () => {
    const plan = planOf(
      { id: 'a', tool: 'x' },
      { id: 'b', tool: 'search' },
      { id: 'c', command: ['x'] },
    );
    const executor = executorWith({ tools: [search] });
    expect(problemsOf(() => executor.execute(plan))).toHaveLength(3);
  });
});

test('a plan file says all of this, and stays the same as data', () => {
  const document = {
    goal: 'x',
    tasks: [
      { id: 'a', tool: 'fetch', args: { url: 'http://x' }, save: 'a.json' },
      { id: 'b', command: ['jq', '.items'], dependencies: ['a'] },
      { id: 'c', command: { argv: ['jq'], stdin: '{{a}}', output: 'json' }, dependencies: ['a'] },
    ],
  };
  expect(JSON.parse(JSON.stringify(parsePlanDocument(document).plan))).toEqual(document);
  const plan = createPlan('x').addTask({ id: 'a', tool: search, args: { q: 'x' } });
  expect(plan.tasks[0]?.tool).toBe(search);
});
