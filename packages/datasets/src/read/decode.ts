import { RowsError } from './rows-error.js';

const REMEDY = 'save it as UTF-8, or convert it: iconv -f ENCODING -t UTF-8';

/**
 * The text of a file, without its byte order mark.
 *
 * @throws {RowsError} for bytes that are not UTF-8, and for NUL characters.
 */
export async function* decode(
  chunks: AsyncIterable<Uint8Array>,
  name: string,
): AsyncGenerator<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  let isFirst = true;
  let line = 1;
  const read = (chunk?: Uint8Array): string => {
    let text: string;
    try {
      text = chunk === undefined ? decoder.decode() : decoder.decode(chunk, { stream: true });
    } catch (cause) {
      const at = line + (chunk === undefined ? 0 : linesIn(validStart(chunk)));
      throw new RowsError(name, `is not UTF-8: ${REMEDY}`, at, { cause });
    }
    const nul = text.indexOf('\0');
    if (nul >= 0) {
      const at = line + linesIn(text.slice(0, nul));
      throw new RowsError(name, 'has a NUL character: it is not a text file, or is damaged', at);
    }
    line += linesIn(text);
    return text;
  };
  for await (const chunk of chunks) {
    if (isFirst && chunk.length > 0) {
      isFirst = false;
      requireNoUtf16(chunk, name);
    }
    const text = read(chunk);
    if (text !== '') yield text;
  }
  const rest = read();
  if (rest !== '') yield rest;
}

function requireNoUtf16([first, second]: Uint8Array, name: string): void {
  const isUtf16 = (first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff);
  if (isUtf16) throw new RowsError(name, `is UTF-16, not UTF-8: ${REMEDY}`);
}

/** The text before the first byte that is not UTF-8, as far as it matters for counting lines. */
function validStart(chunk: Uint8Array): string {
  const text = new TextDecoder('utf-8').decode(chunk);
  const bad = text.indexOf('\ufffd');
  return bad < 0 ? text : text.slice(0, bad);
}

function linesIn(text: string): number {
  let count = 0;
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) count++;
  return count;
}
