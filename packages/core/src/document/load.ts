import { OptionError, StratagemError } from '../contract/errors.js';
import type { ItemStream } from '../contract/for-each.js';
import type { PlanProblem } from '../contract/plan-error.js';
import { isRecord } from '../util/record.js';
import { DEFAULT_MAX_DEPTH } from '../validate/plan.js';
import {
  type ParsedDocument,
  type ParsedFile,
  type ParsedPlan,
  parseDocument,
  parsedPlan,
} from './parse.js';

/** A plan file as data. */
export interface PlanFile {
  /** What names it in messages, such as its path; files with the same name are one file. */
  readonly file: string;
  /** Its parsed JSON or YAML. */
  readonly value: unknown;
}

/**
 * Reads the plan file of a module.
 *
 * @param path As it is written in the other file: `./review.yaml`.
 * @param from The file that names it.
 * @throws {PlanFileError} when it cannot be used, which becomes a problem of the file that names it. Any
 * other error ends the loading.
 */
export type ReadPlanFile = (path: string, from: string) => PlanFile | Promise<PlanFile>;

/**
 * Finds the file with rows that a fan-out names (`forEach: { file }`). The rows are read while the plan
 * runs, with the function that it returns; see `ItemStream.open`.
 *
 * @param path As it is written in the plan file: `./reviews.jsonl`.
 * @param from The plan file that names it.
 * @throws {PlanFileError} when it cannot be used.
 */
export type FindRows = (
  path: string,
  from: string,
) => ItemStream['open'] | Promise<ItemStream['open']>;

/** Why the file of a module, or of rows, cannot be used: a sentence that continues its path. */
export class PlanFileError extends StratagemError {
  constructor(message: string, options?: ErrorOptions) {
    super('invalid_plan', message, options);
  }
}

/**
 * Checks a plan file with the files of its modules, each of which is read and parsed once.
 *
 * @param findRows Finds the rows of fan-outs over files; without it, such a fan-out is a problem.
 * @throws {PlanError} with every problem of all of these files.
 * @throws {OptionError} without a file or a function.
 *
 * @example
 * const { plan } = await loadPlanDocument({ file: 'plan.json', value }, async (path) => {
 *   const file = join(folder, path);
 *   return { file, value: JSON.parse(await readFile(file, 'utf8')) };
 * });
 */
export async function loadPlanDocument(
  root: PlanFile,
  read: ReadPlanFile,
  findRows?: FindRows,
): Promise<ParsedPlan> {
  if (typeof root?.file !== 'string') {
    throw new OptionError('loadPlanDocument() takes a file, like { file: "plan.json", value }');
  }
  if (typeof read !== 'function') {
    throw new OptionError('loadPlanDocument() takes a function that reads the files of modules');
  }
  if (findRows !== undefined && typeof findRows !== 'function') {
    throw new OptionError('loadPlanDocument() takes a function that finds rows');
  }
  const loader = new Loader(read, findRows);
  const document = await loader.load(root, undefined);
  return parsedPlan({ ...document, problems: [...loader.problems, ...document.problems] });
}

/** Files are looked for as deep as tasks may be nested. */
const TOO_DEEP = `is nested deeper than ${DEFAULT_MAX_DEPTH} levels`;

class Loader {
  readonly problems: PlanProblem[] = [];
  readonly #read: ReadPlanFile;
  readonly #findRows: FindRows | undefined;
  readonly #known = new Map<string, ParsedFile>();
  /** The files around the one that is loaded. */
  readonly #around: string[] = [];

  constructor(read: ReadPlanFile, findRows: FindRows | undefined) {
    this.#read = read;
    this.#findRows = findRows;
  }

  /** @param file The name of a module; undefined for the plan of the run. */
  async load(given: PlanFile, file: string | undefined): Promise<ParsedDocument> {
    this.#around.push(given.file);
    const files = new Map<string, ParsedFile | string | undefined>();
    const rows = new Map<string, ItemStream['open'] | string>();
    for (const { path, hasRows } of filesIn(given.value)) {
      if (!hasRows && !files.has(path)) files.set(path, await this.#fileAt(path, given.file));
      if (hasRows && !rows.has(path)) rows.set(path, await this.#rowsAt(path, given.file));
    }
    this.#around.pop();
    const { size } = rows;
    return parseDocument(given.value, {
      file,
      isModule: file !== undefined,
      fileAt: (path) => files.get(path),
      ...(size > 0 && { rowsAt: (path) => rows.get(path) ?? TOO_DEEP }),
    });
  }

  /** @returns Why there are none, if there are none. */
  async #rowsAt(path: string, from: string): Promise<ItemStream['open'] | string> {
    if (this.#findRows === undefined) return 'cannot be read here: pass a function that finds rows';
    if (path === '-') return 'must be a file: a resumed run reads it again, unlike standard input';
    try {
      return await this.#findRows(path, from);
    } catch (error) {
      if (error instanceof PlanFileError) return error.message;
      throw error;
    }
  }

  /** @returns Why it cannot be used, if it cannot. */
  async #fileAt(path: string, from: string): Promise<ParsedFile | string> {
    let found: PlanFile;
    try {
      found = await this.#read(path, from);
    } catch (error) {
      if (error instanceof PlanFileError) return error.message;
      throw error;
    }
    const { file } = found;
    const start = this.#around.indexOf(file);
    if (start >= 0) {
      const files = [...this.#around.slice(start), file];
      return `plan files contain each other: ${files.join(' → ')} (each contains the next)`;
    }
    const known = this.#known.get(file);
    if (known !== undefined) return known;
    if (this.#around.length >= DEFAULT_MAX_DEPTH) {
      return `is in modules that are nested deeper than ${DEFAULT_MAX_DEPTH} levels`;
    }
    const document = await this.load(found, file);
    this.problems.push(...document.problems);
    const label = file.slice(Math.max(file.lastIndexOf('/'), file.lastIndexOf('\\')) + 1);
    const parsed = { ...document, uses: located(document, file), label };
    this.#known.set(file, parsed);
    return parsed;
  }
}

function located({ uses }: ParsedDocument, file: string): ParsedDocument['uses'] {
  return uses.map((use) => ({ file, ...use }));
}

/** A file that a task names. */
interface NamedFile {
  readonly path: string;
  /** Whether it has rows; otherwise it is a plan file. */
  readonly hasRows: boolean;
}

/** The files that the tasks of a document name, at any depth. */
function filesIn(document: unknown): NamedFile[] {
  const named: NamedFile[] = [];
  const visit = (tasks: unknown, depth: number) => {
    if (!Array.isArray(tasks) || depth > DEFAULT_MAX_DEPTH) return;
    for (const task of tasks) {
      if (!isRecord(task)) continue;
      const { plan, subtasks, forEach } = task;
      if (isRecord(forEach) && typeof forEach.file === 'string') {
        named.push({ path: forEach.file, hasRows: true });
      }
      if (typeof plan === 'string') named.push({ path: plan, hasRows: false });
      else if (isRecord(plan)) visit(plan.tasks, depth + 1);
      visit(subtasks, depth + 1);
    }
  };
  if (isRecord(document)) visit(document.tasks, 1);
  return named;
}
