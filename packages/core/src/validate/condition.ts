import { isRecord } from '../util/record.js';
import { add, checkFields, type PlanPath, type Problems } from './checks.js';
import { checkOperator } from './settings.js';

/** Conditions are read recursively, so their depth is limited. */
const MAX_CONDITION_DEPTH = 20;
const COMPARISON_FIELDS = ['path', 'operator', 'value'];

/** Checks a condition by itself: its paths are checked with the inputs of its task. */
export function checkCondition(
  problems: Problems,
  condition: unknown,
  path: PlanPath,
  depth = 1,
): void {
  if (!isRecord(condition)) {
    const example = '{ path: "triage.kind", operator: "==", value: "bug" }';
    add(problems, 'invalid_value', path, `must be a condition like ${example}`);
    return;
  }
  if (depth > MAX_CONDITION_DEPTH) {
    add(problems, 'too_deep', path, `is nested deeper than ${MAX_CONDITION_DEPTH}`);
    return;
  }
  const join = ['all', 'any', 'not'].find((key) => key in condition);
  if (join === undefined) {
    checkFields(problems, condition, COMPARISON_FIELDS, path);
    if (typeof condition.path !== 'string') {
      const code = condition.path === undefined ? 'missing_field' : 'invalid_value';
      add(
        problems,
        code,
        [...path, 'path'],
        'must be a task and a path in its output, like "triage.kind"',
      );
    }
    checkOperator(problems, condition, path);
    return;
  }
  checkFields(problems, condition, [join], path);
  if (join === 'not') {
    checkCondition(problems, condition.not, [...path, 'not'], depth + 1);
    return;
  }
  const parts = condition[join];
  if (!Array.isArray(parts)) {
    add(problems, 'invalid_value', [...path, join], 'must be a list of conditions');
    return;
  }
  for (const [position, part] of parts.entries()) {
    checkCondition(problems, part, [...path, join, position], depth + 1);
  }
}
