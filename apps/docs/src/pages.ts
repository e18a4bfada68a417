import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join, posix } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The root of the repository. */
export const root = fileURLToPath(new URL('../../..', import.meta.url));
const SOURCE = 'https://github.com/stratagem/stratagem/blob/main/';

/** The files of the repository that match, with `/` between folders on every system. */
export function repositoryFiles(pattern: string): string[] {
  return globSync(pattern, { cwd: root, exclude: (name) => name.includes('node_modules') })
    .map((file) => file.replaceAll('\\', '/'))
    .sort();
}

/** Where each Markdown file of the repository is on the site. */
export const PAGES: ReadonlyMap<string, string> = new Map(
  [
    ...repositoryFiles('docs/**/*.md').map((file) => [file, file.slice('docs/'.length)]),
    ...repositoryFiles('packages/{*,*/*}/README.md')
      .filter((file) => isPublished(dirname(file)))
      .map((file) => [file, `packages/${nameOf(dirname(file))}.md`]),
    ['apps/docs/home.md', 'index.md'],
    ['apps/examples/README.md', 'examples.md'],
    ['benchmarks/README.md', 'benchmarks.md'],
    ['ARCHITECTURE.md', 'architecture.md'],
    ['CONTRIBUTING.md', 'contributing.md'],
  ]
    .map((pair) => pair as [string, string])
    .filter(([file]) => existsSync(join(root, file)))
    .sort(([a], [b]) => (a < b ? -1 : 1)),
);

/** Where a link of a file leads: on the site, in the repository on GitHub, or elsewhere. */
export function siteLink(file: string, target: string): string {
  if (/^[a-z][a-z+.-]*:|^#|^\//.test(target)) return target;
  const [path = '', anchor] = target.split('#');
  const found = posix.normalize(posix.join(posix.dirname(file), path));
  if (found.startsWith('..')) throw new Error(`${file}: ${target} is outside the repository`);
  const at = (page: string) => {
    const relative = posix.relative(posix.dirname(PAGES.get(file) as string), page);
    const link = relative.startsWith('.') ? relative : `./${relative}`;
    return anchor === undefined ? link : `${link}#${anchor}`;
  };
  const page = PAGES.get(found) ?? PAGES.get(posix.join(found, 'README.md'));
  if (page !== undefined) return at(page);
  if (found.startsWith('docs/') && existsSync(join(root, found)))
    return at(found.slice('docs/'.length));
  if (!existsSync(join(root, found))) throw new Error(`${file}: there is no ${found}`);
  return `${SOURCE}${found}${anchor === undefined ? '' : `#${anchor}`}`;
}

interface Manifest {
  readonly name: string;
  readonly private?: boolean;
}

function manifestOf(folder: string): Manifest {
  return JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8'));
}

function isPublished(folder: string): boolean {
  return existsSync(join(root, folder, 'package.json')) && manifestOf(folder).private !== true;
}

function nameOf(folder: string): string {
  return manifestOf(folder).name.replace('@stratagem/', '');
}
