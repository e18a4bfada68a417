import type { TaskType } from '@stratagem/core';
import type { PlannerSettings } from '../options/planner-options.js';
import { type AnswerPath, asText, type Notes, quote } from './answer-report.js';
import { plain } from './find-task-list.js';

/** What models call the types, by the beginnings of their words. */
const WORDS: readonly (readonly [TaskType, RegExp])[] = [
  ['observation', /^(observ|research|gather|collect|search|retriev|fetch|read|lookup|inspect)/],
  ['decision', /^(deci|choose|choice|select|condition|branch|judg)/],
  ['aggregate', /^(aggreg|synthes|combin|merg|summar|consolidat|report|final|reduc|join)/],
  ['action', /^(action|act$|task|step|execut|do$|tool|write|creat|generat|analy|draft|perform)/],
];

/**
 * The type of a task. It is a label, so an unknown word is no reason to send an answer back; one
 * that the caller does not allow is.
 */
export function typeOf(
  value: unknown,
  path: AnswerPath,
  { taskTypes }: PlannerSettings,
  notes: Notes,
): TaskType {
  const usual = taskTypes.includes('action') ? 'action' : (taskTypes[0] as TaskType);
  if (value === undefined) return usual;
  const word = plain(asText(value));
  const known = WORDS.find(([type]) => type === word)?.[0];
  if (known !== undefined && !taskTypes.includes(known)) {
    notes.wrong('invalid_value', path, `must be one of ${taskTypes.join(', ')}`);
    return usual;
  }
  const meant = WORDS.find(([type, words]) => taskTypes.includes(type) && words.test(word))?.[0];
  const type = known ?? meant ?? usual;
  if (value !== type) notes.mended(`The type ${quote(asText(value))} was read as "${type}".`);
  return type;
}
