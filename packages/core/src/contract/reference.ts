/** A place in the output of a task, as written in a plan: `research.companies[0].name`. */
export interface Reference {
  /** The task. */
  readonly id: string;
  /** Where in its output; empty for the whole of it. */
  readonly path: Path;
}

export type Path = readonly (string | number)[];

/** Longer text between braces is no reference, and is not worth the search for one. */
const MAX_LENGTH = 1_000;

/**
 * Reads a reference. Ids may hold dots and brackets themselves, so the longest beginning that is a
 * known id is the id.
 *
 * @returns undefined when no known id begins it, or when what follows is no path.
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

/** Reads `.companies[0].name`; undefined when it is no path. */
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
 * What stands at a path, undefined when nothing does. Only a value's own properties count: a plan
 * cannot reach `constructor` or anything else that the data does not hold.
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

/** A reference as it is written. */
export function formatReference({ id, path }: Reference): string {
  return id + path.map((step) => (typeof step === 'number' ? `[${step}]` : `.${step}`)).join('');
}
