import type { Anthropic } from '@anthropic-ai/sdk';
import { RunnerError } from '@stratagem/core';
import { isHttpUrl, secretsIn } from '@stratagem/core/provider';
import type { AnthropicOptions } from './options.js';

/**
 * The client for these options. The SDK takes a good while to import, so that waits until the
 * first request.
 *
 * @throws {RunnerError} `invalid_request` when the base URL of the environment is none.
 */
async function createClient(options: AnthropicOptions): Promise<Anthropic> {
  const { client, apiKey, baseURL } = options;
  if (client !== undefined) return client;
  const { Anthropic } = await import('@anthropic-ai/sdk');
  // It would print what it cannot read, with whatever is in it; the error says it, without secrets.
  const quiet = process.env.ANTHROPIC_LOG?.trim() ? {} : { logLevel: 'off' as const };
  const created = new Anthropic({ apiKey, baseURL, ...quiet });
  if (isHttpUrl(created.baseURL)) return created;
  throw new RunnerError(
    'invalid_request',
    'the environment variable ANTHROPIC_BASE_URL must be a URL that begins with http:// or https://',
  );
}

/**
 * Gives the one client of a runner, made at its first request. What is wrong with the environment
 * now may be mended before the next attempt.
 *
 * @throws {RunnerError} `invalid_request`
 */
export function connector(options: AnthropicOptions): () => Promise<Anthropic> {
  let connecting: Promise<Anthropic> | undefined;
  return () => {
    if (connecting === undefined) {
      connecting = createClient(options);
      connecting.catch(() => {
        connecting = undefined;
      });
    }
    return connecting;
  };
}

/**
 * Whether a client has found nothing to sign in with. To be asked after a request has failed: until
 * then the SDK may still be looking, in the profiles that its command line tool writes.
 */
export function lacksCredentials({ apiKey, authToken, credentials }: Anthropic): boolean {
  return [apiKey, authToken, credentials].every((credential) => credential == null);
}

/** What must never be seen in a message. */
export function secretsOf({ apiKey, authToken, baseURL }: Anthropic): string[] {
  return [apiKey, authToken, ...secretsIn(baseURL)].filter((secret) => typeof secret === 'string');
}
