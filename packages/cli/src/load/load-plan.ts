import { formatProblem, PlanError } from '@stratagem/core';
import { type ParsedPlan, parsePlanDocument } from '@stratagem/core/document';
import type { LineCounter } from 'yaml';
import type { Profiles } from '../options/resolve-runners.js';
import { UsageError } from '../options/usage-error.js';
import { onOneLine } from '../output/terminal-text.js';
import { parseSource } from './parse-source.js';
import { readSource } from './read-source.js';
import type { SourceProblem } from './source.js';

/** More problems than this are counted instead of listed. */
const MAX_SHOWN = 100;
const MAX_PROBLEM_WIDTH = 1_000;

export type LoadedPlan = ParsedPlan;

/**
 * Reads a plan from a YAML or JSON file, or from standard input for `-`.
 *
 * @param models The profiles of the configuration file; those of the plan come first.
 * @throws {UsageError} with every problem and its place in the file.
 */
export async function loadPlan(file: string, models?: Profiles): Promise<LoadedPlan> {
  const name = file === '-' ? '<stdin>' : file;
  return parsePlan(await readSource(file, name), name, models);
}

/**
 * Parses the text of a plan file.
 *
 * @param name The name of the text in messages, such as `plan.yaml`.
 * @throws {UsageError} with every problem and its place in the text.
 */
export function parsePlan(text: string, name: string, models?: Profiles): LoadedPlan {
  const { lines, source, problems } = parseSource(text);
  if (problems !== undefined) throw invalidPlan(name, lines, problems);
  try {
    const loaded = parsePlanDocument(withModels(source.value, models));
    if (source.problems.length > 0) throw invalidPlan(name, lines, source.problems);
    return loaded;
  } catch (error) {
    if (!(error instanceof PlanError)) throw error;
    const reported = new Set(source.problems.map(({ offset }) => offset));
    const placed = error.problems
      .map((problem) => ({ offset: source.offsetOf(problem), message: formatProblem(problem) }))
      // An undefined alias reads as null, which must not be reported a second time.
      .filter(({ offset }) => !reported.has(offset));
    throw invalidPlan(name, lines, [...source.problems, ...placed]);
  }
}

/** Adds the profiles of the configuration file, so that the tasks may name them. */
function withModels(value: unknown, models: Profiles | undefined): unknown {
  if (models === undefined || typeof value !== 'object' || value === null) return value;
  const { models: own } = value as { models?: unknown };
  const isWrong = own !== undefined && (typeof own !== 'object' || own === null);
  return isWrong ? value : { ...value, models: { ...models, ...(own as object | undefined) } };
}

function invalidPlan(
  name: string,
  lines: LineCounter,
  problems: readonly SourceProblem[],
): UsageError {
  const inOrder = problems.toSorted((a, b) => a.offset - b.offset);
  const shown = inOrder.slice(0, MAX_SHOWN).map(({ offset, message }) => {
    const { line, col } = lines.linePos(offset);
    return `${name}:${line}:${col}  ${onOneLine(message, MAX_PROBLEM_WIDTH)}`;
  });
  if (problems.length > shown.length) shown.push(`… and ${problems.length - shown.length} more`);
  const count = problems.length === 1 ? '1 problem' : `${problems.length} problems`;
  return new UsageError(`${shown.join('\n')}\n\n${name} is not a valid plan: ${count}.`);
}
