import { describe, expect, test, vi } from 'vitest';
import * as z from 'zod';
import {
  eventsOf,
  inOrder,
  planOf,
  problemsOf,
  runnerOf,
  statuses,
  taskOf,
} from '../../test/runs.js';
import type { CommandRunner } from '../contract/command-runner.js';
import { RunnerError } from '../contract/errors.js';
import { createPlan } from '../contract/plan-builder.js';
import { formatProblem } from '../contract/plan-error.js';
import type { RunContext } from '../contract/run-context.js';
import type { CommandCall } from '../contract/step.js';
import type { Task } from '../contract/task.js';
import { type Tool, tool } from '../contract/tool.js';
import { parsePlanDocument } from '../document/parse.js';
import { memoryJournal } from '../journal/memory-journal.js';
import { readRun } from '../journal/read-run.js';
import { validatePlan } from '../validate/plan.js';
import { createExecutor } from './executor.js';
import type { ExecutorOptions } from './executor-options.js';
import { workerCarrier } from './worker-carrier.js';

/** A tool that returns its input, and what it was called with. */
function echo(name = 'echo', more: Partial<Tool> = {}) {
  const inputs: unknown[] = [];
  const made = tool({
    name,
    description: 'Returns its input.',
    inputSchema: z.looseObject({}),
    execute: (input) => {
      inputs.push(input);
      return input;
    },
    ...more,
  });
  return { tool: made, inputs };
}

const search = tool({
  name: 'search',
  description: 'Finds pages.',
  inputSchema: z.object({ q: z.string(), limit: z.number().default(3) }),
  execute: ({ q, limit }) => Array.from({ length: limit }, (_, n) => `${q} ${n}`),
});

/** Files in memory, and how often each was written. */
function memoryFiles() {
  const files = new Map<string, string | Uint8Array>();
  const writes: string[] = [];
  const write = async (path: string, content: string | Uint8Array) => {
    writes.push(path);
    files.set(path, content);
  };
  return { files, writes, option: { write } };
}

function executorWith(options: Partial<ExecutorOptions> = {}) {
  return createExecutor({ strategy: inOrder, abortGraceMs: 0, ...options });
}

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

describe('a task with a command', () => {
  function recorder(output: unknown = 'out') {
    const calls: CommandCall[] = [];
    const commands: CommandRunner = {
      run: async (call) => {
        calls.push(call);
        return output;
      },
    };
    return { calls, commands };
  }

  test('gets each argument as one text, and its settings filled in', async () => {
    const { calls, commands } = recorder();
    const plan = planOf(
      { id: 'a', run: () => ({ name: 'x; rm -rf /', list: [1, 2] }) },
      { id: 'b', command: ['echo', '{{a.name}}', '{{a.list}}'], dependencies: ['a'] },
      {
        id: 'c',
        dependencies: ['a'],
        command: {
          argv: ['sort'],
          stdin: '{{a.list}}',
          env: { N: '{{a.name}}' },
          cwd: 'd',
          output: 'json',
        },
      },
    );
    const result = await executorWith({ commands }).execute(plan);
    expect(calls).toEqual([
      { argv: ['echo', 'x; rm -rf /', '[1,2]'], output: 'text' },
      { argv: ['sort'], cwd: 'd', env: { N: 'x; rm -rf /' }, stdin: '[1,2]', output: 'json' },
    ]);
    expect(eventsOf(result, 'task_started').map(({ resource }) => resource)).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
    const made = eventsOf(result, 'task_output').filter(({ kind }) => kind === 'tool_call');
    expect(made[1]).toMatchObject({ tool: 'command', input: { argv: ['sort'], env: ['N'] } });
  });

  test.each([
    [[], 'tasks[0].command: must be a program and its arguments, like [jq, .items]'],
    ['ls -l', expect.stringContaining('no shell reads it')],
    [['{{item}}'], expect.stringContaining('an output cannot choose what runs')],
    [['ls', 1], 'tasks[0].command[1]: must be a text; a number needs quotes'],
    [{ argv: ['ls'], shell: true }, expect.stringContaining('unknown field "shell"')],
    [{ argv: ['ls'], output: 'yaml' }, expect.stringContaining('must be one of text, json')],
    [{ argv: ['ls'], env: { 'a-b': 'x' } }, expect.stringContaining('called like a variable')],
    [['ls', 'a\0b'], expect.stringContaining('must be a text')],
  ])('refuses %j', (command, problem) => {
    const problems = validatePlan(planOf({ id: 'a', command: command as never }));
    expect(problems.map(formatProblem)).toContainEqual(problem);
  });

  test('may get a secret in its environment and input, and not as an argument', () => {
    const inputs = { token: { type: 'string', secret: true, env: 'T' } };
    const planWith = (command: unknown) => ({ goal: 'x', inputs, tasks: [{ id: 'a', command }] });
    const secret = '{{inputs.token}}';
    parsePlanDocument(planWith({ argv: ['x'], env: { T: secret }, stdin: secret }));
    expect(() => parsePlanDocument(planWith(['x', secret]))).toThrow('secret inputs are for');
  });

  test('is never run when it is added while the plan runs', async () => {
    const { calls, commands } = recorder();
    const plan = planOf({
      id: 'a',
      run: (_: object, { addTasks }: RunContext) =>
        addTasks([{ id: 'b', command: ['rm', '-rf', '/'] }]),
    });
    const result = await executorWith({ commands }).execute(plan);
    expect(taskOf(result, 'a').error?.message).toContain('cannot have a command');
    expect(calls).toEqual([]);
  });
});

describe('a task that saves its output', () => {
  test('writes text as it is, and other values as JSON', async () => {
    const { files, option } = memoryFiles();
    const plan = planOf(
      { id: 'a', run: () => 'Hello', save: 'a.md' },
      { id: 'b', run: () => ({ n: 1 }), save: 'out/b.json' },
      { id: 'c', run: () => new Uint8Array([1, 2]), save: 'c.bin' },
      { id: 'd', run: () => undefined, save: 'd.txt' },
    );
    const result = await executorWith({ files: option }).execute(plan);
    expect([...files]).toEqual([
      ['a.md', 'Hello'],
      ['out/b.json', '{\n  "n": 1\n}\n'],
      ['c.bin', new Uint8Array([1, 2])],
    ]);
    expect(taskOf(result, 'b').savedTo).toBe('out/b.json');
    expect(taskOf(result, 'd').error?.code).toBe('invalid_output');
  });

  test('writes a file for each item, and never two to one', async () => {
    const { files, option } = memoryFiles();
    const items = [{ id: 'x' }, { id: 'y' }, { id: 'X' }];
    const plan = planOf(
      { id: 'list', run: () => items },
      {
        id: 'each',
        dependencies: ['list'],
        forEach: { items: 'list', minSuccess: 2 },
        run: ({ item }) => item.id,
        save: 'out/{{item.id}}.md',
      },
    );
    const result = await executorWith({ files: option }).execute(plan);
    expect([...files.keys()]).toEqual(['out/x.md', 'out/y.md']);
    expect(taskOf(result, 'each[2]').error).toMatchObject({
      code: 'invalid_input',
      message: expect.stringContaining('"out/X.md" is already that of "each[0]"'),
    });
  });

  test('never writes the outputs of two tasks to one file, although they look like iterations', async () => {
    const plan = planOf(
      { id: 'path', run: () => 'x.md' },
      { id: 'issue#1', run: () => 1, save: '{{path}}', dependencies: ['path'] },
      { id: 'issue#2', run: () => 2, save: '{{path}}', dependencies: ['path'] },
    );
    const { writes, option } = memoryFiles();
    const result = await executorWith({ files: option, maxParallel: 1 }).execute(plan);
    expect(writes).toEqual(['x.md']);
    expect(taskOf(result, 'issue#2').error?.message).toContain('already that of "issue#1"');
  });

  test.each(['../x', '/etc/x', 'a/../../x', 'C:x', 'a\\b', 'a//b', './x', 'nul', 'a.', ''])(
    'does not leave its folder by the path %j, written or filled in',
    async (path) => {
      const { writes, option } = memoryFiles();
      const problems = validatePlan(planOf({ id: 'a', run: () => 1, save: path }));
      expect(problems).toMatchObject([{ path: ['tasks', 0, 'save'] }]);
      const plan = planOf(
        { id: 'p', run: () => path },
        { id: 'a', run: () => 1, save: '{{p}}', dependencies: ['p'] },
      );
      const result = await executorWith({ files: option }).execute(plan);
      expect(taskOf(result, 'a').error?.code).toBe('invalid_input');
      expect(writes).toEqual([]);
    },
  );

  test.each([
    [
      [
        { id: 'a', run: () => 1, save: 'x.md' },
        { id: 'b', run: () => 1, save: 'X.md' },
      ],
      'tasks[1].save: "X.md" is already written by "a"; each file has one task',
    ],
    [
      [
        { id: 'l', run: () => [1] },
        { id: 'a', forEach: 'l', dependencies: ['l'], run: () => 1, save: 'x.md' },
      ],
      'tasks[1].save: is one file for all items; add {{index}} or a part of {{item}} to the path',
    ],
    [
      [{ id: 'a', description: 'x', waitFor: 'answer', save: 'x' }],
      expect.stringContaining('waits for a human'),
    ],
    [
      [{ id: 'a', save: 'x', subtasks: [{ id: 'b', run: () => 1 }] }],
      expect.stringContaining('only has subtasks'),
    ],
    [
      [{ id: 'a', run: () => 1, save: '{{b}}.md' }],
      expect.stringContaining('{{b}} is not an input'),
    ],
  ])('refuses %j', (tasks, problem) => {
    const problems = validatePlan(planOf(...(tasks as Task[])));
    expect(problems.map(formatProblem)).toContainEqual(problem);
  });

  test('fails when the file cannot be written, and counts what the answer has cost', async () => {
    const files = { write: () => Promise.reject(new Error('disk full')) };
    const usage = { inputTokens: 5, outputTokens: 5 };
    const runner = { name: 'r', run: async () => ({ output: 'x', usage }) };
    const plan = planOf({ id: 'a', description: 'x', save: 'a.md' });
    const result = await executorWith({ runner, files }).execute(plan);
    expect(taskOf(result, 'a')).toMatchObject({ attempts: 1, error: { code: 'task_failed' } });
    expect(taskOf(result, 'a').error?.message).toContain('could not be saved to "a.md": disk full');
    expect(result.metrics.usage.inputTokens).toBe(5);
  });

  test('has no secrets in the file', async () => {
    vi.stubEnv('STEP_TOKEN', 'hunter22');
    const { files, option } = memoryFiles();
    const inputs = z.object({ token: z.string().meta({ secret: true, env: 'STEP_TOKEN' }) });
    const plan = createPlan('x', { inputs }).addTask({
      id: 'a',
      run: ({ inputs: { token } }) => `the token is ${token}`,
      save: 'a.txt',
    });
    await executorWith({ files: option }).execute(plan, { inputs: {} as never });
    expect(files.get('a.txt')).toBe('the token is [secret]');
    vi.unstubAllEnvs();
  });

  test('has its file once it is complete, also after a crash and when it is reused', async () => {
    const journal = memoryJournal();
    const plan = planOf(
      { id: 'a', description: 'x', save: 'a.md' },
      { id: 'b', description: 'y', save: '{{a}}.md', dependencies: ['a'] },
    );
    const { runner } = runnerOf({ a: 'b', b: 'second' });
    // The process ends after the file was written and before the completion is recorded.
    const crashed = memoryFiles();
    const files = {
      write: async (path: string, content: string | Uint8Array) => {
        await crashed.option.write(path, content);
        if (path === 'b.md') await new Promise(() => {});
      },
    };
    const run = executorWith({ runner, journal, files }).execute(plan, { runId: 'r' });
    await vi.waitFor(() => expect(crashed.writes).toEqual(['a.md', 'b.md']));
    await run.interrupt();
    const later = memoryFiles();
    const resumed = await executorWith({ runner, journal, files: later.option }).resume('r');
    expect([resumed.status, later.writes]).toEqual(['completed', ['b.md']]);
    const reused = memoryFiles();
    const executor = executorWith({ runner, journal, files: reused.option, reuse: true });
    const again = await executor.execute(plan);
    expect([again.tasks.every((task) => task.reused), reused.writes]).toEqual([
      true,
      ['a.md', 'b.md'],
    ]);
  });

  test('remembers the files of a run that is resumed', async () => {
    const journal = memoryJournal();
    const task = (id: string, save: string): Task => ({
      id,
      description: 'x',
      save,
      dependencies: id === 'b' ? ['a'] : [],
    });
    const plan = planOf(task('a', 'a.md'), task('b', '{{a}}'));
    let isStuck = true;
    const runner = {
      name: 'r',
      run: ({ taskId }: { taskId: string }) =>
        taskId === 'b' && isStuck
          ? new Promise<{ output: string }>(() => {})
          : Promise.resolve({ output: 'A.md' }),
    };
    const options = { runner, journal, files: memoryFiles().option };
    const run = executorWith(options).execute(plan, { runId: 'r' });
    for await (const event of run) if (event.type === 'task_started' && event.taskId === 'b') break;
    await run.interrupt();
    isStuck = false;
    const resumed = await executorWith(options).resume('r');
    expect(taskOf(resumed, 'b').error?.message).toContain('already that of "a"');
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
