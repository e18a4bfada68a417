import { existsSync, readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import module from 'node:module';
import { join } from 'node:path';
import { beforeAll, describe, expect, inject, test } from 'vitest';
import {
  entriesOf,
  type Manifest,
  manifests,
  names,
  root,
  run,
  shortName,
  tarballOf,
} from './packages.js';

/**
 * Each package in a project of its own, where it reaches nothing but its own dependencies. pnpm keeps
 * the projects apart and installs all of them at once.
 */

const projects = join(inject('workshop'), 'alone');
const projectOf = (name: string) => join(projects, shortName(name));
const withEntries = names.filter((name) => entriesOf(manifestOf(name)).length > 0);

function manifestOf(name: string): Manifest {
  return manifests.get(name) as Manifest;
}

/**
 * The API of OpenTelemetry is no SDK: it is small, and does nothing without one. The command line works
 * without any.
 */
function sdksOf({ bin, peerDependencies = {} }: Manifest): [sdk: string, range: string][] {
  if (bin !== undefined) return [];
  return Object.entries(peerDependencies).filter(
    ([sdk]) => !sdk.startsWith('@stratagem/') && sdk !== '@opentelemetry/api',
  );
}

beforeAll(async () => {
  const tarballs = inject('tarballs');
  await mkdir(projects);
  const overrides = names.map((name) => `  '${name}': 'file:${tarballOf(tarballs, name)}'`);
  await writeFile(
    join(projects, 'pnpm-workspace.yaml'),
    ["packages: ['*']", 'pmOnFail: ignore', 'overrides:', ...overrides, ''].join('\n'),
  );
  await writeFile(join(projects, 'package.json'), JSON.stringify({ private: true }));
  for (const name of names) {
    const dependencies = { [name]: '*', ...Object.fromEntries(sdksOf(manifestOf(name))) };
    await mkdir(projectOf(name));
    await writeFile(
      join(projectOf(name), 'package.json'),
      JSON.stringify({ name: `alone-${shortName(name)}`, private: true, dependencies }),
    );
  }
  await run('pnpm', ['install', '--prefer-offline', '--ignore-scripts'], projects);
});

test.each(names)('%s brings its README and licence', (name) => {
  for (const file of ['README.md', 'LICENSE', 'package.json']) {
    expect(existsSync(join(projectOf(name), 'node_modules', name, file)), file).toBe(true);
  }
});

test.each(names)('%s has no entry for the source, which only this repository uses', (name) => {
  const file = join(projectOf(name), 'node_modules', name, 'package.json');
  expect(readFileSync(file, 'utf8')).not.toContain('@stratagem/source');
});

// Each entry is loaded in a thread of its own, so that none relies on another being there already.
const LOAD = `
  import { once } from 'node:events';
  import { Worker } from 'node:worker_threads';
  const [load, ...entries] = process.argv.slice(2);
  for (const entry of entries) {
    const worker = new Worker(load, { workerData: entry });
    const [exit] = await once(worker, 'exit');
    if (exit !== 0) throw new Error(entry + ' exports nothing');
  }`;
const LOADERS = [
  [
    'imported',
    'import.mjs',
    "import { workerData } from 'node:worker_threads'; const a = await import(workerData);",
  ],
  [
    'required',
    'require.cjs',
    "const { workerData } = require('node:worker_threads'); const a = require(workerData);",
  ],
] as const;

describe.each(LOADERS)('can be %s', (_, file, load) => {
  test.each(withEntries)('%s', async (name) => {
    const project = projectOf(name);
    await writeFile(join(project, 'load.mjs'), LOAD);
    await writeFile(
      join(project, file),
      `${load} process.exit(Object.keys(a).length === 0 ? 1 : 0);`,
    );
    await run('node', ['load.mjs', `./${file}`, ...entriesOf(manifestOf(name))], project);
  });
});

// The declarations of the SDKs are theirs to keep right; ours are checked.
describe.each([
  ['with peers', true],
  ['without peers', false],
])('packages %s', (_, hasPeers) => {
  const some = withEntries.filter(
    (name) => (manifestOf(name).peerDependencies !== undefined) === hasPeers,
  );

  test.each([
    ['nodenext', { module: 'nodenext' }],
    ['bundler', { module: 'esnext', moduleResolution: 'bundler' }],
  ])('type-check strictly under %s', async (mode, options) => {
    expect(some).not.toEqual([]);
    const files: string[] = [];
    for (const name of some) {
      const entries = entriesOf(manifestOf(name));
      const lines = entries.map((entry, index) => `import * as entry${index} from '${entry}';`);
      const uses = entries.map((_, index) => `entry${index}`).join(', ');
      const file = join(projectOf(name), 'use.ts');
      await writeFile(file, `${lines.join('\n')}\nconsole.log(${uses});\n`);
      files.push(file);
    }
    const compilerOptions = {
      ...options,
      target: 'es2023',
      strict: true,
      exactOptionalPropertyTypes: true,
      noEmit: true,
      types: [],
      lib: ['es2023', 'dom', 'dom.asynciterable', 'esnext.disposable'],
      skipLibCheck: hasPeers,
    };
    const config = join(projects, `tsconfig.${mode}.${hasPeers}.json`);
    await writeFile(config, JSON.stringify({ compilerOptions, files }));
    await run(join(root, 'node_modules/.bin/tsc'), ['-p', config], projects);
  });
});

// The oldest Node has no such hooks.
test
  .runIf('registerHooks' in module)
  .each(withEntries.filter((name) => sdksOf(manifestOf(name)).length > 0))(
  '%s loads no SDK when it is imported',
  async (name) => {
    const sdks = sdksOf(manifestOf(name)).map(([sdk]) => sdk);
    const program = `
      import { registerHooks } from 'node:module';
      const loaded = new Set();
      const load = (url, context, next) => {
        for (const sdk of ${JSON.stringify(sdks)})
          if (url.includes('/node_modules/' + sdk + '/')) loaded.add(sdk);
        return next(url, context);
      };
      registerHooks({ load });
      for (const entry of ${JSON.stringify(entriesOf(manifestOf(name)))}) await import(entry);
      const byUs = [...loaded];
      for (const sdk of ${JSON.stringify(sdks)}) await import(sdk);
      console.log(JSON.stringify({ byUs, inAll: [...loaded] }));`;
    const { stdout } = await run('node', ['--input-type=module', '-e', program], projectOf(name));
    // The SDKs that are imported afterwards prove that loading one would have been seen.
    expect(JSON.parse(stdout)).toEqual({ byUs: [], inAll: sdks });
  },
);

test.each(names.filter((name) => manifestOf(name).bin !== undefined))(
  '%s has commands that start',
  async (name) => {
    const { bin = {}, version } = manifestOf(name);
    for (const command of Object.keys(bin)) {
      const file = join(projectOf(name), 'node_modules/.bin', command);
      const { stdout } = await run(file, ['--version'], projectOf(name));
      expect(stdout.trim()).toBe(version);
    }
  },
);
