import type { CutText } from './run-model.js';
import { wellFormed } from './well-formed.js';

/** The text of a value: strings as they are, other values as indented JSON. */
export function valueText(value: unknown): string {
  if (typeof value === 'string') return value;
  if (value === undefined) return '';
  try {
    return JSON.stringify(value, jsonValue(), 2) ?? String(value);
  } catch (error) {
    return `(a value that JSON cannot show: ${error instanceof Error ? error.message : error})`;
  }
}

/** Makes what JSON has no form for readable: bytes, big integers, maps, sets, errors, cycles. */
function jsonValue() {
  const above: object[] = [];
  return function replace(this: unknown, _: string, value: unknown): unknown {
    if (typeof value === 'bigint') return `${value}n`;
    if (typeof value !== 'object' || value === null) return value;
    while (above.length > 0 && above.at(-1) !== this) above.pop();
    if (above.includes(value)) return '(a cycle)';
    above.push(value);
    if (ArrayBuffer.isView(value)) return `(${value.byteLength} bytes)`;
    if (value instanceof Map) return Object.fromEntries(value);
    if (value instanceof Set) return [...value];
    if (value instanceof Error) return { name: value.name, message: value.message };
    return value;
  };
}

/** Cuts a text at a number of UTF-16 units, never inside a letter; keeps how long it was. */
export function cut(text: string, limit: number): CutText {
  const whole = wellFormed(text);
  if (whole.length <= limit) return { text: whole };
  let end = limit;
  const code = whole.charCodeAt(end - 1);
  if (code >= 0xd800 && code < 0xdc00) end--;
  return { text: whole.slice(0, end), cutFrom: Buffer.byteLength(whole) };
}

/** The start of a text on one line. */
export function oneLine(text: string, limit: number): string {
  const line = text
    .slice(0, limit * 2)
    .replace(/\s+/g, ' ')
    .trim();
  return line.length <= limit ? wellFormed(line) : `${cut(line, limit - 1).text}…`;
}
