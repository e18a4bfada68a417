/** A stretch of text that looks like one JSON value. */
export interface Stretch {
  /** Where the text after it begins. */
  readonly end: number;
  /**
   * `closed` when every bracket has its end; `trailing` when all that lacks is brackets after a list
   * that has its own; `cut` when the text ends in the middle.
   */
  readonly ending: 'closed' | 'trailing' | 'cut';
  /** Something was left out with an ellipsis, in place of a value or in a comment. */
  readonly hasEllipsis: boolean;
  /** The text without brackets that close what is closed already. */
  readonly text: string;
}

const ELLIPSIS = /\.\.\.|…/;
/** Brackets in brackets: more than any plan has, and few enough for every reader. */
const MAX_NESTING = 100;
const QUOTES = '"\'';

/**
 * Follows brackets, strings and comments from an opening bracket on, in text that may not quite be
 * JSON: what ends it, and whether it has an end at all.
 */
export function scanJson(text: string, start: number): Stretch {
  const open: string[] = [];
  const surplus: number[] = [];
  let hasEllipsis = false;
  let last = '';
  let position = start;
  const stretch = (end: number, ending: Stretch['ending']): Stretch => {
    const parts = [start - 1, ...surplus].map((at, index) =>
      text.slice(at + 1, surplus[index] ?? end),
    );
    return { end, ending, hasEllipsis, text: parts.join('') };
  };
  while (position < text.length) {
    const character = text[position] as string;
    const comment = commentAt(text, position);
    if (comment !== undefined) {
      hasEllipsis ||= ELLIPSIS.test(text.slice(position, comment));
      position = comment;
      continue;
    }
    if (opensString(text, position, last)) {
      const end = endOfString(text, position);
      if (end === undefined) return stretch(text.length, 'cut');
      last = character;
      position = end;
      continue;
    }
    if (character === '{' || character === '[') open.push(character);
    else if (character === '}' || character === ']') {
      if (!close(open, character, text, position)) surplus.push(position);
    } else if (character === '…' || text.startsWith('...', position)) hasEllipsis = true;
    if (!/\s/.test(character)) last = character;
    position++;
    if (open.length === 0) return stretch(position, 'closed');
  }
  return stretch(text.length, last === ']' && !open.includes('[') ? 'trailing' : 'cut');
}

/** Where a comment ends that begins here; undefined when none does. */
function commentAt(text: string, position: number): number | undefined {
  if (text[position] !== '/') return undefined;
  const next = text[position + 1];
  if (next !== '/' && next !== '*') return undefined;
  const end = next === '/' ? text.indexOf('\n', position) : text.indexOf('*/', position + 2);
  if (end === -1) return text.length;
  return next === '/' ? end : end + 2;
}

/** An apostrophe opens a string only where a value or a key may stand. */
function opensString(text: string, position: number, last: string): boolean {
  const character = text[position] as string;
  if (!QUOTES.includes(character)) return false;
  return character === '"' || '{[,:'.includes(last);
}

function endOfString(text: string, start: number): number | undefined {
  const quote = text[start];
  for (let position = start + 1; position < text.length; position++) {
    if (text[position] === '\\') position++;
    else if (text[position] === quote && (quote === '"' || endsString(text, position))) {
      return position + 1;
    }
  }
  return undefined;
}

/** An apostrophe ends a string only where it is followed by what may follow one. */
function endsString(text: string, position: number): boolean {
  const next = /\S/y;
  for (let at = position + 1; at < text.length; at++) {
    next.lastIndex = at;
    if (next.test(text)) return ',:]}'.includes(text[at] as string);
  }
  return true;
}

/**
 * Models forget brackets and write some twice; a forgotten one ends with what it stands in.
 *
 * @returns false when the bracket closes nothing.
 */
function close(open: string[], bracket: string, text: string, position: number): boolean {
  const at = open.lastIndexOf(bracket === '}' ? '{' : '[');
  const isSurplus = at < open.length - 1 && bracket === '}' && goesOn(text, position + 1);
  if (at === -1 || isSurplus) return false;
  open.length = at;
  return true;
}

/** Whether a list goes on here. */
function goesOn(text: string, position: number): boolean {
  const next = text.slice(position, position + 200).trimStart()[0];
  return next === ',' || next === ']';
}

/** Whether brackets nest so deep that reading them could fail; those in strings count, too. */
export function nestsTooDeep(text: string): boolean {
  let depth = 0;
  for (const [bracket] of text.matchAll(/[[\]{}]/g)) {
    depth = '[{'.includes(bracket) ? depth + 1 : Math.max(0, depth - 1);
    if (depth > MAX_NESTING) return true;
  }
  return false;
}
