import { readdir } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { folder, stratagem } from '../../test/stratagem.js';

const one = 'goal: x\ntasks:\n  - { id: a, description: A }\n';
const steps = `goal: x
tasks:
  - { id: a, tool: fetch, args: { url: "https://example.com/" }, retry: { maxAttempts: 1 } }
`;
const profiles = `goal: x
models: { default: { runner: simulated } }
tasks:
  - { id: a, description: A }
`;
const approval = `goal: x
tasks:
  - { id: ok, description: "Go on?", waitFor: approval }
  - { id: soon, description: "Now?", waitFor: { kind: approval, timeoutMs: 1, default: true } }
  - { id: maybe, description: "Sure?", dependencies: [ok], waitFor: answer, when: { path: ok, operator: "==", value: false } }
`;

let files: Awaited<ReturnType<typeof folder>>;
beforeAll(async () => {
  files = await folder({
    'one.yaml': one,
    'steps.yaml': steps,
    'profiles.yaml': profiles,
    'approval.yaml': approval,
    'mcp.json': '{ "mcpServers": {} }',
    'prices.yaml': '{}',
    'recording.jsonl': 'not a recording\n',
  });
});
afterAll(() => files[Symbol.asyncDispose]());

const run = (...args: string[]) => stratagem(['run', ...args], { cwd: files.path });

describe('before anything is paid', () => {
  test.each([
    [
      'one.yaml',
      ['--allow-commands'],
      '--allow-commands has no effect: no task of this plan has a command',
    ],
    [
      'one.yaml',
      ['--allow-hosts', 'localhost'],
      '--allow-hosts has no effect: no task of this plan fetches',
    ],
    [
      'one.yaml',
      ['--output-dir', 'x'],
      '--output-dir has no effect: no task of this plan saves its output',
    ],
    [
      'one.yaml',
      ['--mcp-config', 'mcp.json'],
      '--mcp-config has no effect: no task of this plan lists or calls a tool',
    ],
    ['one.yaml', ['--port', '8080'], '--port has no effect without --ui'],
    ['one.yaml', ['--fail-fast'], '--fail-fast has no effect: the plan has one task; remove it'],
    [
      'one.yaml',
      ['--seed', '1', '--retries', '0'],
      '--seed has no effect: no task of this plan is tried again; remove it',
    ],
    [
      'one.yaml',
      ['--cache', 'c', '--replay', 'recording.jsonl'],
      '--cache has no effect: a replay calls no provider; remove it',
    ],
    ['one.yaml', ['--yes'], '--yes has no effect without --goal'],
    ['one.yaml', ['--fallback', 'single-task'], '--fallback has no effect without --goal'],
    ['one.yaml', ['--reuse'], '--reuse needs --journal DIR'],
    ['one.yaml', ['--model', 'm'], '--model has no effect with --runner simulated'],
    ['one.yaml', ['--base-url', 'http://x/'], '--base-url has no effect with --runner simulated'],
    [
      'one.yaml',
      ['--runner', 'openai', '--latency', '1'],
      '--latency has no effect with --runner openai',
    ],
    [
      'one.yaml',
      ['--strategy', 'sequential', '--max-parallel', '2'],
      '--max-parallel 2 has no effect',
    ],
    [
      'one.yaml',
      ['--quiet', '--log-format', 'json'],
      '--quiet and --log-format cannot be combined',
    ],
    ['one.yaml', ['--input', 'a=1'], 'the plan has no such input'],
    ['one.yaml', ['--approve', 'a'], '--approve a: no task of this plan waits for a human'],
    ['one.yaml', ['--replay', 'missing.jsonl'], 'cannot read missing.jsonl'],
    ['one.yaml', ['--replay', 'recording.jsonl'], 'recording.jsonl:1 is not a complete recording'],
    ['one.yaml', ['--report', 'no/such/folder.html'], 'cannot write no/such/folder.html'],
    [
      'one.yaml',
      ['--runner', 'openai'],
      'openai() has no API key: set the environment variable OPENAI_API_KEY',
    ],
    ['one.yaml', ['--runner', 'anthropic'], 'anthropic() has no API key'],
    [
      'one.yaml',
      ['--runner', 'openai', '--model', 'unheard-of', '--budget-cost', '1'],
      'the price of "unheard-of" is unknown',
    ],
    [
      'profiles.yaml',
      ['--latency', '1'],
      '--latency has no effect: every task of this plan has a model profile',
    ],
    ...[
      ['--runner', 'simulated'],
      ['--latency', '1'],
      ['--cache', 'x'],
      ['--record', 'x'],
      ['--requests-per-minute', '1'],
      ['--tokens-per-minute', '1'],
      ['--budget-tokens', '1'],
      ['--budget-cost', '1'],
      ['--prices', 'prices.yaml'],
    ].map((args): [string, string[], string] => [
      'steps.yaml',
      args,
      `${args[0]} has no effect: no task of this plan asks a model; remove it`,
    ]),
    [
      'steps.yaml',
      ['--retries', '1'],
      '--retries has no effect: every task of this plan has a number of attempts',
    ],
    ['approval.yaml', [], 'task "ok" waits for an approval, and nobody can give it'],
    [
      'approval.yaml',
      ['--approve', 'ok', '--reject', 'ok'],
      '--approve ok and --reject ok are answers to one question',
    ],
    ['approval.yaml', ['--approve', 'ok', '--approve', 'ok'], 'remove all but one'],
  ] as [string, string[], string][])('run %s %j is refused', async (plan, args, message) => {
    const { exitCode, stdout, stderr } = await run(plan, ...args);
    expect([exitCode, stdout, stderr]).toEqual([2, '', expect.stringContaining(message)]);
  });

  test('a dry run is refused like the run itself', async () => {
    for (const args of [['one.yaml', '--runner', 'openai'], ['approval.yaml']]) {
      const refused = await run(...args);
      expect(await run(...args, '--dry-run')).toEqual(refused);
      expect(refused.exitCode).toBe(2);
    }
  });

  test('all problems are reported at once', async () => {
    const plan = `goal: x
models: { deep: { runner: anthropic } }
inputs: { company: { type: string } }
tasks:
  - { id: a, description: "{{inputs.company}}", model: deep }
  - { id: b, tool: serch }
  - { id: c, command: [ls] }
  - { id: d, description: "?", waitFor: approval }
`;
    await files.add('all.yaml', plan);
    const args = ['--output-dir', 'x', '--approve', 'a', '--report', 'no/x.html'];
    const { exitCode, stderr } = await run('all.yaml', ...args);
    expect(exitCode).toBe(2);
    expect(stderr).toContain('There are ');
    for (const message of [
      'company: is missing',
      'there is no tool "serch"',
      '--allow-commands',
      'anthropic() has no API key',
      '--output-dir has no effect',
      '--approve a: no task "a" waits for a human; these do: d',
      'task "d" waits for an approval, and nobody can give it',
      'cannot write no/x.html',
    ]) {
      expect(stderr).toContain(message);
    }
  });

  test('a run that can be answered later begins, and one with answers as well', async () => {
    expect(await run('approval.yaml', '--approve', 'ok')).toMatchObject({ exitCode: 0 });
    const begun = await run('approval.yaml', '--journal', 'runs');
    expect(begun.exitCode).toBe(1);
    const [, id = ''] = /stratagem resume (\w+)/.exec(begun.stderr) ?? [];
    const resume = (...args: string[]) =>
      stratagem(['resume', id, '--journal', 'runs', ...args], { cwd: files.path });
    const refused = await resume(
      '--approve',
      'ok',
      '--reject',
      'ok',
      '--output-dir',
      'x',
      '--mcp-config',
      'mcp.json',
    );
    expect(refused.exitCode).toBe(2);
    for (const message of [
      'answers to one question',
      '--output-dir has no effect',
      '--mcp-config has no effect',
    ]) {
      expect(refused.stderr).toContain(message);
    }
    expect(await resume('--runner', 'openai')).toMatchObject({ exitCode: 2 });
    expect(await resume('--approve', 'ok')).toMatchObject({ exitCode: 0 });
    // Nothing runs any more, so nothing is needed.
    expect(await resume('--json')).toMatchObject({ exitCode: 0 });
  });

  test('nothing is recorded of a run that is refused', async () => {
    await run('one.yaml', '--journal', 'refused', '--runner', 'openai');
    const made = await readdir(files.path);
    expect(made.filter((name) => ['refused', 'output'].includes(name))).toEqual([]);
  });

  test.each([
    [
      [
        'run',
        '--goal',
        'x',
        '--yes',
        '--runner',
        'openai',
        '--allow-commands',
        '--input',
        'a=1',
        '--port',
        '1',
        '--report',
        'no/x.html',
      ],
    ],
    [['plan', 'x', '--runner', 'openai', '--force']],
  ])('%j reports all problems, and a missing key', async (args) => {
    const { exitCode, stderr } = await stratagem(args, { cwd: files.path });
    expect([exitCode, stderr]).toEqual([2, expect.stringContaining('openai() has no API key')]);
    const options = args.filter((each) => /^--(allow|input|port|force)/.test(each));
    for (const option of options) expect(stderr).toContain(`${option} has no effect`);
  });
});
