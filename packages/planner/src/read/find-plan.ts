import type { AnswerProblemCode } from './answer-problem.js';
import { type FoundTaskList, findTaskList, isTask } from './find-task-list.js';
import {
  readCallsPlan,
  readOtherPlan,
  readYamlPlan,
  type TextProblem,
  type TextReading,
} from './read-text-formats.js';
import { JsonRepairer, parseJson } from './repair-json.js';
import { REPAIRS } from './repairs.js';
import { isNestedTooDeeply, type JsonSpan, scanJson } from './scan-json.js';

/** The plan in a model's answer, or the reason why there is none. */
export type FoundPlan =
  | Omit<FoundTaskList, 'unclear'>
  | { readonly code: AnswerProblemCode; readonly message: string };

/** A quoted name and a colon: text with such a field is not prose. */
const FIELD = /["'“][\w -]{1,40}["'”]\s*:/;
/** The beginning of JSON, valid or not; an aside in prose does not match. */
const LIKE_JSON = /^(\{\s*(["'“}]|\/[/*]|\w+\s*:)|\[\s*(["'“{[\]]|\/[/*]))/;
/** Bounds the work on an answer that consists of brackets alone. */
const MAX_SPANS = 200;
/** All scanned spans together are at most this many times as long as the answer. */
const MAX_SCANS = 8;

const CUT_OFF =
  'the answer ends before its list of tasks ends; answer with a shorter, complete plan';
const ELLIPSIS = 'an ellipsis replaces part of the plan; answer with the complete plan';
const OUTSIDE = 'there are tasks outside the list of tasks; put all tasks into one list';
const UNREADABLE = 'the JSON can neither be parsed nor repaired; answer with valid JSON';
const TOO_DEEP = 'the brackets are nested too deeply for a plan';
const SEVERAL = 'the answer contains several different plans; answer with exactly one';
const FORM =
  'answer with an object like ' +
  '{ "tasks": [{ "id": …, "description": …, "type": …, "dependencies": […] }] }';

/**
 * Finds the plan in a text: alone, in a code fence or inside prose. Its JSON may be invalid; YAML,
 * XML, numbered lists and lists of calls are read where they are plain.
 *
 * @param toolNames The tools that a list of calls may call.
 */
export function findPlan(text: string, toolNames: readonly string[]): FoundPlan {
  if (isNestedTooDeeply(text)) return { code: 'too_deep', message: TOO_DEEP };
  const whole = parseJson(text);
  const found = whole && findTaskList(whole.value);
  if (found !== undefined) return accept(found);
  if (whole !== undefined && isTask(whole.value)) {
    return accept({ list: [whole.value], repairs: [] });
  }
  const thoughtsEnd = text.lastIndexOf('</think>');
  const hasThoughts = thoughtsEnd !== -1;
  const said = hasThoughts ? text.slice(thoughtsEnd + '</think>'.length) : text;
  const early = readYamlPlan(said) ?? readCallsPlan(said, toolNames);
  if (early !== undefined)
    return hasOtherPlan(early) ? ofTextReading('several plans') : ofTextReading(early);
  const plan = findJson(said, hasThoughts);
  if ('list' in plan || (plan.code !== 'not_json' && plan.code !== 'no_plan')) return plan;
  const other = readOtherPlan(said);
  return other === undefined ? plan : ofTextReading(other);
}

/** Whether the text around a plan contains a different plan, in JSON. */
function hasOtherPlan(reading: TextReading | TextProblem): boolean {
  if (typeof reading === 'string' || !/[{[]/.test(reading.rest ?? '')) return false;
  const other = findJson(reading.rest as string, false);
  return 'list' in other && JSON.stringify(other.list) !== JSON.stringify(reading.found.list);
}

function ofTextReading(reading: TextReading | TextProblem): FoundPlan {
  if (reading === 'cut off') return { code: 'cut_off', message: ELLIPSIS };
  if (reading === 'several plans') return { code: 'several_plans', message: SEVERAL };
  const { found, format } = reading;
  return accept({ ...found, repairs: [REPAIRS.otherFormat(format), ...found.repairs] });
}

function findJson(said: string, hasThoughts: boolean): FoundPlan {
  const unescaped = decodeEscapedJson(said);
  if (unescaped === undefined) return findInProse(said, hasThoughts);
  const plan = findInProse(unescaped, hasThoughts);
  return 'list' in plan ? { ...plan, repairs: [REPAIRS.quotesUnescaped(), ...plan.repairs] } : plan;
}

/** Decodes JSON that was written as the content of a string, without the quotes around it. */
function decodeEscapedJson(text: string): string | undefined {
  if (!/^[^"]*\\"/.test(text)) return undefined;
  const content = parseJson(`"${text.trim().replaceAll('\n', '\\n')}"`)?.value;
  return typeof content === 'string' ? content : undefined;
}

/** The plan or the single task that one span of the text contains. */
interface SpanReading {
  readonly found: FoundTaskList;
  readonly isPlan: boolean;
  readonly isRepaired: boolean;
}

/** @param hasThoughts Whether the answer has text before this one. */
function findInProse(text: string, hasThoughts: boolean): FoundPlan {
  const scan = readSpans(text);
  if (!('readings' in scan)) return scan;
  const { readings, prose, hasEllipsis } = scan;
  if (hasEllipsis) return { code: 'cut_off', message: ELLIPSIS };
  const hasProse = hasThoughts || /\S/.test(prose.replace(/```\w*/g, ''));
  const plan = selectPlan(readings, hasProse ? [REPAIRS.textIgnored()] : []);
  if (plan === undefined) return noPlanIn(text);
  const isTorn = 'list' in plan && hasJsonFragments(prose);
  return isTorn ? { code: 'not_json', message: UNREADABLE } : plan;
}

/** All readings of a text, with the text around them. */
interface Scan {
  readonly readings: readonly SpanReading[];
  readonly prose: string;
  readonly hasEllipsis: boolean;
}

/** @returns A plan or problem instead, if a span settles the answer. */
function readSpans(text: string): Scan | FoundPlan {
  const readings: SpanReading[] = [];
  const repairer = new JsonRepairer();
  let prose = '';
  let end = 0;
  let hasEllipsis = false;
  for (const { start, span, skip } of spansOf(text)) {
    const written = text.slice(start, span.end);
    const reading = span.ending === 'closed' ? readSpan(written, span.text, repairer) : undefined;
    if (reading === 'nothing') {
      // JSON without a task has no task further inside either; a bracket in prose may.
      if (LIKE_JSON.test(written)) skip();
      continue;
    }
    if (reading !== undefined && reading !== 'unreadable') {
      readings.push(reading);
      prose += text.slice(end, start);
      end = span.end;
      hasEllipsis ||= span.hasEllipsis;
      skip();
      continue;
    }
    // A bracket in prose is harmless, but half of a JSON value is no plan.
    if (!LIKE_JSON.test(written)) continue;
    const hasPlan = readings.some(({ isPlan }) => isPlan);
    if (span.ending === 'closed') {
      if (!hasPlan) return { code: 'not_json', message: UNREADABLE };
      skip();
      continue;
    }
    if (!hasPlan) return readUnfinished(span, repairer);
    if (findTaskList(repairer.parse(written)?.value) !== undefined) {
      return { code: 'cut_off', message: CUT_OFF };
    }
    break;
  }
  return { readings, prose: prose + text.slice(end), hasEllipsis };
}

/** Whether text outside the plan has fields, or the end of a list. */
function hasJsonFragments(text: string): boolean {
  return FIELD.test(text) || text.replace(/\[[^[\]]*\]/g, '').includes(']');
}

function selectPlan(
  readings: readonly SpanReading[],
  repairs: readonly string[],
): FoundPlan | undefined {
  const plans = readings.filter(({ isPlan }) => isPlan);
  if (plans.length > 0) return singlePlan(plans, readings, repairs);
  if (readings.length === 0) return undefined;
  const list = readings.flatMap(({ found }) => found.list);
  const repair = REPAIRS.tasksCombined();
  return accept({ list, repairs: [...repairs, ...repairsOf(readings), repair] });
}

function noPlanIn(text: string): FoundPlan {
  return /[{[]/.test(text)
    ? { code: 'no_plan', message: `the answer contains no list of tasks; ${FORM}` }
    : { code: 'not_json', message: `the answer contains no JSON; ${FORM}` };
}

/** Every span that begins with a bracket. Spans inside a skipped one are left out. */
function* spansOf(text: string) {
  let scanned = 0;
  let from = 0;
  for (let count = 0; count < MAX_SPANS && scanned <= text.length * MAX_SCANS; count++) {
    const found = text.slice(from).search(/[{[]/);
    if (found === -1) return;
    const start = from + found;
    const span = scanJson(text, start);
    scanned += span.end - start;
    from = start + 1;
    const skip = () => {
      from = span.end;
    };
    yield { start, span, skip };
  }
}

function readSpan(
  written: string,
  balanced: string,
  repairer: JsonRepairer,
): SpanReading | 'unreadable' | 'nothing' {
  const parsed = parseJson(written) ?? repairer.parse(balanced);
  if (parsed === undefined) return 'unreadable';
  const { value, isRepaired } = parsed;
  const found = findTaskList(value);
  if (found !== undefined) return { found, isRepaired, isPlan: true };
  if (!isTask(value)) return 'nothing';
  return { found: { list: [value], repairs: [] }, isRepaired, isPlan: false };
}

/** A text that ends too early still contains the plan when its list of tasks is closed. */
function readUnfinished(
  { text, ending, hasEllipsis }: JsonSpan,
  repairer: JsonRepairer,
): FoundPlan {
  const isComplete = ending === 'trailing' && !hasEllipsis;
  const found = isComplete ? findTaskList(repairer.parse(text)?.value) : undefined;
  if (found === undefined) return { code: 'cut_off', message: CUT_OFF };
  return accept({ ...found, repairs: [REPAIRS.jsonRepaired(), ...found.repairs] });
}

/** The only plan of an answer; copies of the same plan count once. */
function singlePlan(
  plans: readonly SpanReading[],
  readings: readonly SpanReading[],
  repairs: readonly string[],
): FoundPlan {
  const [first] = plans as readonly [SpanReading];
  const different = new Set(
    plans.map(({ found }) => JSON.stringify([found.list, found.beside ?? []])),
  ).size;
  if (different > 1) {
    const message = `the answer contains ${different} different plans; answer with exactly one`;
    return { code: 'several_plans', message };
  }
  const inside = new Set(first.found.list.map((task) => JSON.stringify(task)));
  const tasks = readings.flatMap(({ found }) => found.list);
  if (tasks.some((task) => !inside.has(JSON.stringify(task)))) {
    return { code: 'unclear', message: OUTSIDE };
  }
  return accept({ ...first.found, repairs: [...repairs, ...repairsOf([first])] });
}

function repairsOf(readings: readonly SpanReading[]): string[] {
  const repaired = readings.some(({ isRepaired }) => isRepaired) ? [REPAIRS.jsonRepaired()] : [];
  return [...repaired, ...new Set(readings.flatMap(({ found }) => found.repairs))];
}

function accept({ unclear, ...found }: FoundTaskList): FoundPlan {
  return unclear === undefined ? found : { code: 'unclear', message: unclear };
}
