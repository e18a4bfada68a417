import { execFile } from 'node:child_process';
import { existsSync, globSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

/** What a user gets: each package packed, and installed from its tarball into an empty project. */

interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly private?: boolean;
  readonly bin?: Record<string, string>;
  readonly exports: Record<string, unknown>;
  readonly dependencies?: Record<string, string>;
  readonly peerDependencies?: Record<string, string>;
  readonly peerDependenciesMeta?: Record<string, { readonly optional?: boolean }>;
}

const root = join(import.meta.dirname, '../..');
const folders = new Map<string, string>();
const manifests = new Map<string, Manifest>();
for (const file of globSync('packages/{*,*/*}/package.json', { cwd: root })) {
  const manifest: Manifest = JSON.parse(readFileSync(join(root, file), 'utf8'));
  if (manifest.private) continue;
  folders.set(manifest.name, join(root, file, '..'));
  manifests.set(manifest.name, manifest);
}
const names = [...manifests.keys()].sort();

test('the task of this test waits for the build of every published package', () => {
  const { tasks } = JSON.parse(readFileSync(join(root, 'turbo.json'), 'utf8'));
  // The short name of the command line is not built.
  const builds = names.filter((name) => name !== 'stratagem').map((name) => `${name}#build`);
  expect([...tasks['//#test:packed'].dependsOn].sort()).toEqual(builds.sort());
});

let workshop: string;
const tarballs = new Map<string, string>();

beforeAll(async () => {
  workshop = await mkdtemp(join(tmpdir(), 'stratagem-packed-'));
  for (const name of names) {
    const out = join(workshop, `${name.replace('@stratagem/', '')}.tgz`);
    await run('pnpm', ['pack', '--out', out], folders.get(name) as string);
    tarballs.set(name, out);
  }
});

afterAll(() => rm(workshop, { recursive: true, force: true }));

describe.each(names)('%s, installed alone', (name) => {
  const manifest = manifests.get(name) as Manifest;
  const entries = Object.keys(manifest.exports)
    .filter((entry) => !entry.endsWith('.json'))
    .map((entry) => name + entry.slice(1));
  // The API of OpenTelemetry is no SDK: it is small, and does nothing without one. The command line works
  // without any.
  const sdks = Object.entries(manifest.bin === undefined ? (manifest.peerDependencies ?? {}) : {})
    .filter(([sdk]) => !sdk.startsWith('@stratagem/') && sdk !== '@opentelemetry/api')
    .map(([sdk, range]) => ({ sdk, range }));
  let project: string;

  beforeAll(async () => {
    project = await install(`${name.replace('@stratagem/', '')}-alone`, [name], sdks);
  });

  test('brings its README and licence', () => {
    for (const file of ['README.md', 'LICENSE', 'package.json']) {
      expect(existsSync(join(project, 'node_modules', name, file)), file).toBe(true);
    }
  });

  test('has no entry for the source, which only this repository uses', () => {
    const file = join(project, 'node_modules', name, 'package.json');
    expect(readFileSync(file, 'utf8')).not.toContain('@stratagem/source');
  });

  if (entries.length > 0)
    test('can be imported and required', async () => {
      for (const entry of entries) {
        const load = `const a = await import('${entry}'); if (Object.keys(a).length === 0) throw 1;`;
        await run('node', ['--input-type=module', '-e', load], project);
        const require = `const a = require('${entry}'); if (Object.keys(a).length === 0) throw 1;`;
        await run('node', ['--input-type=commonjs', '-e', require], project);
      }
    });

  if (entries.length > 0)
    test.each([
      ['nodenext', { module: 'nodenext' }],
      ['bundler', { module: 'esnext', moduleResolution: 'bundler' }],
    ])('type-checks strictly under %s', async (mode, options) => {
      const lines = entries.map((entry, index) => `import * as entry${index} from '${entry}';`);
      const uses = entries.map((_, index) => `entry${index}`).join(', ');
      await writeFile(join(project, 'use.ts'), `${lines.join('\n')}\nconsole.log(${uses});\n`);
      const compilerOptions = {
        ...options,
        target: 'es2023',
        strict: true,
        exactOptionalPropertyTypes: true,
        noEmit: true,
        types: [],
        lib: ['es2023', 'dom', 'dom.asynciterable', 'esnext.disposable'],
        // The declarations of the SDKs are theirs to keep right; ours are checked.
        skipLibCheck: manifest.peerDependencies !== undefined,
      };
      const config = `tsconfig.${mode}.json`;
      await writeFile(
        join(project, config),
        JSON.stringify({ compilerOptions, files: ['use.ts'] }),
      );
      await run(join(root, 'node_modules/.bin/tsc'), ['-p', config], project);
    });

  if (entries.length > 0 && sdks.length > 0)
    test('loads no SDK when it is imported', async () => {
      const sdkNames = sdks.map(({ sdk }) => sdk);
      const program = `
        import { registerHooks } from 'node:module';
        const loaded = new Set();
        const load = (url, context, next) => {
          for (const sdk of ${JSON.stringify(sdkNames)})
            if (url.includes('/node_modules/' + sdk + '/')) loaded.add(sdk);
          return next(url, context);
        };
        registerHooks({ load });
        for (const entry of ${JSON.stringify(entries)}) await import(entry);
        const byUs = [...loaded];
        for (const sdk of ${JSON.stringify(sdkNames)}) await import(sdk);
        console.log(JSON.stringify({ byUs, inAll: [...loaded] }));`;
      const { stdout } = await run('node', ['--input-type=module', '-e', program], project);
      // The SDKs that are imported afterwards prove that loading one would have been seen.
      expect(JSON.parse(stdout)).toEqual({ byUs: [], inAll: sdkNames });
    });

  if (manifest.bin !== undefined)
    test('has a command that starts', async () => {
      for (const command of Object.keys(manifest.bin ?? {})) {
        const { stdout } = await run(
          join(project, 'node_modules/.bin', command),
          ['--version'],
          project,
        );
        expect(stdout.trim()).toBe(manifest.version);
      }
    });
});

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
    project = await install('programs', [...new Set(PROGRAMS.flatMap(([, packages]) => packages))]);
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

test('the command line brings in no SDK, and says which one a run needs', async () => {
  const project = await install('command', ['stratagem']);
  for (const sdk of ['openai', '@anthropic-ai/sdk', '@modelcontextprotocol/client']) {
    expect(existsSync(join(project, 'node_modules', sdk)), sdk).toBe(false);
  }
  const command = join(project, 'node_modules/.bin/stratagem');
  await run(command, ['init', 'plan.yaml'], project);
  const ask = run(command, ['run', 'plan.yaml', '--runner', 'openai'], project, {
    OPENAI_API_KEY: 'sk-test',
  });
  await expect(ask).rejects.toThrow('openai() needs the package openai: npm install openai');
  const megabytes = folderBytes(join(project, 'node_modules')) / 1e6;
  expect(megabytes).toBeLessThan(MAX_COMMAND_MEGABYTES);
});

test('a created project runs, passes its checks, and so does each part', async () => {
  const tools = await install('tools', ['create-stratagem']);
  const command = join(tools, 'node_modules/.bin/create-stratagem');
  await run(command, ['project'], tools);
  const project = join(tools, 'project');
  const file = join(project, 'package.json');
  const manifest = JSON.parse(readFileSync(file, 'utf8'));
  for (const [name, range] of Object.entries(manifest.dependencies)) {
    expect(range, name).toBe(`^${manifests.get(name)?.version}`);
  }
  // The packages are not published yet.
  const ours = withOurs(Object.keys(manifest.dependencies));
  manifest.dependencies = Object.fromEntries(
    ours.map((name) => [name, `file:${tarballs.get(name)}`]),
  );
  await writeFile(file, JSON.stringify(manifest));
  await run('npm', ['install', ...INSTALL_FLAGS], project);
  for (const part of ['strategy', 'provider', 'journal']) {
    await run(command, [part, `my-${part}`], project);
  }
  const { stdout } = await run('npm', ['start'], project);
  expect(stdout).toContain('Task "decision" completed');
  await run('npm', ['run', 'check'], project);
  const tested = await run('npm', ['test'], project);
  expect(tested.stdout).toMatch(/^ℹ tests [4-9]\d$/m);
  expect(tested.stdout).toMatch(/^ℹ fail 0$/m);
});

/** With the SDKs it was 90. */
const MAX_COMMAND_MEGABYTES = 30;

function folderBytes(folder: string): number {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  return files.reduce(
    (sum, { parentPath, name }) => sum + statSync(join(parentPath, name)).size,
    0,
  );
}

const INSTALL_FLAGS = [
  '--no-audit',
  '--no-fund',
  '--ignore-scripts',
  '--prefer-offline',
  '--fetch-retries=1',
];

/** An empty project with the packages and what they need of ours, from tarballs. */
async function install(
  folder: string,
  packages: readonly string[],
  others: readonly { readonly sdk: string; readonly range: string }[] = [],
): Promise<string> {
  const project = join(workshop, folder);
  await mkdir(project);
  const dependencies = Object.fromEntries([
    ...withOurs(packages).map((name) => [name, `file:${tarballs.get(name)}`]),
    ...others.map(({ sdk, range }) => [sdk, range]),
  ]);
  await writeFile(join(project, 'package.json'), JSON.stringify({ private: true, dependencies }));
  await run('npm', ['install', ...INSTALL_FLAGS], project);
  return project;
}

function withOurs(packages: readonly string[]): string[] {
  const all = new Set(packages);
  for (const name of all) {
    for (const dependency of Object.keys(manifests.get(name)?.dependencies ?? {})) {
      if (manifests.has(dependency)) all.add(dependency);
    }
  }
  return [...all];
}

async function run(command: string, args: readonly string[], cwd: string, env: object = {}) {
  try {
    const options = { cwd, env: { ...process.env, ...env }, maxBuffer: 2 ** 24 };
    return await promisify(execFile)(command, args, options);
  } catch (error) {
    const { stdout, stderr } = error as { stdout?: string; stderr?: string };
    throw new Error(`${command} ${args.join(' ')}\n${stdout}\n${stderr}`, { cause: error });
  }
}
