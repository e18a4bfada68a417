import { defineConfig, type Plugin } from 'vitest/config';

/**
 * Loads the modules that core loads when it needs them together with those that import them. A module
 * loads in real time, and the virtual time of a test would pass meanwhile.
 */
const eagerImports: Plugin = {
  name: 'eager-imports',
  enforce: 'post',
  transform(code, file) {
    if (!/\/packages\/core\/src\/.*(?<!\.test)\.ts$/.test(file)) return;
    const modules: string[] = [];
    const eager = code.replace(/\bimport\((["']\.[^"']+["'])\)/g, (_, module) => {
      modules.push(module);
      return `Promise.resolve(eager${modules.length - 1})`;
    });
    if (modules.length === 0) return;
    const imports = modules.map((module, n) => `import * as eager${n} from ${module};`);
    return { code: `${eager}\n${imports.join('\n')}`, map: null };
  },
};

export default defineConfig({
  plugins: [eagerImports],
  // Packages see each other's source, so that no build stands between an edit and a test.
  ssr: { resolve: { conditions: ['@stratagem/source', 'node', 'development|production'] } },
  test: {
    include: ['src/**/*.test.ts'],
    // A limit for what hangs, not for what is slow: the packages' tests share the machine.
    testTimeout: 300_000,
    hookTimeout: 300_000,
    // The same holds for what a test polls for.
    expect: { poll: { timeout: 100_000 } },
    reporters: ['default', ['json', { outputFile: 'test-results.json' }]],
  },
});
