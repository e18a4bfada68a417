import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { rolldown } from 'rolldown';
import { expect, test } from 'vitest';

const root = join(import.meta.dirname, '../..');

/** Kilobytes of an entry with everything of ours that it loads, minified and compressed. */
const LIMITS = [['packages/core/src/index.ts', 51.5]] as const;

test.each(LIMITS)('%s stays below %d kB, minified and compressed', async (entry, limit) => {
  const bundle = await rolldown({
    input: join(root, entry),
    external: [/^[^./]/],
  });
  const { output } = await bundle.generate({ format: 'esm', minify: true, codeSplitting: false });
  const bytes = output.reduce(
    (sum, part) => sum + (part.type === 'chunk' ? gzipSync(part.code).length : 0),
    0,
  );
  expect(bytes / 1000).toBeLessThanOrEqual(limit);
});
