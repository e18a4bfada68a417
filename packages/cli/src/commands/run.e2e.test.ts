import type { RunEvent } from '@stratagem/core';
import { describe, expect, test } from 'vitest';
import { folder, type StratagemOptions, start, stratagem } from '../../test/stratagem.js';
import { inVirtualTime } from '../../test/virtual-time.js';

/** The example of the documentation: the last task needs two others. */
const report = `goal: Market research report
strategy: parallel
tasks:
  - id: research
    description: Gather market data for the AI industry
    type: observation
  - id: tech
    description: Analyse technology trends from the research
    dependencies: [research]
  - id: finance
    description: Analyse the figures
    dependencies: [research]
  - id: report
    description: Write the report
    dependencies: [tech, finance]
`;

/** A plan of six tasks that could all run at once. */
function batch(strategy?: unknown): string {
  const tasks = Array.from({ length: 6 }, (_, n) => ({ id: `t${n}`, description: `Do ${n}` }));
  return JSON.stringify({ goal: 'Batch', strategy, tasks });
}

/** Runs a plan on the simulated model, and parses the JSON document that it prints. */
async function runJson(plan: string, ...args: string[]) {
  // The last one counts when an option is repeated.
  const { stdout, ...ended } = await stratagem(['run', '-', '--json', '--latency', '5', ...args], {
    stdin: plan,
  });
  return { ...ended, document: JSON.parse(stdout) };
}

function startedIn(timeline: readonly RunEvent[]): string[] {
  return timeline.flatMap((event) => (event.type === 'task_started' ? event.taskId : []));
}

describe('run', () => {
  test('prints the result on stdout and the progress on stderr', async () => {
    const { exitCode, stdout, stderr } = await stratagem(['run', '-', '--latency', '5'], {
      stdin: report,
    });
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(
      /^Simulated answer to "Write the report", based on tech and finance\..*\n$/,
    );
    expect(stderr).toContain('\n ✓ Market research report\n');
    expect(stderr).toContain('✓ 4 of 4 ·');
    const lines = stderr.split('\n');
    for (const id of ['research', 'tech', 'finance', 'report']) {
      const started = lines.findIndex((line) => line.includes(`started   ${id}`));
      const completed = lines.findIndex((line) => line.includes(`completed ${id}`));
      expect(started).toBeGreaterThan(-1);
      expect(completed).toBeGreaterThan(started);
    }
    // Neither is a terminal.
    expect(stdout + stderr).not.toContain('\u001b');
  });

  test('says that the answers are simulated', async () => {
    const { stderr } = await stratagem(['run', '-', '--latency', '5'], { stdin: batch() });
    expect(stderr).toMatch(/simulated.*--runner openai/);
  });

  test('reads the plan from a file', async () => {
    await using files = await folder({ 'plan.yaml': report });
    const args = ['run', 'plan.yaml', '--latency', '5'];
    expect(await stratagem(args, { cwd: files.path })).toMatchObject({ exitCode: 0 });
  });

  test('runs 2,000 tasks without a line of progress for each', async () => {
    const tasks = Array.from({ length: 2_000 }, (_, n) => ({
      id: `t${n}`,
      description: `Do ${n}`,
    }));
    const { exitCode, stderr, stdout } = await stratagem(
      ['run', '-', '--latency', '0', '--max-parallel', '100'],
      { stdin: JSON.stringify({ goal: 'Much', tasks }) },
    );
    expect(exitCode).toBe(0);
    expect(stderr).toContain('✓ 2000 of 2000 ·');
    expect(stderr.split('\n').length).toBeLessThan(100);
    expect(stdout.split('\n').length).toBeLessThan(1_000);
  });
});

describe('run --json', () => {
  test('prints one document with everything in it', async () => {
    const { exitCode, document } = await runJson(report);
    expect(exitCode).toBe(0);
    expect(Object.keys(document)).toEqual([
      'runId',
      'status',
      'error',
      'goal',
      'strategy',
      'startedAt',
      'endedAt',
      'outputs',
      'tasks',
      'metrics',
      'timeline',
    ]);
    expect(document).toMatchObject({
      status: 'completed',
      goal: 'Market research report',
      strategy: 'parallel',
      metrics: { totalTasks: 4, completedTasks: 4, attempts: 4, peakConcurrency: 2 },
    });
    expect(document.tasks).toHaveLength(4);
    for (const task of document.tasks) {
      expect(Object.keys(task)).toEqual([
        'id',
        'status',
        'level',
        'parentId',
        'attempts',
        'output',
        'citations',
        'serverToolCalls',
        'error',
        'loop',
        'savedTo',
        'startedAt',
        'completedAt',
        'durationMs',
      ]);
    }
    expect(document.tasks).toMatchObject([
      { id: 'research', level: 0, output: expect.stringContaining('Gather market data') },
      { id: 'tech', level: 1, output: expect.stringContaining('based on research') },
      { id: 'finance', level: 1 },
      { id: 'report', level: 2, status: 'completed', attempts: 1, error: null },
    ]);
  });

  test('has consistent times in ISO 8601', async () => {
    const { document } = await runJson(report);
    const times = [
      ...document.tasks.flatMap((task: Record<string, string>) => [
        task.startedAt,
        task.completedAt,
      ]),
      ...document.timeline.map((event: { timestamp: string }) => event.timestamp),
    ];
    for (const time of times) expect(new Date(time).toISOString()).toBe(time);
    for (const { startedAt, completedAt, durationMs } of document.tasks) {
      const between = Date.parse(completedAt) - Date.parse(startedAt);
      expect(Math.abs(between - durationMs)).toBeLessThanOrEqual(1);
    }
    const [research, tech, finance, last] = document.tasks;
    expect(tech.startedAt >= research.completedAt).toBe(true);
    expect(finance.startedAt >= research.completedAt).toBe(true);
    expect(last.startedAt >= tech.completedAt && last.startedAt >= finance.completedAt).toBe(true);
  });

  test('has the whole timeline, where tasks start after their dependencies completed', async () => {
    const { timeline } = (await runJson(report)).document;
    expect(timeline[0].type).toBe('run_started');
    expect(timeline.at(-1).type).toBe('run_completed');
    const sequence = timeline.map((event: RunEvent) => event.sequence);
    expect(sequence).toEqual([...timeline.keys()]);
    const at = (type: string, taskId: string) =>
      timeline.findIndex((event: { type: string; taskId?: string }) => {
        return event.type === type && event.taskId === taskId;
      });
    for (const [dependency, task] of [
      ['research', 'tech'],
      ['research', 'finance'],
      ['tech', 'report'],
      ['finance', 'report'],
    ] as const) {
      expect(at('task_completed', dependency)).toBeGreaterThan(-1);
      expect(at('task_started', task)).toBeGreaterThan(at('task_completed', dependency));
    }
  });

  test('keeps ids that are special in JavaScript', async () => {
    const tasks = ['__proto__', 'constructor'].map((id) => ({ id, description: 'Do it' }));
    const { document } = await runJson(JSON.stringify({ goal: 'Ids', tasks }));
    expect(document.tasks).toMatchObject([
      { id: '__proto__', status: 'completed' },
      { id: 'constructor', status: 'completed' },
    ]);
  });
});

describe('the strategy', () => {
  test('is parallel by default', async () => {
    const { document } = await runJson(batch());
    expect(document.strategy).toBe('parallel');
    expect(document.metrics.peakConcurrency).toBeGreaterThan(1);
  });

  test('comes from the file', async () => {
    const { document } = await runJson(batch('sequential'));
    expect(document).toMatchObject({ strategy: 'sequential', metrics: { peakConcurrency: 1 } });
    const capped = await runJson(batch({ name: 'parallel', maxParallel: 3 }));
    expect(capped.document).toMatchObject({
      strategy: 'parallel',
      metrics: { peakConcurrency: 3 },
    });
  });

  test('comes from --strategy rather than from the file', async () => {
    const { document } = await runJson(batch({ name: 'parallel' }), '--strategy', 'sequential');
    expect(document).toMatchObject({ strategy: 'sequential', metrics: { peakConcurrency: 1 } });
    const other = await runJson(batch('sequential'), '--strategy', 'parallel');
    expect(other.document.strategy).toBe('parallel');
    expect(other.document.metrics.peakConcurrency).toBeGreaterThan(1);
  });

  test.each([1, 2, 6, 100])(
    '--max-parallel %i limits it, instead of the file',
    async (maxParallel) => {
      const plan = batch({ name: 'parallel', maxParallel: 3 });
      const { document } = await runJson(plan, '--max-parallel', `${maxParallel}`);
      expect(document.metrics.peakConcurrency).toBe(Math.min(maxParallel, 6));
    },
  );

  test('keeps the other options of the file when --max-parallel changes one', async () => {
    // Of c and d, d leads to more work; but it is of a higher level.
    const plan = (levelBarrier: boolean) =>
      JSON.stringify({
        goal: 'Waves',
        strategy: { name: 'parallel', levelBarrier },
        tasks: [
          { id: 'a', description: 'A' },
          { id: 'c', description: 'C' },
          { id: 'd', description: 'D', dependencies: ['a'] },
          { id: 'e', description: 'E', dependencies: ['d'] },
        ],
      });
    const free = await runJson(plan(false), '--max-parallel', '1');
    expect(startedIn(free.document.timeline)).toEqual(['a', 'd', 'c', 'e']);
    const waves = await runJson(plan(true), '--max-parallel', '1');
    expect(startedIn(waves.document.timeline)).toEqual(['a', 'c', 'd', 'e']);
  });
});

test('--latency sets the duration of each task', async () => {
  const { document } = await runJson(batch(), '--latency', '500', '--max-parallel', '6');
  for (const { durationMs } of document.tasks) {
    // A timer may be early by less than a millisecond; a slow machine is only ever late.
    expect(durationMs).toBeGreaterThan(499);
  }
});

describe('--deadline', () => {
  test('fails the plan when it exceeds the deadline', async () => {
    const args = ['run', '-', '--latency', '600000', '--deadline', '50ms'];
    // The timers of the deadline and of the first task.
    const late = (...more: string[]) =>
      inVirtualTime(() => stratagem([...args, ...more], { stdin: report }), 2);
    const { exitCode, stdout } = await late('--json');
    const document = JSON.parse(stdout);
    expect(exitCode).toBe(1);
    expect(document.status).toBe('failed');
    expect(document.timeline.at(-1)).toMatchObject({
      type: 'run_failed',
      error: { code: 'deadline_exceeded' },
    });
    expect(document.tasks).toMatchObject([
      { id: 'research', status: 'canceled', attempts: 1, output: null },
      { id: 'tech', status: 'canceled', attempts: 0, startedAt: null, durationMs: null },
      { id: 'finance', status: 'canceled' },
      { id: 'report', status: 'canceled' },
    ]);

    const forPeople = await late();
    expect(forPeople.exitCode).toBe(1);
    expect(forPeople.stdout).toBe('');
    expect(forPeople.stderr).toMatch(/4 canceled: the plan exceeded its deadline/);
  });

  test('does not affect a plan that completes in time', async () => {
    expect(await runJson(report, '--deadline', '10m')).toMatchObject({ exitCode: 0 });
  });
});

describe('options that contradict each other', () => {
  test.each([
    ['--latency', ['--runner', 'openai', '--latency', '5']],
    ['--latency', ['--runner', 'anthropic', '--latency', '5']],
    ['--model', ['--model', 'm']],
    ['--base-url', ['--base-url', 'http://127.0.0.1:1/v1']],
    ['--max-parallel', ['--strategy', 'sequential', '--max-parallel', '4']],
    ['--base-url|baseURL', ['--runner', 'openai', '--base-url', 'no url']],
  ])('are refused, naming %s: %s', async (named, args) => {
    const ended = await stratagem(['run', '-', ...args], {
      stdin: report,
      env: { OPENAI_API_KEY: 'test', ANTHROPIC_API_KEY: 'test' },
    });
    expect(ended.stderr).toMatch(new RegExp(named));
    expect(ended).toMatchObject({ exitCode: 2, stdout: '' });
  });

  test('are refused when the plan file is sequential', async () => {
    const ended = await stratagem(['run', '-', '--max-parallel', '4'], {
      stdin: batch('sequential'),
    });
    expect(ended.stderr).toMatch(/--max-parallel.*sequential/);
    expect(ended).toMatchObject({ exitCode: 2, stdout: '' });
  });
});

describe('a closed pipe', () => {
  const tasks = Array.from({ length: 2_000 }, (_, n) => ({ id: `t${n}`, description: `Do ${n}` }));
  const options: StratagemOptions = { stdin: JSON.stringify({ goal: 'Much', tasks }) };
  const run = ['run', '-', '--latency', '0', '--max-parallel', '100', '--json'];

  test.each([['run', run] as const, ['graph', ['graph', '-']] as const])(
    'of the output of %s is no failure',
    async (_, args) => {
      const { child, ended } = start(args, options);
      child.stdout.destroy();
      const { exitCode, stderr } = await ended;
      expect({ exitCode }).toEqual({ exitCode: 0 });
      expect(stderr).not.toMatch(/EPIPE|\n {4}at /);
    },
  );

  test('of the progress does not stop the run', async () => {
    const { child, ended } = start(run, options);
    child.stderr.destroy();
    const { exitCode, stdout } = await ended;
    expect(exitCode).toBe(0);
    expect(JSON.parse(stdout).metrics.completedTasks).toBe(2_000);
  });
});
