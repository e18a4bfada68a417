import { defineConfig, rolldown } from 'rolldown';
import manifest from './package.json' with { type: 'json' };

const entries = Object.values(manifest.exports).flatMap(
  (target) => target['@stratagem/source'] ?? [],
);
const external = ['zod', /^node:/];
const ofMain = await modulesOf('./src/index.ts');

/**
 * One file an entry, one with all that the main entry loads, and what else they share: importing thirty
 * small files takes twice as long as one with their code.
 */
export default defineConfig({
  input: Object.fromEntries(
    entries.map((source) => [source.replace('./src/', '').replace('.ts', ''), source]),
  ),
  external,
  output: {
    dir: 'dist',
    cleanDir: true,
    sourcemap: true,
    // The declarations have them, and the source beside them; reading them costs time.
    comments: { legal: true, annotation: true, jsdoc: false },
    chunkFileNames: 'shared-[hash].js',
    codeSplitting: {
      includeDependenciesRecursively: false,
      groups: [{ name: 'shared', test: (id) => ofMain.has(id) }],
    },
  },
});

/** The modules that importing an entry loads; those that it imports later are left out. */
async function modulesOf(entry) {
  const bundle = await rolldown({ input: entry, external });
  const { output } = await bundle.generate();
  await bundle.close();
  const chunks = new Map(output.map((chunk) => [chunk.fileName, chunk]));
  const modules = new Set();
  const visited = new Set();
  const visit = (fileName) => {
    const chunk = chunks.get(fileName);
    if (chunk === undefined || visited.has(fileName)) return;
    visited.add(fileName);
    for (const id of chunk.moduleIds) modules.add(id);
    chunk.imports.forEach(visit);
  };
  visit(output.find(({ isEntry }) => isEntry).fileName);
  return modules;
}
