import { describe, expect, test } from 'vitest';
import { chatServer, type Reply } from '../../test/chat-server.js';
import { folder, start, stratagem } from '../../test/stratagem.js';

const GOAL = 'Research AI trends, compare three vendors, then write a report';

const taskOf = (id: string, ...dependencies: string[]) => ({
  id,
  description: `Do ${id}`,
  type: 'action',
  dependencies,
});
const planOf = (...tasks: object[]) => JSON.stringify({ tasks });
const isPlanning = (prompt: string) => prompt.includes('You are a planner');

/** A server that answers planning prompts with these plans in turn, and tasks with `task`. */
async function planner(plans: readonly Reply[], task: (prompt: string) => Reply = () => 'done') {
  const left = [...plans];
  const server = await chatServer(({ prompt }) =>
    isPlanning(prompt) ? (left.shift() ?? 'nothing more') : task(prompt),
  );
  const args = ['--runner', 'openai', '--base-url', server.url, '--model', 'm', '--retries', '0'];
  return { server, args, env: { OPENAI_API_KEY: 'test' } };
}

describe('run --goal', () => {
  test('makes a plan, shows it, runs it and prints the final result', async () => {
    const { exitCode, stdout, stderr } = await stratagem([
      ...['run', '--goal', GOAL, '--yes', '--latency', '1'],
    ]);
    expect(exitCode).toBe(0);
    expect(stderr).toMatch(
      /The plan has 4 tasks\.[\s\S]*gather[\s\S]*result {2}depends on figures/,
    );
    expect(stderr).toContain('✓ 4 of 4 ·');
    expect(stdout).toMatch(/^Simulated answer to "Put the result together/);
    expect(stderr).toMatch(/planning took .* · in all [\d,]+ tokens in, [\d,]+ out ·/);
  });

  test('calls no model without a terminal and without --yes', async () => {
    const { server, args, env } = await planner([planOf(taskOf('a'), taskOf('b'))]);
    await using _ = server;
    const { exitCode, stdout, stderr } = await stratagem(['run', '--goal', GOAL, ...args], { env });
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
    expect(stderr).toContain('no terminal to ask on: use --yes');
    expect(server.requests).toHaveLength(0);
  });

  test('prints one JSON document with the final output, the plan and all costs', async () => {
    const broken = planOf(taskOf('a'), taskOf('b', 'nowhere'));
    const { server, args, env } = await planner([broken, planOf(taskOf('a'), taskOf('b'))]);
    await using _ = server;
    const { exitCode, stdout } = await stratagem(
      ['run', '--goal', GOAL, '--yes', '--json', ...args],
      { env },
    );
    const document = JSON.parse(stdout);
    expect(exitCode).toBe(0);
    expect(document).toMatchObject({
      status: 'completed',
      goal: GOAL,
      output: 'done',
      error: null,
      plan: { tasks: [{ id: 'a' }, { id: 'b' }, { id: 'result', dependencies: ['a', 'b'] }] },
      planning: { rejectedAnswers: [{ problems: [{ code: 'unknown_dependency' }] }] },
      usage: { inputTokens: 5 * 10, outputTokens: 5 * 5 },
    });
    expect(document.tasks).toHaveLength(3);
    expect(document.planning.timeline[0].type).toBe('run_started');
  });

  test('lets one task answer with --fallback single-task, and says so', async () => {
    const { server, args, env } = await planner(['I would rather not.', 'No.', 'No.']);
    await using _ = server;
    const { exitCode, stdout } = await stratagem(
      ['run', '--goal', GOAL, '--yes', '--fallback', 'single-task', '--json', ...args],
      { env },
    );
    expect(exitCode).toBe(0);
    const document = JSON.parse(stdout);
    expect(document).toMatchObject({
      status: 'completed',
      output: 'done',
      plan: { tasks: [{ id: 'answer' }] },
      planning: { failure: { code: 'invalid_output' } },
    });
    expect(JSON.stringify(document.timeline)).toContain('One task answers the goal');
  });

  test('explains why there is no plan, with exit code 1', async () => {
    const answers = ['I would rather not.', 'No.', 'No.'];
    for (const json of [[], ['--json']]) {
      const { server, args, env } = await planner(answers);
      await using _ = server;
      const { exitCode, stdout, stderr } = await stratagem(
        ['run', '--goal', GOAL, '--yes', ...json, ...args],
        { env },
      );
      expect(exitCode).toBe(1);
      const said = json.length === 0 ? stderr : stdout;
      expect(said).toContain('none of 3 answers of the model can be used as a plan');
      if (json.length === 0) expect(stdout).toBe('');
      else expect(JSON.parse(stdout)).toMatchObject({ status: 'failed', tasks: [], plan: null });
    }
  });

  test.skipIf(process.platform === 'win32')(
    'is canceled by Ctrl-C while it is planning',
    async () => {
      const { server, args, env } = await planner([{ hang: true }]);
      await using _ = server;
      const run = start(['run', '--goal', GOAL, '--yes', ...args], { env });
      await run.progress('started   plan');
      run.child.kill('SIGINT');
      const { exitCode, stdout, stderr } = await run.ended;
      expect({ exitCode, stdout }).toEqual({ exitCode: 130, stdout: '' });
      expect(stderr).toContain('canceled: interrupted');
    },
  );

  test.skipIf(process.platform === 'win32')(
    'is canceled by Ctrl-C while it is running',
    async () => {
      const plan = planOf(taskOf('a'), taskOf('b', 'a'));
      const { server, args, env } = await planner([plan], () => ({ hang: true }));
      await using _ = server;
      const run = start(['run', '--goal', GOAL, '--yes', ...args], { env });
      await run.progress('started   a');
      run.child.kill('SIGINT');
      const { exitCode, stdout, stderr } = await run.ended;
      expect(exitCode).toBe(130);
      expect(stdout).toBe('');
      expect(stderr).toContain('✓ 0 · ⊘ 2 canceled ·');
    },
  );

  test('applies one budget to planning and running', async () => {
    const { server, args, env } = await planner([planOf(taskOf('a'), taskOf('b', 'a'))]);
    await using _ = server;
    const { exitCode, stderr } = await stratagem(
      ['run', '--goal', GOAL, '--yes', '--budget-tokens', '30', ...args],
      { env },
    );
    expect(exitCode).toBe(1);
    expect(stderr).toContain('its budget of 15 for tokens');
    expect(server.requests).toHaveLength(2);
  });
});

describe('--replan', () => {
  const fails = (prompt: string): Reply =>
    prompt.startsWith('Do a\n') || prompt === 'Do a'
      ? { status: 400, message: 'no such thing' }
      : 'done';
  const revised = JSON.stringify({ tasks: [taskOf('a2'), taskOf('end2', 'a2')], replaces: ['a'] });

  test('lets the model replace failed tasks', async () => {
    const plan = planOf(taskOf('a'), taskOf('end', 'a'));
    const { server, args, env } = await planner([plan, revised], fails);
    await using _ = server;
    const { exitCode, stdout, stderr } = await stratagem(
      ['run', '--goal', GOAL, '--yes', '--replan', '1', ...args],
      { env },
    );
    expect(exitCode).toBe(0);
    expect(stderr).toContain('replan    round 1: 1 task failed');
    expect(stderr).toContain('replan    round 1: added 2 tasks in');
    expect(stderr).toContain('replanned in 1 round');
    expect(stderr).toContain('tolerated');
    expect(stdout).toBe('done\n');
  });

  test('works with plan files, too', async () => {
    const { server, args, env } = await planner([revised], fails);
    await using _ = server;
    const stdin = JSON.stringify({ goal: 'x', tasks: [{ id: 'a', description: 'Do a' }] });
    const { exitCode } = await stratagem(['run', '-', '--replan', '1', ...args], { env, stdin });
    expect(exitCode).toBe(0);
    const without = await stratagem(['run', '-', ...args], { env, stdin });
    expect(without.exitCode).toBe(1);
  });
});

describe('options of run with and without --goal', () => {
  test.each([
    ['a plan and a goal', ['plan.json', '--goal', GOAL], 'not both'],
    ['neither', [], "missing required argument 'plan'"],
    ['an empty goal', ['--goal', ' ', '--yes'], '--goal is empty'],
    [
      'an approval for a goal',
      ['--goal', GOAL, '--yes', '--approve', 'a'],
      '--approve has no effect',
    ],
    ['--yes for a plan', ['plan.json', '--yes'], '--yes has no effect without --goal'],
    ['zero rounds', ['plan.json', '--replan', '0'], 'an integer ≥ 1'],
  ])('%s is reported, with exit code 2', async (_, args, message) => {
    await using files = await folder({ 'plan.json': '{"goal":"x","tasks":[]}' });
    const { exitCode, stdout, stderr } = await stratagem(['run', ...args], { cwd: files.path });
    expect(stderr).toContain(message);
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
  });
});
