import { readFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import { formatProblem, type Plan, PlanError } from '@stratagem/core';
import { parsePlanDocument, type StrategySpec } from '@stratagem/core/document';
import { LineCounter, parseDocument } from 'yaml';
import { UsageError } from './exit-code.js';
import { placeOf } from './place.js';
import { forTerminal } from './terminal-text.js';

/** Far more than a million tasks need; less than what would exhaust the memory. */
const MAX_BYTES = 200_000_000;
/** The most problems that are worth printing. */
const MAX_SHOWN = 100;

export interface LoadedPlan {
  readonly plan: Plan;
  readonly strategy?: StrategySpec;
}

/**
 * Reads a plan from a YAML or JSON file, or from standard input for `-`.
 *
 * @throws {UsageError} with every problem and its place in the file.
 */
export async function loadPlan(file: string): Promise<LoadedPlan> {
  const name = file === '-' ? '<stdin>' : file;
  const source = await read(file, name);
  if (source.trim() === '')
    throw new UsageError(`${name}: the file is empty; it should hold a plan`);

  const lines = new LineCounter();
  const document = parseDocument(source, { lineCounter: lines, prettyErrors: false });
  if (document.errors.length > 0) {
    throw problems(
      name,
      document.errors.map((error) => {
        const { line, col } = lines.linePos(error.pos[0]);
        return `${name}:${line}:${col}  ${readable(error.code, error.message)}`;
      }),
    );
  }
  let value: unknown;
  try {
    value = document.toJS({ maxAliasCount: 1_000 });
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    throw new UsageError(`${name}: cannot be read as YAML: ${message}`, { cause });
  }
  try {
    return parsePlanDocument(value);
  } catch (error) {
    if (!(error instanceof PlanError)) throw error;
    const placed = error.problems.map((problem) => ({ problem, at: placeOf(document, problem) }));
    placed.sort((a, b) => a.at - b.at);
    throw problems(
      name,
      placed.map(({ problem, at }) => {
        const { line, col } = lines.linePos(at);
        return `${name}:${line}:${col}  ${formatProblem(problem)}`;
      }),
    );
  }
}

async function read(file: string, name: string): Promise<string> {
  let bytes: Buffer;
  try {
    bytes = file === '-' ? Buffer.from(await text(process.stdin)) : await readFile(file);
  } catch (cause) {
    throw new UsageError(`${name}: cannot be read: ${reason(cause)}`, { cause });
  }
  if (bytes.length > MAX_BYTES) {
    throw new UsageError(`${name}: is larger than ${MAX_BYTES / 1_000_000} MB`);
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new UsageError(`${name}: is not a text file in UTF-8`, { cause });
  }
}

function reason(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === 'ENOENT') return 'there is no such file';
  if (code === 'EISDIR') return 'it is a folder';
  if (code === 'EACCES') return 'permission denied';
  return message;
}

function readable(code: string, message: string): string {
  if (code === 'MULTIPLE_DOCS') return 'the file holds more than one document; a plan is one';
  if (code === 'DUPLICATE_KEY') return 'the same field stands here twice';
  return `not valid YAML or JSON: ${message}`;
}

function problems(name: string, all: readonly string[]): UsageError {
  const shown = all.slice(0, MAX_SHOWN).map(forTerminal);
  if (all.length > shown.length) shown.push(`… and ${all.length - shown.length} more`);
  const count = all.length === 1 ? '1 problem' : `${all.length} problems`;
  return new UsageError(`${shown.join('\n')}\n\n${name} cannot be run: ${count}.`);
}
