import { gzipSync } from 'node:zlib';
import { type OutputChunk, type RolldownOptions, rolldown } from 'rolldown';
import { beforeAll, expect, test } from 'vitest';

/** Kilobytes that importing an entry of core loads, minified and compressed. */
const LIMITS = [
  ['index', 98.7],
  ['strategy', 13.5],
  ['journal', 14.8],
  ['runner', 36.2],
] as const;

type Chunks = ReadonlyMap<string, OutputChunk>;

/** The files of the build of a package, minified. */
async function build(folder: string): Promise<Chunks> {
  const config = new URL(`../../packages/${folder}/rolldown.config.js`, import.meta.url);
  const loaded: { default: Promise<RolldownOptions> } = await import(config.href);
  const options = await loaded.default;
  const bundle = await rolldown(options);
  const { output } = await bundle.generate({ ...options.output, sourcemap: false, minify: true });
  await bundle.close();
  return new Map(output.flatMap((part) => (part.type === 'chunk' ? [[part.fileName, part]] : [])));
}

/** The files, and the other modules, that importing an entry loads. */
function loadedBy(entry: string, chunks: Chunks): string[] {
  const loaded = new Set([`${entry}.js`]);
  for (const file of loaded) {
    for (const imported of chunks.get(file)?.imports ?? []) loaded.add(imported);
  }
  return [...loaded];
}

let core: Chunks;

beforeAll(async () => {
  core = await build('core');
});

test.each(LIMITS)('the entry %s stays below %d kB, minified and compressed', (name, limit) => {
  const code = loadedBy(name, core)
    .map((file) => core.get(file)?.code ?? '')
    .join('');
  const bytes = gzipSync(code).length;
  expect(bytes / 1000).toBeLessThanOrEqual(limit);
});

test('the command line loads few files, and no parser, before a command runs', async () => {
  const chunks = await build('cli');
  const loaded = loadedBy('bin', chunks).filter((file) => !file.startsWith('node:'));
  const packages = loaded.filter((file) => !chunks.has(file));
  // It suggests the nearest names of options.
  expect(packages).toEqual(['@stratagem/core/runner']);
  const modules = loaded.flatMap((file) => chunks.get(file)?.moduleIds ?? []);
  expect(modules.filter((id) => /[\\/]node_modules[\\/](yaml|zod)[\\/]/.test(id))).toEqual([]);
  expect(loaded.length - packages.length).toBeLessThanOrEqual(4);
});
