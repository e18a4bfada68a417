import type { AnswerReport } from './answer-report.js';
import { isEmpty, isJsonObject, normalizeKey, quoteName, shortName, toText } from './json-value.js';
import type { ParsedTask } from './parsed-task.js';
import { normalizeName } from './reference-text.js';
import { REPAIRS } from './repairs.js';
import type { NamedValue } from './task-fields.js';

/**
 * The prompt of a task: its description, with all other work that the answer states for it.
 *
 * @param others The fields that add to the description.
 */
export function describeWork(
  task: ParsedTask,
  others: readonly NamedValue[],
  report: AnswerReport,
): string | undefined {
  const { title, description } = task;
  const parts: string[] = [];
  const addText = (name: string, text: string, isFirst = false) => {
    const known = normalizeName(parts.join('\n'));
    const key = normalizeName(text);
    if (key === '' || known.includes(key)) return;
    if (parts.length > 0) report.addRepair(REPAIRS.fieldAdded(quoteName(name), 'description'));
    if (isFirst) parts.unshift(text);
    else parts.push(text);
  };
  if (description !== undefined) parts.push(description);
  if (title !== undefined) addText('title', title, true);
  for (const [name, value] of task.moreTexts) addText(name, textOf(value));
  for (const [name, value] of others) {
    const text = textOf(value);
    if (text === '') continue;
    parts.push(`${labelOf(name)}:${text.startsWith('\n') ? '' : ' '}${text}`);
    report.addRepair(REPAIRS.fieldAdded(quoteName(name), 'description'));
  }
  if (parts.length === 0) return undefined;
  return parts.join('\n\n');
}

/** `expected_output` as `Expected output` */
function labelOf(name: string): string {
  const words = shortName(name)
    .replace(/([\p{Ll}\p{N}])(\p{Lu})/gu, '$1 $2')
    .replace(/[_-]+/g, ' ')
    .replace(/\p{Cc}/gu, ' ')
    .trim();
  const lower = normalizeKey(name) === '' ? words : words.toLowerCase();
  return `${lower.slice(0, 1).toUpperCase()}${lower.slice(1)}`;
}

/** An argument like `$1` is the output of a task; elsewhere, it may be an amount of money. */
function textOf(given: unknown): string {
  const value = withMarks(given);
  if (typeof value === 'string') return value.trim();
  if (isEmpty(value)) return '';
  if (Array.isArray(value) && value.every((each) => !isJsonObject(each) && !Array.isArray(each))) {
    const items = value.filter((each) => !isEmpty(each)).map((each) => toText(each));
    if (items.join('').length < 80) return items.join(', ');
    return `\n${items.map((item) => `- ${item}`).join('\n')}`;
  }
  return toText(value);
}

function withMarks(value: unknown): unknown {
  if (typeof value === 'string') return value.replace(/^\s*\$(\d+)\s*$/, (_, id) => `$\{${id}}`);
  if (Array.isArray(value)) return value.map(withMarks);
  if (!isJsonObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, withMarks(each)]));
}
