/** Anything shorter is a placeholder for servers that need no key ("x", "none"), not a secret. */
const SHORTEST_SECRET = 6;
/** How much of a thrown value is searched before it is taken to hold a secret. */
const MOST_VALUES = 2_000;

/** What a URL may hold that must never be seen: its password, and whatever its query says. */
export function secretsIn(url: string): string[] {
  const { password, search } = new URL(url);
  // As it is written, which is how it comes back in most messages, and as it is meant.
  const written = search.slice(1).split('&');
  return [password, ...written.map((field) => field.slice(field.indexOf('=') + 1))].flatMap(
    (secret) => [secret, decoded(secret)],
  );
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** The same text with each of the secrets replaced. */
export function redact(text: string, secrets: readonly string[]): string {
  let redacted = text;
  for (const secret of secrets) {
    if (secret.length >= SHORTEST_SECRET) redacted = redacted.replaceAll(secret, '[redacted]');
  }
  return redacted;
}

/**
 * A thrown value that is fit to be a `cause`: the value itself, or, when one of the secrets is
 * anywhere in it, an error that has only its message and stack, redacted. Servers quote keys in
 * their answers, and a cause's message becomes part of the task's error.
 */
export function redactCause(thrown: unknown, secrets: readonly string[]): unknown {
  const real = secrets.filter((secret) => secret.length >= SHORTEST_SECRET);
  if (real.length === 0 || !mentions(thrown, real)) return thrown;
  const { message, stack } =
    thrown instanceof Error ? thrown : { message: String(thrown), stack: '' };
  const stand = new Error(redact(message, real));
  stand.stack = redact(stack ?? '', real);
  return stand;
}

function mentions(thrown: unknown, secrets: readonly string[]): boolean {
  const seen = new Set<unknown>([thrown]);
  for (const value of seen) {
    if (typeof value === 'string' && secrets.some((secret) => value.includes(secret))) return true;
    if (typeof value !== 'object' || value === null) continue;
    try {
      if (isIterable(value)) for (const item of value) seen.add(item);
      // Also those that are not enumerable: an error's message, stack and cause.
      for (const key of Reflect.ownKeys(value))
        seen.add((value as Record<PropertyKey, unknown>)[key]);
    } catch {
      return true;
    }
    if (seen.size > MOST_VALUES) return true;
  }
  return false;
}

/** Headers and maps show what they hold only when they are iterated over. */
function isIterable(value: object): value is Iterable<unknown> {
  return Symbol.iterator in value && typeof value[Symbol.iterator] === 'function';
}
