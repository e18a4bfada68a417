import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { npmProject } from './npm-project.js';
import { root, run, withOurs } from './packages.js';

const PROGRAMS: readonly (readonly [file: string, packages: readonly string[]])[] = [
  ['README.md', ['@stratagem/core', '@stratagem/parallel', '@stratagem/simulated']],
  ['packages/core/README.md', ['@stratagem/core', '@stratagem/parallel']],
  ['packages/strategies/parallel/README.md', ['@stratagem/parallel']],
  ['packages/strategies/sequential/README.md', ['@stratagem/sequential']],
  ['packages/strategies/adaptive/README.md', ['@stratagem/adaptive']],
  ['packages/providers/simulated/README.md', ['@stratagem/parallel', '@stratagem/simulated']],
  ['packages/simulation/README.md', ['@stratagem/parallel', '@stratagem/simulation']],
  [
    'packages/planner/README.md',
    ['@stratagem/core', '@stratagem/parallel', '@stratagem/planner', '@stratagem/simulated'],
  ],
  [
    'packages/runners/README.md',
    ['@stratagem/parallel', '@stratagem/runners', '@stratagem/simulated'],
  ],
  ['packages/otel/README.md', ['@stratagem/otel', '@stratagem/parallel', '@stratagem/simulated']],
  [
    'packages/datasets/README.md',
    ['@stratagem/datasets', '@stratagem/parallel', '@stratagem/simulated'],
  ],
  ['packages/evals/README.md', ['@stratagem/evals', '@stratagem/parallel', '@stratagem/simulated']],
  ['packages/web/README.md', ['@stratagem/parallel', '@stratagem/simulated', '@stratagem/web']],
  ['packages/ui/README.md', ['@stratagem/core', '@stratagem/parallel', '@stratagem/ui']],
  [
    'packages/stores/sqlite/README.md',
    ['@stratagem/parallel', '@stratagem/simulated', '@stratagem/sqlite'],
  ],
];

// One project for all of them: an installation takes longer than a program.
describe('the first program', () => {
  let project: string;

  beforeAll(async () => {
    project = await npmProject('programs', [
      ...new Set(PROGRAMS.flatMap(([, packages]) => packages)),
    ]);
  });

  test.each(PROGRAMS)(
    'of %s type-checks and runs as it is pasted, and prints something',
    async (file, packages) => {
      const [, program = ''] =
        /```ts\n(.*?)```/s.exec(readFileSync(join(root, file), 'utf8')) ?? [];
      // These packages, and what they bring, are all that the program needs.
      const imported = Array.from(
        program.matchAll(/from '(@stratagem\/[^/']+)/g),
        ([, name]) => name,
      );
      expect(withOurs(packages)).toEqual(expect.arrayContaining(imported));
      const name = `${file.replaceAll('/', '-')}.mts`;
      await writeFile(join(project, name), program);
      const options = ['--strict', '--noEmit', '--target', 'es2023', '--module', 'nodenext'];
      await run(join(root, 'node_modules/.bin/tsc'), [...options, '--types', '', name], project);
      const { stdout } = await run('node', [name], project);
      expect(stdout).not.toBe('');
    },
  );
});
