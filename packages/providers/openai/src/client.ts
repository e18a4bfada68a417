import { RunnerError } from '@stratagem/core';
import { isHttpUrl, secretsIn } from '@stratagem/core/provider';
import type { OpenAI } from 'openai';
import type { OpenAIOptions } from './options.js';

/**
 * The client for these options. The SDK takes a good while to import, so that waits until the
 * first request.
 *
 * @throws {RunnerError} `invalid_request` when the base URL of the environment is none.
 */
async function createClient({ client, apiKey, baseURL }: OpenAIOptions): Promise<OpenAI> {
  if (client !== undefined) return client;
  const { OpenAI } = await import('openai');
  // It would print what it cannot read, with whatever is in it; the error says it, without secrets.
  const quiet = process.env.OPENAI_LOG?.trim() ? {} : { logLevel: 'off' as const };
  const created = new OpenAI({ apiKey, baseURL, ...quiet });
  if (isHttpUrl(created.baseURL)) return created;
  throw new RunnerError(
    'invalid_request',
    'the environment variable OPENAI_BASE_URL must be a URL that begins with http:// or https://',
  );
}

/**
 * Gives the one client of a runner, made at its first request. What is wrong with the environment
 * now may be mended before the next attempt.
 *
 * @throws {RunnerError} `missing_api_key`, `invalid_request`
 */
export function connector(options: OpenAIOptions): () => Promise<OpenAI> {
  let connecting: Promise<OpenAI> | undefined;
  return () => {
    if (connecting === undefined) {
      requireKey(options);
      connecting = createClient(options);
      connecting.catch(() => {
        connecting = undefined;
      });
    }
    return connecting;
  };
}

/**
 * Asked ahead of the SDK, which takes an admin key for an API key and does not say which variable
 * is the usual one.
 *
 * @throws {RunnerError} `missing_api_key`
 */
function requireKey({ client, apiKey }: OpenAIOptions): void {
  if (client !== undefined || apiKey !== undefined || process.env.OPENAI_API_KEY?.trim()) return;
  throw new RunnerError(
    'missing_api_key',
    'openai() has no API key: set the environment variable OPENAI_API_KEY, or pass ' +
      'openai({ apiKey }). For a server that needs none, any value will do.',
  );
}

/** Whether this is OpenAI itself, or its models on Azure, rather than a compatible server. */
export function isOpenAI(baseURL: string): boolean {
  return /(^|\.)openai\.(com|azure\.com)$/.test(new URL(baseURL).hostname);
}

/** What must never be seen in a message. */
export function secretsOf({ apiKey, adminAPIKey, baseURL }: OpenAI): string[] {
  return [apiKey, adminAPIKey, ...secretsIn(baseURL)].filter(
    (secret) => typeof secret === 'string',
  );
}
