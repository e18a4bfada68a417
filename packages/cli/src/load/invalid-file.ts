import type { LineCounter } from 'yaml';
import { UsageError } from '../options/usage-error.js';
import { onOneLine } from '../output/terminal-text.js';
import type { SourceProblem } from './source.js';

/** More problems than this are counted instead of listed. */
const MAX_SHOWN = 100;
const MAX_PROBLEM_WIDTH = 1_000;

/** A problem of a file, and its place in it; lines and columns count from 1. */
export interface FileProblem {
  readonly file: string;
  /** Null for a problem of the whole file. */
  readonly line: number | null;
  readonly column: number | null;
  readonly code: string;
  readonly message: string;
}

/** A file with problems, which the message lists. */
export class InvalidFileError extends UsageError {
  readonly problems: readonly FileProblem[];

  /** @param kind What the file should be: `plan`. */
  constructor(name: string, kind: string, problems: readonly FileProblem[]) {
    const shown = problems.slice(0, MAX_SHOWN).map(problemLine);
    if (problems.length > shown.length) shown.push(`… and ${problems.length - shown.length} more`);
    const count = problems.length === 1 ? '1 problem' : `${problems.length} problems`;
    super(`${shown.join('\n')}\n\n${name} is not a valid ${kind}: ${count}.`);
    this.problems = problems;
  }
}

/** The problems of a text in the order of the text. */
export function problemsIn(
  name: string,
  lines: LineCounter,
  problems: readonly (SourceProblem & { readonly code?: string })[],
): FileProblem[] {
  return problems
    .toSorted((a, b) => a.offset - b.offset)
    .map(({ offset, message, code = 'syntax_error' }) => {
      const { line, col } = lines.linePos(offset);
      return { file: name, line, column: col, code, message };
    });
}

/** `plan.yaml:3:5  tasks[0]: …` */
function problemLine({ file, line, column, message }: FileProblem): string {
  const place = line === null ? file : `${file}:${line}:${column}`;
  return `${place}  ${onOneLine(message, MAX_PROBLEM_WIDTH)}`;
}
