import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { chatServer } from '../../test/chat-server.js';
import { start } from '../../test/stratagem.js';

const plan = `goal: Market research report
tasks:
  - id: research
    description: Gather market data
  - id: tech
    description: Analyse technology trends
    dependencies: [research]
  - id: finance
    description: Analyse the figures
    dependencies: [research]
  - id: report
    description: Write the report
    dependencies: [tech, finance]
`;

// Windows has no signals: there, kill() ends the process.
describe.skipIf(process.platform === 'win32')('a signal', () => {
  /** Starts a run that completes its first task and then waits forever. */
  async function stuck(args: readonly string[] = [], stdin = plan) {
    const server = await chatServer(({ prompt }) =>
      prompt === 'Gather market data' ? 'The figures of the market' : { hang: true },
    );
    const run = start(
      ['run', '-', '--runner', 'openai', '--base-url', server.url, '--model', 'm', ...args],
      { stdin, env: { OPENAI_API_KEY: 'test' } },
    );
    await run.progress(/started +finance/);
    return {
      ...run,
      async [Symbol.asyncDispose]() {
        run.child.kill('SIGKILL');
        await server[Symbol.asyncDispose]();
      },
    };
  }

  test('SIGINT cancels the run and prints the results so far', async () => {
    await using run = await stuck();
    run.child.kill('SIGINT');
    const { exitCode, stdout, stderr } = await run.ended;
    expect(exitCode).toBe(130);
    expect(stderr).toContain('Stopping. Press Ctrl-C again to quit at once.\n');
    expect(stderr).toMatch(/⊘ .*\n {3}The run was canceled: interrupted\n\n.*⊘ 3 canceled/);
    expect(stdout).toContain('The figures of the market');
  });

  test('SIGINT leaves --json one valid document', async () => {
    await using run = await stuck(['--json']);
    run.child.kill('SIGINT');
    const { exitCode, stdout } = await run.ended;
    expect(exitCode).toBe(130);
    const { status, tasks, timeline } = JSON.parse(stdout);
    expect(status).toBe('canceled');
    expect(tasks).toMatchObject([
      { id: 'research', status: 'completed', output: 'The figures of the market' },
      { id: 'tech', status: 'canceled', attempts: 1, output: null },
      { id: 'finance', status: 'canceled', attempts: 1, output: null },
      { id: 'report', status: 'canceled', attempts: 0, output: null },
    ]);
    expect(timeline.at(-1).type).toBe('run_canceled');
  });

  test('SIGTERM does the same, with exit code 143', async () => {
    await using run = await stuck(['--json']);
    run.child.kill('SIGTERM');
    const { exitCode, stdout } = await run.ended;
    expect(exitCode).toBe(143);
    expect(JSON.parse(stdout).status).toBe('canceled');
  });

  test.each([
    ['SIGTERM', 143, 'completed', 'Finishing'],
    ['SIGINT', 130, 'running', 'Stopping'],
  ] as const)('%s leaves a recorded run open', async (signal, code, research, shows) => {
    const journal = await mkdtemp(join(tmpdir(), 'stratagem-signals-'));
    let answer = (_: string) => {};
    const answered = new Promise<string>((resolve) => {
      answer = resolve;
    });
    await using server = await chatServer(() => answered);
    const model = ['--runner', 'openai', '--base-url', server.url, '--model', 'm'];
    const args = ['run', '-', '--json', '--journal', journal, ...model];
    const run = start(args, { stdin: plan, env: { OPENAI_API_KEY: 'test' } });
    await run.progress(/started +research/);
    run.child.kill(signal);
    await run.progress(shows);
    // SIGTERM lets the attempt finish.
    if (signal === 'SIGTERM') answer('The figures of the market');
    const { exitCode, stdout } = await run.ended;
    expect(exitCode).toBe(code);
    const { status, error, tasks } = JSON.parse(stdout);
    expect({ status, code: error.code }).toEqual({
      status: 'interrupted',
      code: 'run_interrupted',
    });
    expect(tasks.map((task: { status: string }) => task.status)).toEqual([
      research,
      'pending',
      'pending',
      'pending',
    ]);
    await rm(journal, { recursive: true });
  });

  test('a second SIGINT quits at once, even if nothing reads the result', async () => {
    // Far more than a pipe holds: the command waits for a reader.
    const large = `${plan}metadata: { text: ${'x'.repeat(5_000_000)} }\n`;
    await using run = await stuck(['--json'], large);
    // A listener of this event keeps the stream from being read.
    const printing = new Promise((resolve) => run.child.stdout.on('readable', resolve));
    const exited = once(run.child, 'exit');
    run.child.kill('SIGINT');
    await printing;
    run.child.kill('SIGINT');
    expect([
      [130, null],
      [null, 'SIGINT'],
    ]).toContainEqual(await exited);
  });
});
