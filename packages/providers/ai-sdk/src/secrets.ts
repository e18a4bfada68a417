import type { LanguageModel } from 'ai';

/** Headers that say nothing that anybody should not see. */
const HARMLESS = /^(user-agent|content-type|accept.*|.*version|.*beta)$/i;
/** What looks like a key, whoever's it is. */
const KEYS = [
  /\b(?:Bearer|Basic)\s+([^\s"'\\,;]{6,})/gi,
  /\b((?:sk|pk|rk|gsk|xai|key|api)[-_][\w*-]{8,})/g,
  /\b(AIza[\w-]{10,})/g,
];

/**
 * What must never be seen in an error: the values of the headers that the model sends, as far as it
 * shows them, and whatever looks like a key in what was thrown, as servers quote keys in their answers.
 */
export async function secretsOf(
  model: LanguageModel,
  thrown: unknown,
  given: readonly string[] = [],
): Promise<string[]> {
  return [...given, ...(await headersOf(model)), ...keysIn(thrown)];
}

async function headersOf(model: LanguageModel): Promise<string[]> {
  // The packages of the SDK keep them here, as values or as a function.
  const { config } = Object(model) as { config?: { headers?: unknown } };
  try {
    const { headers } = Object(config) as { headers?: unknown };
    const sent: unknown = await (typeof headers === 'function' ? headers() : headers);
    return Object.entries(Object(sent)).flatMap(([name, value]) =>
      // Also the key alone of "Bearer key": servers quote it without the word before it.
      typeof value === 'string' && !HARMLESS.test(name) ? [value, ...value.split(/\s+/)] : [],
    );
  } catch {
    return []; // There is no key: that is what was thrown, then.
  }
}

function keysIn(thrown: unknown): string[] {
  const { message, responseBody, responseHeaders, url, cause } = Object(thrown) as {
    [field: string]: unknown;
  };
  const text = [message, responseBody, JSON.stringify(responseHeaders), Object(cause).message].join(
    '\n',
  );
  const keys = KEYS.flatMap((pattern) => [...text.matchAll(pattern)].map(([, key]) => key ?? ''));
  return [...keys, ...queryOf(url)];
}

/** Some APIs take the key there. */
function queryOf(url: unknown): string[] {
  if (typeof url !== 'string' || !URL.canParse(url)) return [];
  const { username, password, searchParams } = new URL(url);
  return [username, password, ...searchParams.values()];
}
