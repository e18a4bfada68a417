import { OptionError } from '@stratagem/core';
import type { EvaluatedCase } from './evaluate.js';

/** Why a case did not pass, one reason a line. */
export function reasonsOf(evaluated: Pick<EvaluatedCase, 'error' | 'checks'>): string[] {
  if (!Array.isArray((evaluated as EvaluatedCase | undefined | null)?.checks)) {
    throw new OptionError('reasonsOf() takes a case of evaluatePlan()');
  }
  const { error, checks } = evaluated;
  if (error !== undefined) return [`the run did not complete: ${error.message}`];
  return checks
    .filter(({ passed }) => !passed)
    .map(({ kind, output, score, message = '' }) => {
      const about = output === undefined ? kind : `${kind} of ${output}`;
      const scored = score === undefined ? '' : ` (score ${score})`;
      return `${about}${scored}: ${message}`;
    });
}
