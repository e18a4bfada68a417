import { parseEnv } from 'node:util';
import { readSource } from '../load/read-source.js';
import { UsageError } from '../options/usage-error.js';

/**
 * Adds the variables of a file to the environment. What is set already stays as it is.
 *
 * @throws {UsageError} when the file cannot be read, or a line is no variable.
 */
export async function loadEnvFile(file: string, env: NodeJS.ProcessEnv): Promise<void> {
  const text = await readSource(file, file);
  const line = strayLine(text);
  // The line is not quoted: it may be a part of a key.
  if (line !== undefined) {
    throw new UsageError(
      `${file}:${line}  not a variable; write NAME=value, or # before a comment`,
    );
  }
  for (const [name, value] of Object.entries(parseEnv(text))) {
    if (value !== undefined && env[name] === undefined) env[name] = value;
  }
}

const VARIABLE = /^\s*(?:export\s+)?[A-Za-z_][\w.-]*\s*=\s*/;

/** The number of the first line that the parser would leave out without a word. */
function strayLine(text: string): number | undefined {
  let quote = '';
  for (const [position, line] of text.split(/\r?\n/).entries()) {
    if (quote !== '') {
      if (line.includes(quote)) quote = '';
      continue;
    }
    if (/^\s*(?:#|$)/.test(line)) continue;
    const [start] = VARIABLE.exec(line) ?? [];
    if (start === undefined) return position + 1;
    const value = line.slice(start.length);
    const [first = ''] = value;
    // A value in quotes may go over several lines.
    if (/["'`]/.test(first) && !value.slice(1).includes(first)) quote = first;
  }
  return undefined;
}
