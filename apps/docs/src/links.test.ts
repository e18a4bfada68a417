import { existsSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { expect, test } from 'vitest';
import { headingsOf, linksOf } from './markdown.js';
import { repositoryFiles, root } from './pages.js';

const files = [
  ...['*.md', 'docs/**/*.md', 'packages/{*,*/*}/*.md', 'apps/*/*.md', 'benchmarks/*.md'],
]
  .flatMap(repositoryFiles)
  .filter((file) => !file.endsWith('CHANGELOG.md'));

const anchors = new Map<string, ReadonlySet<string>>();
function anchorsOf(file: string): ReadonlySet<string> {
  const known = anchors.get(file);
  if (known !== undefined) return known;
  const page = readFileSync(join(root, file), 'utf8');
  const found = new Set(headingsOf(page).map(({ anchor }) => anchor));
  anchors.set(file, found);
  return found;
}

test('there are pages', () => {
  expect(files.length).toBeGreaterThan(30);
});

test.each(files)('%s has no broken link', (file) => {
  const broken: string[] = [];
  for (const { target, line } of linksOf(readFileSync(join(root, file), 'utf8'))) {
    if (/^[a-z][a-z+.-]*:/.test(target)) continue;
    const [path = '', anchor] = target.split('#');
    const at = path === '' ? file : posix.join(posix.dirname(file), path).replace(/\/$/, '');
    const found = existsSync(join(root, at));
    const page = existsSync(join(root, at, 'README.md')) ? posix.join(at, 'README.md') : at;
    if (!found) broken.push(`line ${line}: there is no ${at}`);
    else if (anchor !== undefined && page.endsWith('.md') && !anchorsOf(page).has(anchor))
      broken.push(`line ${line}: ${page} has no heading #${anchor}`);
  }
  expect(broken).toEqual([]);
});
