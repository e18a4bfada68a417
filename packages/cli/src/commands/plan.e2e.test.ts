import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parsePlanDocument } from '@stratagem/core/document';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { chatServer } from '../../test/chat-server.js';
import { folder, start, stratagem } from '../../test/stratagem.js';

const GOAL = 'Research AI trends, then write a report';
const HEADER =
  '# yaml-language-server: $schema=https://unpkg.com/@stratagem/core/schema/plan.schema.json\n';
const env = { OPENAI_API_KEY: 'sk-test-7f3a9c1e5b2d' };
const quick = ['--latency', '1'];

const ANSWER = JSON.stringify({
  tasks: [
    { id: 'research', description: 'Research AI trends.', type: 'observation' },
    { id: 'report', description: 'Write a report.', dependencies: ['Research'] },
  ],
});
const PLAN = {
  goal: GOAL,
  tasks: [
    { id: 'research', description: 'Research AI trends.', type: 'observation' },
    { id: 'report', description: 'Write a report.', dependencies: ['research'] },
  ],
};
const CYCLE = JSON.stringify({
  tasks: [
    { id: 'a', description: 'One.', dependencies: ['b'] },
    { id: 'b', description: 'Two.', dependencies: ['a'] },
  ],
});

/** Runs `plan` with a model that gives these answers in turn. */
async function planWith(answers: readonly string[], ...args: string[]) {
  let asked = 0;
  await using server = await chatServer(() => answers[asked++] ?? 'No more.');
  const model = ['--runner', 'openai', '--base-url', server.url, '--model', 'm'];
  const ended = await stratagem(['plan', GOAL, ...model, ...args], { env });
  return { ...ended, prompts: server.requests.map(({ prompt }) => prompt) };
}

describe('plan', () => {
  test('prints a plan file that can be run, without a key', async () => {
    const { exitCode, stdout, stderr } = await stratagem(['plan', GOAL, ...quick]);
    expect(exitCode).toBe(0);
    expect(stdout.startsWith(HEADER)).toBe(true);
    expect(stdout).toContain('dependencies: [gather]\n');
    expect(parsePlanDocument(parse(stdout)).plan.goal).toBe(GOAL);
    expect(stderr).toContain('Using the simulated model');
    expect(stderr).toMatch(
      /Planned with 1 response of the model \(tokens: \d+ in, \d+ out; cost unknown\)/,
    );
    const run = await stratagem(['run', '-', ...quick], { stdin: stdout });
    expect(run.exitCode).toBe(0);
    expect(run.stderr).toContain('✓ 4 of 4 ·');
  });

  test('writes the plan to a file, and shows the plan', async () => {
    await using at = await folder({});
    const file = join(at.path, 'plan.yaml');
    const { exitCode, stdout, stderr } = await planWith([ANSWER], '-o', file);
    expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: '' });
    const text = await readFile(file, 'utf8');
    expect(text.startsWith(HEADER)).toBe(true);
    expect(parse(text)).toEqual(PLAN);
    expect(stderr).toContain('The plan has 2 tasks.');
    expect(stderr).toContain(
      'Repaired in its response:\n  - The dependency "Research" was read as "research".',
    );
    expect(stderr).toContain(`Wrote ${file}. To run it: stratagem run ${file}\n`);
    expect((await stratagem(['validate', file])).stdout).toContain(': valid (2 tasks)\n');
  });

  test('writes JSON to a .json file', async () => {
    await using at = await folder({});
    const file = join(at.path, 'plan.json');
    expect((await planWith([ANSWER], '--output', file)).exitCode).toBe(0);
    const { $schema, ...plan } = JSON.parse(await readFile(file, 'utf8'));
    expect($schema).toBe('https://unpkg.com/@stratagem/core/schema/plan.schema.json');
    expect(plan).toEqual(PLAN);
    expect((await stratagem(['run', file, ...quick])).exitCode).toBe(0);
  });

  test('overwrites a file only with --force, and calls no model otherwise', async () => {
    await using at = await folder({ 'plan.yaml': 'mine\n' });
    const file = join(at.path, 'plan.yaml');
    const refused = await planWith([ANSWER], '-o', file);
    expect(refused).toMatchObject({ exitCode: 2, stdout: '', prompts: [] });
    expect(refused.stderr).toBe(`${file}: already exists; use --force to overwrite it\n`);
    expect(await readFile(file, 'utf8')).toBe('mine\n');
    expect((await planWith([ANSWER], '-o', file, '--force')).exitCode).toBe(0);
    expect(parse(await readFile(file, 'utf8'))).toEqual(PLAN);
  });

  test('prints one document with --json, besides writing the file', async () => {
    await using at = await folder({});
    const file = join(at.path, 'plan.yml');
    const { stdout, exitCode } = await planWith([CYCLE, ANSWER], '--json', '-o', file);
    expect(exitCode).toBe(0);
    const document = JSON.parse(stdout);
    expect(document).toMatchObject({
      plan: PLAN,
      complexity: 'complex',
      repairs: ['The dependency "Research" was read as "research".'],
      rejectedAnswers: [{ answer: CYCLE, problems: [{ code: 'cycle' }] }],
      usage: { inputTokens: 20, outputTokens: 10 },
      costUsd: null,
      error: null,
    });
    expect(document.timeline[0]).toMatchObject({ type: 'run_started' });
    expect(parse(await readFile(file, 'utf8'))).toEqual(PLAN);
  });

  test('makes one task of a simple goal, and calls no model', async () => {
    const { exitCode, stdout, stderr } = await stratagem(['plan', 'Write a haiku']);
    expect(exitCode).toBe(0);
    expect(parse(stdout)).toEqual({
      goal: 'Write a haiku',
      tasks: [{ id: 'answer', description: 'Write a haiku' }],
    });
    expect(stderr).toContain('The goal is a single task: no model was called.');
    const asked = await stratagem(['plan', 'Write a haiku', '--complexity', 'complex', ...quick]);
    expect(parse(asked.stdout).tasks).toHaveLength(4);
  });

  test('respects the given bounds', async () => {
    const bounds = ['--max-subtasks', '2', '--min-subtasks', '2', '--max-depth', '1'];
    const { stdout } = await stratagem(['plan', GOAL, ...bounds, ...quick]);
    expect(parse(stdout).tasks).toHaveLength(2);
    const { prompts } = await planWith([ANSWER], ...bounds, '--max-tasks', '7');
    expect(prompts[0]).toContain('Exactly 2 in the list of tasks, at most 7 in the whole plan.');
  });

  test('describes the tools of MCP servers to the model', async () => {
    const server = join(import.meta.dirname, '../../test/mcp-server.js');
    const config = { mcpServers: { test: { command: process.execPath, args: [server] } } };
    await using at = await folder({ 'mcp.json': JSON.stringify(config) });
    const { prompts, exitCode } = await planWith(
      [ANSWER],
      '--mcp-config',
      join(at.path, 'mcp.json'),
    );
    expect(exitCode).toBe(0);
    expect(prompts[0]).toMatch(/A task may list these tools[^\n]+\n- \w+: .+\n {2}Input: \{/);
  });

  test('prints the last response and its problems when no response is usable', async () => {
    const ended = await planWith([CYCLE, 'x', `\u001b[31m${CYCLE}`], '--repair-attempts', '2');
    expect(ended).toMatchObject({ exitCode: 1, stdout: '' });
    expect(ended.prompts).toHaveLength(3);
    expect(ended.stderr).toContain(
      '  - tasks[0].dependencies: dependency cycle: a → b → a (each depends on the next)\n',
    );
    expect(ended.stderr).toContain('The last response:\n␛[31m{"tasks":[');
    expect(ended.stderr).not.toContain('\u001b');
  });

  test('prints the same as one document with --json', async () => {
    const { exitCode, stdout } = await planWith([CYCLE], '--repair-attempts', '0', '--json');
    expect(exitCode).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({
      plan: null,
      rejectedAnswers: [{ answer: CYCLE }],
      usage: { inputTokens: 10 },
      error: { code: 'invalid_output', answer: CYCLE, problems: [{ code: 'cycle' }] },
    });
  });

  test('prints nothing that affects a terminal', async () => {
    const tasks = ['\u001b[31mRed', '\u202eback', '\u0085next'].map((description, n) => ({
      id: `t${n}`,
      description: `${description} "quoted" \\ text`,
    }));
    const { stdout } = await planWith([JSON.stringify({ tasks })]);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: the pattern matches control characters
    expect(stdout).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e]/);
    expect(parse(stdout).tasks).toEqual(tasks);
  });

  test('ends with exit code 130 when it is interrupted', async () => {
    await using server = await chatServer(() => ({ hang: true }));
    const model = ['--runner', 'openai', '--base-url', server.url, '--model', 'm'];
    const { child, ended, progress } = start(['plan', GOAL, ...model], { env });
    await progress('started   plan');
    child.kill('SIGINT');
    const { exitCode, stdout, stderr } = await ended;
    expect({ exitCode, stdout }).toEqual({ exitCode: 130, stdout: '' });
    expect(stderr).toContain('No plan could be made');
  });

  test('prints the error of a model that cannot be reached', async () => {
    const args = ['plan', GOAL, '--runner', 'openai', '--base-url', 'http://127.0.0.1:1/v1'];
    const { exitCode, stderr } = await stratagem([...args, '--model', 'm', '--retries', '0'], {
      env,
    });
    expect(exitCode).toBe(1);
    expect(stderr).toContain('stratagem: No plan could be made for "Research AI trends');
    expect(stderr).not.toContain('The last response');
  });

  test('can be replayed from a recording', async () => {
    await using at = await folder({});
    const file = join(at.path, 'recording.jsonl');
    expect((await planWith([ANSWER], '--record', file)).exitCode).toBe(0);
    const { exitCode, stdout } = await stratagem(['plan', GOAL, '--replay', file]);
    expect(exitCode).toBe(0);
    expect(parse(stdout)).toEqual(PLAN);
  });

  test.each([
    ['an empty goal', [' '], 'the goal is empty'],
    ['--force without a file', [GOAL, '--force'], '--force has no effect without --output'],
    [
      'a file of another kind',
      [GOAL, '-o', 'plan.txt'],
      'the file name must end in .yaml, .yml or .json',
    ],
    ['a missing directory', [GOAL, '-o', 'no/such/plan.yaml'], 'no such directory'],
    ['an unknown complexity', [GOAL, '--complexity', 'hard'], 'simple, complex'],
    ['a depth that is too large', [GOAL, '--max-depth', '9'], 'an integer from 1 to 8'],
    ['too many repairs', [GOAL, '--repair-attempts', '11'], 'an integer from 0 to 10'],
    ['no number of tasks', [GOAL, '--max-tasks', '0'], 'an integer ≥ 1'],
    [
      'bounds that contradict each other',
      [GOAL, '--min-subtasks', '5', '--max-subtasks', '4'],
      'minSubtasks is 5, more than maxSubtasks, which is 4',
    ],
    ['an option without effect', [GOAL, '--model', 'm'], '--model has no effect'],
    ['no goal', [], "missing required argument 'goal'"],
  ])('refuses %s, with exit code 2', async (_, args, message) => {
    const { exitCode, stdout, stderr } = await stratagem(['plan', ...args]);
    expect(stderr).toContain(message);
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
  });
});
