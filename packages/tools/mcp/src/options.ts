import type { AuthProvider, OAuthClientProvider } from '@modelcontextprotocol/client';
import { OptionError } from '@stratagem/core';
import {
  checkDuration,
  checkLimit,
  checkNoUser,
  checkOptions,
  isHttpUrl,
} from '@stratagem/core/runner';

/** The options of every kind of server. */
export interface McpToolOptions {
  /**
   * The tools to include, by their names on the server.
   * @default all
   */
  readonly include?: readonly string[] | undefined;
  /**
   * The tools to exclude, by their names on the server.
   * @default none
   */
  readonly exclude?: readonly string[] | undefined;
  /**
   * A prefix for each name, so that the tools of several servers do not clash: with `'github_'`, the
   * server's `search` becomes `github_search`. At most 32 letters, digits, `_` and `-`.
   * @default nothing
   */
  readonly prefix?: string | undefined;
  /**
   * Whether a human approves each call before it runs: of every tool, or of the tools with these names on
   * the server.
   * @default false
   */
  readonly needsApproval?: boolean | readonly string[] | undefined;
  /**
   * The time limit of a request to the server, in milliseconds: the initialization or a tool call. A
   * call that exceeds it is canceled on the server. For a call that reports progress, it is the time
   * without a report.
   * @default 60_000
   */
  readonly timeoutMs?: number | undefined;
  /**
   * The maximum length of a result, in characters. A longer one is cut, with a note for the model.
   * @default 100_000
   */
  readonly maxResultLength?: number | undefined;
  /**
   * The client name that is sent to the server.
   * @default 'stratagem'
   */
  readonly clientName?: string | undefined;
}

/** A server to start as a process on this machine, connected by standard input and output. */
export interface McpStdioOptions extends McpToolOptions {
  /** The program to run; no shell is involved. */
  readonly command: string;
  /** The arguments of the program. */
  readonly args?: readonly string[] | undefined;
  /**
   * The environment of the server, besides the few variables that every program needs (`PATH`, `HOME`
   * and the like). It inherits no others, so it gets no API key unless you pass it here.
   */
  readonly env?: Readonly<Record<string, string>> | undefined;
  /**
   * The working directory of the server.
   * @default that of this process
   */
  readonly cwd?: string | undefined;
}

/** A running server, connected over HTTP. */
export interface McpHttpOptions extends McpToolOptions {
  /** The URL of the server, without a user name or password: those belong into `headers`. */
  readonly url: string | URL;
  /** The headers of each request: `{ authorization: 'Bearer …' }`. They never appear in an error. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** Authenticates requests: an OAuth provider of the SDK, or `{ token: async () => '…' }`. */
  readonly authProvider?: AuthProvider | OAuthClientProvider | undefined;
}

export type McpOptions = McpStdioOptions | McpHttpOptions;

export const DEFAULT_TIMEOUT_MS = 60_000;
/** About 25,000 tokens. */
export const DEFAULT_MAX_RESULT_LENGTH = 100_000;

const TOOL_OPTIONS = [
  'include',
  'exclude',
  'prefix',
  'needsApproval',
  'timeoutMs',
  'maxResultLength',
  'clientName',
];
const STDIO_OPTIONS = ['command', 'args', 'env', 'cwd', ...TOOL_OPTIONS];
const HTTP_OPTIONS = ['url', 'headers', 'authProvider', ...TOOL_OPTIONS];
const OWNER = 'mcpTools()';
const PREFIX = /^[A-Za-z0-9_-]{1,32}$/;

export function isStdio(options: McpOptions): options is McpStdioOptions {
  return 'command' in options;
}

/** @throws {OptionError} when an option is unknown or cannot be used. */
export function checkMcpOptions(options: McpOptions): void {
  const isObject = typeof options === 'object' && options !== null;
  if (isObject && 'command' in options === 'url' in options) {
    fail('pass either the command that starts a server, or the url of a running server');
  }
  checkOptions(OWNER, options, isObject && 'url' in options ? HTTP_OPTIONS : STDIO_OPTIONS);
  if (isStdio(options)) checkStdio(options);
  else checkHttp(options);
  const { include, exclude, prefix, needsApproval } = options;
  const { timeoutMs, maxResultLength, clientName } = options;
  checkTexts('include', include);
  checkTexts('exclude', exclude);
  if (typeof needsApproval !== 'boolean') checkTexts('needsApproval', needsApproval);
  if (prefix !== undefined && !(typeof prefix === 'string' && PREFIX.test(prefix))) {
    fail('prefix must have at most 32 letters, digits, _ and -');
  }
  if (timeoutMs !== undefined) checkDuration(OWNER, 'timeoutMs', timeoutMs);
  if (maxResultLength !== undefined) checkLimit(OWNER, 'maxResultLength', maxResultLength);
  if (clientName !== undefined) checkText('clientName', clientName);
}

function checkStdio({ command, args, env, cwd }: McpStdioOptions): void {
  checkText('command', command);
  checkTexts('args', args);
  checkRecord('env', env);
  if (cwd !== undefined) checkText('cwd', cwd);
}

function checkHttp({ url, headers, authProvider }: McpHttpOptions): void {
  if (!(typeof url === 'string' || url instanceof URL) || !isHttpUrl(String(url))) {
    fail('url must begin with http:// or https://');
  }
  checkNoUser(OWNER, 'url', String(url));
  checkRecord('headers', headers);
  try {
    new Headers(headers);
  } catch {
    fail('headers has an invalid name or value');
  }
  if (authProvider !== undefined && typeof Object(authProvider).token !== 'function') {
    if (typeof Object(authProvider).tokens !== 'function') {
      fail('authProvider must be a provider of the SDK, or { token: async () => … }');
    }
  }
}

// These messages do not quote the value, because it may be a key in the wrong place.

function checkText(name: string, value: unknown): void {
  if (typeof value !== 'string' || value.trim() === '') {
    fail(`${name} must be a non-empty string`);
  }
}

function checkTexts(name: string, value: unknown): void {
  if (value === undefined) return;
  if (Array.isArray(value) && value.every((text) => typeof text === 'string')) return;
  fail(`${name} must be a list of strings`);
}

function checkRecord(name: string, value: unknown): void {
  if (value === undefined) return;
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    fail(`${name} must be an object of strings`);
  }
  for (const [key, text] of Object.entries(value)) {
    if (typeof text !== 'string') fail(`${name}.${key} must be a string; it is ${typeof text}`);
  }
}

function fail(message: string): never {
  throw new OptionError(`${OWNER}: ${message}`);
}
