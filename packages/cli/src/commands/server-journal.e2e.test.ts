import module from 'node:module';
import type { LocalServer } from '@stratagem/server-kit/local-server';
import { postgresProblem, startPostgres } from '@stratagem/server-kit/postgres';
import { redisProblem, startRedis } from '@stratagem/server-kit/redis';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { REPORT } from '../../test/recorded.js';
import { folder, start, stratagem } from '../../test/stratagem.js';

const SERVERS = [
  { name: 'postgres', problem: postgresProblem(), startServer: startPostgres, user: 'tester@' },
  { name: 'redis', problem: redisProblem(), startServer: startRedis, user: '' },
];
for (const { problem } of SERVERS) if (problem !== undefined) console.warn(problem);

describe.each(SERVERS)('--journal $name://…', ({ name, problem, startServer, user }) => {
  describe.skipIf(problem !== undefined)('with a server', () => {
    let server: LocalServer;
    beforeAll(async () => {
      server = await startServer();
    });
    afterAll(() => server[Symbol.asyncDispose]());
    const shown = () => `${name}://${user}127.0.0.1:${server.port}`;

    test('records runs on a server, where every command finds them', async () => {
      await using files = await folder({ 'plan.yaml': REPORT });
      const journal = ['--journal', server.url];
      const options = { cwd: files.path };
      const { exitCode, stderr } = await stratagem(
        ['run', 'plan.yaml', '--latency', '1', ...journal],
        options,
      );
      expect(exitCode, stderr).toBe(0);
      const [, id = ''] = /Recording run (\S+)\n/.exec(stderr) ?? [];
      expect(stderr).toMatch(
        new RegExp(`stratagem resume ${id.slice(0, 8)} --journal ${shown()}(/postgres)?\n`),
      );
      const listed = JSON.parse((await stratagem(['runs', '--json', ...journal], options)).stdout);
      expect(listed).toMatchObject([{ id, status: 'completed', completedTasks: 3 }]);
      for (const command of ['show', 'why', 'resume']) {
        const result = await stratagem([command, id.slice(0, 8), ...journal], options);
        expect(result.exitCode, `${command}: ${result.stderr}`).toBe(0);
        expect(result.stdout + result.stderr).not.toContain('hunter2');
      }
      const report = await stratagem(['report', id, '-o', 'run.html', ...journal], options);
      expect(report.exitCode, report.stderr).toBe(0);
      const reused = ['run', 'plan.yaml', '--latency', '1', '--reuse', '--dry-run', ...journal];
      expect((await stratagem(reused, options)).exitCode).toBe(0);
    });

    test('serves the page of its runs, with its name and without the password', async () => {
      const page = start(['ui', '--engine', server.url]);
      await page.progress(`Runs in ${shown()}`);
      page.child.kill('SIGINT');
      const { stderr } = await page.ended;
      expect(stderr).not.toContain('hunter2');
    });

    test('queues a run, which a coordinator carries out', async () => {
      const plan = `goal: Report on {{inputs.company}}
inputs: { company: { type: string } }
tasks:
  - { id: research, description: 'Find {{inputs.company}}' }
  - { id: report, description: Write it, dependencies: [research] }
`;
      const asks = "goal: Ask\ntasks:\n  - { id: ok, description: 'Well?', waitFor: approval }\n";
      await using files = await folder({ 'plan.yaml': plan, 'asks.yaml': asks });
      const journal = ['--journal', server.url];
      const options = { cwd: files.path };
      const submit = ['submit', 'plan.yaml', '--tenant', 'acme', '--engine', server.url];
      const missing = await stratagem(submit, options);
      expect(missing.exitCode).toBe(2);
      expect(missing.stderr).toContain('company');
      const submitted = await stratagem([...submit, '--input', 'company=Apple'], options);
      expect(submitted.exitCode, submitted.stderr).toBe(0);
      const id = submitted.stdout.trim();
      const statusOf = async () => {
        const list = ['runs', '--json', '--engine', server.url];
        const { stdout } = await stratagem(list, options);
        return JSON.parse(stdout).find((run: { readonly id: string }) => run.id === id)?.status;
      };
      expect(await statusOf()).toBe('queued');
      const coordinator = start(['coordinator', '--latency', '1', ...journal]);
      await coordinator.progress(`${id} completed`);
      expect(await statusOf()).toBe('completed');

      const engine = ['--engine', server.url];
      const asking = (await stratagem(['submit', 'asks.yaml', ...engine], options)).stdout.trim();
      await coordinator.progress(`stratagem answer ${asking} --journal ${shown()}`);
      const answer = ['answer', asking, '--approve', 'ok', ...engine];
      const answered = await stratagem(answer, options);
      expect(answered.stderr).toContain(`${asking}: task "ok" is approved`);
      await coordinator.progress(`${asking} completed`);
      const late = await stratagem(['cancel', asking, ...engine], options);
      expect([late.exitCode, late.stderr]).toEqual([2, expect.stringContaining('has ended')]);
      coordinator.child.kill('SIGTERM');
      const { exitCode, stderr } = await coordinator.ended;
      expect(exitCode, stderr).toBe(0);
      expect(stderr).toContain('Using the simulated model');
      expect(stderr).not.toContain('hunter2');
    });

    test('takes the password from the environment, and says so when it is wrong', async () => {
      const url = new URL(server.url);
      const password = decodeURIComponent(url.password);
      url.password = '';
      const list = (PASSWORD: string) =>
        stratagem(['runs', '--journal', url.href], {
          env: { PGPASSWORD: PASSWORD, REDISCLI_AUTH: PASSWORD },
        });
      const right = await list(password);
      expect(right.exitCode, right.stderr).toBe(0);
      const { exitCode, stderr } = await list('wrong');
      expect(exitCode).toBe(2);
      expect(stderr).toContain('refuses the user or the password');
    });
  });
});

test('a queue needs a server, and models are those of the coordinator', async () => {
  await using files = await folder({
    'plan.yaml': REPORT,
    'models.yaml': `${REPORT}models: { deep: { runner: openai } }\n`,
  });
  const options = { cwd: files.path };
  const inFolder = await stratagem(['submit', 'plan.yaml', '--journal', 'runs'], options);
  expect(inFolder.exitCode).toBe(2);
  expect(inFolder.stderr).toContain('Use --journal postgres://user@host/database or redis://host');
  const journal = ['--journal', 'postgres://127.0.0.1:1/x'];
  const withModels = await stratagem(['submit', 'models.yaml', ...journal], options);
  expect(withModels.exitCode).toBe(2);
  expect(withModels.stderr).toContain('Put them into the settings of the coordinators');
});

test.each([
  ['mysql://localhost', '--journal cannot use mysql://. It takes postgres://user@host/database or'],
  ['redis://user:hunter2@host/name', 'url must look like redis://user:password@host:6379'],
  ['redis://:hunter2@127.0.0.1:1', 'Redis at 127.0.0.1:1 cannot be reached'],
  [
    'postgres://user:hunter2@[host',
    'url must look like postgres://user:password@host:5432/database',
  ],
  ['postgres://user:hunter2@127.0.0.1:1/x', 'PostgreSQL at 127.0.0.1:1/x cannot be reached'],
])('%s is a usage error with a remedy', async (journal, message) => {
  const { exitCode, stderr } = await stratagem(['runs', '--journal', journal]);
  expect(exitCode).toBe(2);
  expect(stderr).toContain(message);
  expect(stderr).not.toContain('hunter2');
});

// The oldest Node has no such hooks.
test.runIf('registerHooks' in module).each(['postgres', 'redis'])(
  'without the package of %s://, it is a usage error that says what to install',
  async (name) => {
    const hook = `import { registerHooks } from 'node:module';
    registerHooks({
      resolve(name, context, next) {
        if (name !== '@stratagem/${name}') return next(name, context);
        throw Object.assign(new Error('not installed'), { code: 'ERR_MODULE_NOT_FOUND' });
      },
    });`;
    const NODE_OPTIONS = `--import data:text/javascript,${encodeURIComponent(hook)}`;
    const args = ['runs', '--journal', `${name}://host/0`];
    const { exitCode, stderr } = await start(args, { env: { NODE_OPTIONS } }).ended;
    expect(exitCode).toBe(2);
    expect(stderr).toContain(`${name}://… needs the package @stratagem/${name}.`);
    expect(stderr).toContain(`npm install @stratagem/${name}`);
  },
);

test.each([
  [['--engine', 'runs'], '--engine is a server: runs is a directory, for --journal'],
  [['--engine', 'redis://host', '--journal', 'runs'], '--engine has no effect with --journal'],
])('a wrong place of the runs is refused: %s', async (options, message) => {
  const { exitCode, stderr } = await stratagem(['runs', ...options]);
  expect(exitCode).toBe(2);
  expect(stderr).toContain(message);
});
