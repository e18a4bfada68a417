import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Converter, ReflectionKind } from 'typedoc';

const root = join(import.meta.dirname, '../..');

/** Each public entry of each published package: its file, and the name to import it by. */
const entries = new Map();
for (const file of globSync('packages/{*,*/*}/package.json', { cwd: root }).sort()) {
  const {
    name,
    private: isPrivate,
    exports = {},
  } = JSON.parse(readFileSync(join(root, file), 'utf8'));
  if (isPrivate) continue;
  for (const [entry, { '@stratagem/source': source }] of Object.entries(exports)) {
    if (source?.endsWith('.ts')) entries.set(join(root, file, '..', source), name + entry.slice(1));
  }
}

/** Names each module as it is imported. */
function nameModules(app) {
  app.converter.on(Converter.EVENT_CREATE_DECLARATION, (context, reflection) => {
    if (!reflection.kindOf(ReflectionKind.Module)) return;
    const { fileName } =
      context.getSymbolFromReflection(reflection)?.declarations?.[0]?.getSourceFile() ?? {};
    const name = entries.get(fileName);
    if (name !== undefined) reflection.name = name;
  });
}

export default {
  name: 'API',
  entryPoints: [...entries.keys()],
  tsconfig: 'tsconfig.api.json',
  plugin: ['typedoc-plugin-markdown', nameModules],
  out: 'site/api',
  skipErrorChecking: true,
  excludeInternal: true,
  excludePrivate: true,
  disableSources: true,
  readme: 'none',
  githubPages: false,
  router: 'module',
  entryFileName: 'index.md',
  hideBreadcrumbs: true,
  hidePageHeader: true,
  parametersFormat: 'table',
  interfacePropertiesFormat: 'table',
  typeDeclarationFormat: 'table',
  logLevel: 'Error',
};
