import { readdir } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { folder, stratagem } from '../../test/stratagem.js';

const plan = `goal: Research
inputs: { topics: { type: array, items: { type: string }, default: [tea, ink] } }
tasks:
  - { id: brief, description: Brief, estimate: { tokens: 500, costUsd: 0.02 } }
  - { id: topic, description: '{{item}}', forEach: inputs.topics,
      estimate: { tokens: 1000, costUsd: 0.1 } }
  - { id: report, description: Report, dependencies: [brief, topic], model: deep }
models: { deep: { model: big } }
`;
/** Fails when it is called, and answers with --model answering. */
const runner = `export const runner = {
  name: 'mine',
  supportedOptions: ['model'],
  run: async ({ options }) => {
    if (process.env.ANSWERS === undefined) throw new Error('called');
    return { output: 'x', usage: { inputTokens: 3, outputTokens: 4 }, costUsd: 0.5, model: options?.model };
  },
};\n`;
const run = ['run', 'plan.yaml', '--runner', './runner.mjs'];

describe('run --dry-run', () => {
  test('shows the order, what does the work and the cost, and calls nothing', async () => {
    await using files = await folder({ 'plan.yaml': plan, 'runner.mjs': runner });
    const ended = await stratagem([...run, '--dry-run'], { cwd: files.path });
    expect(ended).toMatchObject({ exitCode: 0, stderr: '' });
    expect(ended.stdout).toBe(`Research
5 of 5 tasks would run · 2 levels · parallel, up to 3 at once
about 2,500 tokens, $0.220 · cost of 1 task unknown

 1  ▸ brief       run   mine      new
    ▸ topic       run             new
    ▸   topic[0]  run   mine      new
    ▸   topic[1]  run   mine      new
 2  ▸ report      run   mine/big  new
`);
    expect((await readdir(files.path)).sort()).toEqual(['plan.yaml', 'runner.mjs']);
  });

  test('takes what tasks have used before from the latest run of the goal', async () => {
    await using files = await folder({ 'plan.yaml': plan, 'runner.mjs': runner });
    const options = { cwd: files.path, env: { ANSWERS: 'yes' } };
    const { stdout } = await stratagem([...run, '--json', '--journal', 'runs'], options);
    const { runId } = JSON.parse(stdout);
    const dry = await stratagem([...run, '--dry-run', '--json', '--journal', 'runs'], options);
    expect(JSON.parse(dry.stdout)).toMatchObject({
      ...{ goal: 'Research', strategy: 'parallel', levels: 2, runs: 5, reused: 0 },
      cost: { tokens: 2507, costUsd: 0.72, unknownTasks: 0, fromRunId: runId },
      tasks: [{ id: 'brief', level: 0, resource: 'mine' }, {}, {}, {}, {}],
    });
    const reused = await stratagem([...run, '--dry-run', '--reuse', '--journal', 'runs'], options);
    expect(reused.stdout).toContain('0 of 5 tasks would run');
    expect(reused.stdout).toContain('no cost: no paid model is called');
    expect(reused.stdout).toContain(`– report      skip  reused from run ${runId.slice(0, 8)}\n`);
  });

  test.each([
    [['--max-parallel', '4'], 'up to 4 at once'],
    [[], 'up to 5 at once'],
    [['--strategy', 'sequential'], 'sequential, up to 1 at once'],
  ])('does not count items that nobody knows yet: %j', async (more, atOnce) => {
    const rows = `goal: Read
tasks:
  - { id: read, description: 'Read {{item.text}}', forEach: { file: rows.csv }, estimate: { tokens: 9 } }
`;
    await using files = await folder({
      'plan.yaml': rows,
      'rows.csv': 'text\na\nb\n',
      'runner.mjs': runner,
    });
    const { stdout } = await stratagem([...run, '--dry-run', ...more], { cwd: files.path });
    expect(stdout).toContain('1 of 1 task and its items would run · 1 level');
    expect(stdout).toContain(atOnce);
    expect(stdout).toContain('cost unknown: it depends on the number of items');
  });

  test('counts no items of a list that another task makes', async () => {
    const stdin = `goal: Read
tasks:
  - { id: list, description: List, outputSchema: { type: array } }
  - { id: read, description: '{{item}}', forEach: list, dependencies: [list] }
  - { id: sum, description: '{{item}}', forEach: list, dependencies: [list] }
`;
    const { stdout } = await stratagem(['run', '-', '--dry-run', '--json'], { stdin });
    expect(JSON.parse(stdout).tasks).toMatchObject([
      expect.not.objectContaining({ itemsUnknown: true }),
      { id: 'read', itemsUnknown: true },
      { id: 'sum', itemsUnknown: true },
    ]);
    const shown = await stratagem(['run', '-', '--dry-run'], { stdin });
    expect(shown.stdout).toContain('3 of 3 tasks and their items would run · 2 levels');
  });

  test('knows no cost without estimates and runs, and none of a simulation', async () => {
    const stdin = 'goal: g\ntasks: [{ id: a, description: b }]\n';
    const env = { OPENAI_API_KEY: 'x' };
    const unknown = await stratagem(['run', '-', '--dry-run', '--runner', 'openai'], {
      stdin,
      env,
    });
    expect(unknown.stdout).toContain('cost unknown: no task has an estimate');
    const free = await stratagem(['run', '-', '--dry-run'], { stdin });
    expect(free.stdout).toContain('no cost: no paid model is called');
  });
});
