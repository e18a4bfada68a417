import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Names, named } from './names.js';

/** A file to be written, below the folder of the project. */
export interface NewFile {
  readonly path: string;
  readonly text: string;
}

const TEMPLATES = fileURLToPath(new URL('../templates', import.meta.url));

export const RUNNERS = ['simulated', 'openai', 'anthropic'] as const;
export type RunnerName = (typeof RUNNERS)[number];

export const PARTS = ['strategy', 'provider', 'journal'] as const;
export type PartName = (typeof PARTS)[number];

/** What each runner needs besides Stratagem. */
const SDKS: Readonly<Record<RunnerName, readonly string[]>> = {
  simulated: [],
  openai: ['openai'],
  anthropic: ['@anthropic-ai/sdk'],
};

const KEYS: Readonly<Partial<Record<RunnerName, string>>> = {
  openai: 'OPENAI_API_KEY',
  anthropic: 'ANTHROPIC_API_KEY',
};

/** The files of a project. */
export function projectFiles(name: string, runner: RunnerName): NewFile[] {
  const files = readAll('project')
    .filter(({ path }) => !/^src\/runner\./.test(path))
    .map(({ path, text }) => ({
      path: path.replace(/^_git/, '.git').replace(/^_/, ''),
      text: text.replaceAll('my-project', name),
    }))
    .map((file) => (file.path === 'package.json' ? withDependencies(file, runner) : file));
  const source = runner === 'simulated' ? 'src/runner.ts' : `src/runner.${runner}.ts`;
  files.push({ path: 'src/runner.ts', text: read('project', source) });
  const key = KEYS[runner];
  if (key !== undefined) files.push({ path: '.env.example', text: `${key}=\n` });
  return files;
}

/** The code that the files of a part are made of. */
export function partTemplates(part: PartName): string[] {
  return ['my-part.ts', 'my-part.test.ts'].map((file) => read(part, file));
}

/** The files of a part: its source, and a test that runs the conformance suite on it. */
export function partFiles(part: PartName, names: Names): NewFile[] {
  const test = named(read(part, 'my-part.test.ts'), names);
  return [
    { path: `src/${names.file}.ts`, text: named(read(part, 'my-part.ts'), names) },
    {
      path: `test/${names.file}.test.ts`,
      text: test.replace(`'./${names.file}.ts'`, `'../src/${names.file}.ts'`),
    },
  ];
}

function withDependencies({ path, text }: NewFile, runner: RunnerName): NewFile {
  const manifest = JSON.parse(text) as Record<string, unknown>;
  const ours = ['core', 'parallel', 'runners', runner].map((name) => `@stratagem/${name}`);
  manifest.dependencies = ranges([...ours, ...SDKS[runner]].sort());
  manifest.devDependencies = ranges(['@types/node', 'typescript']);
  return { path, text: `${JSON.stringify(manifest, null, 2)}\n` };
}

/** The versions that this package was published with. */
function ranges(names: readonly string[]): Record<string, string> {
  const { version, peerDependencies } = JSON.parse(
    readFileSync(new URL('../package.json', import.meta.url), 'utf8'),
  ) as { readonly version: string; readonly peerDependencies: Readonly<Record<string, string>> };
  return Object.fromEntries(
    names.map((name) => {
      const range = peerDependencies[name] ?? '*';
      // In the repository itself, the protocols of its package manager.
      return [
        name,
        range.startsWith('workspace:') ? `^${version}` : range.replace('catalog:', '*'),
      ];
    }),
  );
}

function readAll(folder: string): NewFile[] {
  return readdirSync(join(TEMPLATES, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => {
      const path = join(parentPath, name).slice(join(TEMPLATES, folder).length + 1);
      return { path: path.replaceAll('\\', '/'), text: read(folder, path) };
    });
}

function read(folder: string, path: string): string {
  return readFileSync(join(TEMPLATES, folder, path), 'utf8');
}
