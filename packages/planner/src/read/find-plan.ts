import { jsonrepair } from 'jsonrepair';
import type { AnswerProblemCode } from './answer-problem.js';
import { type FoundList, findList, isTask } from './find-task-list.js';
import { nestsTooDeep, type Stretch, scanJson } from './scan-json.js';

/** A plan in a model's answer, or why there is none that can be used. */
export type FoundPlan =
  | Omit<FoundList, 'unclear'>
  | { readonly code: AnswerProblemCode; readonly message: string };

/** A field of JSON: what has one is no prose. */
const FIELD = /["'“][\w -]{1,40}["'”]\s*:/;
/** What begins as JSON does, in one of its spellings, and not as an aside in prose. */
const LIKE_JSON = /^(\{\s*(["'“}]|\/[/*]|\w+\s*:)|\[\s*(["'“{[\]]|\/[/*]))/;
/** More brackets than this are not looked at: an answer of nothing but brackets has no plan. */
const MAX_STRETCHES = 200;
/** How often the answer may be read over, all stretches taken together. */
const MAX_READINGS = 8;

/**
 * So many characters of an answer are mended at most: of ill-meant text, mending takes time that
 * grows with the square of its length. What is valid JSON may be longer.
 */
const MAX_MENDED = 40_000;

const MENDED = 'The JSON was not valid as it was written, and was mended.';
const UNESCAPED = 'The quotes of the JSON were escaped, and were read as quotes.';
const CUT_OFF =
  'the answer ends before the list of tasks does; answer with a plan that is shorter, and whole';
const LEFT_OUT = 'it leaves something out with an ellipsis; answer with the plan in full';
const OUTSIDE = 'there are tasks outside of its list of tasks; answer with all of them in one list';
const UNREADABLE = 'the JSON in it cannot be read, not even mended; answer with valid JSON';
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
  const said = thought === -1 ? text : text.slice(thought + '</think>'.length);
  const inner = unescaped(said);
  if (inner === undefined) return findAmidProse(said, thought !== -1);
  const plan = findAmidProse(inner, thought !== -1);
  return 'list' in plan ? { ...plan, notes: [UNESCAPED, ...plan.notes] } : plan;
}

/** What some write as it stands inside of a string, without the quotes around it. */
function unescaped(text: string): string | undefined {
  if (!/^[^"]*\\"/.test(text)) return undefined;
  const inner = parse(`"${text.trim().replaceAll('\n', '\\n')}"`)?.value;
  return typeof inner === 'string' ? inner : undefined;
}

/** What was read from one stretch of the text. */
interface Reading {
  readonly found: FoundList;
  readonly isPlan: boolean;
  readonly isMended: boolean;
}

/** @param hasMore Whether there is more to the answer than this text. */
function findAmidProse(text: string, hasMore: boolean): FoundPlan {
  const readings: Reading[] = [];
  const mender = new Mender();
  let around = '';
  let end = 0;
  let hasEllipsis = false;
  for (const { start, stretch, use } of stretches(text)) {
    const written = text.slice(start, stretch.end);
    const reading =
      stretch.ending === 'closed' ? readStretch(written, stretch.text, mender) : undefined;
    if (reading === 'nothing') {
      // What is JSON has been searched already.
      if (LIKE_JSON.test(written)) use();
      continue;
    }
    if (reading !== undefined && reading !== 'unreadable') {
      readings.push(reading);
      around += text.slice(end, start);
      end = stretch.end;
      hasEllipsis ||= stretch.hasEllipsis;
      use();
      continue;
    }
    // A bracket in prose is nothing; a part of what was meant to be JSON is no plan.
    if (!LIKE_JSON.test(written)) continue;
    const hasPlan = readings.some(({ isPlan }) => isPlan);
    if (stretch.ending === 'closed') {
      if (!hasPlan) return { code: 'not_json', message: UNREADABLE };
      use();
      continue;
    }
    if (!hasPlan) return readUnfinished(stretch, mender);
    if (findList(mender.parse(written)?.value) !== undefined) {
      return { code: 'cut_off', message: CUT_OFF };
    }
    break;
  }
  if (hasEllipsis) return { code: 'cut_off', message: LEFT_OUT };
  around += text.slice(end);
  const hasProse = hasMore || /\S/.test(around.replace(/```\w*/g, ''));
  const plan = choose(readings, hasProse ? ['The text around the JSON was left out.'] : []);
  if (plan === undefined) return noPlanIn(text);
  const isTorn = 'list' in plan && hasRemains(around);
  return isTorn ? { code: 'not_json', message: UNREADABLE } : plan;
}

/** Whether a text has parts of JSON in it: fields, or the end of a list. */
function hasRemains(text: string): boolean {
  return FIELD.test(text) || text.replace(/\[[^[\]]*\]/g, '').includes(']');
}

function choose(readings: readonly Reading[], notes: readonly string[]): FoundPlan | undefined {
  const plans = readings.filter(({ isPlan }) => isPlan);
  if (plans.length > 0) return onlyOf(plans, readings, notes);
  if (readings.length === 0) return undefined;
  const list = readings.flatMap(({ found }) => found.list);
  const note = 'The tasks stood one after the other, and were taken as one list.';
  return accept({ list, notes: [...notes, ...notesOf(readings), note] });
}

function noPlanIn(text: string): FoundPlan {
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

function readStretch(
  written: string,
  balanced: string,
  mender: Mender,
): Reading | 'unreadable' | 'nothing' {
  const parsed = parse(written) ?? mender.parse(balanced);
  if (parsed === undefined) return 'unreadable';
  const { value, isMended = false } = parsed;
  const found = findList(value);
  if (found !== undefined) return { found, isMended, isPlan: true };
  if (!isTask(value)) return 'nothing';
  return { found: { list: [value], notes: [] }, isMended, isPlan: false };
}

/** A text that ends too early is a plan all the same when its list of tasks has its end. */
function readUnfinished({ text, ending, hasEllipsis }: Stretch, mender: Mender): FoundPlan {
  const isWhole = ending === 'trailing' && !hasEllipsis;
  const found = isWhole ? findList(mender.parse(text)?.value) : undefined;
  if (found === undefined) return { code: 'cut_off', message: CUT_OFF };
  return accept({ ...found, notes: [MENDED, ...found.notes] });
}

/** The one plan of an answer; one that is written twice is one. */
function onlyOf(
  plans: readonly Reading[],
  readings: readonly Reading[],
  notes: readonly string[],
): FoundPlan {
  const [first] = plans as readonly [Reading];
  const different = new Set(plans.map(({ found }) => JSON.stringify(found.list))).size;
  if (different > 1) {
    const message = `there are ${different} plans in it; answer with the one that is to be used`;
    return { code: 'several_plans', message };
  }
  const inside = new Set(first.found.list.map((task) => JSON.stringify(task)));
  const tasks = readings.flatMap(({ found }) => found.list);
  if (tasks.some((task) => !inside.has(JSON.stringify(task)))) {
    return { code: 'unclear', message: OUTSIDE };
  }
  return accept({ ...first.found, notes: [...notes, ...notesOf([first])] });
}

function notesOf(readings: readonly Reading[]): string[] {
  const mended = readings.some(({ isMended }) => isMended) ? [MENDED] : [];
  return [...mended, ...new Set(readings.flatMap(({ found }) => found.notes))];
}

function accept({ unclear, ...found }: FoundList): FoundPlan {
  return unclear === undefined ? found : { code: 'unclear', message: unclear };
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

/** Mends what is not quite JSON, as far as that takes no long time. */
class Mender {
  #left = MAX_MENDED;

  /** What no mending helps is no JSON. */
  parse(text: string): Parsed | undefined {
    if (text.length > this.#left) return undefined;
    this.#left -= text.length;
    try {
      return { value: JSON.parse(jsonrepair(text)), isMended: true };
    } catch {
      return undefined;
    }
  }
}
