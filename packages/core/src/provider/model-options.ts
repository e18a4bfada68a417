import { type CallOptions, isHeaderValue } from '../contract/call-options.js';
import { checkDuration, checkLimit } from '../contract/check-options.js';
import { OptionError } from '../contract/errors.js';
import { checkCallOptions } from './call-options.js';

/** Completes "the key has …". */
export const NOT_IN_HEADERS =
  'a character that HTTP does not allow in headers, such as "…" or a line end';

/** The options that all providers of models share. */
export interface ModelOptions extends CallOptions {
  /**
   * Maximum requests of one attempt when the model calls tools. At the limit the attempt fails as
   * `step_limit`.
   * @default 20
   */
  readonly maxSteps?: number | undefined;
  /**
   * Maximum tool calls of one answer that run at the same time. The others wait for their turn.
   * @default 8
   */
  readonly toolCallConcurrency?: number | undefined;
  /**
   * Maximum duration of one attempt, until its answer is complete, in milliseconds.
   * @default 600_000
   */
  readonly timeoutMs?: number | undefined;
}

/** The options of providers that create the client of an SDK. */
export interface SdkOptions<Client> extends ModelOptions {
  /** The model that answers. */
  readonly model?: string | undefined;
  /** The API key. Never part of an event, an error or a report. */
  readonly apiKey?: string | undefined;
  /** Base URL of the API, without a user name or password. */
  readonly baseURL?: string | undefined;
  /**
   * Your own client, for settings that have no option here: a proxy, headers, other credentials. It
   * has its own key and base URL; its retries are turned off.
   */
  readonly client?: Client | undefined;
}

export const DEFAULT_MAX_STEPS = 20;
export const DEFAULT_TOOL_CALL_CONCURRENCY = 8;

/** @throws {OptionError} when one of them is out of range. */
export function checkModelOptions(owner: string, options: ModelOptions): void {
  const { maxSteps, timeoutMs, toolCallConcurrency } = options;
  checkCallOptions(owner, options);
  if (maxSteps !== undefined) checkLimit(owner, 'maxSteps', maxSteps);
  if (toolCallConcurrency !== undefined) {
    checkLimit(owner, 'toolCallConcurrency', toolCallConcurrency);
  }
  if (timeoutMs !== undefined) checkDuration(owner, 'timeoutMs', timeoutMs);
}

/**
 * @param packageName The package of the SDK.
 * @throws {OptionError} when one of them is out of range, or when a client is given together with
 * options that the client has itself.
 */
export function checkSdkOptions(
  owner: string,
  packageName: string,
  options: SdkOptions<unknown>,
): void {
  const { apiKey, baseURL, client } = options;
  for (const name of ['model', 'apiKey', 'baseURL'] as const) checkText(owner, name, options[name]);
  checkModelOptions(owner, options);
  if (apiKey !== undefined && !isHeaderValue(apiKey.trim())) {
    throw new OptionError(`${owner}: apiKey has ${NOT_IN_HEADERS}`);
  }
  if (baseURL !== undefined && !isHttpUrl(baseURL)) {
    throw new OptionError(`${owner}: baseURL must be a URL that begins with http:// or https://`);
  }
  if (client === undefined) {
    if (baseURL !== undefined) checkNoUser(owner, 'baseURL', baseURL);
    return;
  }
  // The kit recognises errors by the classes that a client carries.
  const classes = (client as object | null)?.constructor as { APIError?: unknown } | undefined;
  if (typeof classes?.APIError !== 'function') {
    throw new OptionError(`${owner}: client must be a client of the ${packageName} package`);
  }
  const { baseURL: ofClient } = client as { baseURL?: unknown };
  if (typeof ofClient === 'string') checkNoUser(owner, 'the baseURL of client', ofClient);
  for (const name of ['apiKey', 'baseURL'] as const) {
    if (options[name] !== undefined) {
      throw new OptionError(`${owner}: give ${name} to the client, or leave out client`);
    }
  }
}

/** @throws {OptionError} unless the value is undefined or one of the choices. */
export function checkChoice(
  owner: string,
  name: string,
  value: unknown,
  choices: readonly string[],
): void {
  if (value === undefined || choices.includes(value as string)) return;
  const list = choices.map((choice) => `'${choice}'`);
  const last = list.pop();
  const accepted = `${list.join(', ')} or ${last}`;
  throw new OptionError(`${owner}: ${name} must be ${accepted}; it is ${String(value)}`);
}

/** Whether a text is a URL that a request can be sent to. */
export function isHttpUrl(text: string): boolean {
  return /^https?:\/\//.test(text) && URL.canParse(text);
}

/** Whether a URL names a user: HTTP clients, servers and logs quote such URLs. */
export function namesUser(url: string): boolean {
  if (!URL.canParse(url)) return false;
  const { username, password } = new URL(url);
  return username !== '' || password !== '';
}

/**
 * @param name The option. Its value is not shown.
 * @throws {OptionError} when a URL contains a user name or a password.
 */
export function checkNoUser(owner: string, name: string, url: string): void {
  if (!namesUser(url)) return;
  const remedy = 'send them in a header instead';
  throw new OptionError(`${owner}: ${name} must not contain a user name or password; ${remedy}`);
}

function checkText(owner: string, name: string, value: unknown): void {
  if (value === undefined || (typeof value === 'string' && value.trim() !== '')) return;
  // The value is not shown: it may be a key in the wrong place.
  throw new OptionError(`${owner}: ${name} must be a non-empty string`);
}
