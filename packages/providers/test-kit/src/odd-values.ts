/** What servers send in the place of something else. */
const ODD: readonly unknown[] = [null, '', 'x', 0, -1, true, [], {}, [null], ['x'], [{}], { a: 1 }];

/** A value in which one part is odd, and the path to that part. */
interface Oddity {
  readonly path: string;
  readonly value: unknown;
}

/** The value with each of its parts replaced by each odd value in turn. */
function* oddVariantsOf(value: unknown): Generator<Oddity> {
  for (const path of pathsIn(value)) {
    for (const odd of ODD) {
      const at = `${path.join('.')} = ${JSON.stringify(odd)}`;
      yield { path: at, value: replaced(value, path, odd) };
    }
  }
}

function pathsIn(value: unknown): string[][] {
  if (typeof value !== 'object' || value === null) return [[]];
  const inner = Object.entries(value).flatMap(([name, each]) =>
    pathsIn(each).map((path) => [name, ...path]),
  );
  return [[], ...inner];
}

function replaced(value: unknown, path: readonly string[], odd: unknown): unknown {
  const [name, ...rest] = path;
  if (name === undefined) return structuredClone(odd);
  const copy = structuredClone(value) as Record<string, unknown>;
  copy[name] = replaced(copy[name], rest, odd);
  return copy;
}

/**
 * The variants that a reader of answers gets wrong: it fails with an error that is not of this kind, or writes
 * a value that is no text into the text.
 */
export async function misreadVariants(
  value: unknown,
  known: abstract new (...given: never[]) => Error,
  read: (variant: never) => { readonly text: string } | Promise<{ readonly text: string }>,
): Promise<string[]> {
  const misread: string[] = [];
  for (const { path, value: variant } of oddVariantsOf(value)) {
    try {
      const { text } = await read(variant as never);
      if (/null|undefined|\[object/.test(text)) misread.push(`${path}: ${text}`);
    } catch (thrown) {
      if (!(thrown instanceof known)) misread.push(`${path}: ${String(thrown)}`);
    }
  }
  return misread;
}
