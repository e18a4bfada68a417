/** A shorter value is a placeholder for servers without keys ("x", "none"), not a secret. */
const SHORTEST_SECRET = 6;
/** A thrown value with more parts than this counts as one that contains a secret. */
const MOST_VALUES = 2_000;

/** The secrets that a URL may contain: its user, its password, and the values of its query. */
export function secretsIn(url: string): string[] {
  const { username, password, search } = new URL(url);
  // Messages mostly quote the encoded form, some the decoded one.
  const written = search.slice(1).split('&');
  return [
    username,
    password,
    ...written.map((field) => field.slice(field.indexOf('=') + 1)),
  ].flatMap((secret) => [secret, decoded(secret)]);
}

/** Headers without secrets. */
const HARMLESS = /^(user-agent|content-type|accept.*|.*version|.*beta|x-stainless-.*)$/i;

/** The values of headers, given in any form that `fetch` or an SDK takes, unless they are harmless. */
export function secretHeaders(headers: unknown): string[] {
  const given = Object(headers) as object;
  const entries: unknown[] = isIterable(given) ? [...given] : Object.entries(given);
  return entries.flatMap((entry) => {
    const [name, value] = Array.isArray(entry) ? entry : [];
    if (HARMLESS.test(String(name))) return [];
    const values = (Array.isArray(value) ? value : [value]).filter(
      (each): each is string => typeof each === 'string',
    );
    // Of "Bearer key" the key alone too: servers quote it without "Bearer".
    return values.flatMap((each) => [each, ...each.split(/\s+/)]);
  });
}

/** Headers as they may be shown: the values of those that may be secrets are left out. */
export function shownHeaders(headers: Readonly<Record<string, string>>): Record<string, string> {
  const entries = Object.entries(headers).map(([name, value]) => {
    return [name.toLowerCase(), HARMLESS.test(name) ? value : '[redacted]'] as const;
  });
  return Object.fromEntries(entries.sort());
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** Replaces each secret in a text. */
export function redact(text: string, secrets: readonly string[]): string {
  let redacted = text;
  for (const secret of secrets) {
    if (secret.length >= SHORTEST_SECRET) redacted = redacted.replaceAll(secret, '[redacted]');
  }
  return redacted;
}

/**
 * A thrown value that is safe as a `cause`. When it contains a secret anywhere, an error with only
 * its redacted message and stack replaces it. Servers quote keys in their answers, and the message
 * of a cause becomes part of the task's error.
 */
export function redactCause(thrown: unknown, secrets: readonly string[]): unknown {
  const long = secrets.filter((secret) => secret.length >= SHORTEST_SECRET);
  if (long.length === 0 || !mentions(thrown, long)) return thrown;
  const { message, stack } =
    thrown instanceof Error ? thrown : { message: String(thrown), stack: '' };
  const replacement = new Error(redact(message, long));
  replacement.stack = redact(stack ?? '', long);
  return replacement;
}

function mentions(thrown: unknown, secrets: readonly string[]): boolean {
  const seen = new Set<unknown>([thrown]);
  for (const value of seen) {
    if (typeof value === 'string' && secrets.some((secret) => value.includes(secret))) return true;
    if (typeof value !== 'object' || value === null) continue;
    try {
      if (isIterable(value)) for (const item of value) seen.add(item);
      // Includes properties that are not enumerable: an error's message, stack and cause.
      for (const key of Reflect.ownKeys(value))
        seen.add((value as Record<PropertyKey, unknown>)[key]);
    } catch {
      return true;
    }
    if (seen.size > MOST_VALUES) return true;
  }
  return false;
}

/** The content of headers and maps shows only in an iteration. */
function isIterable(value: object): value is Iterable<unknown> {
  return Symbol.iterator in value && typeof value[Symbol.iterator] === 'function';
}
