import { dirname, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe } from '@stratagem/core/runner';
import { CasesError, type EvalCase, parseCases } from '@stratagem/evals';
import { UsageError } from '../options/usage-error.js';
import { loadValue } from './load-value.js';

/**
 * Reads the cases of a file whose names contain a text.
 *
 * @throws {UsageError} with every problem, and when no case is left.
 */
export async function loadCases(file: string, filter = ''): Promise<readonly EvalCase[]> {
  const load = (reference: string) => loadCheck(dirname(resolve(file)), reference);
  try {
    const cases = await parseCases(await loadValue(file), load);
    const chosen = cases.filter(({ name }) => name.includes(filter));
    if (chosen.length > 0) return chosen;
    const names = cases.slice(0, 10).map(({ name }) => name);
    const message = `--filter ${filter}: no case has this in its name; they are ${names.join(', ')}`;
    throw new UsageError(message);
  } catch (error) {
    if (!(error instanceof CasesError)) throw error;
    throw new UsageError(error.problems.map((problem) => `${file}: ${problem}`).join('\n'));
  }
}

type Check = (value: unknown) => boolean;

/** The function that `./checks.js#isShort` names; without a name, the default export. */
async function loadCheck(folder: string, reference: string): Promise<Check> {
  const [path = '', name = 'default'] = reference.split('#');
  let module: Readonly<Record<string, unknown>>;
  try {
    module = await import(pathToFileURL(resolve(folder, path)).href);
  } catch (error) {
    throw new Error(`cannot load ${path}: ${describe(error)}`);
  }
  const check = module[name];
  if (typeof check === 'function') return check as Check;
  const exported = Object.keys(module).join(', ') || 'nothing';
  throw new Error(`${path} exports no function "${name}"; it exports ${exported}`);
}
