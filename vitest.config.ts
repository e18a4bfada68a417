import { defineConfig } from 'vitest/config';

/** The tests of the whole workspace in one Vitest: `pnpm vitest`, `pnpm vitest --project @stratagem/core`. */
export default defineConfig({
  test: {
    projects: [
      'packages/*/vitest.config.ts',
      'packages/*/*/vitest.config.ts',
      'apps/*/vitest.config.ts',
      'benchmarks/vitest.config.ts',
      'scripts/repository/vitest.config.ts',
    ],
  },
});
