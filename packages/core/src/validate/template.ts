import type { ItemStream } from '../contract/for-each.js';
import { ON_EXHAUSTED } from '../contract/repeat.js';
import { isRecord } from '../util/record.js';
import {
  add,
  COUNT,
  checkFields,
  checkNumber,
  checkWord,
  type PlanPath,
  type Problems,
} from './checks.js';
import { checkCondition } from './condition.js';

const FOR_EACH_FIELDS = ['items', 'stream', 'maxItems', 'minSuccess'];
const STREAM_FIELDS = ['name', 'open'];

/** Checks what makes a task a fan-out. */
export function checkForEach(problems: Problems, forEach: unknown, path: PlanPath): void {
  const isSource = (value: unknown) => typeof value === 'string' || typeof value === 'function';
  if (isSource(forEach)) return;
  if (isRecord(forEach) && forEach.stream !== undefined) {
    checkStream(problems, forEach.stream, [...path, 'stream']);
    if (forEach.items !== undefined) {
      add(problems, 'conflict', path, 'has both items and a stream; remove one');
    }
  } else if (!isRecord(forEach) || !isSource(forEach.items)) {
    const message = 'must name a list, like "gather.documents" or { items: "gather.documents" }';
    add(problems, 'invalid_value', path, message);
  }
  if (!isRecord(forEach)) return;
  checkFields(problems, forEach, FOR_EACH_FIELDS, path);
  checkNumber(problems, forEach.maxItems, [...path, 'maxItems'], COUNT);
  const { minSuccess } = forEach;
  const share = typeof minSuccess === 'string' ? /^(\d+(\.\d+)?)%$/.exec(minSuccess) : null;
  if (share !== null && Number(share[1]) <= 100) return;
  const message = 'an integer ≥ 0, or a percentage like "80%"';
  checkNumber(problems, minSuccess, [...path, 'minSuccess'], {
    min: 0,
    whole: true,
    what: message,
  });
}

function checkStream(problems: Problems, stream: unknown, path: PlanPath): void {
  const { name, open } = Object(stream) as Partial<ItemStream>;
  if (!isRecord(stream) || typeof name !== 'string' || typeof open !== 'function') {
    const message =
      'must have a name and a function that opens it, like { name, open: () => rows }';
    add(problems, 'invalid_value', path, message);
  } else checkFields(problems, stream, STREAM_FIELDS, path);
}

const REPEAT_FIELDS = ['until', 'maxIterations', 'onExhausted'];

/** Checks what makes a task a loop. */
export function checkRepeat(problems: Problems, repeat: unknown, path: PlanPath): void {
  if (!isRecord(repeat)) {
    const example = '{ until: { path: "draft.score", operator: ">=", value: 0.9 } }';
    add(problems, 'invalid_value', path, `must be an object like ${example}`);
    return;
  }
  checkFields(problems, repeat, REPEAT_FIELDS, path);
  const { until, maxIterations, onExhausted } = repeat;
  if (until === undefined) {
    const message = 'is missing; it is the condition that ends the loop';
    add(problems, 'missing_field', [...path, 'until'], message);
  } else if (typeof until !== 'function') checkCondition(problems, until, [...path, 'until']);
  checkNumber(problems, maxIterations, [...path, 'maxIterations'], COUNT);
  checkWord(problems, onExhausted, ON_EXHAUSTED, [...path, 'onExhausted']);
}
