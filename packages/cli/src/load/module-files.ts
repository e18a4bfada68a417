import { readdir, realpath } from 'node:fs/promises';
import { basename, dirname, isAbsolute, join, normalize, relative, resolve, sep } from 'node:path';
import { PlanFileError } from '@stratagem/core/document';
import { didYouMean } from '@stratagem/core/runner';
import { UsageError } from '../options/usage-error.js';
import { readSource } from './read-source.js';

/** The most files of one plan. */
const MAX_FILES = 1_000;

/** Finds the files of modules within the folder of the plan; symbolic links are followed first. */
export class ModuleFiles {
  readonly #plan: string;
  readonly #allowOutside: boolean;
  readonly #onModule: ((file: string) => void) | undefined;
  /** The names of files by their real paths, so that each file has one name. */
  readonly #names = new Map<string, string>();

  /** @param plan The name of the plan file; paths in a plan from standard input begin in this folder. */
  constructor(plan: string, allowOutside: boolean, onModule?: (file: string) => void) {
    this.#plan = plan === '<stdin>' ? '-' : plan;
    this.#allowOutside = allowOutside;
    this.#onModule = onModule;
  }

  /**
   * The name of the file that another one names.
   *
   * @throws {PlanFileError} when there is no such file, or it is outside of the folder of the plan.
   */
  async find(path: string, from: string): Promise<string> {
    const name = isAbsolute(path) ? normalize(path) : join(dirname(from), path);
    const folder = resolve(dirname(this.#plan));
    // Before anything is looked up: whether a file exists elsewhere is not the business of a plan.
    this.#requireInside(folder, resolve(name));
    this.#onModule?.(name);
    let real: string;
    try {
      real = await realpath(name);
    } catch (cause) {
      const { code } = cause as NodeJS.ErrnoException;
      const why = code === 'ENOENT' ? `there is no file ${name}` : `cannot be read: ${code}`;
      throw new PlanFileError(`${why}.${await similarTo(name)}`, { cause });
    }
    this.#requireInside(await realpath(folder), real);
    if (this.#names.size === 0 && this.#plan !== '-') {
      this.#names.set(await realpath(this.#plan).catch(() => resolve(this.#plan)), this.#plan);
    }
    const known = this.#names.get(real);
    if (known !== undefined) return known;
    if (this.#names.size >= MAX_FILES) {
      throw new PlanFileError(`is one of more than ${MAX_FILES} files of modules`);
    }
    this.#names.set(real, name);
    return name;
  }

  /** @throws {PlanFileError} when it cannot be read, is too large, or is not text. */
  async read(name: string): Promise<string> {
    try {
      return await readSource(name, name);
    } catch (cause) {
      if (!(cause instanceof UsageError)) throw cause;
      throw new PlanFileError(`cannot be used: ${cause.message}`, { cause });
    }
  }

  #requireInside(folder: string, file: string): void {
    if (this.#allowOutside) return;
    const path = relative(folder, file);
    if (path !== '..' && !path.startsWith(`..${sep}`) && !isAbsolute(path)) return;
    throw new PlanFileError(
      'is outside of the folder of the plan; move it there, or allow such modules with --allow-outside',
    );
  }
}

/** ` Did you mean "review.yaml"?` for a file of the same folder. */
async function similarTo(name: string): Promise<string> {
  const names = await readdir(dirname(name)).catch(() => []);
  return didYouMean(
    basename(name),
    names.filter((each) => /\.(?:ya?ml|json)$/.test(each)),
  );
}
