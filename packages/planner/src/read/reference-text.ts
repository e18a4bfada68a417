/** Phrases that models write in place of an id. `-1` is the "none" of some planning formats. */
const NOTHING =
  /^(none|nothing|null|nil|undefined|n\/?a|no(ne)? dependenc(y|ies)|-1|-|–|—|\[\s*\]|\{\s*\})?\.?$/i;
const POSITION =
  /^(?:(?:the )?(?:task|step|subtask|node|item|t|s|no\.?|nr\.?)[\s_#:-]*|#)?(\d{1,6})\.?$/i;
/** `2.1` and `Task 2.1`: subtask 1 of task 2. */
const DOTTED = /^(?:(?:the )?(?:task|step|subtask|node)[\s_#:-]*|#)?(\d{1,6}(?:\.\d{1,6})+)\.?$/i;
const SEPARATOR =
  /\s*[,;&+、，；]\s*(?:(?:and|und|et|y|e|och|en|и)\s+)?|\s+(?:and|und|et|y|e|och|en|и|plus)\s+|\s*[和与及]\s*/u;
const PLURAL = /^(?:the )?(?:tasks|steps|subtasks|nodes|items|nos\.?|numbers|#s?)[\s:]*/i;
const RANGE = /^(\d{1,4})\s*(?:-|–|—|\.\.+|…|to|through|thru|until|bis|à|a)\s*(\d{1,4})$/i;
/** A hyphen between two numbers may also be part of an id or of a path. */
const PLAIN_RANGE = /^\d{1,4}\s*(?:–|—|\.\.\.?|…|to|through|thru)\s*\d{1,4}$/i;
const MAX_RANGE = 100;
/** Longer texts are no lists of references. */
const MAX_LIST_LENGTH = 10_000;
const FIELD_WITH_ID =
  /^(id|(task|step|node|subtask)[_ ]?(id|ref|name|number|index)?|ref|reference|id_?ref|name|number|index|depends?_?on|dependency|on|title)$/i;

/** A dependency as text: undefined when it is no reference, '' when it means "nothing". */
export function referenceText(given: unknown): string | undefined {
  if (typeof given === 'object' && given !== null) {
    const id = idInside(given);
    return typeof id === 'string' || typeof id === 'number' ? referenceText(id) : undefined;
  }
  if (given === null || given === undefined || given === false) return '';
  if (typeof given === 'number') return given === -1 ? '' : String(given);
  if (typeof given !== 'string') return undefined;
  return isNothing(given) ? '' : given;
}

function isNothing(text: string): boolean {
  return NOTHING.test(text.trim());
}

/** `{ "id": "research" }`, `{ "task": "research" }` */
function idInside(given: object): unknown {
  const fields = Object.entries(given).filter(([name]) => FIELD_WITH_ID.test(name));
  return (fields.find(([name]) => /id$/i.test(name)) ?? fields[0])?.[1];
}

/** The number in `2`, `#2`, `Task 2` and `step-2`; undefined for any other text. */
export function numberIn(text: string): number | undefined {
  const number = POSITION.exec(text.trim())?.[1];
  return number === undefined ? undefined : Number(number);
}

/** The numbers in `2.1` and `Task 2.1`; undefined for any other text. */
export function dottedPathIn(text: string): readonly string[] | undefined {
  return DOTTED.exec(text.trim())?.[1]?.split('.');
}

/**
 * The references in a text that lists several: `a, b`, `Steps 1 and 2`, `tasks 2-4`. Undefined for a
 * text that is one reference at most.
 */
export function splitReferences(written: string): readonly string[] | undefined {
  if (written.length > MAX_LIST_LENGTH) return undefined;
  const text = written.replace(/\s+/g, ' ').trim();
  const isPlural = PLURAL.test(text);
  const list = text.replace(PLURAL, '').replace(/\.$/, '');
  const parts = list.split(SEPARATOR).filter((part) => part !== '' && part !== undefined);
  const all = parts.flatMap((part) => rangeIn(part, isPlural || parts.length > 1) ?? [part]);
  return all.length > 1 ? all : isPlural && all.length === 1 ? all : undefined;
}

function rangeIn(text: string, mayHaveHyphen: boolean): string[] | undefined {
  const bare = text.trim();
  if (!mayHaveHyphen && !PLAIN_RANGE.test(bare)) return undefined;
  const [, first, last] = RANGE.exec(bare) ?? [];
  const [from, to] = [Number(first), Number(last)];
  if (first === undefined || !(from < to) || to - from >= MAX_RANGE) return undefined;
  return Array.from({ length: to - from + 1 }, (_, index) => String(from + index));
}

/**
 * A name without case, spaces and separators. Letters of every script are kept. Digits with a
 * separator between them stay apart: `2.1` is not `21`.
 */
export function normalizeName(name: string): string {
  return name
    .toLowerCase()
    .replace(/(?<=\p{N})[^\p{L}\p{N}]+(?=\p{N})/gu, '·')
    .replace(/[^\p{L}\p{N}·]/gu, '');
}
