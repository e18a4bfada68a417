import { createRequire } from 'node:module';
import { stripVTControlCharacters } from 'node:util';

// biome-ignore lint/suspicious/noControlCharactersInRegex: the pattern matches control characters
const CONTROLS = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g;
/** Marks that reorder text, so that a terminal shows something other than the text. */
const DIRECTION = /[\u202a-\u202e\u2066-\u2069]/g;

/** Letters and signs that take one column each on every terminal. */
const NARROW =
  /^[\u0020-\u007e\u00a0-\u00ac\u00ae-\u017f\u2010-\u2015\u2018-\u201e\u2026\u2580-\u259f›×✓✗◔↻◆⊘○−]*$/;

/** The width of text in columns. */
export function widthOf(text: string): number {
  const plain = text.includes('\u001b') ? stripVTControlCharacters(text) : text;
  return NARROW.test(plain) ? plain.length : stringWidth(plain);
}

const load = createRequire(import.meta.url);
let measure: typeof import('string-width').default | undefined;

/** Loaded for the first text that needs it: loading takes 30 ms, and most text is plain. */
function stringWidth(text: string): number {
  measure ??= (load('string-width') as typeof import('string-width')).default;
  return measure(text);
}

/**
 * Makes text from a plan or a model safe to print: escape sequences and other control characters
 * become visible symbols. Line breaks and tabs stay.
 */
export function forTerminal(text: string): string {
  return text
    .replaceAll('\r\n', '\n')
    .replace(CONTROLS, (control) => {
      const code = control.charCodeAt(0);
      return code < 0x20 ? String.fromCharCode(0x2400 + code) : '\u2421';
    })
    .replace(DIRECTION, '\ufffd');
}

/** Makes text safe to print on one line, cut to a width in columns. */
export function onOneLine(text: string, width = 100): string {
  const line = forTerminal(text).replace(/\s+/g, ' ').trim();
  // Measuring all of a very long line would be slow; only its start is shown.
  return line.length <= 4 * width && widthOf(line) <= width ? line : cut(line, width);
}

/** Makes an id safe to print on one line, cut in its middle: ids often differ at their ends alone. */
export function idOnOneLine(id: string, width = 100): string {
  const line = forTerminal(id).replace(/\s+/g, ' ').trim();
  if (line.length <= 4 * width && widthOf(line) <= width) return line;
  const tail = Math.floor((width - 1) / 2);
  const segments = Array.from(
    new Intl.Segmenter().segment(line.slice(-4 * width)),
    ({ segment }) => segment,
  );
  let end = '';
  let used = 0;
  for (const segment of segments.reverse()) {
    used += widthOf(segment);
    if (used > tail) break;
    end = segment + end;
  }
  return cut(line, width - widthOf(end)) + end;
}

/** Pads text with spaces to a width in columns. */
export function padTo(text: string, width: number): string {
  return text + ' '.repeat(Math.max(0, width - widthOf(text)));
}

function cut(line: string, width: number): string {
  if (line.length > width && NARROW.test(line.slice(0, width + 1))) {
    return `${line.slice(0, Math.max(0, width - 1))}…`;
  }
  let used = 0;
  let end = 0;
  for (const { segment, index } of new Intl.Segmenter().segment(line)) {
    used += stringWidth(segment);
    if (used > width) return `${line.slice(0, end)}…`;
    if (used < width) end = index + segment.length;
  }
  return line;
}
