import { gzipSync } from 'node:zlib';
import { type OutputChunk, type RolldownOptions, rolldown } from 'rolldown';
import { beforeAll, expect, test } from 'vitest';

/** Kilobytes that importing an entry of core loads, minified and compressed. */
const LIMITS = [
  ['index', 98],
  ['strategy', 13.4],
  ['journal', 14.4],
  ['runner', 35.2],
] as const;

const config = new URL('../../packages/core/rolldown.config.js', import.meta.url);

let chunks: Map<string, OutputChunk>;

/** The files of the build, minified. */
beforeAll(async () => {
  const loaded: { default: Promise<RolldownOptions> } = await import(config.href);
  const options = await loaded.default;
  const bundle = await rolldown(options);
  const { output } = await bundle.generate({ ...options.output, sourcemap: false, minify: true });
  await bundle.close();
  chunks = new Map(
    output.flatMap((part) => (part.type === 'chunk' ? [[part.fileName, part]] : [])),
  );
});

test.each(LIMITS)('the entry %s stays below %d kB, minified and compressed', (name, limit) => {
  const loaded = new Set([`${name}.js`]);
  for (const file of loaded) {
    for (const imported of chunks.get(file)?.imports ?? []) loaded.add(imported);
  }
  const code = [...loaded].map((file) => chunks.get(file)?.code ?? '').join('');
  const bytes = gzipSync(code).length;
  expect(bytes / 1000).toBeLessThanOrEqual(limit);
});
