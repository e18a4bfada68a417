import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { chatServer, messagesServer } from '../../test/chat-server.js';
import { here, type Printed } from '../../test/here.js';
import { folder, type StratagemOptions } from '../../test/stratagem.js';
import { withSettings } from './apply-settings.js';
import { findConfig } from './find-config.js';
import { layered, type Settings, VARIABLES } from './settings.js';

const plan = 'goal: Report\ntasks: [{ id: a, description: Do it }]\n';
/** Says which model it has, and which key it finds. */
const echo = `export const runner = {
  name: 'echo',
  supportedOptions: ['model'],
  run: async ({ options }) => ({ output: (options?.model ?? 'none') + ' ' + (process.env.ECHO ?? '') }),
};\n`;

/** Runs a command in a project with these files. */
async function inProject(
  content: Readonly<Record<string, string>>,
  args: readonly string[],
  options: StratagemOptions = {},
): Promise<Printed> {
  await using project = await folder({ 'plan.yaml': plan, 'echo.mjs': echo, ...content });
  await mkdir(join(project.path, '.git'));
  return await here(args, { cwd: project.path, ...options });
}

const run = ['run', 'plan.yaml', '--quiet'];

describe('a setting comes', () => {
  const config = 'runner: ./echo.mjs\nmodel: filed\n';

  test.each<[string, string[], Record<string, string>, string]>([
    ['from the configuration file', [], {}, 'filed'],
    ['from the environment before the file', [], { STRATAGEM_MODEL: 'env' }, 'env'],
    ['from an option before both', ['--model', 'own'], { STRATAGEM_MODEL: 'env' }, 'own'],
    ['from the file where a variable is empty', [], { STRATAGEM_MODEL: ' ' }, 'filed'],
    ['from the default without the file', ['--no-config', '--runner', './echo.mjs'], {}, 'none'],
  ])('%s', async (_, args, env, model) => {
    const ended = await inProject({ 'stratagem.config.yaml': config }, [...run, ...args], { env });
    expect(ended).toMatchObject({ exitCode: 0, stdout: `${model} \n` });
  });

  test('from the file of --config, else of STRATAGEM_CONFIG, else of the project', async () => {
    const content = {
      'stratagem.config.yaml': config,
      'a.yaml': 'runner: ./echo.mjs\nmodel: a',
      'b.json': '{ "runner": "./echo.mjs", "model": "b" }',
    };
    const env = { STRATAGEM_CONFIG: 'a.yaml' };
    expect((await inProject(content, run, { env })).stdout).toBe('a \n');
    expect((await inProject(content, [...run, '--config', 'b.json'], { env })).stdout).toBe('b \n');
  });

  test.each(['STRATAGEM_MODEL', 'STRATAGEM_BASE_URL'])('and %s needs a runner', async (name) => {
    const env = { [name]: 'http://x/' };
    const { exitCode, stderr } = await inProject({}, [...run, '--runner', './echo.mjs'], { env });
    expect(stderr).toMatch(/^the setting \w+ needs the runner that it belongs to: set runner, or/);
    expect(exitCode).toBe(2);
  });

  test('with its model and server only for the runner beside them', () => {
    const lower: Settings = { runner: 'openai', model: 'm', baseUrl: 'http://x', retries: 1 };
    expect(layered({ runner: 'anthropic' }, lower)).toEqual({ runner: 'anthropic', retries: 1 });
    expect(layered({ runner: 'openai' }, lower)).toEqual(lower);
    expect(layered({}, lower)).toEqual(lower);
  });
});

describe('what the plan file says itself', () => {
  const settings: Settings = {
    ...{ runner: 'openai', model: 'm', strategy: 'adaptive', maxParallel: 8, retries: 1 },
    ...{ budgetTokens: { whole: 10 }, budgetCost: { whole: 1 }, deadline: 5 },
  };
  const goal = { goal: 'g', tasks: [] };

  const ofRunner = ['runner', 'model', 'baseUrl'] as const;
  test.each<[string, object, Parameters<typeof withSettings>[2], (keyof Settings)[]]>([
    ['nothing', {}, { plan: goal }, []],
    ['a strategy', {}, { strategy: { name: 'parallel' } }, ['strategy']],
    [
      'a limit',
      {},
      { strategy: { name: 'parallel', maxParallel: 2 } },
      ['strategy', 'maxParallel'],
    ],
    ['one at a time', {}, { strategy: { name: 'sequential' } }, ['strategy', 'maxParallel']],
    ['retries', {}, { plan: { ...goal, retry: { maxAttempts: 4 } } }, ['retries']],
    ['tokens', {}, { plan: { ...goal, budget: { tokens: 4 } } }, ['budgetTokens']],
    ['a cost', {}, { plan: { ...goal, budget: { costUsd: 4 } } }, ['budgetCost']],
    ['another budget', {}, { plan: { ...goal, budget: { tasks: 4 } } }, []],
    ['a default model', {}, { models: { default: {} } }, [...ofRunner]],
    ['nothing of a replay', { replay: 'x.jsonl' }, {}, [...ofRunner]],
  ])('comes before the settings: %s', (_, flags, file, dropped) => {
    const kept = Object.entries(settings).filter(([name]) => !dropped.includes(name as never));
    expect(withSettings(flags, settings, file)).toEqual({ ...Object.fromEntries(kept), ...flags });
  });

  test('about a budget is for each of its amounts and resources alone', () => {
    const lower: Settings = {
      budgetTokens: { whole: 10, resources: { fast: 1, deep: 2 } },
      budgetCost: { resources: { fast: 3 } },
    };
    const budget = { tokens: 7, resources: { deep: { tokens: 5 } } };
    const flags = { budgetTokens: { resources: { own: 4 } }, budgetCost: { whole: 9 } };
    expect(withSettings(flags, lower, { plan: { ...goal, budget } })).toEqual({
      budgetTokens: { resources: { own: 4 } },
      budgetCost: { whole: 9 },
      settingsBudgets: { fast: { tokens: 1, costUsd: 3 } },
    });
    expect(withSettings(flags, lower)).toEqual({
      budgetTokens: { whole: 10, resources: { own: 4 } },
      budgetCost: { whole: 9 },
      settingsBudgets: { fast: { tokens: 1, costUsd: 3 }, deep: { tokens: 2 } },
    });
  });

  test('gives way to options', () => {
    const file = { models: { default: {} }, strategy: { name: 'adaptive' as const } };
    const flags = { runner: 'simulated', strategy: 'sequential' as const };
    const given = withSettings(flags, settings, file);
    expect(given).toMatchObject({ runner: 'simulated', strategy: 'sequential' });
    expect(given).not.toHaveProperty('model');
    expect(given).not.toHaveProperty('maxParallel');
  });
});

describe('a configuration file', () => {
  test.each([
    [
      'stratagem.config.ts',
      "type A = string;\nconst model: A = 'typed';\nexport default { runner: './echo.mjs', model };",
    ],
    ['stratagem.config.mjs', "export default { runner: './echo.mjs', model: 'typed' };"],
    ['stratagem.config.json', '{ "runner": "./echo.mjs", "model": "typed" }'],
    ['stratagem.config.yml', 'runner: ./echo.mjs\nmodel: typed'],
    [
      'stratagem.config.mts',
      "import { runner } from './echo.mjs';\nexport default { runner, model: 'typed' };",
    ],
  ])('may be %s', async (name, content) => {
    expect(await inProject({ [name]: content }, run)).toEqual({
      ...{ exitCode: 0, stdout: 'typed \n', stderr: '' },
    });
  });

  test.each<[string, string, string]>([
    [
      'jornal: runs',
      'stratagem.config.yaml:1:1  jornal: unknown setting "jornal".',
      'Did you mean "journal"?',
    ],
    ['limits:\n  maxParalel: 3', 'yaml:2:3  limits.maxParalel: unknown setting', '"maxParallel"'],
    [
      'limits:\n  maxParallel: 0',
      'stratagem.config.yaml:2:16  limits.maxParallel: must be an integer ≥ 1',
      '',
    ],
    ['limits: { deadline: soon }', 'limits.deadline: must be a duration such as 30s, 5m or 1h', ''],
    [
      'limits: { resources: { fast: { budgetCosts: 1 } } }',
      'limits.resources.fast.budgetCosts: unknown setting "budgetCosts".',
      'Did you mean "budgetCost"?',
    ],
    [
      'limits: { resources: { fast: 1 } }',
      'limits.resources.fast: must be an object like { budgetCost: 1 }',
      '',
    ],
    ['runner: opnai', 'runner: must be simulated, openai, anthropic, or a module', ''],
    ['baseUrl: localhost', 'baseUrl: must be a URL that starts with http://', ''],
    ['strategy: fast', 'strategy: must be one of sequential, parallel, adaptive', ''],
    [
      'prices: { gpt: { inputPerMillion: 1 } }',
      'prices.gpt.outputPerMillion: must be a number ≥ 0',
      '',
    ],
    ['models: { fast: { runner: opnai } }', 'models.fast.runner', '"openai"'],
    [
      'models: { fast: { temprature: 1 } }',
      'models.fast.temprature: unknown field',
      '"temperature"',
    ],
    ['- journal', 'must be an object with settings', ''],
    ['journal: [', 'stratagem.config.yaml:1:', ''],
    ['', 'the file is empty', ''],
  ])('with a mistake is an error with its place: %s', async (content, message, remedy) => {
    const { exitCode, stderr } = await inProject({ 'stratagem.config.yaml': content }, run);
    expect(stderr).toContain(message);
    expect(stderr).toContain(remedy);
    expect(stderr).toContain('stratagem.config.yaml is not a valid configuration: 1 problem.');
    expect(exitCode).toBe(2);
  });

  test.each<[string, string]>([
    ['export default {\n  journal: 5,\n};', 'stratagem.config.js:2:3  journal: must be a text'],
    [
      'export default {\n  limits: { retries: -1 } };',
      'stratagem.config.js:2:13  limits.retries: must be',
    ],
    ['export const config = {};', 'stratagem.config.js: has no default export'],
    ['throw new Error("no luck");', 'stratagem.config.js: cannot load: no luck'],
    ['export default { runner: { name: 1 } };', 'runner: must be simulated, openai'],
  ])('in code with a mistake is an error: %s', async (content, message) => {
    const { exitCode, stderr } = await inProject({ 'stratagem.config.js': content }, run);
    expect(stderr).toContain(message);
    expect(exitCode).toBe(2);
  });

  test('that is missing is an error', async () => {
    const { exitCode, stderr } = await inProject({}, [...run, '--config', 'none.yaml']);
    expect({ exitCode, stderr }).toEqual({
      exitCode: 2,
      stderr: 'none.yaml: cannot read: no such file\n',
    });
  });

  test('names models for all plans, and those of a plan come first', async () => {
    const config = 'runner: ./echo.mjs\nmodels: { fast: { model: f }, deep: { model: d } }';
    const both = `goal: Two\nmodels: { deep: { model: own } }\ntasks:
  - { id: a, description: A, model: fast }
  - { id: b, description: B, model: deep }\n`;
    const content = { 'stratagem.config.yaml': config, 'plan.yaml': both };
    expect((await inProject(content, run)).stdout).toBe('a\nf \n\nb\nown \n');
    expect((await inProject(content, ['validate', 'plan.yaml'])).exitCode).toBe(0);
    const alone = await inProject({ 'plan.yaml': both }, ['validate', 'plan.yaml']);
    expect(alone.stderr).toContain('there is no profile "fast" in models');
  });
});

describe('a profile of the configuration file', () => {
  const plan = (tasks: string) => `goal: Ask\ntasks: [${tasks}]\n`;
  const task = (id: string) => `{ id: ${id}, description: ${id}, model: ${id} }`;
  const env = {
    ...{ OPENAI_API_KEY: 'usual-openai-key', ANTHROPIC_API_KEY: 'usual-anthropic-key' },
    ...{ ANTHROPIC_AUTH_TOKEN: 'usual-anthropic-token', MIRROR_KEY: 'key-of-the-mirror' },
  };

  test('names a server with its key, or without one, which never gets the usual keys', async () => {
    await using chat = await chatServer(({ prompt }) => `chat ${prompt}`);
    await using messages = await messagesServer(({ prompt }) => `messages ${prompt}`);
    const anthropicUrl = messages.url.replace('/v1', '');
    const config = `models:
  local: { runner: openai, model: l, baseUrl: '${chat.url}' }
  mirror: { runner: openai, model: m, baseUrl: '${chat.url}', apiKeyEnv: MIRROR_KEY }
  other: { runner: anthropic, model: o, baseUrl: '${anthropicUrl}', apiKeyEnv: MIRROR_KEY }
  open: { runner: anthropic, model: p, baseUrl: '${anthropicUrl}' }\n`;
    const tasks = ['local', 'mirror', 'other', 'open'].map(task).join(', ');
    const content = { 'stratagem.config.yaml': config, 'plan.yaml': plan(tasks) };
    const { exitCode, stdout, stderr } = await inProject(content, run, { env });
    expect(exitCode, stderr).toBe(0);
    expect(stdout).toContain('chat local');
    const sent = [...chat.requests, ...messages.requests].map(({ model, headers }) => [
      model,
      (headers.authorization ?? headers['x-api-key'])?.toString().replace('Bearer ', ''),
    ]);
    expect(sent.sort()).toEqual([
      ['l', 'none'],
      ['m', 'key-of-the-mirror'],
      ['o', 'key-of-the-mirror'],
      ['p', 'none'],
    ]);
    const headers = JSON.stringify([...chat.requests, ...messages.requests]);
    expect(headers).not.toContain('usual-');
  });

  test('names a module, which starts at its folder', async () => {
    const config = 'models: { own: { runner: ./echo.mjs, model: m } }\n';
    const content = { 'stratagem.config.yaml': config, 'plan.yaml': plan(task('own')) };
    expect((await inProject(content, run)).stdout).toBe('m \n');
  });

  test.each([
    [
      'own: { runner: ./evil.mjs }',
      'models.own.runner: must be one of openai, anthropic, simulated',
    ],
    ['own: { runner: openai, baseUrl: https://evil.example }', 'models.own.baseUrl: unknown field'],
    ['own: { runner: openai, apiKeyEnv: HOME }', 'models.own.apiKeyEnv: unknown field'],
  ])('says what a plan file must not: %s', async (profile, message) => {
    const file = `goal: Ask\nmodels: { ${profile} }\ntasks: [${task('own')}]\n`;
    const { exitCode, stderr } = await inProject({ 'plan.yaml': file }, run, { env });
    expect(exitCode).toBe(2);
    expect(stderr).toContain(message);
  });

  test.each([
    [
      '{ runner: openai, apiKeyEnv: NO_SUCH_KEY }',
      'the environment variable NO_SUCH_KEY has no key',
    ],
    ['{ runner: openai, baseUrl: ftp://x }', 'models.own.baseUrl: must be a URL that starts with'],
    ['{ baseUrl: http://x }', 'models.own.baseUrl: needs the runner openai or anthropic'],
  ])('is checked: %s', async (profile, message) => {
    const config = `models: { own: ${profile} }\n`;
    const content = { 'stratagem.config.yaml': config, 'plan.yaml': plan(task('own')) };
    const { exitCode, stderr } = await inProject(content, run, { env });
    expect(exitCode).toBe(2);
    expect(stderr).toContain(message);
  });
});

describe('the configuration file is searched', () => {
  const config = 'journal: runs';
  async function found(inside: string, withFile: string, repository = '', home = 'nowhere') {
    await using root = await folder({});
    for (const name of [inside, withFile, home])
      await mkdir(join(root.path, name), { recursive: true });
    await writeFile(join(root.path, withFile, 'stratagem.config.yaml'), config);
    if (repository !== '') await mkdir(join(root.path, repository, '.git'));
    const file = findConfig(join(root.path, inside), join(root.path, home));
    return file?.slice(root.path.length + 1);
  }

  test('upward to the root of the repository', async () => {
    expect(await found('repo/a/b', 'repo', 'repo')).toBe('repo/stratagem.config.yaml');
    expect(await found('repo/a/b', 'repo/a', 'repo')).toBe('repo/a/stratagem.config.yaml');
    expect(await found('repo/a/b', '.', 'repo')).toBeUndefined();
  });

  test('below the home directory without a repository, and not in it', async () => {
    expect(await found('me/a/b', 'me/a', '', 'me')).toBe('me/a/stratagem.config.yaml');
    expect(await found('me/a/b', 'me', '', 'me')).toBeUndefined();
    expect(await found('me', 'me', '', 'me')).toBe('me/stratagem.config.yaml');
  });

  test('in the working directory alone elsewhere, where others may write', async () => {
    expect(await found('shared/a', 'shared/a')).toBe('shared/a/stratagem.config.yaml');
    expect(await found('shared/a', 'shared')).toBeUndefined();
  });

  test('and two in one folder are an error', async () => {
    const content = { 'stratagem.config.yaml': config, 'stratagem.config.json': '{}' };
    const { exitCode, stderr } = await inProject(content, run);
    expect(stderr).toContain('stratagem.config.yaml and stratagem.config.json: keep one');
    expect(exitCode).toBe(2);
  });
});

describe('the environment', () => {
  test.each([
    ['STRATAGEM_MAX_PARALLEL', 'many', 'Expected an integer ≥ 1.'],
    ['STRATAGEM_RUNNER', 'opnai', 'Allowed choices are simulated, openai, anthropic, and modules'],
    ['STRATAGEM_STRATEGY', 'fast', 'Allowed choices are sequential, parallel, adaptive.'],
    ['STRATAGEM_DEADLINE', '5', 'Expected a duration'],
  ])(
    'with a wrong value is an error that names the variable: %s=%s',
    async (name, value, message) => {
      const { exitCode, stderr } = await inProject({}, run, { env: { [name]: value } });
      expect(stderr).toContain(`${name} is invalid: ${message}`);
      expect(exitCode).toBe(2);
    },
  );

  test.each([
    ['STRATAGEM_JORNAL', 'Did you mean STRATAGEM_JOURNAL?'],
    ['STRATAGEM_PARALLEL', 'Did you mean STRATAGEM_MAX_PARALLEL?'],
    ['STRATAGEM_CONFG', 'Did you mean STRATAGEM_CONFIG?'],
  ])('with the misspelt variable %s gets a warning', async (name, suggestion) => {
    const { exitCode, stderr } = await inProject({}, run, { env: { [name]: '5' } });
    expect(stderr).toContain(
      `stratagem: ${name} is no setting, and has no effect. ${suggestion}\n`,
    );
    expect(exitCode).toBe(0);
  });

  test('with a variable of the user gets none', async () => {
    const { stderr } = await inProject({}, run, { env: { STRATAGEM_SECRET_KEY: '5' } });
    expect(stderr).not.toContain('STRATAGEM_');
  });

  test('is documented, variable by variable', async () => {
    const readme = await readFile(new URL('../../README.md', import.meta.url), 'utf8');
    for (const { variable } of VARIABLES) expect(readme).toContain(`\`${variable}\``);
    const documented = new Set(readme.match(/STRATAGEM_[A-Z_]+/g));
    const known = new Set([...VARIABLES.map(({ variable }) => variable), 'STRATAGEM_CONFIG']);
    expect(documented).toEqual(known);
  });
});

describe('--env-file', () => {
  test('sets variables of the environment, and overrides none', async () => {
    const content = {
      '.env': '# keys\nexport ECHO="from the file"\nSTRATAGEM_RUNNER=./echo.mjs\n',
    };
    const args = [...run, '--env-file', '.env'];
    expect((await inProject(content, args)).stdout).toBe('none from the file\n');
    const env = { ECHO: 'as it was' };
    expect((await inProject(content, args, { env })).stdout).toBe('none as it was\n');
  });

  test.each([
    ['A=1\nsk-secret-8f2e\n', 'keys.env:2  not a variable; write NAME=value'],
    ['A="one\ntwo"\nB=`x`\n= 5', 'keys.env:4  not a variable'],
    ['A=1\nB="a secret\nC=2\n', 'keys.env:2  the quote is not closed'],
  ])(
    'with a line that is no variable is an error that does not quote it',
    async (text, message) => {
      const { exitCode, stderr } = await inProject({ 'keys.env': text }, [
        ...run,
        '--env-file',
        'keys.env',
      ]);
      expect(stderr).toContain(message);
      expect(stderr).not.toContain('secret');
      expect(exitCode).toBe(2);
    },
  );
});

describe('the journal of the settings', () => {
  const config = 'journal: runs\nrunner: ./echo.mjs\n';

  test('records runs, and no command needs the option', async () => {
    await using project = await folder({ 'plan.yaml': plan, 'echo.mjs': echo });
    await project.add('stratagem.config.yaml', config);
    const cwd = project.path;
    const ended = await here(['run', 'plan.yaml'], { cwd });
    expect(ended.stderr).toMatch(/stratagem why [0-9a-f]{8}\n/);
    expect(ended.stderr).not.toContain('--journal');
    const [listed] = JSON.parse((await here(['runs', '--json'], { cwd })).stdout);
    expect(listed).toMatchObject({ goal: 'Report', status: 'completed' });
    const other = await here(['show', listed.id, '--journal', 'runs'], { cwd });
    expect(other).toMatchObject({ exitCode: 0, stdout: 'none \n' });
    const again = await here(['runs', '--no-config', '--json'], {
      cwd,
      env: { STRATAGEM_JOURNAL: 'runs' },
    });
    expect(JSON.parse(again.stdout)).toHaveLength(1);
  });

  test('is not used with --no-journal, and not for a goal', async () => {
    await using project = await folder({
      'plan.yaml': plan,
      'echo.mjs': echo,
      'stratagem.config.yaml': config,
    });
    const cwd = project.path;
    await here([...run, '--no-journal'], { cwd });
    const goal = await here(['run', '--goal', 'Say hello', '--yes', '-q'], { cwd });
    expect(goal).toMatchObject({ exitCode: 0, stderr: '' });
    expect((await here(['runs'], { cwd })).stderr).toContain('No journal in runs');
  });

  test('is named in the next commands where it was given for one command alone', async () => {
    const ended = await inProject({ 'own.yaml': config }, [
      'run',
      'plan.yaml',
      '--config',
      'own.yaml',
    ]);
    expect(ended.stderr).toContain(' --journal runs\n');
    const content = { '.env': 'STRATAGEM_JOURNAL=runs\n' };
    const fromFile = await inProject(content, ['run', 'plan.yaml', '--env-file', '.env']);
    expect(fromFile.stderr).toContain(' --journal runs\n');
  });

  test('is missing with a message that says how to name it', async () => {
    const { exitCode, stderr } = await inProject({}, ['runs']);
    expect(stderr).toBe(
      'which journal? There is no .stratagem here, where `run --journal .stratagem` records runs. Use --journal DIR, or set STRATAGEM_JOURNAL, or journal: in stratagem.config.yaml\n',
    );
    expect(exitCode).toBe(2);
  });
});
