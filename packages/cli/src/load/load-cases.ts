import { dirname, extname, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { formatProblem, type PlanProblem } from '@stratagem/core';
import { CasesError, type EvalCase, parseCases } from '@stratagem/evals';
import { UsageError } from '../options/usage-error.js';
import { COMMAND } from '../output/command-name.js';
import { InvalidFileError, problemsIn } from './invalid-file.js';
import { describeLoadError } from './load-error.js';
import { parseSource } from './parse-source.js';
import { readSource } from './read-source.js';

/** Cases of a file, and where they are in it. */
export interface LoadedCases {
  readonly cases: readonly EvalCase[];
  /** An error about these cases, with the lines of the file. */
  readonly located: (error: CasesError) => UsageError;
}

const TABLES = ['.csv', '.tsv', '.jsonl', '.ndjson'];
const NO_TABLE = `cases are in a YAML or JSON file, such as:

  cases:
    - name: apple
      inputs: { company: Apple }
      expect: [{ contains: Apple }]

A table has rows, without what is expected of them: "${COMMAND} map" runs the plan for each row.`;

/**
 * Reads the cases of a file whose names contain a text.
 *
 * @throws {UsageError} with every problem, and when no case is left.
 */
export async function loadCases(file: string, filter = ''): Promise<LoadedCases> {
  const load = (reference: string) => loadCheck(dirname(resolve(file)), reference);
  const text = await readSource(file, file);
  if (TABLES.includes(extname(file).toLowerCase())) throw new UsageError(`${file}: ${NO_TABLE}`);
  const { lines, source, problems } = parseSource(text);
  const invalid = (all: readonly PlanProblem[]) => {
    const placed = all.map((problem) => ({
      ...{ offset: source?.offsetOf(problem) ?? 0, code: problem.code },
      message: formatProblem(problem),
    }));
    const found = [...(problems ?? source?.problems ?? []), ...placed];
    return new InvalidFileError(file, 'file of cases', problemsIn(file, lines, found));
  };
  if (source === undefined) throw invalid([]);
  let all: readonly EvalCase[];
  try {
    all = await parseCases(source.value, load);
  } catch (error) {
    throw error instanceof CasesError ? invalid(error.problems) : error;
  }
  if (source.problems.length > 0) throw invalid([]);
  const positions = [...all.keys()].filter((at) => all[at]?.name.includes(filter));
  if (positions.length === 0) {
    const names = all.slice(0, 10).map(({ name }) => name);
    const message = `--filter ${filter}: no case has this in its name; they are ${names.join(', ')}`;
    throw new UsageError(message);
  }
  const inFile = ({ path: [field = '', at, ...rest], ...problem }: PlanProblem): PlanProblem => ({
    ...problem,
    path: [field, positions[at as number] as number, ...rest],
  });
  return {
    cases: positions.map((at) => all[at] as EvalCase),
    located: ({ problems }) => invalid(problems.map(inFile)),
  };
}

type Check = (value: unknown) => boolean;

/** The function that `./checks.js#isShort` names; without a name, the default export. */
async function loadCheck(folder: string, reference: string): Promise<Check> {
  const [path = '', name = 'default'] = reference.split('#');
  let module: Readonly<Record<string, unknown>>;
  try {
    module = await import(pathToFileURL(resolve(folder, path)).href);
  } catch (error) {
    throw new Error(`cannot load ${path}: ${describeLoadError(error)}`);
  }
  const check = module[name];
  if (typeof check === 'function') return check as Check;
  const exported = Object.keys(module).join(', ') || 'nothing';
  throw new Error(`${path} exports no function "${name}"; it exports ${exported}`);
}
