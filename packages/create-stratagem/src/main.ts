import { existsSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { isTaken, namesOf } from './names.js';
import {
  type NewFile,
  PARTS,
  type PartName,
  partFiles,
  partTemplates,
  projectFiles,
  RUNNERS,
  type RunnerName,
} from './templates.js';

const USAGE = `usage: npm create stratagem [FOLDER] [-- --runner ${RUNNERS.join('|')}]
       npm create stratagem ${PARTS.join('|')} NAME

The first creates a project: a plan, a test on recorded answers, and a script. The others add a part
with its conformance test to the project of this folder.
`;

/** What the program needs of its process; for tests. */
export interface Surroundings {
  readonly directory: string;
  readonly out: (text: string) => void;
  readonly error: (text: string) => void;
}

const PROCESS: Surroundings = {
  directory: process.cwd(),
  out: (text) => void process.stdout.write(text),
  error: (text) => void process.stderr.write(text),
};

/** Runs the command. Returns its exit code: 0, or 2 when something is wrong with its arguments. */
export async function main(
  args: readonly string[],
  surroundings: Surroundings = PROCESS,
): Promise<number> {
  const { out, error } = surroundings;
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        runner: { type: 'string', default: 'simulated' },
        help: { type: 'boolean', short: 'h', default: false },
        version: { type: 'boolean', default: false },
      },
    });
    if (values.help) out(USAGE);
    else if (values.version) out(`${await ownVersion()}\n`);
    else out(create(positionals, values.runner, surroundings.directory));
    return 0;
  } catch (thrown) {
    error(`${(thrown as Error).message}\n`);
    return 2;
  }
}

/** @throws {Error} when the arguments are wrong, or something is in the way. */
function create(positionals: readonly string[], runner: string, directory: string): string {
  const [first = 'my-project', name, ...rest] = positionals;
  if (rest.length > 0) throw new Error(`unknown argument ${rest[0]}\n${USAGE}`);
  if (isOneOf(PARTS, first)) return createPart(first, name, directory);
  if (name !== undefined) {
    throw new Error(`${first} is no part; there are ${PARTS.join(', ')}\n${USAGE}`);
  }
  if (!isOneOf(RUNNERS, runner)) {
    throw new Error(`--runner ${runner}: there is no such runner; there are ${RUNNERS.join(', ')}`);
  }
  return createProject(first, runner, directory);
}

const COPY = process.platform === 'win32' ? 'copy' : 'cp';

/** Names that npm refuses. */
const NO_PACKAGES = ['node_modules', 'favicon.ico'];

function createProject(place: string, runner: RunnerName, directory: string): string {
  const folder = resolve(directory, place);
  const name = packageNameOf(basename(folder));
  if (place.trim() === '') throw new Error(`the name of the folder is empty\n${USAGE}`);
  if (NO_PACKAGES.includes(name)) {
    throw new Error(`no package can have the name ${name}: choose another folder`);
  }
  const found = statSync(folder, { throwIfNoEntry: false });
  if (found?.isFile()) throw new Error(`${place} is a file: choose another folder`);
  const present = found === undefined ? [] : readdirSync(folder).filter((each) => each !== '.git');
  if (present.length > 0) {
    throw new Error(`${place} is not empty: choose another folder, or remove what is there`);
  }
  write(folder, projectFiles(name, runner));
  const key =
    runner === 'simulated' ? '' : `  ${COPY} .env.example .env   # and put your key there\n`;
  const enter = place === '.' ? '' : `  cd ${quoted(place)}\n`;
  return `Created ${name}. Now:\n\n${enter}  npm install\n${key}  npm start\n  npm test\n`;
}

function createPart(part: PartName, name: string | undefined, directory: string): string {
  if (name === undefined)
    throw new Error(`which name? Such as: npm create stratagem ${part} my-${part}`);
  const names = namesOf(name);
  if (names === undefined) {
    throw new Error(
      `the name "${name}" must be like my-${part}: small letters, digits and hyphens`,
    );
  }
  if (!existsSync(join(directory, 'package.json'))) {
    throw new Error('there is no package.json here: run this in the folder of a project');
  }
  if (isTaken(names, partTemplates(part))) {
    throw new Error(`the code of a ${part} cannot have the name "${name}": choose another name`);
  }
  const files = partFiles(part, names);
  const taken = files.find(({ path }) => existsSync(join(directory, path)));
  if (taken !== undefined) throw new Error(`${taken.path} exists already: choose another name`);
  write(directory, files);
  const list = files.map(({ path }) => `  ${path}\n`).join('');
  return `Created a ${part} and its conformance test:\n\n${list}\nNow: npm test\n`;
}

function write(folder: string, files: readonly NewFile[]): void {
  for (const { path, text } of files) {
    const file = join(folder, path);
    mkdirSync(dirname(file), { recursive: true });
    // Never over a file that has come there meanwhile.
    writeFileSync(file, text, { flag: 'wx' });
  }
}

/** The name of a folder as the name of a package. */
function packageNameOf(folder: string): string {
  // An accent is left out, and its letter stays.
  const letters = folder
    .normalize('NFKD')
    .replace(/\p{Mark}/gu, '')
    .toLowerCase();
  const name = letters.replace(/[^a-z0-9._-]+/g, '-');
  return name.replace(/^[._-]+|[._-]+$/g, '') || 'my-project';
}

function isOneOf<Name extends string>(names: readonly Name[], name: string): name is Name {
  return (names as readonly string[]).includes(name);
}

async function ownVersion(): Promise<string> {
  const { readFile } = await import('node:fs/promises');
  const text = await readFile(new URL('../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { readonly version: string }).version;
}

/** A folder as a word of a command line; double quotes work in every shell. */
function quoted(folder: string): string {
  return /^[\p{L}\p{N}@+=:,./\\_-]+$/u.test(folder) ? folder : `"${folder}"`;
}
