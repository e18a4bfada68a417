import { describe, expect, test } from 'vitest';
import { start, stratagem } from '../../test/stratagem.js';
import { inVirtualTime } from '../../test/virtual-time.js';

const plan = JSON.stringify({
  goal: 'Eight papers',
  tasks: Array.from({ length: 8 }, (_, n) => ({ id: `p${n}`, description: `Read ${n}` })),
});

describe('compare', () => {
  test('shows strategies and limits side by side, with bars', async () => {
    const { exitCode, stdout, stderr } = await stratagem(['compare', '-'], { stdin: plan });
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(stdout).toMatch(/^Eight papers\nsimulated in virtual time: /);
    expect(stdout).toMatch(/\n {2}sequential +1 +1 +8\.0 s +1\.0× {2}█+\n/);
    expect(stdout).toMatch(/\n {2}parallel +2 +2 +4\.0 s +2\.0× {2}█+▌\n/);
    expect(stdout).toMatch(/\n {2}parallel +8 +8 +1\.0 s +8\.0× {2}█/);
    expect(stdout).toMatch(/\n {2}adaptive +\d+ /);
    expect(stdout).toContain('tasks without an estimate take 1000 ms');
  });

  test('compares the given limits, as JSON', async () => {
    const args = ['compare', '-', '--max-parallel', '3', '--latency', '50', '--json'];
    const { stdout } = await stratagem(args, { stdin: plan });
    const { rows } = JSON.parse(stdout);
    expect(rows).toMatchObject([
      { strategy: 'sequential', maxParallel: 1, durationMs: 400, status: 'completed' },
      { strategy: 'parallel', maxParallel: 3, durationMs: 150, peakConcurrency: 3 },
      { strategy: 'adaptive', completedTasks: 8 },
    ]);
  });

  test('runs the plan for real, once for each way', async () => {
    const args = ['compare', '-', '--runner', 'simulated', '--latency', '20', '--json'];
    const compare = () => stratagem(args, { stdin: plan });
    const { exitCode, stdout, stderr } = await inVirtualTime(compare);
    expect(exitCode, stderr).toBe(0);
    const { on, rows } = JSON.parse(stdout);
    expect(on).toBe('run for real: simulated');
    expect(rows.map(({ strategy }: { strategy: string }) => strategy)).toEqual([
      'sequential',
      ...['parallel', 'parallel', 'parallel'],
      'adaptive',
    ]);
    expect(rows[0].durationMs).toBeGreaterThan(rows[3].durationMs);
  });

  test('Ctrl-C prints what has been measured', async () => {
    const args = ['compare', '-', '--runner', 'simulated', '--latency', '60000', '--json'];
    const run = start(args, { stdin: plan });
    await run.progress('Running sequential');
    run.child.kill('SIGINT');
    const { exitCode, stdout } = await run.ended;
    expect(exitCode).toBe(130);
    expect(JSON.parse(stdout).rows).toEqual([]);
  });

  test.each([
    [['compare', '/nonexistent.yaml'], 'nonexistent.yaml'],
    [['compare', '-', '--max-parallel', 'many'], '--max-parallel'],
    [['compare', '-', '--model', 'x'], '--model has no effect without --runner'],
    [['compare', '-', '--runner', 'simulated', '--server', 'knee'], '--server has no effect'],
    [['compare', '-', '--strategy', 'parallel'], "unknown option '--strategy'"],
    [['compare'], "missing required argument 'plan'"],
  ])('%j is a usage error', async (args, message) => {
    const { exitCode, stdout, stderr } = await stratagem(args, { stdin: plan });
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
    expect(stderr).toContain(message);
  });

  test('a plan that waits for people is not compared for real', async () => {
    const asking = JSON.stringify({
      goal: 'x',
      tasks: [{ id: 'ok', description: 'Ok?', waitFor: 'approval' }],
    });
    const { exitCode, stderr } = await stratagem(['compare', '-', '--runner', 'simulated'], {
      stdin: asking,
    });
    expect(exitCode).toBe(2);
    expect(stderr).toContain('task "ok" waits for a human');
  });
});
