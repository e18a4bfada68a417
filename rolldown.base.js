import { readFileSync } from 'node:fs';
import { findPackageJSON } from 'node:module';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { defineConfig, rolldown } from 'rolldown';

/**
 * How a package is bundled. Opening a file takes as long as reading 20 kB of code, so code that is loaded
 * together is in one file.
 *
 * @param cwd The directory of the package; its package.json has the entries.
 * @param programs Further entries, which no other package imports: names and sources.
 * @param smallEntries Entries that need little of what the first entry loads: what they share with it
 * becomes a file of its own, so that importing one of them does not load the rest.
 * @param inlined Dependencies whose used code is copied, with their licenses: for those that take much
 * longer to import whole.
 */
export async function bundle(cwd, { programs = {}, smallEntries = [], inlined = [] } = {}) {
  const manifest = JSON.parse(readFileSync(join(cwd, 'package.json'), 'utf8'));
  const entries = new Map([
    ...Object.entries(programs),
    ...Object.values(manifest.exports).flatMap((target) => {
      const source = target['@stratagem/source'];
      return source === undefined ? [] : [[nameOf(source), source]];
    }),
  ]);
  const external = [/^node:/, ...dependenciesOf(manifest, inlined)];
  const [[, first]] = entries;
  const main = await modulesOf(first, { cwd, external });
  const base = new Set();
  const small = new Map();
  for (const name of smallEntries) {
    for (const [id, ids] of await modulesOf(entries.get(name), { cwd, external }))
      small.set(id, ids);
  }
  const imports = new Map([...main, ...small]);
  for (const id of small.keys()) if (main.has(id)) addWithImports(base, id, imports);
  return defineConfig({
    cwd,
    input: Object.fromEntries(entries),
    external,
    // An import of anything else cannot work in an installed package.
    onLog(level, log, handler) {
      if (log.code === 'UNRESOLVED_IMPORT') throw new Error(log.message);
      // A module that one entry imports later may be imported at once by another.
      if (log.code !== 'INEFFECTIVE_DYNAMIC_IMPORT') handler(level, log);
    },
    preserveEntrySignatures: 'allow-extension',
    output: {
      dir: 'dist',
      cleanDir: true,
      sourcemap: true,
      // The package has them beside the build.
      sourcemapExcludeSources: true,
      // The declarations have them, and the source beside them; reading them costs time.
      comments: { legal: true, annotation: true, jsdoc: false },
      // Other characters would make the engine keep and read two bytes for each character of a file.
      charset: 'ascii',
      chunkFileNames: 'shared-[hash].js',
      banner: ({ moduleIds }) => {
        const names = inlined.filter((name) => moduleIds.some((id) => isOf(name, id)));
        return names.map((name) => licenseOf(name, cwd)).join('');
      },
      codeSplitting: {
        includeDependenciesRecursively: false,
        groups: [
          { name: 'base', test: (id) => base.has(id) },
          { name: 'main', test: (id) => main.has(id) && !base.has(id) },
          ...inlined.map((name) => ({ name, test: (id) => isOf(name, id) })),
        ],
      },
    },
  });
}

/** What the package declares: an import of anything else is an error. */
function dependenciesOf({ dependencies, peerDependencies }, inlined) {
  const names = Object.keys({ ...dependencies, ...peerDependencies });
  return names.filter((name) => !inlined.includes(name)).map((name) => new RegExp(`^${name}(/|$)`));
}

function isOf(name, id) {
  return id.replaceAll('\\', '/').includes(`/node_modules/${name}/`);
}

/** The license of an inlined package, as a comment that minifiers keep. */
function licenseOf(name, cwd) {
  const directory = dirname(findPackageJSON(name, pathToFileURL(join(cwd, 'package.json'))));
  return `/*!\n${name}\n\n${readFileSync(join(directory, 'LICENSE'), 'utf8').trim()}\n*/\n`;
}

function nameOf(source) {
  return source.replace('./src/', '').replace('.ts', '');
}

/**
 * The modules that importing an entry loads, and what each of them imports; those that are imported later
 * are left out.
 */
async function modulesOf(entry, options) {
  const imports = new Map();
  const bundle = await rolldown({
    ...options,
    input: entry,
    logLevel: 'silent',
    plugins: [
      {
        name: 'imports',
        moduleParsed: ({ id, importedIds }) => {
          imports.set(id, [...importedIds]);
        },
      },
    ],
  });
  const { output } = await bundle.generate();
  await bundle.close();
  const chunks = new Map(output.map((chunk) => [chunk.fileName, chunk]));
  const modules = new Map();
  const visited = new Set();
  const visit = (fileName) => {
    const chunk = chunks.get(fileName);
    if (chunk === undefined || visited.has(fileName)) return;
    visited.add(fileName);
    for (const id of chunk.moduleIds) modules.set(id, imports.get(id) ?? []);
    chunk.imports.forEach(visit);
  };
  visit(output.find(({ isEntry }) => isEntry).fileName);
  return modules;
}

/** Adds a module and all that it imports: no file may import in a circle. */
function addWithImports(modules, id, imports) {
  if (modules.has(id) || !imports.has(id)) return;
  modules.add(id);
  for (const imported of imports.get(id)) addWithImports(modules, imported, imports);
}
