import { describe, expect, test } from 'vitest';
import { type ChatRequest, chatServer, messagesServer } from '../../test/chat-server.js';
import { folder, stratagem } from '../../test/stratagem.js';

const KEYS = ['sk-test-7f3a9c1e5b2d', 'sk-ant-test-0c4d8e2f6a1b', 'team-secret-0123456789'];

const plan = `goal: Report
models:
  fast: { runner: openai, model: small-model, temperature: 0, headers: { x-team: ${KEYS[2]} } }
  deep: { runner: anthropic, model: big-model, reasoning: high }
tasks:
  - id: notes
    description: Take notes
    model: fast
  - id: more
    description: Take more notes
    model: fast/other-model
    temperature: 1
  - id: report
    description: Write the report
    dependencies: [notes, more]
    model: deep
    instructions: Be brief.
`;

const answerTo = ({ prompt }: ChatRequest) => `The answer to: ${prompt.split('\n')[0]}`;

async function runOnTwo(args: readonly string[], stdin = plan) {
  await using chat = await chatServer(answerTo);
  await using messages = await messagesServer(answerTo);
  const ended = await stratagem(['run', '-', ...args], {
    stdin,
    env: {
      OPENAI_API_KEY: KEYS[0] as string,
      OPENAI_BASE_URL: chat.url,
      ANTHROPIC_API_KEY: KEYS[1] as string,
      ANTHROPIC_BASE_URL: messages.url.replace('/v1', ''),
    },
  });
  for (const key of KEYS) expect(ended.stdout + ended.stderr).not.toContain(key);
  return { ...ended, chat: chat.requests, messages: messages.requests };
}

describe('a plan file with models', () => {
  test('runs on two providers at once, with the options of profiles and tasks', async () => {
    const { exitCode, stdout, stderr, chat, messages } = await runOnTwo(['--json']);
    expect(stderr).not.toContain('simulated');
    expect(exitCode).toBe(0);
    const document = JSON.parse(stdout);
    expect(document.tasks.map(({ output }: { output: string }) => output)).toEqual([
      'The answer to: Take notes',
      'The answer to: Take more notes',
      'The answer to: Write the report',
    ]);
    const sent = chat.map(({ body, headers }) => [body.model, body.temperature, headers['x-team']]);
    expect(sent.sort()).toEqual([
      ['other-model', 1, KEYS[2]],
      ['small-model', 0, KEYS[2]],
    ]);
    expect(messages.map(({ path, body }) => [path, body])).toEqual([
      [
        '/v1/messages',
        expect.objectContaining({
          model: 'big-model',
          system: 'Be brief.',
          thinking: { type: 'adaptive' },
          output_config: { effort: 'high' },
        }),
      ],
    ]);
  });

  test('lets the provider run its own tools, and says where it has none', async () => {
    const searching = `goal: Search
models:
  deep: { runner: anthropic, model: big-model, serverTools: [web_search] }
  fast: { runner: openai, model: small-model }
tasks:
  - { id: found, description: Find it, model: deep }
  - id: ran
    description: Run it
    model: deep
    serverTools: [{ type: web_search, maxUses: 2 }, code_execution]
  - { id: none, description: Find it here, model: fast, serverTools: [web_search] }
`;
    const { stdout, chat, messages } = await runOnTwo(['--json'], searching);
    const sent = messages.map(({ body }) => [JSON.stringify(body.messages), body.tools] as const);
    const toolsOf = (prompt: string) => sent.find(([text]) => text.includes(prompt))?.[1];
    const search = { type: 'web_search_20250305', name: 'web_search' };
    expect(toolsOf('Find it')).toEqual([search]);
    expect(toolsOf('Run it')).toEqual([
      { ...search, max_uses: 2 },
      { type: 'code_execution_20250825', name: 'code_execution' },
    ]);
    expect(chat).toEqual([]);
    const { tasks } = JSON.parse(stdout);
    expect(tasks.map(({ status }: { status: string }) => status)).toEqual([
      ...['completed', 'completed', 'failed'],
    ]);
    expect(tasks[2].error.message).toContain("use api: 'responses'");
    expect(tasks[0].serverToolCalls).toEqual([]);
  });

  test('stops at the budget of a profile, or of its resource', async () => {
    const options = [
      ['--budget-tokens', 'fast=1'],
      ['--budget-tokens', 'openai/small-model=1'],
    ];
    for (const args of options) {
      const all = [...args, '--max-parallel', '1', '--json'];
      const { exitCode, stdout, messages } = await runOnTwo(all);
      const { tasks, error } = JSON.parse(stdout);
      expect(tasks.map(({ status }: { status: string }) => status)).toEqual([
        'completed',
        'completed',
        'completed',
      ]);
      expect([exitCode, error]).toEqual([0, null]);
      expect(messages).toHaveLength(1);
    }
    const twice = plan.replace('model: fast/other-model', 'model: fast');
    const both = await runOnTwo(['--budget-tokens', 'fast=1', '--max-parallel', '1'], twice);
    expect(both.exitCode).toBe(1);
    expect(both.stderr.replace(/\s+/g, ' ')).toContain(
      'before task "more": the budget of resource "openai/small-model" of 1 for tokens has 15 used',
    );
    expect(both.chat).toHaveLength(1);
    const own = twice.replace('models:', 'budget: { resources: { fast: { tokens: 1 } } }\nmodels:');
    const inFile = await runOnTwo(['--max-parallel', '1'], own);
    expect([inFile.exitCode, inFile.chat.length]).toEqual([1, 1]);
  });

  test.each([
    [['--budget-tokens', 'fats=5'], 'budget.resources["fats"]', 'Did you mean "fast"?'],
    [
      ['--budget-cost', 'openai/small=5'],
      'budget.resources["openai/small"]: no task of this plan competes for such a resource',
      'The resources are "fast", "deep", "openai/small-model"',
    ],
    [
      ['--budget-cost', 'deep=5'],
      'budget.resources["anthropic/big-model"].costUsd',
      '--prices FILE',
    ],
    [['--budget-cost', '=5'], '--budget-cost', 'Expected the name of a resource before the =.'],
    [['--budget-tokens', 'fast=0'], '--budget-tokens', 'Expected an integer ≥ 1.'],
  ])('refuses the budget %j', async (args, message, remedy) => {
    const { exitCode, stderr, chat } = await runOnTwo(args);
    expect(stderr).toContain(message);
    expect(stderr).toContain(remedy);
    expect([exitCode, chat.length]).toEqual([2, 0]);
  });

  test('gives tasks without a model the profile named default', async () => {
    const file =
      'goal: x\nmodels: { default: { runner: openai, model: m } }\ntasks: [{ id: a, description: Hi }]\n';
    const { exitCode, stderr, chat } = await runOnTwo([], file);
    expect(exitCode).toBe(0);
    expect(stderr).not.toContain('simulated');
    expect(chat.map(({ model }) => model)).toEqual(['m']);
  });

  test('uses the runner of the command line where a profile names none', async () => {
    const file =
      'goal: x\nmodels: { hot: { temperature: 2 } }\ntasks: [{ id: a, description: Hi, model: hot }]\n';
    const { exitCode, chat } = await runOnTwo(['--runner', 'openai', '--model', 'm'], file);
    expect(exitCode).toBe(0);
    expect(chat.map(({ body }) => [body.model, body.temperature])).toEqual([['m', 2]]);
  });

  test.each([
    [
      'an unknown profile',
      'models: { deep: { runner: anthropic } }\ntasks: [{ id: a, description: x, model: deap }]',
      'tasks[0].model: there is no profile "deap" in models. Did you mean "deep"?',
    ],
    [
      'an unknown provider',
      'models: { deep: { runner: antropic } }\ntasks: [{ id: a, description: x, model: deep }]',
      'models.deep.runner: must be one of openai, anthropic, simulated. Did you mean "anthropic"?',
    ],
    [
      'an unknown field',
      'models: { deep: { temprature: 1 } }\ntasks: [{ id: a, description: x }]',
      'models.deep.temprature: unknown field "temprature". Did you mean "temperature"?',
    ],
    [
      'a value that is out of range',
      'models: { deep: { topP: 2 } }\ntasks: [{ id: a, description: x }]',
      'models.deep.topP: must be a number > 0 and ≤ 1',
    ],
    [
      'an option that the provider does not have',
      'models: { deep: { runner: anthropic, temperature: 1 } }\ntasks: [{ id: a, description: x }]',
      'models.deep: anthropic() has no option "temperature"',
    ],
  ])('%s is a problem of the file', async (_, fields, problem) => {
    const { exitCode, stderr } = await stratagem(['validate', '-'], {
      stdin: `goal: x\n${fields}\n`,
    });
    expect(exitCode).toBe(2);
    expect(stderr).toContain(problem);
  });

  test('resumes from its record, with the models that the file had', async () => {
    await using chat = await chatServer(({ prompt }) =>
      prompt.startsWith('Second') && chat.requests.length < 3
        ? { status: 400, message: 'no' }
        : 'fine',
    );
    await using files = await folder({
      'plan.yaml': [
        'goal: x',
        'models: { m: { runner: openai, model: one } }',
        'tasks: [{ id: a, description: First, model: m }, { id: b, description: Second, model: m, dependencies: [a] }]',
      ].join('\n'),
    });
    const env = { OPENAI_API_KEY: KEYS[0] as string, OPENAI_BASE_URL: chat.url };
    const options = { cwd: files.path, env };
    const first = await stratagem(['run', 'plan.yaml', '--journal', 'runs'], options);
    expect(first.exitCode).toBe(1);
    const [runId] = /[0-9a-z-]{10,}/.exec(first.stderr.split('Recording run ')[1] ?? '') ?? [];
    const again = await stratagem(
      ['resume', runId as string, '--journal', 'runs', '--retry-failed', '--use-recorded-plan'],
      options,
    );
    expect(again.stderr).not.toContain('simulated');
    expect(again.exitCode).toBe(0);
    expect(chat.requests.map(({ model }) => model)).toEqual(['one', 'one', 'one']);
  });
});

describe('a runner of a module', () => {
  const file = 'goal: x\ntasks: [{ id: a, description: Hi }]\n';
  const runWith = async (module: string, args: readonly string[] = []) => {
    await using files = await folder({ 'my-runner.mjs': module });
    return await stratagem(['run', '-', '--runner', './my-runner.mjs', '--json', ...args], {
      stdin: file,
      cwd: files.path,
    });
  };
  const echo = `{ name: 'mine', supportedOptions: ['model'],
    run: async ({ prompt, options }) => ({ output: [prompt, options?.model].join(' ') }) }`;

  test.each([
    ['by default', `export default ${echo};`],
    ['by its name', `export const runner = ${echo};`],
    ['by a function', `export default async () => (${echo});`],
  ])('is exported %s', async (_, module) => {
    const { exitCode, stdout } = await runWith(module);
    expect(exitCode).toBe(0);
    expect(JSON.parse(stdout).tasks[0].output).toBe('Hi ');
  });

  test('has the model of the command line, if it supports that', async () => {
    const { stdout } = await runWith(`export default ${echo};`, ['--model', 'm']);
    expect(JSON.parse(stdout).tasks[0].output).toBe('Hi m');
    const fixed = "export default { name: 'mine', run: async () => ({ output: 1 }) };";
    const { exitCode, stderr } = await runWith(fixed, ['--model', 'm']);
    expect(exitCode).toBe(2);
    expect(stderr).toContain('--model has no effect with --runner ./my-runner.mjs');
  });

  test.each([
    ['exports none', 'export const x = 1;', './my-runner.mjs exports no runner'],
    ['throws', "throw new Error('broken');", 'cannot load ./my-runner.mjs: broken'],
    [
      'has a function that throws',
      "export default () => { throw new Error('no key'); };",
      'the function that ./my-runner.mjs exports failed: no key',
    ],
  ])('that %s is an error of usage', async (_, module, message) => {
    const { exitCode, stderr } = await runWith(module);
    expect(exitCode).toBe(2);
    expect(stderr).toContain(message);
  });

  test.each([
    ['./no-such.js', 'cannot load ./no-such.js'],
    [
      'opanai',
      'Allowed choices are simulated, openai, anthropic, and modules such as ./my-runner.js',
    ],
  ])('%s is an error of usage', async (runner, message) => {
    const { exitCode, stderr } = await stratagem(['run', '-', '--runner', runner], { stdin: file });
    expect(exitCode).toBe(2);
    expect(stderr).toContain(message);
  });
});
