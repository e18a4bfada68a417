import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { errorReference } from './errors.js';
import { eventReference } from './events.js';
import { executorReference } from './executor.js';
import { planFileReference } from './plan-files.js';

const HINT = 'The file is out of date. Write it again: pnpm --filter @stratagem/docs generate';

test.each([
  ['events', eventReference],
  ['errors', errorReference],
  ['executor', executorReference],
  ['plan-files', planFileReference],
])('docs/reference/%s.md says what the code says', async (name, reference) => {
  const file = new URL(`../../../../docs/reference/${name}.md`, import.meta.url);
  await expect(reference(), HINT).toMatchFileSnapshot(fileURLToPath(file));
  // A name alone explains nothing: the doc comment is missing.
  expect(reference().match(/^\| `[^|]+\| +\|.*$/gm)).toBeNull();
});
