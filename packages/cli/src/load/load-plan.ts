import { dirname, resolve } from 'node:path';
import { formatProblem, PlanError, type PlanProblem } from '@stratagem/core';
import { loadPlanDocument, type ParsedPlan, PlanFileError } from '@stratagem/core/document';
import type { LineCounter } from 'yaml';
import { type Profiles, plainProfiles } from '../options/profiles.js';
import type { ModuleFlags } from '../options/run-flags.js';
import type { Settings } from '../settings/settings.js';
import { findRows } from './find-rows.js';
import { type FileProblem, InvalidFileError, problemsIn } from './invalid-file.js';
import { ModuleFiles } from './module-files.js';
import { parseSource } from './parse-source.js';
import { readSource } from './read-source.js';
import type { Source } from './source.js';

export interface LoadedPlan extends Omit<ParsedPlan, 'models'> {
  /** The profiles of the plan file, and those of the configuration file that it does not have. */
  readonly models?: Profiles | undefined;
  /** The folder of the file, from which the paths of attachments begin. */
  readonly directory?: string;
  /** The files that the plan consists of: its own and those of its modules. */
  readonly files?: readonly string[];
}

export interface LoadOptions {
  /** The profiles of the configuration file; those of the plan come first. */
  readonly models?: Profiles | undefined;
  /** Whether modules may be files outside of the folder of the plan. */
  readonly allowOutside?: boolean | undefined;
  /** Gets the path of each module, also of one that is missing. */
  readonly onModule?: ((file: string) => void) | undefined;
}

/** How the plan file of a command is read. */
export function loadOptions({ allowOutside }: ModuleFlags, { models }: Settings): LoadOptions {
  return { models, allowOutside };
}

/**
 * Reads a plan from a YAML or JSON file, or from standard input for `-`, and the files of its modules.
 *
 * @throws {InvalidFileError} with every problem and its place in its file.
 */
export async function loadPlan(file: string, options: LoadOptions = {}): Promise<LoadedPlan> {
  const name = file === '-' ? '<stdin>' : file;
  const parsed = await parsePlan(await readSource(file, name), name, options);
  return file === '-' ? parsed : { ...parsed, directory: dirname(resolve(file)) };
}

/**
 * Parses the text of a plan file, and reads the files of its modules.
 *
 * @param name The name of the text in messages, such as `plan.yaml`; modules are found from there.
 * @throws {InvalidFileError} with every problem and its place in its text.
 */
export async function parsePlan(
  text: string,
  name: string,
  { models, allowOutside = false, onModule }: LoadOptions = {},
): Promise<LoadedPlan> {
  const sources = new Map<string, ParsedText>();
  const root = parseText(text, name, name);
  sources.set(name, root);
  /** The syntax errors of modules. */
  const broken = new Map<string, FileProblem[]>();
  const modules = new ModuleFiles(name, allowOutside, onModule);
  const dataFiles: string[] = [];
  try {
    const loaded = await loadPlanDocument(
      { file: name, value: withModels(root.source.value, models) },
      async (path, from) => {
        const file = await modules.find(path, from);
        let parsed = sources.get(file);
        if (parsed === undefined && !broken.has(file)) {
          const { lines, source, problems = [] } = parseSource(await modules.read(file));
          if (source === undefined) broken.set(file, problemsIn(file, lines, problems));
          else {
            parsed = { lines, source };
            sources.set(file, parsed);
          }
        }
        // The other files may have problems as well.
        if (parsed === undefined) throw new PlanFileError(brokenModule(file));
        return { file, value: parsed.source.value };
      },
      async (path, from) => {
        const file = await modules.find(path, from);
        dataFiles.push(file);
        return findRows(file);
      },
    );
    if (isClean(sources)) {
      return {
        ...withServers(loaded, root.source.value, models),
        files: [...sources.keys(), ...dataFiles],
      };
    }
    throw invalid(name, sources, broken, []);
  } catch (error) {
    if (!(error instanceof PlanError)) throw error;
    // The errors of the file itself say more.
    const follow = new Set(Array.from(broken.keys(), brokenModule));
    const problems = error.problems.filter(({ message }) => !follow.has(message));
    throw invalid(name, sources, broken, problems);
  }
}

function brokenModule(file: string): string {
  return `${file} has syntax errors`;
}

/** A file whose syntax is right. */
interface ParsedText {
  readonly lines: LineCounter;
  readonly source: Source;
}

/** @param plan The name of the plan that the file belongs to. */
function parseText(text: string, name: string, plan: string): ParsedText {
  const { lines, source, problems } = parseSource(text);
  if (problems === undefined) return { lines, source };
  throw new InvalidFileError(plan, 'plan', problemsIn(name, lines, problems));
}

function isClean(sources: ReadonlyMap<string, ParsedText>): boolean {
  return [...sources.values()].every(({ source }) => source.problems.length === 0);
}

/** The error for problems of a plan and its modules, each with its place in its file. */
function invalid(
  name: string,
  sources: ReadonlyMap<string, ParsedText>,
  broken: ReadonlyMap<string, readonly FileProblem[]>,
  problems: readonly PlanProblem[],
): InvalidFileError {
  const all: FileProblem[] = [];
  for (const [file, { lines, source }] of sources) {
    const reported = new Set(source.problems.map(({ offset }) => offset));
    const own = problems.filter((problem) => (problem.file ?? name) === file);
    const placed = own
      .map(({ file: _, ...problem }) => ({
        offset: source.offsetOf(problem),
        code: problem.code,
        message: formatProblem(problem),
      }))
      // An undefined alias reads as null, which must not be reported a second time.
      .filter(({ offset }) => !reported.has(offset));
    all.push(...problemsIn(file, lines, [...source.problems, ...placed]));
  }
  return new InvalidFileError(name, 'plan', [...all, ...[...broken.values()].flat()]);
}

/** Adds the profiles of the configuration file, so that the tasks may name them. */
function withModels(value: unknown, models: Profiles | undefined): unknown {
  if (models === undefined || typeof value !== 'object' || value === null) return value;
  const { models: own } = value as { models?: unknown };
  const isWrong = own !== undefined && (typeof own !== 'object' || own === null);
  return isWrong
    ? value
    : { ...value, models: { ...plainProfiles(models), ...(own as object | undefined) } };
}

/** The profiles of the configuration file have servers and code, which no plan file may name. */
function withServers(loaded: ParsedPlan, value: unknown, models: Profiles | undefined): LoadedPlan {
  if (models === undefined || loaded.models === undefined) return loaded;
  const own = (value as { models?: object }).models ?? {};
  const merged = Object.entries(loaded.models).map(([name, profile]) => [
    name,
    Object.hasOwn(own, name) ? profile : (models[name] ?? profile),
  ]);
  return { ...loaded, models: Object.fromEntries(merged) };
}
