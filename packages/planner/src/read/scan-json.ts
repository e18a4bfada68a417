/** A span of text that looks like one JSON value. */
export interface JsonSpan {
  /** The position after the span. */
  readonly end: number;
  /**
   * `closed` when every bracket is closed; `trailing` when only brackets after a closed list are
   * missing; `cut` when the text ends in the middle of the value.
   */
  readonly ending: 'closed' | 'trailing' | 'cut';
  /** Whether an ellipsis replaces a value or appears in a comment. */
  readonly hasEllipsis: boolean;
  /** The text without surplus closing brackets. */
  readonly text: string;
}

const ELLIPSIS = /\.\.\.|…/;
/** Plans nest less deeply than this, and every JSON parser can handle it. */
const MAX_NESTING = 100;
const QUOTES = '"\'';

/**
 * Scans one value from its opening bracket to its end, in text that may be invalid JSON. It tracks
 * brackets, strings and comments.
 */
export function scanJson(text: string, start: number): JsonSpan {
  const open: string[] = [];
  const surplus: number[] = [];
  let hasEllipsis = false;
  let last = '';
  let position = start;
  const span = (end: number, ending: JsonSpan['ending']): JsonSpan => {
    const parts = [start - 1, ...surplus].map((at, index) =>
      text.slice(at + 1, surplus[index] ?? end),
    );
    return { end, ending, hasEllipsis, text: parts.join('') };
  };
  while (position < text.length) {
    const character = text[position] as string;
    const commentEnd = endOfComment(text, position);
    if (commentEnd !== undefined) {
      hasEllipsis ||= ELLIPSIS.test(text.slice(position, commentEnd));
      position = commentEnd;
      continue;
    }
    if (opensString(text, position, last)) {
      const end = endOfString(text, position);
      if (end === undefined) return span(text.length, 'cut');
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
    if (open.length === 0) return span(position, 'closed');
  }
  return span(text.length, last === ']' && !open.includes('[') ? 'trailing' : 'cut');
}

/** The end of a comment that begins here; undefined when none does. */
function endOfComment(text: string, position: number): number | undefined {
  if (text[position] !== '/') return undefined;
  const next = text[position + 1];
  if (next !== '/' && next !== '*') return undefined;
  const end = next === '/' ? text.indexOf('\n', position) : text.indexOf('*/', position + 2);
  if (end === -1) return text.length;
  return next === '/' ? end : end + 2;
}

/** An apostrophe opens a string only where a value or a key may begin. */
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

/** An apostrophe ends a string only before a character that can follow a string. */
function endsString(text: string, position: number): boolean {
  const next = /\S/y;
  for (let at = position + 1; at < text.length; at++) {
    next.lastIndex = at;
    if (next.test(text)) return ',:]}'.includes(text[at] as string);
  }
  return true;
}

/**
 * Closes the matching bracket. Brackets inside it that the model left open are closed with it.
 *
 * @returns false when the closing bracket is surplus.
 */
function close(open: string[], bracket: string, text: string, position: number): boolean {
  const at = open.lastIndexOf(bracket === '}' ? '{' : '[');
  const isSurplus = at < open.length - 1 && bracket === '}' && continuesList(text, position + 1);
  if (at === -1 || isSurplus) return false;
  open.length = at;
  return true;
}

function continuesList(text: string, position: number): boolean {
  const next = text.slice(position, position + 200).trimStart()[0];
  return next === ',' || next === ']';
}

/** Whether brackets nest too deeply for a parser. Brackets inside strings count as well. */
export function isNestedTooDeeply(text: string): boolean {
  let depth = 0;
  for (const [bracket] of text.matchAll(/[[\]{}]/g)) {
    depth = '[{'.includes(bracket) ? depth + 1 : Math.max(0, depth - 1);
    if (depth > MAX_NESTING) return true;
  }
  return false;
}
