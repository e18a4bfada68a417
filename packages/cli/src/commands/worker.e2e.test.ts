import { postgresProblem, startPostgres } from '@stratagem/server-kit/postgres';
import { redisProblem, startRedis } from '@stratagem/server-kit/redis';
import { describe, expect, test } from 'vitest';
import { folder, start, stratagem } from '../../test/stratagem.js';

const PLAN = `goal: Report
tasks:
  - { id: research, description: Find it }
  - { id: report, description: 'Write: {{research}}', dependencies: [research] }
`;
const servers = [
  ['postgres', postgresProblem(), startPostgres],
  ['redis', redisProblem(), startRedis],
] as const;

describe.each(servers)('--engine on %s', (_, problem, startServer) => {
  if (problem !== undefined) console.warn(problem);

  test.skipIf(problem !== undefined)(
    'a run is queued, carried out by a coordinator with a worker, and followed',
    async () => {
      await using server = await startServer();
      await using files = await folder({ 'plan.yaml': PLAN });
      const engine = ['--engine', server.url];
      const options = { cwd: files.path };
      const cap = ['--cap', 'simulated/simulated=2'];
      const coordinator = start(['coordinator', ...cap, ...engine], options);
      const worker = start(['worker', '--latency', '1', '--concurrency', '4', ...engine], options);
      await Promise.all([
        coordinator.progress('with the workers of'),
        worker.progress('Carrying out attempts of'),
      ]);
      const run = await stratagem(['run', 'plan.yaml', '--json', ...engine], options);
      expect(run.exitCode, run.stderr).toBe(0);
      expect(JSON.parse(run.stdout)).toMatchObject({ status: 'completed' });
      expect(run.stderr).toMatch(/completed report/);
      expect(coordinator.printed.stderr).not.toContain('simulated model');

      worker.child.kill('SIGTERM');
      expect((await worker.ended).exitCode).toBe(0);
      // The last one may have been answered, and not ended.
      expect(worker.printed.stderr).toMatch(/Finishing [01] attempts/);
      // Nobody carries it out now. Ctrl-C ends the view, and leaves the run alone.
      const followed = start(['run', 'plan.yaml', ...engine], options);
      await followed.progress('has begun');
      followed.child.kill('SIGINT');
      const { exitCode, stderr } = await followed.ended;
      expect(exitCode).toBe(130);
      expect(stderr).toContain('The run continues');
      expect(stderr).toContain('stratagem show');
      coordinator.child.kill('SIGINT');
      expect((await coordinator.ended).exitCode).toBe(0);
      for (const { printed } of [worker, coordinator, followed]) {
        expect(printed.stderr).not.toContain('hunter2');
      }
    },
  );
});

test('mistakes are usage errors with remedies', async () => {
  await using files = await folder({
    'plan.yaml': PLAN,
    'none.js': 'export const answer = 42;',
  });
  const options = { cwd: files.path };
  const away = ['--engine', 'postgres://user:hunter2@127.0.0.1:1/x'];
  const cases: (readonly [args: readonly string[], message: string])[] = [
    [['worker'], "required option '--engine <url>' not specified"],
    [['worker', '--engine', 'http://host'], '--engine cannot use http://'],
    [['worker', ...away], 'PostgreSQL at 127.0.0.1:1/x, cannot be used'],
    [['worker', '--plans', 'none.js', ...away], 'none.js exports no plan'],
    [['worker', '--runner', 'openai', ...away], 'OPENAI_API_KEY'],
    [['coordinator', ...away], 'PostgreSQL at 127.0.0.1:1/x, cannot be used'],
    [['coordinator', '--cache', 'x', ...away], '--cache has no effect with --engine'],
    [
      ['coordinator', '--approve-tools', 'fetch', ...away],
      '--approve-tools has no effect with --engine',
    ],
    [['coordinator', '--cap', 'openai/gpt-5', ...away], 'such as openai/gpt-5=8'],
    [['coordinator', '--cap', 'a=8', '--journal', away[1] as string], '--cap has no effect'],
    [['run', 'plan.yaml', '--runner', 'openai', ...away], '--runner has no effect with --engine'],
    [['run', 'plan.yaml', '--engine', 'folder'], '--engine cannot use folder'],
  ];
  for (const [args, message] of cases) {
    const { exitCode, stderr } = await stratagem(args, options);
    expect(stderr).toContain(message);
    expect(exitCode).toBe(2);
    expect(stderr).not.toContain('hunter2');
  }
});
