import type { TaskType } from '@stratagem/core';
import type { PlannerSettings } from '../options/planner-options.js';
import type { AnswerPath, AnswerReport } from './answer-report.js';
import { normalizeKey, quote, toText } from './json-value.js';
import { REPAIRS } from './repairs.js';

/** The beginnings of the words that models write for each type. */
const SYNONYMS: readonly (readonly [TaskType, RegExp])[] = [
  ['observation', /^(observ|research|gather|collect|search|retriev|fetch|read|lookup|inspect)/],
  ['decision', /^(deci|choose|choice|select|condition|branch|judg)/],
  ['aggregate', /^(aggreg|synthes|combin|merg|summar|consolidat|report|final|reduc|join)/],
  ['action', /^(action|act$|task|step|execut|do$|tool|write|creat|generat|analy|draft|perform)/],
];

/**
 * The type of a task. The type is only a label, so an unknown word is repaired. A known type that
 * the options do not allow is a problem.
 */
export function readTaskType(
  value: unknown,
  path: AnswerPath,
  { taskTypes }: PlannerSettings,
  report: AnswerReport,
): TaskType {
  const usual = taskTypes.includes('action') ? 'action' : (taskTypes[0] as TaskType);
  if (value === undefined) return usual;
  const word = normalizeKey(toText(value));
  const known = SYNONYMS.find(([type]) => type === word)?.[0];
  if (known !== undefined && !taskTypes.includes(known)) {
    report.addProblem('invalid_value', path, `must be one of ${taskTypes.join(', ')}`);
    return usual;
  }
  const similar = SYNONYMS.find(([type, words]) => taskTypes.includes(type) && words.test(word));
  const type = known ?? similar?.[0] ?? usual;
  if (value !== type) report.addRepair(REPAIRS.typeRead(quote(toText(value)), type));
  return type;
}
