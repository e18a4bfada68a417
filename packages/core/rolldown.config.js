import { defineConfig } from 'rolldown';

/** One file an entry, and what they share: importing twenty small files costs more than their code. */
export default defineConfig({
  input: {
    index: 'src/index.ts',
    document: 'src/document.ts',
    provider: 'src/provider.ts',
    testing: 'src/testing.ts',
  },
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
