import { RunnerError } from '../contract/errors.js';
import { fetchWithErrors } from './error-response.js';
import { missingPackage } from './missing-package.js';
import { isHttpUrl, namesUser, type SdkOptions } from './model-options.js';
import { secretHeaders, secretsIn } from './redact.js';
import { retryableOnce } from './retryable-once.js';
import type { Sdk, SdkClient } from './sdk.js';

/**
 * Gives the one client of a runner, created at its first request.
 *
 * @throws {RunnerError} `missing_api_key`, or `invalid_request` when the SDK is not installed or the base
 * URL of the environment is invalid.
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
    const settings = { apiKey, baseURL, ...quiet, fetch: fetchWithErrors };
    const created = await sdk.createClient(settings, options).catch((thrown) => {
      throw missingPackage(`${sdk.name}()`, sdk.packageName, thrown);
    });
    const { baseURL: url } = created;
    if (isHttpUrl(url) && !namesUser(url)) return created;
    const problem = isHttpUrl(url)
      ? 'must not contain a user name or password'
      : 'must be a URL that begins with http:// or https://';
    const variable = `the environment variable ${sdk.environment}_BASE_URL`;
    throw new RunnerError('invalid_request', `${variable} ${problem}`);
  });
}

/** The value of an environment variable of the SDK; undefined when it is blank. */
export function environmentOf(
  { environment }: Pick<Sdk<SdkClient>, 'environment'>,
  name: 'API_KEY' | 'BASE_URL' | 'LOG',
): string | undefined {
  // Browsers have none.
  return globalThis.process?.env[`${environment}_${name}`]?.trim() || undefined;
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
  options: SdkOptions<Client>,
): string | undefined {
  const { client, baseURL } = options;
  const own = client?.baseURL ?? sdk.addressOf?.(options) ?? baseURL;
  const url = own ?? environmentOf(sdk, 'BASE_URL');
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
  const { _options: options } = client as { readonly _options?: unknown };
  const { defaultHeaders, defaultQuery } = Object(options) as Record<string, unknown>;
  return [
    ...sdk.credentialsOf(client),
    ...secretsIn(client.baseURL),
    ...credentialsIn(client, 0),
    ...credentialsIn(options, 0),
    ...secretHeaders(defaultHeaders),
    ...Object.values(Object(defaultQuery)),
    ...cloudCredentials(),
  ].filter((secret) => typeof secret === 'string');
}

const SECRET_NAME = /key|token|secret|password|credential|identity/i;

/** The texts in fields whose names say that they are secret: clients of clouds have many such fields. */
function credentialsIn(holder: unknown, depth: number): unknown[] {
  if (typeof holder !== 'object' || holder === null || depth > 2) return [];
  return Object.entries(holder).flatMap(([name, value]) => {
    if (depth === 0 && !SECRET_NAME.test(name)) return [];
    return typeof value === 'object' ? credentialsIn(value, depth + 1) : [value];
  });
}

/** Credentials that the SDK of a cloud reads by itself. */
function cloudCredentials(): unknown[] {
  const isSecret = /^(AWS|AZURE|GOOGLE)_.*(KEY|TOKEN|SECRET|PASSWORD)/;
  return Object.entries(globalThis.process?.env ?? {}).flatMap(([name, value]) =>
    isSecret.test(name) ? value : [],
  );
}
