import { readFileSync } from 'node:fs';
import { postgresProblem, startPostgres } from '@stratagem/server-kit/postgres';
import { redisProblem, startRedis } from '@stratagem/server-kit/redis';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { REPORT } from '../../test/recorded.js';
import { folder, start, stratagem } from '../../test/stratagem.js';

/** A service as far as it is looked at here. */
interface Service {
  readonly command: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly deploy?: { readonly replicas: number };
}

const FILES = [
  { name: 'compose.yaml', problem: postgresProblem(), startServer: startPostgres },
  { name: 'compose.redis.yaml', problem: redisProblem(), startServer: startRedis },
];

describe.each(FILES)('docs/$name', ({ name, problem, startServer }) => {
  test.skipIf(problem !== undefined)(
    'carries out a submitted run with its coordinator and its workers',
    async () => {
      await using server = await startServer(
        // Without a password, as in the file.
        name === 'compose.redis.yaml' ? { requirepass: '' } : {},
      );
      const password = decodeURIComponent(new URL(server.url).password);
      const text = readFileSync(new URL(`../../../../docs/${name}`, import.meta.url), 'utf8');
      const here = new URL(server.url);
      here.password = '';
      const services = parse(
        text
          .replace(/\$\{\w+:-(.*?)\}/g, '$1')
          .replaceAll(/\b(postgres|redis):\/\/[\w@:]+(\/stratagem)?/g, here.href),
        { merge: true },
      ).services as Readonly<Record<string, Service>>;
      const { coordinator, worker } = services as Record<'coordinator' | 'worker', Service>;
      const env = { ...coordinator.environment, PGPASSWORD: password };
      const started = [
        coordinator,
        ...Array.from({ length: worker.deploy?.replicas ?? 1 }, () => worker),
      ].map(({ command }) => start(command.split(' '), { env }));
      expect(started.length).toBe(3);
      await using files = await folder({ 'plan.yaml': REPORT });
      const submitted = await stratagem(['submit', 'plan.yaml'], { cwd: files.path, env });
      expect(submitted.exitCode, submitted.stderr).toBe(0);
      const id = submitted.stdout.trim();
      await started[0]?.progress(`${id} completed`);
      const { stdout } = await stratagem(['show', id, '--json'], { env });
      expect(JSON.parse(stdout)).toMatchObject({ status: 'completed' });
      for (const { child } of started) child.kill('SIGTERM');
      for (const { ended } of started) expect((await ended).exitCode).toBe(0);
    },
  );
});
