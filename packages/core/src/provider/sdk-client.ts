import { RunnerError } from '../contract/errors.js';
import { fetchWithErrors } from './error-response.js';
import { isHttpUrl, type SdkOptions } from './model-options.js';
import { secretsIn } from './redact.js';
import { retryableOnce } from './retryable-once.js';
import type { Sdk, SdkClient } from './sdk.js';

/**
 * Gives the one client of a runner, created at its first request.
 *
 * @throws {RunnerError} `missing_api_key`, or `invalid_request` when the base URL of the environment
 * is invalid.
 */
export function sdkConnector<Client extends SdkClient>(
  sdk: Sdk<Client>,
  options: SdkOptions<Client>,
): () => Promise<Client> {
  return retryableOnce(async () => {
    const { client, apiKey, baseURL } = options;
    if (client !== undefined) return client;
    sdk.requireCredentials?.(options);
    // The SDK prints responses that it cannot read, with the secrets in them. Our error redacts them.
    const quiet = environmentOf(sdk, 'LOG') ? {} : { logLevel: 'off' as const };
    const created = await sdk.createClient({ apiKey, baseURL, ...quiet, fetch: fetchWithErrors });
    if (isHttpUrl(created.baseURL)) return created;
    throw new RunnerError(
      'invalid_request',
      `the environment variable ${sdk.environment}_BASE_URL must be a URL that begins with http:// or https://`,
    );
  });
}

/** The value of an environment variable of the SDK; undefined when it is blank. */
export function environmentOf(
  { environment }: Pick<Sdk<SdkClient>, 'environment'>,
  name: 'API_KEY' | 'BASE_URL' | 'LOG',
): string | undefined {
  return process.env[`${environment}_${name}`]?.trim() || undefined;
}

/** @param advice Ends the message. */
export function missingApiKey(
  { name, environment }: Pick<Sdk<SdkClient>, 'name' | 'environment'>,
  advice = '',
  cause?: unknown,
): RunnerError {
  const message =
    `${name}() has no API key: set the environment variable ${environment}_API_KEY, or pass ` +
    `${name}({ apiKey }).${advice}`;
  return new RunnerError('missing_api_key', message, { cause });
}

/**
 * The configured address of the API, without its secrets; undefined for the SDK's default. It
 * identifies a model: the same name may be another model at another address.
 */
export function configuredEndpoint<Client extends SdkClient>(
  sdk: Sdk<Client>,
  { client, baseURL }: SdkOptions<Client>,
): string | undefined {
  const url = client?.baseURL ?? baseURL ?? environmentOf(sdk, 'BASE_URL');
  // An invalid URL in the environment is an error of the first request.
  return url !== undefined && URL.canParse(url) ? endpointOf(url) : undefined;
}

/** A URL without its credentials and query. */
export function endpointOf(url: string): string {
  const { origin, pathname } = new URL(url);
  return origin + pathname;
}

/** Values that must never appear in an error. */
export function secretsOfClient<Client extends SdkClient>(
  sdk: Sdk<Client>,
  client: Client,
): string[] {
  return [...sdk.credentialsOf(client), ...secretsIn(client.baseURL)].filter(
    (secret) => typeof secret === 'string',
  );
}
