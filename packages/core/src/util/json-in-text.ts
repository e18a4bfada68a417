import { parseJsonAnswer } from './parse-json.js';

const OPENING = /[{[]/g;
const TOKEN =
  /\s*(?:([{[])|([}\]])|[:,]|"[^"\\]*(?:\\.[^"\\]*)*"|-?\d[\d.eE+-]*|true\b|false\b|null\b)/y;

/**
 * The objects and lists that a text contains as JSON, from the last one to the first: a model that
 * explains itself ends with its answer. Parts of an object or list do not count. The work is linear in
 * the length of the text.
 *
 * @example
 * jsonInText('Here you are: {"n":1}. Anything else?'); // [{ n: 1 }]
 */
export function jsonInText(text: string): unknown[] {
  const found: unknown[] = [];
  for (let from = 0; ; ) {
    OPENING.lastIndex = from;
    const start = OPENING.exec(text)?.index;
    if (start === undefined) return found;
    const end = endOfTokens(text, start);
    try {
      found.unshift(JSON.parse(text.slice(start, end)));
    } catch {
      // Prose in brackets.
    }
    from = Math.max(end, start + 1);
  }
}

/** Where the brackets that open at a position close again, or where the tokens of JSON end. */
function endOfTokens(text: string, start: number): number {
  let end = start;
  for (let depth = 0; ; ) {
    TOKEN.lastIndex = end;
    const token = TOKEN.exec(text);
    if (token === null) return end;
    end = TOKEN.lastIndex;
    if (token[1] !== undefined) depth++;
    if (token[2] !== undefined && --depth === 0) return end;
  }
}

/** The values that the answer of a model may stand for: its JSON, or else the JSON inside its prose. */
export function jsonInAnswer(text: string): unknown[] {
  const whole = parseJsonAnswer(text);
  return whole === undefined ? jsonInText(text) : [whole.value];
}
