import { inspect } from 'node:util';
import { afterEach, describe, expect, test, vi } from 'vitest';
import * as z from 'zod';
import { createPlan } from '../contract/plan-builder.js';
import { formatProblem, PlanError } from '../contract/plan-error.js';
import { InputsError, takeInputs } from '../contract/plan-inputs.js';
import type { RunContext } from '../contract/run-context.js';
import type { TaskRequest, TaskRunner } from '../contract/runner.js';
import { SecretTexts } from '../contract/secret-texts.js';
import type { Strategy, TaskView } from '../contract/strategy.js';
import { tool } from '../contract/tool.js';
import { parsePlanDocument } from '../document/parse.js';
import { memoryJournal } from '../journal/memory-journal.js';
import { readRun } from '../journal/read-run.js';
import { simulate } from '../simulate/simulate.js';
import { validatePlan } from '../validate/plan.js';
import { createExecutor } from './executor.js';
import type { RunHandle } from './handle.js';

const inOrder: Strategy = {
  name: 'in-order',
  begin() {
    const ready: TaskView[] = [];
    return { ready: (task) => ready.push(task), next: () => ready.shift() };
  },
};

/** A runner that answers with the prompt. */
function echo() {
  const requests: TaskRequest[] = [];
  const runner: TaskRunner = {
    name: 'echo',
    async run(request) {
      requests.push(request);
      return { output: request.prompt };
    },
  };
  return { requests, runner };
}

const profile = () =>
  createPlan('Profile', {
    inputs: z.object({ company: z.string(), tone: z.string().default('calm') }),
  }).addTask({ id: 'profile', description: 'Describe {{inputs.company}}, {{inputs.tone}}' });

const text = (inputs: object) => `bad ${(inputs as { inputs: { token: string } }).inputs.token}`;
const list = (inputs: object) => [text(inputs)];
const thrower = (inputs: object) => {
  throw new Error(text(inputs));
};
const throwText = (inputs: object) => {
  throw text(inputs);
};
const inPieces = async (inputs: object, { emit }: RunContext) => {
  for (const piece of text(inputs).match(/.{1,5}/gs) ?? []) await emit(piece);
};
const adder = (inputs: object, { addTasks }: RunContext) =>
  addTasks([{ id: 'b', description: text(inputs) }]);

function problemsOf(run: () => unknown): string[] {
  try {
    run();
  } catch (error) {
    if (error instanceof InputsError || error instanceof PlanError) {
      return error.problems.map(formatProblem);
    }
    throw error;
  }
  return [];
}

afterEach(() => vi.unstubAllEnvs());

describe('the inputs of a plan', () => {
  test('reach prompts, conditions, fan-outs and functions, with defaults', async () => {
    const { runner } = echo();
    const plan = createPlan('All', {
      inputs: z.object({ urls: z.array(z.string()), deep: z.boolean().default(true) }),
      outputs: { first: 'pages[0].output', summary: 'Deep: {{inputs.deep}}, {{count}} pages' },
    })
      .addTask({
        id: 'pages',
        forEach: 'inputs.urls',
        description: 'Read {{item}} {{inputs.deep}}',
      })
      .addTask({ id: 'count', dependencies: ['pages'], run: ({ pages }) => pages.length })
      .addTask({
        id: 'deep',
        when: { path: 'inputs.deep', operator: '==', value: true },
        run: ({ inputs }) => inputs.urls.join(),
      })
      .addTask({
        id: 'shallow',
        when: { path: 'inputs.deep', operator: '==', value: false },
        description: 'x',
      });
    const executor = createExecutor({ strategy: inOrder, runner });
    const result = await executor.execute(plan, { inputs: { urls: ['a', 'b'] } }).orThrow();
    expect(result.outputs).toMatchObject({ count: 2, deep: 'a,b' });
    expect(result.outputs.shallow).toBeUndefined();
    expect(result.planOutputs).toEqual({ first: 'Read a true', summary: 'Deep: true, 2 pages' });
    expect(result.timeline[0]).toMatchObject({ inputs: { urls: ['a', 'b'], deep: true } });
    expect(JSON.parse(JSON.stringify(result.timeline[0])).plan.inputs).toEqual({
      urls: { type: 'array', items: { type: 'string' } },
      deep: { type: 'boolean', default: true },
    });
  });

  test('do not keep the outputs of dependencies out of a prompt', async () => {
    const { runner, requests } = echo();
    const plan = createPlan('x', { inputs: z.object({ tone: z.string() }) })
      .addTask({ id: 'facts', run: () => 'water is wet' })
      .addTask({ id: 'text', dependencies: ['facts'], description: 'Write, {{inputs.tone}}.' });
    const executor = createExecutor({ strategy: inOrder, runner });
    await executor.execute(plan, { inputs: { tone: 'calm' } }).orThrow();
    expect(requests[0]?.prompt).toBe(
      'Write, calm.\n\n<output task="facts">\nwater is wet\n</output>',
    );
    expect(requests[0]?.inputs).toEqual({ facts: 'water is wet' });
  });

  test.each<[string, object | undefined, string[]]>([
    ['missing', undefined, ['company: is missing']],
    [
      'unknown',
      { company: 'A', tome: 1 },
      ['tome: the plan has no such input. Did you mean "tone"?'],
    ],
    [
      'wrong',
      { company: 7 },
      [expect.stringMatching(/^company: Invalid input: expected string/) as never],
    ],
    [
      'all of these',
      { tone: 3, x: 1 },
      [
        'x: the plan has no such input. Its inputs are company, tone.',
        'company: is missing',
        expect.stringMatching(/^tone: .*expected string/) as never,
      ],
    ],
  ])('that are %s are refused before anything starts', (_, inputs, problems) => {
    const executor = createExecutor({ strategy: inOrder, runner: echo().runner });
    expect(problemsOf(() => executor.execute(profile(), { inputs: inputs as never }))).toEqual(
      problems,
    );
  });

  test('of a plan without inputs are refused', () => {
    const executor = createExecutor({ strategy: inOrder });
    const plan = { goal: 'x', tasks: [{ id: 'a', run: () => 1 }] };
    expect(problemsOf(() => executor.execute(plan, { inputs: { a: 1 } }))).toEqual([
      'a: the plan has no such input. The plan has no inputs.',
    ]);
    expect(() => executor.execute(plan, { inputs: 7 as never })).toThrow(
      /inputs must be an object/,
    );
  });

  test('are checked with the plan', () => {
    const inputs = z.object({ company: z.string(), size: z.enum(['small', 'big']) });
    const task = { id: 'a', description: 'x' };
    const problems = (more: object) =>
      validatePlan({ goal: 'x', inputs, tasks: [task], ...more } as never).map(formatProblem);
    expect(problems({})).toEqual([]);
    expect(problems({ tasks: [{ ...task, description: '{{inputs.compny}}' }] })).toEqual([
      'tasks[0].description: {{inputs.compny}}: the plan has no input "compny". Did you mean "company"?',
    ]);
    expect(
      problems({
        tasks: [{ ...task, when: { path: 'inputs.size', operator: '==', value: 'bg' } }],
      }),
    ).toEqual([expect.stringContaining('must be one of "small", "big". Did you mean "big"?')]);
    expect(problems({ tasks: [{ id: 'inputs', description: 'x' }] })).toEqual([
      'tasks[0].id: "inputs" is what the inputs of the plan are called; give the task another id',
    ]);
    expect(problems({ inputs: { company: { type: 'string' } } })).toEqual([
      expect.stringMatching(/^inputs: must be a schema of an object, such as z\.object/),
    ]);
    expect(problems({ inputs: z.string() })).toEqual([
      'inputs: must be a schema of an object, with a field for each input',
    ]);
    expect(problems({ outputs: { a: 'b.c', d: '{{inputs.compny}}' } })).toEqual([
      'outputs.a: "b.c" is neither a task nor a part of its output. Did you mean "a"?',
      'outputs.d: "inputs.compny": its schema has no "compny" there. Did you mean "company"?',
    ]);
    expect(problems({ outputs: ['b'] })).toEqual([
      'outputs[0]: there is no task "b". Did you mean "a"?',
    ]);
    expect(problems({ outputs: {} })).toEqual([expect.stringContaining('must name at least one')]);
  });

  test('are recorded, and the same when the run is resumed', async () => {
    const journal = memoryJournal();
    const prompts: string[] = [];
    const runner: TaskRunner = {
      name: 'fails-once',
      async run({ prompt }) {
        prompts.push(prompt);
        if (prompts.length === 1) throw new Error('no');
        return { output: prompt };
      },
    };
    const executor = createExecutor({ strategy: inOrder, runner, journal });
    const inputs = { company: 'Apple' };
    await executor.execute(profile(), { runId: 'r', inputs });
    await expect(
      executor.resume('r', { retryFailed: true, inputs: { company: 'Orange' } }),
    ).rejects.toThrow(/company: a recorded run keeps its inputs/);
    const { status, timeline } = await executor.resume('r', { retryFailed: true, inputs });
    expect(status).toBe('completed');
    expect(prompts).toEqual(['Describe Apple, calm', 'Describe Apple, calm']);
    expect(timeline[0]).toMatchObject({ inputs: { company: 'Apple', tone: 'calm' } });
    for await (const event of readRun(journal, 'r')) {
      if (event.type === 'run_started')
        expect(event.inputs).toEqual({ company: 'Apple', tone: 'calm' });
    }
  });

  describe('whose schema transforms them', () => {
    const attempts: unknown[] = [];
    const plan = (extra: Record<string, z.ZodType> = {}) =>
      createPlan('Split', {
        inputs: z.object({ names: z.string().transform((text) => text.split(',')), ...extra }),
      }).addTask({
        id: 'a',
        run: (inputs) => {
          attempts.push((inputs as { inputs: unknown }).inputs);
          if (attempts.length === 1) throw new Error('no');
        },
      });
    const failed = async (inputs: object, extra?: Record<string, z.ZodType>) => {
      attempts.length = 0;
      const executor = createExecutor({ strategy: inOrder, journal: memoryJournal() });
      await executor.execute(plan(extra), { runId: 'r', inputs: inputs as never });
      return (given?: object) =>
        executor.resume('r', {
          plan: plan(extra),
          retryFailed: true,
          inputs: given as never,
        });
    };

    test.each([
      ['are not transformed again', undefined],
      ['may be given again as they were', { names: 'a,b' }],
      ['may be given again as they are recorded', { names: ['a', 'b'] }],
    ])('%s when the run is resumed', async (_, given) => {
      const resume = await failed({ names: 'a,b' });
      expect((await resume(given)).status).toBe('completed');
      expect(attempts).toEqual([{ names: ['a', 'b'] }, { names: ['a', 'b'] }]);
    });

    test('cannot be others when the run is resumed', async () => {
      const resume = await failed({ names: 'a,b' });
      await expect(resume({ names: 'a,c' })).rejects.toThrow(/names: a recorded run keeps/);
    });

    test('have to be given again beside a secret', async () => {
      const extra = { token: z.string().meta({ secret: true }) };
      const resume = await failed({ names: 'a,b', token: 'swordfish' }, extra);
      await expect(resume({ token: 'swordfish' })).rejects.toThrow(
        /names: .*; the recorded value does not fit the schema; give the original value again/,
      );
      await expect(resume()).rejects.toThrow(/fit the plan:\n {2}- token: is missing$/);
      expect((await resume({ names: 'a,b', token: 'swordfish' })).status).toBe('completed');
      expect(attempts[1]).toEqual({ names: ['a', 'b'], token: 'swordfish' });
    });
  });

  test('may be given again with their fields in another order', async () => {
    const executor = createExecutor({ strategy: inOrder, journal: memoryJournal() });
    const plan = createPlan('Order', {
      inputs: z.object({ sizes: z.record(z.string(), z.number()) }),
    }).addTask({ id: 'a', run: () => 1 });
    const run = (inputs: object) => ({ plan, acceptChanges: true, inputs: inputs as never });
    await executor.execute(plan, { runId: 'r', inputs: { sizes: { a: 1, b: 2 } } });
    const { status } = await executor.resume('r', run({ sizes: { b: 2, a: 1 } }));
    expect(status).toBe('completed');
  });

  test('may be null, and have names that every object has', async () => {
    const executor = createExecutor({ strategy: inOrder });
    const plan = createPlan('Odd', {
      inputs: z.object({ none: z.string().nullable(), constructor: z.string() }),
    }).addTask({ id: 'a', run: (inputs) => (inputs as { inputs: unknown }).inputs });
    const inputs = { none: null, constructor: 'Apple' };
    const { outputs } = await executor.execute(plan, { inputs }).orThrow();
    expect(outputs).toEqual({ a: inputs });
    expect(problemsOf(() => executor.execute(plan, { inputs: { none: null } as never }))).toEqual([
      'constructor: is missing',
    ]);
    expect(() => executor.execute(plan, { inputs: new Map() as never })).toThrow(
      /inputs must be an object with a value for each input/,
    );
  });

  test('of a changed plan are the recorded ones and those that are new', async () => {
    const journal = memoryJournal();
    const { runner, requests } = echo();
    const executor = createExecutor({ strategy: inOrder, runner, journal });
    await executor.execute(profile(), { runId: 'r', inputs: { company: 'Apple' } }).orThrow();
    const changed = createPlan('Profile', {
      inputs: z.object({ company: z.string(), year: z.number() }),
    }).addTask({ id: 'profile', description: 'Describe {{inputs.company}} in {{inputs.year}}' });
    const resume = (inputs?: object) =>
      executor.resume('r', { plan: changed, acceptChanges: true, inputs: inputs as never });
    await expect(resume()).rejects.toThrow(/year: is missing/);
    const { outputs } = await resume({ year: 1976 });
    expect(outputs).toEqual({ profile: 'Describe Apple in 1976' });
    expect(requests).toHaveLength(2);
    const again = await executor.resume('r');
    expect(again.timeline[0]).toMatchObject({ inputs: { company: 'Apple', year: 1976 } });
  });

  test('that a journal cannot store are refused', () => {
    const executor = createExecutor({ strategy: inOrder, journal: memoryJournal() });
    const plan = createPlan('x', { inputs: z.object({ f: z.any() }) }).addTask({
      id: 'a',
      run: () => 1,
    });
    expect(problemsOf(() => executor.execute(plan, { inputs: { f: () => 1 } }))).toEqual([
      expect.stringMatching(/^f: cannot be stored in a journal/),
    ]);
  });
});

describe('an input from the environment', () => {
  const taken = (input: object, text: string) => {
    vi.stubEnv('STRATAGEM_TEST_VALUE', text);
    const { plan } = parsePlanDocument({
      goal: 'Call',
      inputs: { value: { ...input, env: 'STRATAGEM_TEST_VALUE' } },
      tasks: [{ id: 'a', description: '{{inputs.value}}' }],
    });
    return () => takeInputs(plan.inputs as never).inputs?.value;
  };

  test.each<[object, string, unknown]>([
    [{ type: 'string' }, '5', '5'],
    [{ type: 'number' }, '5.5', 5.5],
    [{ type: 'integer' }, '5', 5],
    [{ type: 'boolean' }, 'true', true],
    [{ type: ['string', 'null'] }, 'null', 'null'],
    [{ type: 'array', items: { type: 'string' } }, '["a", "b"]', ['a', 'b']],
    [{ type: 'object', properties: { a: { type: 'number' } } }, '{"a": 1}', { a: 1 }],
    [{ enum: ['1', 2] }, '1', '1'],
    [{ enum: ['1', 2] }, '2', 2],
    [{ anyOf: [{ type: 'number' }, { type: 'null' }] }, '7', 7],
    [{}, '7', '7'],
  ])('with the schema %j is %j as %j', (input, text, value) => {
    expect(taken(input, text)()).toEqual(value);
  });

  test('that does not fit its schema is refused by the schema', () => {
    expect(taken({ type: 'integer' }, 'five')).toThrow(/value: .*(expected|must)/);
  });
});

describe('a secret input', () => {
  test('that is a number is hidden as a text and as a number', () => {
    const secrets = new SecretTexts({ pin: 482_913 });
    expect(secrets.value({ text: 'pin 482913', pin: 482_913, other: 48 })).toEqual({
      ...{ text: 'pin [secret]', pin: '[secret]', other: 48 },
    });
  });

  const document = {
    goal: 'Call',
    inputs: { token: { type: 'string', secret: true, env: 'STRATAGEM_TEST_TOKEN' } },
    tasks: [{ id: 'a', description: 'x' }],
  };
  const secret = 'swordfish-1234';

  test('comes from the environment, and is in no event, error or journal', async () => {
    vi.stubEnv('STRATAGEM_TEST_TOKEN', secret);
    const { plan } = parsePlanDocument(document);
    const seen: unknown[] = [];
    const journal = memoryJournal();
    const executor = createExecutor({ strategy: inOrder, runner: echo().runner, journal });
    const withFunctions = {
      ...plan,
      tasks: [
        {
          id: 'echo',
          run: ({ inputs }: never) => {
            seen.push((inputs as { token: string }).token);
            return { url: `https://x/?key=${secret}`, list: [secret, 1] };
          },
        },
        {
          id: 'fail',
          run: () => {
            throw new Error(`denied for ${secret}`, { cause: new Error(secret) });
          },
        },
      ],
    };
    const result = await executor.execute(withFunctions as never, { runId: 's' });
    expect(seen).toEqual([secret]);
    expect(result.outputs).toEqual({
      echo: { url: 'https://x/?key=[secret]', list: ['[secret]', 1] },
    });
    expect(JSON.stringify(result)).not.toContain(secret);
    const recorded: unknown[] = [];
    for await (const event of journal.read('s')) recorded.push(event);
    expect(JSON.stringify(recorded)).not.toContain(secret);
    expect(JSON.stringify(recorded)).toContain('denied for [secret]');
    const read: unknown[] = [];
    vi.unstubAllEnvs();
    for await (const event of readRun(journal, 's')) read.push(event);
    expect(read).toHaveLength(result.timeline.length);
  });

  test.each([true, 'x'])('is replaced in what an answer of %j cites and ran', async (output) => {
    vi.stubEnv('STRATAGEM_TEST_TOKEN', secret);
    const { plan } = parsePlanDocument(document);
    const journal = memoryJournal();
    const runner: TaskRunner = {
      name: 'searching',
      run: async () => ({
        output,
        citations: [{ url: `https://x/?key=${secret}` }],
        serverToolCalls: [
          { tool: 'code_execution', code: `fetch("${secret}")`, queries: [secret] },
        ],
      }),
    };
    const executor = createExecutor({ strategy: inOrder, runner, journal });
    const result = await executor.execute(plan, { runId: 's' }).orThrow();
    const texts = [JSON.stringify(result.timeline), JSON.stringify(result.tasks)];
    for await (const event of journal.read('s')) texts.push(JSON.stringify(event));
    expect(texts.join()).not.toContain(secret);
    expect(result.tasks[0]).toMatchObject({
      citations: [{ url: 'https://x/?key=[secret]' }],
      serverToolCalls: [{ code: 'fetch("[secret]")', queries: ['[secret]'] }],
    });
  });

  test.each<[place: string, task: Record<string, unknown>]>([
    ['a when function that throws', { id: 'a', run: () => 1, when: thrower }],
    ['a forEach function that throws', { id: 'a', description: 'x', forEach: thrower }],
    ['the items of a forEach function', { id: 'a', run: () => 1, forEach: list }],
    ['the question of a human step', { id: 'a', prompt: text, waitFor: 'approval' }],
    ['a thrown text', { id: 'a', run: throwText }],
    ['a map', { id: 'a', run: () => new Map([[secret, secret]]) }],
    ['an error that is an output', { id: 'a', run: () => new Error(secret) }],
    ['an added task', { id: 'a', run: adder }],
    ['a text that streams in pieces', { id: 'a', run: inPieces }],
  ])('is replaced in %s', async (_, task) => {
    vi.stubEnv('STRATAGEM_TEST_TOKEN', secret);
    const { plan } = parsePlanDocument(document);
    const journal = memoryJournal();
    const texts: unknown[] = [];
    const executor = createExecutor({
      strategy: inOrder,
      runner: echo().runner,
      journal,
      onEvent: (event) => {
        texts.push(event);
        if (event.type === 'task_waiting') void run.approve('a');
      },
    });
    const run = executor.execute({ ...plan, tasks: [task] } as never, { runId: 's' });
    texts.push(await run);
    for await (const event of journal.read('s')) texts.push(event);
    const streamed = texts.map((event) => (event as { readonly text?: string }).text ?? '');
    expect(inspect(texts, { depth: 20 }) + streamed.join('')).not.toContain(secret);
    expect(inspect(texts, { depth: 20 })).toContain('[secret]');
  });

  test.each<[what: string, act: (run: RunHandle) => unknown]>([
    ['answers', (run) => run.answer('a', `it is ${secret}`)],
    ['rejects', (run) => run.reject('a', `it is ${secret}`)],
    ['skips a task', (run) => run.skipTask('a', `it is ${secret}`)],
    ['cancels a task', (run) => run.cancelTask('a', `it is ${secret}`)],
    ['cancels the run', (run) => run.cancel(new Error(`it is ${secret}`))],
  ])('is replaced in what somebody says who %s', async (_, act) => {
    vi.stubEnv('STRATAGEM_TEST_TOKEN', secret);
    const { plan } = parsePlanDocument(document);
    const journal = memoryJournal();
    const executor = createExecutor({ strategy: inOrder, journal });
    const tasks = [{ id: 'a', description: 'x', waitFor: 'answer' }];
    const run = executor.execute({ ...plan, tasks } as never, { runId: 's' });
    const texts: unknown[] = [];
    for await (const event of run) {
      texts.push(event);
      if (event.type === 'task_waiting') act(run);
    }
    texts.push(await run);
    for await (const event of journal.read('s')) texts.push(event);
    expect(inspect(texts, { depth: 20 })).not.toContain(secret);
    expect(inspect(texts, { depth: 20 })).toContain('it is [secret]');
  });

  test('does not change the key of a call that waits for approval', async () => {
    vi.stubEnv('STRATAGEM_TEST_TOKEN', 'send');
    const { plan } = parsePlanDocument(document);
    const send = tool({
      name: 'send',
      description: 'x',
      inputSchema: z.object({ to: z.string() }),
      needsApproval: true,
      execute: ({ to }) => `sent to ${to}`,
    });
    const runner: TaskRunner = {
      name: 'model',
      supportsTools: true,
      run: async ({ tools }) => ({ output: await tools?.[0]?.call({ to: 'Ada' }, '1') }),
    };
    const executor = createExecutor({ strategy: inOrder, runner, tools: [send] });
    const tasks = [{ id: 'a', description: 'x', tools: ['send'] }];
    const run = executor.execute({ ...plan, tasks } as never, { runId: 's' });
    for await (const { type } of run)
      if (type === 'tool_approval_requested') await run.approve('a');
    expect((await run).outputs.a).toMatchObject({ ok: true });
  });

  test('that the environment lacks is missing', () => {
    const { plan } = parsePlanDocument(document);
    const executor = createExecutor({ strategy: inOrder, runner: echo().runner });
    expect(problemsOf(() => executor.execute(plan))).toEqual([
      'token: is missing; set the environment variable STRATAGEM_TEST_TOKEN',
    ]);
  });

  test.each([
    [
      { tasks: [{ id: 'a', description: '{{inputs.token}}' }] },
      /^tasks\[0\]\.description: .*secret inputs are/,
    ],
    [
      { tasks: [{ id: 'a', description: '{{inputs}}' }] },
      /^tasks\[0\]\.description: .*secret inputs are/,
    ],
    [{ outputs: { a: 'inputs.token' } }, /^outputs\.a: "inputs\.token" is secret/],
    [
      { inputs: { token: { secret: true } } },
      /^inputs\.token\.env: a secret comes from the environment/,
    ],
    [
      { inputs: { token: { type: 'string', secret: true, env: 'A', default: 'x' } } },
      /^inputs\.token\.default: is written in the plan, so it cannot be a secret/,
    ],
    [{ inputs: { n: { type: 'integer', default: 'x' } } }, /^inputs\.n\.default: does not fit/],
    [{ inputs: { n: 'integer' } }, /^inputs\.n: must be a JSON Schema/],
    [{ inputs: { 'a.b': { type: 'string' } } }, /^inputs\.a\.b: the name of an input has no/],
    [{ inputs: ['a'] }, /^inputs: must name the inputs/],
    [{ inputs: { a: { type: 'wood' } } }, /^inputs\.a: is not a supported JSON Schema/],
  ])('and bad inputs in a file: %j', (more, problem) => {
    expect(problemsOf(() => parsePlanDocument({ ...document, ...more }))).toEqual([
      expect.stringMatching(problem),
    ]);
  });
});

test('a simulation uses the defaults of inputs, or the values that it is given', () => {
  const plan = createPlan('x', {
    inputs: z.object({ n: z.number().default(2), m: z.string() }),
  }).addTask({ id: 'a', when: { path: 'inputs.n', operator: '>', value: 3 }, description: 'x' });
  const statusOf = (inputs?: Record<string, unknown>) =>
    simulate(plan, { strategy: inOrder, inputs }).tasks[0]?.status;
  expect(statusOf()).toBe('skipped');
  expect(statusOf({ n: 5, m: 'x' })).toBe('completed');
});

test('a plan file keeps its inputs and outputs as they are written', () => {
  const document = {
    goal: 'x',
    inputs: {
      company: { type: 'string', description: 'Which one' },
      n: { type: 'integer', default: 3 },
    },
    outputs: { report: 'a' },
    tasks: [{ id: 'a', description: '{{inputs.company}}' }],
  };
  const { plan } = parsePlanDocument(document);
  expect(JSON.parse(JSON.stringify(plan))).toEqual(document);
});
