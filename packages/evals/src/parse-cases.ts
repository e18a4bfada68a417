import { OptionError } from '@stratagem/core';
import { didYouMean } from '@stratagem/core/runner';
import type { z } from 'zod';
import type { EvalCase, Expectation } from './expectation.js';
import { KINDS } from './expectation.js';

/** A file of cases that cannot be used, with all problems. */
export class CasesError extends OptionError {
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(problems.join('\n'));
    this.problems = problems;
  }
}

const FIELDS = ['cases', 'name', 'inputs', 'expect', 'output', 'minScore', ...KINDS];

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
  loadCheck: (reference: string) => Promise<(value: unknown) => boolean>,
): Promise<EvalCase[]> {
  // Loaded when cases are read from a file.
  const { documentSchema } = await import('./cases-schema.js');
  const parsed = documentSchema.safeParse(document);
  if (!parsed.success) throw new CasesError(parsed.error.issues.flatMap(messagesOf));
  const problems: string[] = [];
  const names = new Set<string>();
  const cases: EvalCase[] = [];
  for (const [position, { name, inputs, expect }] of parsed.data.cases.entries()) {
    if (names.has(name)) problems.push(`cases[${position}].name: another case is named "${name}"`);
    names.add(name);
    const expectations: Expectation[] = [];
    for (const [index, each] of (expect as readonly WrittenExpectation[]).entries()) {
      if (!('check' in each)) expectations.push(each);
      else {
        try {
          expectations.push({ ...each, check: await loadCheck(each.check) });
        } catch (error) {
          const message = (error as Error).message;
          problems.push(`cases[${position}].expect[${index}].check: ${message}`);
        }
      }
    }
    cases.push({ name, ...(inputs !== undefined && { inputs }), expect: expectations });
  }
  if (problems.length > 0) throw new CasesError(problems);
  return cases;
}

function messagesOf(issue: z.core.$ZodIssue): string[] {
  const place = issue.path
    .map((step) => (typeof step === 'number' ? `[${step}]` : `.${String(step)}`))
    .join('')
    .replace(/^\./, '');
  const where = place === '' ? 'the file' : place;
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => `${where}: unknown field "${key}".${didYouMean(key, FIELDS)}`);
  }
  return [`${where}: ${issue.message}`];
}
