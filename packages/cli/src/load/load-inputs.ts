import type { Plan, PlanInput, PlanInputRecord } from '@stratagem/core';
import type { InputFlags } from '../options/run-flags.js';
import { UsageError } from '../options/usage-error.js';
import { loadValue } from './load-value.js';
import { parseSource } from './parse-source.js';
import { readSource } from './read-source.js';

/**
 * The values of the inputs that the command line gives; the executor checks them.
 *
 * @returns undefined when it gives none.
 * @throws {UsageError} for a value that cannot be read.
 */
export async function loadInputs(
  { inputs: schema }: Plan,
  { input = [], inputs: file }: InputFlags,
): Promise<Record<string, unknown> | undefined> {
  if (input.length === 0 && file === undefined) return undefined;
  const values = new Map(file === undefined ? [] : Object.entries(await loadRecord(file)));
  // A plan file declares its inputs under their names.
  const declared = (schema ?? {}) as unknown as PlanInputRecord;
  const seen = new Set<string>();
  for (const { name, value } of input) {
    if (seen.has(name)) throw new UsageError(`--input ${name} is given twice: remove one`);
    seen.add(name);
    const known = Object.hasOwn(declared, name) ? declared[name] : undefined;
    requirePublic(name, known);
    values.set(name, await parseValue(name, value, known));
  }
  // Any name is a field of its own, also "__proto__".
  return Object.fromEntries(values);
}

async function loadRecord(file: string): Promise<object> {
  const value = await loadValue(file);
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
  throw new UsageError(`${file}: must have a value for each input, like company: Apple`);
}

/** A command line is seen by other users of the machine, and kept in histories. */
function requirePublic(name: string, input: PlanInput | undefined): void {
  if (!input?.secret) return;
  throw new UsageError(
    `--input ${name}: a secret comes from the environment; set ${input.env} instead`,
  );
}

async function parseValue(
  name: string,
  text: string,
  input: PlanInput | undefined,
): Promise<unknown> {
  const types = [input?.type].flat();
  const isText = types.includes('string') || (input?.type === undefined && !hasParts(input));
  if (text.startsWith('@')) {
    const file = text.slice(1);
    if (file === '') {
      throw new UsageError(
        `--input ${name}=@ needs the path of a file, such as ${name}=@notes.txt`,
      );
    }
    return isText ? readSource(file, file) : loadValue(file);
  }
  if (isText && types.length === 1) return text;
  return parsed(name, text, isText);
}

/** Whether the schema of an input says what it is in other words than `type`. */
function hasParts(input: PlanInput | undefined): boolean {
  return ['anyOf', 'oneOf', 'allOf', '$ref', 'enum', 'const'].some((key) => key in Object(input));
}

/** A value in the notation of plan files: `3`, `true`, `[a, b]`, `{ a: 1 }`. */
function parsed(name: string, text: string, mayBeText: boolean): unknown {
  const { source, problems } = parseSource(text);
  const [problem] = problems ?? source.problems;
  if (problem === undefined) return source?.value;
  if (mayBeText || text === '') return text;
  throw new UsageError(`--input ${name}: ${problem.message}`);
}
