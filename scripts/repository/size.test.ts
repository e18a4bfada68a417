import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { rolldown } from 'rolldown';
import { expect, test } from 'vitest';

const root = join(import.meta.dirname, '../..');

/** Kilobytes that importing an entry loads of our code, minified and compressed. */
const LIMITS = [['packages/core/src/index.ts', 96]] as const;

test.each(LIMITS)('%s stays below %d kB, minified and compressed', async (entry, limit) => {
  const bundle = await rolldown({
    input: join(root, entry),
    external: [/^[^./]/],
  });
  const { output } = await bundle.generate({ format: 'esm', minify: true });
  const chunks = new Map(
    output.flatMap((part) => (part.type === 'chunk' ? [[part.fileName, part] as const] : [])),
  );
  const loaded = new Set(output.flatMap((part) => (isEntry(part) ? [part.fileName] : [])));
  for (const name of loaded) for (const next of chunks.get(name)?.imports ?? []) loaded.add(next);
  const code = [...loaded].map((name) => chunks.get(name)?.code ?? '').join('');
  const bytes = gzipSync(code).length;
  expect(bytes / 1000).toBeLessThanOrEqual(limit);
});

function isEntry(part: { readonly type: string }): boolean {
  return part.type === 'chunk' && (part as { readonly isEntry?: boolean }).isEntry === true;
}
