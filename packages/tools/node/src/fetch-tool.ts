import { type Tool, tool } from '@stratagem/core';
import { checkDuration, checkOptions, OptionError, RunnerError } from '@stratagem/core/runner';
import { Agent, fetch } from 'undici';
import * as z from 'zod';
import { addressOf, shownAddress } from './address.js';
import { AllowedHosts, publicLookup, requirePublicAddress } from './public-hosts.js';
import { connectionError, readBody, requireSuccess } from './response.js';

export interface FetchToolOptions {
  /**
   * The name that tasks call it by.
   * @default 'fetch'
   */
  readonly name?: string | undefined;
  /**
   * Hosts that may be asked although they are on this machine or in a private network, with a port or for
   * all ports: `localhost:8080`, `10.0.0.5`. All others must be on the public internet.
   * @default none
   */
  readonly allowHosts?: readonly string[] | undefined;
  /**
   * The longest that one call may take with its redirects, in milliseconds.
   * @default 30_000
   */
  readonly timeoutMs?: number | undefined;
  /**
   * The maximum length of a body after decompression, in bytes.
   * @default 5_000_000
   */
  readonly maxBytes?: number | undefined;
  /**
   * How many redirects are followed.
   * @default 5
   */
  readonly maxRedirects?: number | undefined;
}

const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] as const;
const SCALAR = z.union([z.string(), z.number(), z.boolean()]);

const inputSchema = z.object({
  url: z.string().describe('The address, which begins with http:// or https://.'),
  method: z.enum(METHODS).default('GET'),
  query: z
    .record(z.string(), z.union([SCALAR, z.array(SCALAR)]))
    .describe('Parameters that are added to the address, encoded.')
    .optional(),
  headers: z.record(z.string(), z.string()).optional(),
  body: z.unknown().describe('Text is sent as it is, any other value as JSON.').optional(),
  as: z
    .enum(['auto', 'json', 'text'])
    .default('auto')
    .describe('How the body is read; auto goes by its content type.'),
});

type FetchInput = z.infer<typeof inputSchema>;

/**
 * A tool that fetches an address: its body as JSON or text. Any status but 2xx fails the attempt, with a code
 * that says whether it is worth another try. A POST or PATCH that may have been carried out is not repeated.
 *
 * Hosts on this machine or in private networks are refused, whether a URL, a name or a redirect leads to
 * them, unless `allowHosts` has them. Headers are not sent on to another origin.
 *
 * @throws {OptionError} when an option is unknown or out of range.
 *
 * @example
 * const executor = createExecutor({ strategy: parallel(), tools: [fetchTool()] });
 * const plan = createPlan('Status').addTask({
 *   id: 'status',
 *   tool: 'fetch',
 *   args: { url: 'https://example.com/status.json' },
 * });
 */
export function fetchTool(options: FetchToolOptions = {}): Tool<typeof inputSchema> {
  const names = ['name', 'allowHosts', 'timeoutMs', 'maxBytes', 'maxRedirects'];
  checkOptions('fetchTool()', options, names);
  const { name = 'fetch', allowHosts = [], timeoutMs = 30_000 } = options;
  const { maxBytes = 5_000_000, maxRedirects = 5 } = options;
  checkDuration('fetchTool()', 'timeoutMs', timeoutMs);
  requireInteger('maxBytes', maxBytes, 1);
  requireInteger('maxRedirects', maxRedirects, 0);
  if (!Array.isArray(allowHosts) || allowHosts.some((host) => !isHost(host))) {
    const message = 'allowHosts must be a list of hosts, like localhost:8080 or 10.0.0.5';
    throw new OptionError(`fetchTool(): ${message}`);
  }
  const allowed = new AllowedHosts(allowHosts);
  const agents = new Agents();
  const request = async (input: FetchInput, signal: AbortSignal, idempotencyKey: string) => {
    const { method } = input;
    let url = addressOf(input);
    let headers = headersOf(input, idempotencyKey);
    for (let redirects = 0; ; redirects++) {
      const isAllowed = allowed.has(url);
      if (!isAllowed) requirePublicAddress(url);
      const shown = `${method} ${shownAddress(url)}`;
      const dispatcher = isAllowed ? agents.any : agents.public;
      const init = { method, headers, redirect: 'manual', dispatcher, signal } as const;
      const body = bodyOf(input);
      const response = await fetch(url, { ...init, ...(body !== undefined && { body }) }).catch(
        (thrown: unknown) => {
          signal.throwIfAborted();
          throw connectionError(shown, thrown, isSafe(method));
        },
      );
      const next = await redirectOf(response, url, input);
      if (next === undefined) {
        await requireSuccess(response, shown, isSafe(method));
        const { as } = input;
        return readBody(response, shown, { maxBytes, as, isSafe: isSafe(method), signal });
      }
      if (redirects === maxRedirects) {
        throw new RunnerError('invalid_request', `${shown}: more than ${maxRedirects} redirects`);
      }
      // Any header may be a secret of this origin alone.
      if (next.origin !== url.origin) headers = { accept: ACCEPT };
      url = next;
    }
  };
  return tool({
    name,
    description: 'Fetches an address over HTTP, and returns its body as JSON or text.',
    inputSchema,
    reusable: ({ method = 'GET' }: Partial<FetchInput>) => method === 'GET',
    execute: async (input, { signal, idempotencyKey }) => {
      const limit = new TimeLimit(timeoutMs, signal, input.method);
      try {
        return await request(input, limit.signal, idempotencyKey);
      } finally {
        limit.end();
      }
    },
  });
}

/** Aborts a call that takes too long. One that may have been carried out is not repeated. */
class TimeLimit {
  readonly signal: AbortSignal;
  readonly #timer: NodeJS.Timeout;

  constructor(timeoutMs: number, stop: AbortSignal, method: FetchInput['method']) {
    const late = new AbortController();
    this.signal = AbortSignal.any([stop, late.signal]);
    this.#timer = setTimeout(() => {
      const retry = isSafe(method) ? {} : { isRetryable: false };
      late.abort(new RunnerError('timeout', `no result within ${timeoutMs} ms`, retry));
    }, timeoutMs);
  }

  end(): void {
    clearTimeout(this.#timer);
  }
}

const ACCEPT = 'application/json, text/*;q=0.9, */*;q=0.5';

/** Connections of their own for public hosts, whose addresses are checked, and for allowed ones. */
class Agents {
  #public: Agent | undefined;
  #any: Agent | undefined;

  get public(): Agent {
    this.#public ??= new Agent({ connect: { lookup: publicLookup } });
    return this.#public;
  }

  get any(): Agent {
    this.#any ??= new Agent();
    return this.#any;
  }
}

function headersOf(
  { method, headers = {}, body }: FetchInput,
  idempotencyKey: string,
): Record<string, string> {
  const given = Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]),
  );
  const isJson = body !== undefined && typeof body !== 'string';
  try {
    return {
      accept: ACCEPT,
      ...(isJson && { 'content-type': 'application/json' }),
      // For servers that carry out a repeated request once.
      ...(!isSafe(method) && { 'idempotency-key': idempotencyKey }),
      ...Object.fromEntries(new Headers(given)),
    };
  } catch (cause) {
    // The message of the platform repeats the value, which may be a secret.
    throw new RunnerError('invalid_input', 'a header has an invalid name or value', { cause });
  }
}

function bodyOf({ method, body }: FetchInput): string | undefined {
  if (body === undefined) return undefined;
  if (method === 'GET') {
    throw new RunnerError('invalid_input', 'a GET has no body; use query, or another method');
  }
  return typeof body === 'string' ? body : JSON.stringify(body);
}

/** Whether a request may be repeated although the first one may have been carried out. */
function isSafe(method: FetchInput['method']): boolean {
  return method !== 'POST' && method !== 'PATCH';
}

/** Where a response leads; undefined when it is the answer itself. */
async function redirectOf(
  response: Awaited<ReturnType<typeof fetch>>,
  from: URL,
  { method }: FetchInput,
): Promise<URL | undefined> {
  const location = response.headers.get('location');
  if (![301, 302, 303, 307, 308].includes(response.status) || location === null) return undefined;
  await response.body?.cancel();
  const shown = `${method} ${shownAddress(from)}`;
  const next = URL.canParse(location, from) ? new URL(location, from) : undefined;
  if (next === undefined || !['http:', 'https:'].includes(next.protocol)) {
    throw new RunnerError('invalid_request', `${shown} leads to an address that is not HTTP`);
  }
  if (method !== 'GET') {
    const message = `${shown} leads to ${shownAddress(next)}: use that address, as only a GET is redirected`;
    throw new RunnerError('invalid_request', message);
  }
  return next;
}

function requireInteger(name: string, value: number, min: number): void {
  if (Number.isInteger(value) && value >= min) return;
  throw new OptionError(`fetchTool(): ${name} must be an integer ≥ ${min}`);
}

function isHost(host: unknown): boolean {
  if (typeof host !== 'string' || !URL.canParse(`http://${host}`)) return false;
  const { pathname, username, hostname, search } = new URL(`http://${host}`);
  return hostname !== '' && pathname === '/' && !host.endsWith('/') && username + search === '';
}
