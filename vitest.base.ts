import { defineConfig } from 'vitest/config';

export default defineConfig({
  // Packages see each other's source, so that no build stands between an edit and a test.
  ssr: { resolve: { conditions: ['@stratagem/source', 'node', 'development|production'] } },
  test: {
    include: ['src/**/*.test.ts'],
    // A limit for what hangs, not for what is slow: the packages' tests share the machine.
    testTimeout: 300_000,
    hookTimeout: 300_000,
    reporters: ['default', ['json', { outputFile: 'test-results.json' }]],
  },
});
