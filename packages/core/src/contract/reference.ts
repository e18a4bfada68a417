import { RunnerError } from './errors.js';

/** A task and a path in its output, as written in a plan: `research.companies[0].name`. */
export interface Reference {
  /** The task. */
  readonly id: string;
  /** The path in its output; empty for the whole output. */
  readonly path: Path;
}

export type Path = readonly (string | number)[];

/** Longer text is not parsed: every prefix of a reference may be an id. */
const MAX_LENGTH = 1_000;

/**
 * Parses a reference. Ids may contain dots and brackets, so the id is the longest prefix that is a
 * known id.
 *
 * @param isKnown Must take constant time.
 * @returns undefined when no prefix is a known id, or when the rest is not a path.
 */
export function parseReference(
  text: string,
  isKnown: (id: string) => boolean,
): Reference | undefined {
  if (text.length > MAX_LENGTH) return undefined;
  for (let end = text.length; end > 0; end--) {
    const next = text[end];
    if (next !== undefined && next !== '.' && next !== '[') continue;
    const id = text.slice(0, end);
    if (!isKnown(id)) continue;
    const path = parsePath(text.slice(end));
    return path && { id, path };
  }
  return undefined;
}

/** One step: `.name`, `[0]` or `["any text"]`. */
const STEP = /\.([^.[\]"]+)|\[(\d+)\]|\[("(?:[^"\\]|\\.)*")\]/y;

/** Parses `.companies[0].name`; undefined when it is not a path. */
export function parsePath(text: string): Path | undefined {
  const path: (string | number)[] = [];
  STEP.lastIndex = 0;
  while (STEP.lastIndex < text.length) {
    const step = STEP.exec(text);
    if (step === null) return undefined;
    const [, name, position, quoted] = step;
    if (name !== undefined) path.push(name.trim());
    else if (position !== undefined) path.push(Number(position));
    else {
      try {
        path.push(JSON.parse(quoted as string) as string);
      } catch {
        return undefined;
      }
    }
  }
  return path;
}

/**
 * The value at a path; undefined when there is none. Reads own properties alone, so a plan cannot
 * reach `constructor` and the like.
 */
export function readPath(value: unknown, path: Path): unknown {
  let current = value;
  for (const step of path) {
    if (current === null || current === undefined) return undefined;
    if (!Object.hasOwn(current as object, step)) return undefined;
    current = (current as Record<string | number, unknown>)[step];
  }
  return current;
}

/** Whether there is a value at a path, also if it is undefined. */
export function hasPath(value: unknown, path: Path): boolean {
  const last = path.at(-1);
  if (last === undefined) return true;
  const parent = readPath(value, path.slice(0, -1));
  return parent !== null && parent !== undefined && Object.hasOwn(parent, last);
}

/** The error of a task whose reference leads nowhere in the output of its dependency. */
export function missingValue(shown: string, id: string, value: unknown, path: Path): RunnerError {
  const parent = describeParent(value, path);
  return new RunnerError('invalid_input', `there is no value at ${shown}; ${id} has ${parent}`);
}

/** Describes the deepest value on a path that leads nowhere. */
function describeParent(value: unknown, path: Path): string {
  let current = value;
  for (const step of path) {
    const next = readPath(current, [step]);
    if (next === undefined) break;
    current = next;
  }
  if (Array.isArray(current)) return `a list of ${current.length} there`;
  if (current === null) return 'null there';
  if (typeof current !== 'object') return `a ${typeof current} there`;
  return `the fields ${Object.keys(current).slice(0, 12).join(', ') || 'none'} there`;
}
