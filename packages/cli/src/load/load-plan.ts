import { dirname, resolve } from 'node:path';
import { formatProblem, PlanError } from '@stratagem/core';
import { type ParsedPlan, parsePlanDocument } from '@stratagem/core/document';
import { type Profiles, plainProfiles } from '../options/profiles.js';
import { InvalidFileError, problemsIn } from './invalid-file.js';
import { parseSource } from './parse-source.js';
import { readSource } from './read-source.js';

export interface LoadedPlan extends Omit<ParsedPlan, 'models'> {
  /** The profiles of the plan file, and those of the configuration file that it does not have. */
  readonly models?: Profiles | undefined;
  /** The folder of the file, from which the paths of attachments begin. */
  readonly directory?: string;
}

/**
 * Reads a plan from a YAML or JSON file, or from standard input for `-`.
 *
 * @param models The profiles of the configuration file; those of the plan come first.
 * @throws {InvalidFileError} with every problem and its place in the file.
 */
export async function loadPlan(file: string, models?: Profiles): Promise<LoadedPlan> {
  const name = file === '-' ? '<stdin>' : file;
  const parsed = parsePlan(await readSource(file, name), name, models);
  return file === '-' ? parsed : { ...parsed, directory: dirname(resolve(file)) };
}

/**
 * Parses the text of a plan file.
 *
 * @param name The name of the text in messages, such as `plan.yaml`.
 * @throws {InvalidFileError} with every problem and its place in the text.
 */
export function parsePlan(text: string, name: string, models?: Profiles): LoadedPlan {
  const { lines, source, problems } = parseSource(text);
  const invalid = (all: Parameters<typeof problemsIn>[2]) =>
    new InvalidFileError(name, 'plan', problemsIn(name, lines, all));
  if (problems !== undefined) throw invalid(problems);
  try {
    const loaded = withServers(
      parsePlanDocument(withModels(source.value, models)),
      source.value,
      models,
    );
    if (source.problems.length > 0) throw invalid(source.problems);
    return loaded;
  } catch (error) {
    if (!(error instanceof PlanError)) throw error;
    const reported = new Set(source.problems.map(({ offset }) => offset));
    const placed = error.problems
      .map((problem) => ({
        offset: source.offsetOf(problem),
        code: problem.code,
        message: formatProblem(problem),
      }))
      // An undefined alias reads as null, which must not be reported a second time.
      .filter(({ offset }) => !reported.has(offset));
    throw invalid([...source.problems, ...placed]);
  }
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
