import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { describeLoadError } from './load-error.js';

const own = fileURLToPath(new URL('load-cases.js', import.meta.url));

test.each([
  [own, "Cannot find module '/a.mjs'"],
  ['/home/me/checks.mjs', "Cannot find module '/a.mjs' imported from /home/me/checks.mjs"],
])('a module that %s imports is missing: %s', (importer, shown) => {
  const error = new Error(`Cannot find module '/a.mjs' imported from ${importer}`);
  expect(describeLoadError(error)).toBe(shown);
});
