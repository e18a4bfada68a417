import type { PlanProblem } from '@stratagem/core';
import { didYouMean } from '@stratagem/core/runner';
import type { z } from 'zod';
import { CasesError } from './cases-error.js';
import type { EvalCase, Expectation } from './expectation.js';
import { type Check, KINDS } from './expectation.js';

const CASE_FIELDS = ['name', 'inputs', 'expect'];
const EXPECTATION_FIELDS = ['output', 'minScore', ...KINDS];

/** A `check` as a file names it: a module and one of its exports. */
type WrittenExpectation = Exclude<Expectation, { readonly check: unknown }> | { check: string };

/**
 * Reads cases from the value of a YAML or JSON file.
 *
 * @param loadCheck Loads the function that a `check` such as `./checks.js#isShort` names.
 * @throws {CasesError} with all problems.
 *
 * @example
 * const cases = await parseCases(
 *   { cases: [{ name: 'apple', inputs: { company: 'Apple' }, expect: [{ contains: 'Apple' }] }] },
 *   loadCheck,
 * );
 */
export async function parseCases(
  document: unknown,
  loadCheck: (reference: string) => Promise<Check>,
): Promise<EvalCase[]> {
  // Loaded when cases are read from a file.
  const { documentSchema } = await import('./cases-schema.js');
  const parsed = documentSchema.safeParse(document);
  if (!parsed.success) throw new CasesError(parsed.error.issues.flatMap(problemsOf));
  const problems: PlanProblem[] = [];
  const names = new Set<string>();
  const cases: EvalCase[] = [];
  for (const [position, { name, inputs, expect }] of parsed.data.cases.entries()) {
    if (names.has(name)) {
      const message = `another case is named "${name}"`;
      problems.push({ code: 'duplicate_id', path: ['cases', position, 'name'], message });
    }
    names.add(name);
    const expectations: Expectation[] = [];
    for (const [index, each] of (expect as readonly WrittenExpectation[]).entries()) {
      if (!('check' in each)) expectations.push(each);
      else {
        try {
          expectations.push({ ...each, check: await loadCheck(each.check) });
        } catch (error) {
          const path = ['cases', position, 'expect', index, 'check'];
          problems.push({ code: 'invalid_value', path, message: (error as Error).message });
        }
      }
    }
    cases.push({ name, ...(inputs !== undefined && { inputs }), expect: expectations });
  }
  if (problems.length > 0) throw new CasesError(problems);
  return cases;
}

function problemsOf(issue: z.core.$ZodIssue): PlanProblem[] {
  const path = issue.path.map((step) => (typeof step === 'number' ? step : String(step)));
  if (issue.code === 'unrecognized_keys') {
    const fields =
      path.length === 0 ? ['cases'] : path.length === 2 ? CASE_FIELDS : EXPECTATION_FIELDS;
    return issue.keys.map((key) => ({
      ...{ code: 'unknown_field', path: [...path, key] },
      message: `unknown field "${key}".${didYouMean(key, fields)}`,
    }));
  }
  const message = path.length === 0 ? `the file of cases: ${issue.message}` : issue.message;
  return [{ code: 'invalid_value', path, message }];
}
