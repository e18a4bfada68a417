import { checkDuration, checkLimit } from '../contract/check-options.js';
import { OptionError } from '../contract/errors.js';

/** The options that providers of models have in common. */
export interface ModelOptions {
  readonly model?: string;
  readonly apiKey?: string;
  readonly baseURL?: string;
  readonly instructions?: string;
  readonly maxOutputTokens?: number;
  readonly maxSteps?: number;
  readonly timeoutMs?: number;
}

/** @throws {OptionError} when one of them is out of range. */
export function checkModelOptions(owner: string, options: ModelOptions): void {
  const { baseURL, maxOutputTokens, maxSteps, timeoutMs } = options;
  for (const name of ['model', 'apiKey', 'baseURL', 'instructions'] as const) {
    const value: unknown = options[name];
    if (value !== undefined && (typeof value !== 'string' || value.trim() === '')) {
      // What was given is not shown: it may be a key that ended up in the wrong place.
      throw new OptionError(`${owner}: ${name} must be a string that is not empty`);
    }
  }
  if (baseURL !== undefined && !isHttpUrl(baseURL)) {
    throw new OptionError(`${owner}: baseURL must be a URL that begins with http:// or https://`);
  }
  if (maxOutputTokens !== undefined) checkCount(owner, 'maxOutputTokens', maxOutputTokens);
  if (maxSteps !== undefined) checkLimit(owner, 'maxSteps', maxSteps);
  if (timeoutMs !== undefined) checkDuration(owner, 'timeoutMs', timeoutMs);
}

/**
 * @param client A client of an SDK that was given ready-made, with its own key and base URL.
 * @throws {OptionError} when it is none, or when they are given besides.
 */
export function checkClient(
  owner: string,
  client: unknown,
  packageName: string,
  options: ModelOptions,
): void {
  if (client === undefined) return;
  // Its classes tell what its errors are.
  const classes = (client as object | null)?.constructor as { APIError?: unknown } | undefined;
  if (typeof classes?.APIError !== 'function') {
    throw new OptionError(`${owner}: client must be a client of the ${packageName} package`);
  }
  for (const name of ['apiKey', 'baseURL'] as const) {
    if (options[name] !== undefined) {
      throw new OptionError(`${owner}: give ${name} to the client, or leave out client`);
    }
  }
}

/** Whether a text is a URL that a request can be sent to. */
export function isHttpUrl(text: string): boolean {
  return /^https?:\/\//.test(text) && URL.canParse(text);
}

function checkCount(owner: string, name: string, value: number): void {
  if (Number.isInteger(value) && value > 0) return;
  const message = `${name} must be a whole number of at least 1; it is ${String(value)}`;
  throw new OptionError(`${owner}: ${message}`);
}
