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
  const problem = problemOf(text);
  if (problem !== undefined) throw new UsageError(`${file}:${problem}`);
  for (const [name, value] of Object.entries(parseEnv(text))) {
    if (value !== undefined && env[name] === undefined) env[name] = value;
  }
}

const VARIABLE = /^\s*(?:export\s+)?[A-Za-z_][\w.-]*\s*=\s*/;

/** The first line that the parser leaves out without a word, or takes for a value although its quote never ends. */
function problemOf(text: string): string | undefined {
  let quote = '';
  let opened = 0;
  for (const [position, line] of text.split(/\r?\n/).entries()) {
    if (quote !== '') {
      if (line.includes(quote)) quote = '';
      continue;
    }
    if (/^\s*(?:#|$)/.test(line)) continue;
    const [start] = VARIABLE.exec(line) ?? [];
    // The line is not quoted: it may be a part of a key.
    if (start === undefined) {
      return `${position + 1}  not a variable; write NAME=value, or # before a comment`;
    }
    const value = line.slice(start.length);
    const [first = ''] = value;
    // A value in quotes may go over several lines.
    if (!/["'`]/.test(first) || value.slice(1).includes(first)) continue;
    quote = first;
    opened = position + 1;
  }
  return quote === '' ? undefined : `${opened}  the quote is not closed; write NAME="value"`;
}
