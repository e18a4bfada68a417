import { jsonrepair } from 'jsonrepair';
import type { AnswerProblemCode } from './answer-problem.js';
import { nestsTooDeep, type Stretch, scanJson } from './json-scan.js';
import { type FoundList, findList, isTask } from './task-list.js';

/** A plan in a model's answer, or why there is none that can be used. */
export type FoundPlan =
  | { readonly list: readonly unknown[]; readonly notes: readonly string[] }
  | { readonly code: AnswerProblemCode; readonly message: string };

/** More brackets than this are not looked at: an answer of nothing but brackets has no plan. */
const MAX_STRETCHES = 200;
/** How often the answer may be read over, all stretches taken together. */
const MAX_READINGS = 8;

const MENDED = 'The JSON was not valid as it was written, and was mended.';
const CUT_OFF =
  'the answer ends before the list of tasks does; answer with a plan that is shorter, and whole';
const LEFT_OUT = 'it leaves something out with an ellipsis; answer with the plan in full';
const TOO_DEEP = 'its brackets nest too deep to be a plan';
const FORM =
  'answer with an object like ' +
  '{ "tasks": [{ "id": …, "description": …, "type": …, "dependencies": […] }] }';

/** The plan in a text: alone, in a fence, or amid prose; in JSON, or in what was meant to be JSON. */
export function findPlan(text: string): FoundPlan {
  if (nestsTooDeep(text)) return { code: 'too_deep', message: TOO_DEEP };
  const whole = parse(text);
  const found = whole && findList(whole.value);
  if (found !== undefined) return accept(found);
  if (whole !== undefined && isTask(whole.value)) return accept({ list: [whole.value], notes: [] });
  const thought = text.lastIndexOf('</think>');
  return findAmidProse(thought === -1 ? text : text.slice(thought + '</think>'.length));
}

/** What was read from one stretch of the text. */
interface Reading {
  readonly found: FoundList;
  readonly isPlan: boolean;
  readonly isMended: boolean;
}

function findAmidProse(text: string): FoundPlan {
  const readings: Reading[] = [];
  let around = '';
  let end = 0;
  let hasEllipsis = false;
  let unfinished: { readonly start: number; readonly stretch: Stretch } | undefined;
  for (const { start, stretch, use } of stretches(text)) {
    if (stretch.ending !== 'closed') {
      unfinished ??= { start, stretch };
      continue;
    }
    const reading = readStretch(text.slice(start, stretch.end));
    if (reading === undefined) continue;
    readings.push(reading);
    around += text.slice(end, start);
    end = stretch.end;
    hasEllipsis ||= stretch.hasEllipsis;
    use();
  }
  const plans = readings.filter(({ isPlan }) => isPlan);
  if (plans.length === 0 && unfinished !== undefined) return readUnfinished(text, unfinished);
  if (hasEllipsis) return { code: 'cut_off', message: LEFT_OUT };
  const hasProse = /\S/.test((around + text.slice(end)).replace(/```\w*/g, ''));
  const notes = hasProse ? ['The text around the JSON was left out.'] : [];
  if (plans.length > 0) return onlyOf(plans, notes);
  if (readings.length > 0) {
    const list = readings.flatMap(({ found }) => found.list);
    const note = 'The tasks stood one after the other, and were taken as one list.';
    return accept({ list, notes: [...notes, ...notesOf(readings), note] });
  }
  return /[{[]/.test(text)
    ? { code: 'no_plan', message: `there is no list of tasks in it; ${FORM}` }
    : { code: 'not_json', message: `there is no JSON in it; ${FORM}` };
}

/** Everything in the text that begins with a bracket; what is used is not looked into again. */
function* stretches(text: string) {
  let read = 0;
  let from = 0;
  for (let count = 0; count < MAX_STRETCHES && read <= text.length * MAX_READINGS; count++) {
    const found = text.slice(from).search(/[{[]/);
    if (found === -1) return;
    const start = from + found;
    const stretch = scanJson(text, start);
    read += stretch.end - start;
    from = start + 1;
    const use = () => {
      from = stretch.end;
    };
    yield { start, stretch, use };
  }
}

function readStretch(text: string): Reading | undefined {
  const parsed = parse(text) ?? parseMended(text);
  if (parsed === undefined) return undefined;
  const { value, isMended = false } = parsed;
  const found = findList(value);
  if (found !== undefined) return { found, isMended, isPlan: true };
  if (!isTask(value)) return undefined;
  return { found: { list: [value], notes: [] }, isMended, isPlan: false };
}

/** A text that ends too early is a plan all the same when its list of tasks has its end. */
function readUnfinished(
  text: string,
  { start, stretch }: { readonly start: number; readonly stretch: Stretch },
): FoundPlan {
  const parsed = parseMended(text.slice(start));
  const found = parsed && findList(parsed.value);
  if (found !== undefined && stretch.ending === 'trailing' && !stretch.hasEllipsis) {
    return accept({ ...found, notes: [MENDED, ...found.notes] });
  }
  return { code: 'cut_off', message: CUT_OFF };
}

/** The one plan of an answer; one that is written twice is one. */
function onlyOf(plans: readonly Reading[], notes: readonly string[]): FoundPlan {
  const [first] = plans as readonly [Reading];
  const different = new Set(plans.map(({ found }) => JSON.stringify(found.list))).size;
  if (different > 1) {
    const message = `there are ${different} plans in it; answer with the one that is to be used`;
    return { code: 'several_plans', message };
  }
  return accept({ ...first.found, notes: [...notes, ...notesOf([first])] });
}

function notesOf(readings: readonly Reading[]): string[] {
  const mended = readings.some(({ isMended }) => isMended) ? [MENDED] : [];
  return [...mended, ...new Set(readings.flatMap(({ found }) => found.notes))];
}

function accept({ list, notes, unclear }: FoundList): FoundPlan {
  if (unclear !== undefined) return { code: 'no_plan', message: unclear };
  return { list, notes };
}

interface Parsed {
  readonly value: unknown;
  readonly isMended?: boolean;
}

function parse(text: string): Parsed | undefined {
  try {
    return { value: JSON.parse(text) };
  } catch {
    return undefined;
  }
}

/** What no mending helps, or what nests too deep to be mended, is no JSON. */
function parseMended(text: string): Parsed | undefined {
  try {
    return { value: JSON.parse(jsonrepair(text)), isMended: true };
  } catch {
    return undefined;
  }
}
