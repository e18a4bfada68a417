import {
  type Executor,
  InputsError,
  OptionError,
  type Plan,
  type PlanProblem,
} from '@stratagem/core';
import { isMet } from '@stratagem/core/kernel';
import { validateOutput } from '@stratagem/core/runner';
import { CasesError } from './cases-error.js';
import { type EvalCase, type Expectation, KINDS, kindOf } from './expectation.js';

/**
 * Checks all cases before the first one runs.
 *
 * @throws {CasesError} with the problems of all cases: their names, expectations and inputs.
 * @throws {StratagemError} when the plan itself cannot run.
 */
export async function checkCases(
  plan: Plan,
  cases: readonly EvalCase[],
  executor: Pick<Executor, 'check'>,
): Promise<void> {
  if (!Array.isArray(cases) || cases.length === 0) {
    throw new OptionError('evaluatePlan() needs a list of at least one case');
  }
  const problems: PlanProblem[] = [];
  const names = new Set<string>();
  for (const [position, { name, expect, inputs }] of (cases as readonly EvalCase[]).entries()) {
    const path = ['cases', position];
    if (typeof name !== 'string' || name === '') {
      const message = 'a case must have a name';
      problems.push({ code: 'invalid_value', path: [...path, 'name'], message });
    } else if (names.has(name)) {
      const message = `two cases are named "${name}"`;
      problems.push({ code: 'duplicate_id', path: [...path, 'name'], message });
    }
    names.add(name);
    if (!Array.isArray(expect)) {
      const message = `case "${name}" must have a list of expectations`;
      problems.push({ code: 'invalid_value', path: [...path, 'expect'], message });
    }
    for (const [index, each] of (Array.isArray(expect) ? expect : []).entries()) {
      const message = await problemOf(each);
      if (message === undefined) continue;
      const about = `case "${name}" ${message}`;
      problems.push({ code: 'invalid_value', path: [...path, 'expect', index], message: about });
    }
    for (const error of executor.check(plan, { inputs: inputs ?? {} })) {
      if (!(error instanceof InputsError)) throw error;
      for (const each of error.problems) {
        const message = `case "${name}": ${each.message}`;
        problems.push({ ...each, path: [...path, 'inputs', ...each.path], message });
      }
    }
  }
  if (problems.length > 0) throw new CasesError(problems);
}

async function problemOf(expectation: Expectation): Promise<string | undefined> {
  if (kindOf(expectation) === undefined) {
    const fields = Object.keys(Object(expectation)).join(', ') || 'nothing';
    return `expects nothing known: ${fields}; it must have one of ${KINDS.join(', ')}`;
  }
  try {
    if ('matches' in expectation) {
      isMet('when', { path: 'x', operator: 'matches', value: expectation.matches }, { x: 'x' });
    } else if ('schema' in expectation) await validateOutput(expectation.schema, 'x');
  } catch (error) {
    const { code, message } = error as { readonly code?: string; readonly message: string };
    // A text that does not match says that the schema itself can be used.
    if (code !== 'invalid_output') return `has an expectation that cannot be used: ${message}`;
  }
  return undefined;
}
