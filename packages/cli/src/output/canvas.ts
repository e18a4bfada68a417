import { styleText } from 'node:util';
import { onOneLine, widthOf } from './terminal-text.js';

const MAX_WIDTH = 100;
/** That of a terminal with 20 columns. */
const MIN_WIDTH = 19;

/** What can be drawn, and how wide. */
export interface Canvas {
  readonly width: number;
  style(format: Parameters<typeof styleText>[0], text: string): string;
}

export function canvasFor(stream: NodeJS.WriteStream): Canvas {
  return {
    // The last column stays free: a full line would wrap on some terminals.
    width: Math.max(MIN_WIDTH, Math.min(MAX_WIDTH, (stream.columns ?? 80) - 1)),
    style: (format, text) => (text === '' ? '' : styleText(format, text, { stream })),
  };
}

/** As many parts, separated by dots, as fit into a width. */
export function fitting(parts: readonly string[], width: number): string {
  let text = '';
  for (const part of parts) {
    const next = text === '' ? part : `${text} · ${part}`;
    if (text !== '' && widthOf(next) > width) return text;
    text = next;
  }
  return text;
}

/** Text on at most so many lines of a width, broken between words. */
export function wrapped(text: string, width: number, maxLines: number): string[] {
  const lines: string[] = [];
  let rest = onOneLine(text, width * maxLines);
  while (rest !== '' && lines.length < maxLines) {
    if (lines.length === maxLines - 1 || widthOf(rest) <= width) {
      lines.push(onOneLine(rest, width));
      break;
    }
    let end = 0;
    for (const { index, 0: word } of rest.matchAll(/\S+/g)) {
      if (end > 0 && widthOf(rest.slice(0, index + word.length)) > width) break;
      end = index + word.length;
    }
    lines.push(onOneLine(rest.slice(0, end), width));
    rest = rest.slice(end).trimStart();
  }
  return lines;
}
