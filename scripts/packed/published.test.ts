import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { checkPackage, createPackageFromTarballData } from '@arethetypeswrong/core';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { expect, inject, test } from 'vitest';
import { entriesOf, type Manifest, manifests, names, root, tarballOf } from './packages.js';

/** What a tarball says of itself: its entries, and the types of each. */

test('the task of these tests waits for the build of every published package', () => {
  const { tasks } = JSON.parse(readFileSync(join(root, 'turbo.json'), 'utf8'));
  // The short name of the command line is not built.
  const builds = names.filter((name) => name !== 'stratagem').map((name) => `${name}#build`);
  expect([...tasks['//#test:packed'].dependsOn].sort()).toEqual(builds.sort());
});

test.each(names)('%s follows the rules of publishing', async (name) => {
  const data = readFileSync(tarballOf(inject('tarballs'), name));
  const tarball = data.buffer.slice(data.byteOffset, data.byteOffset + data.byteLength);
  const { messages, pkg } = await publint({ pack: { tarball }, strict: true });
  expect(messages.map((message) => formatMessage(message, pkg))).toEqual([]);
});

test.each(names.filter((name) => entriesOf(manifests.get(name) as Manifest).length > 0))(
  '%s has the types of what its entries export',
  async (name) => {
    const data = readFileSync(tarballOf(inject('tarballs'), name));
    const result = await checkPackage(createPackageFromTarballData(data));
    if (!result.types) throw new Error(`${name} has no types`);
    // The packages are ES modules: `node10` knows no entries, and Node 20 cannot require them from CommonJS types.
    const problems = result.problems.filter(
      (problem) =>
        !('resolutionKind' in problem) ||
        !['node10', 'node16-cjs'].includes(problem.resolutionKind),
    );
    expect(problems).toEqual([]);
  },
);
