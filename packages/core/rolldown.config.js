import { defineConfig } from 'rolldown';
import manifest from './package.json' with { type: 'json' };

const entries = Object.values(manifest.exports).flatMap(
  (target) => target['@stratagem/source'] ?? [],
);

/** One file an entry, and what they share: importing twenty small files costs more than their code. */
export default defineConfig({
  input: Object.fromEntries(
    entries.map((source) => [source.replace('./src/', '').replace('.ts', ''), source]),
  ),
  external: ['zod', /^node:/],
  output: {
    dir: 'dist',
    cleanDir: true,
    sourcemap: true,
    // The declarations have them, and the source beside them; reading them costs time.
    comments: { legal: true, annotation: true, jsdoc: false },
    chunkFileNames: 'shared-[hash].js',
  },
});
