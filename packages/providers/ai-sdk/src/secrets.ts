import { secretHeaders, secretsIn } from '@stratagem/core/runner';
import type { LanguageModel } from 'ai';

/** Texts that look like keys of any provider. */
const KEYS = [
  /\b(?:Bearer|Basic)\s+([^\s"'\\,;]{6,})/gi,
  /\b((?:sk|pk|rk|gsk|xai|key|api)[-_][\w*-]{8,})/g,
  /\b(AIza[\w-]{10,})/g,
];

/**
 * Values that must never appear in an error: the headers of the model, as far as it shows them, and
 * every text in the error that looks like a key, as servers quote keys in their answers.
 */
export async function secretsOf(
  model: LanguageModel,
  thrown: unknown,
  given: readonly string[] = [],
): Promise<string[]> {
  return [...given, ...(await headersOf(model)), ...keysIn(thrown)];
}

async function headersOf(model: LanguageModel): Promise<string[]> {
  // Provider packages keep their headers here, as values or as a function.
  const { config } = Object(model) as { config?: { headers?: unknown } };
  try {
    const { headers } = Object(config) as { headers?: unknown };
    const sent: unknown = await (typeof headers === 'function' ? headers() : headers);
    return secretHeaders(sent);
  } catch {
    return []; // Headers that need a key cannot be built without one.
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
  return [...keys, ...urlSecrets(url)];
}

/** The secrets of a URL: some APIs take the key in the query. */
function urlSecrets(url: unknown): string[] {
  if (typeof url !== 'string' || !URL.canParse(url)) return [];
  return secretsIn(url);
}
