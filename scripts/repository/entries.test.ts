import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const root = join(import.meta.dirname, '../..');
const published = globSync('packages/{*,*/*}/package.json', { cwd: root })
  .map((file) => JSON.parse(readFileSync(join(root, file), 'utf8')))
  .filter((manifest) => !manifest.private);

test.each(published)(
  'each entry of $name names its source first, then its build',
  ({ exports }) => {
    for (const target of Object.values<string | Record<string, string>>(exports)) {
      if (typeof target === 'string') continue;
      const [, name] = /^\.\/src\/(.*)\.ts$/.exec(target['@stratagem/source'] ?? '') ?? [];
      expect(Object.entries(target)).toEqual([
        ['@stratagem/source', `./src/${name}.ts`],
        ['types', `./dist/${name}.d.ts`],
        ['default', `./dist/${name}.js`],
      ]);
    }
  },
);
