import type { AuthProvider, OAuthClientProvider } from '@modelcontextprotocol/client';
import { checkDuration, checkOptions, OptionError } from '@stratagem/core';
import { isHttpUrl } from '@stratagem/core/provider';

/** Which of a server's tools to take, and how to use them. */
export interface McpToolOptions {
  /**
   * The tools to take, by their names at the server.
   * @default all
   */
  readonly include?: readonly string[];
  /**
   * The tools to leave out, by their names at the server.
   * @default none
   */
  readonly exclude?: readonly string[];
  /**
   * What to put before each name, so that tools of several servers do not clash: with `'github_'`,
   * the server's `search` becomes `github_search`. Letters, digits, `_` and `-`, 32 at most.
   * @default nothing
   */
  readonly prefix?: string;
  /**
   * The longest one request to the server may take, in milliseconds: a call of a tool, or the
   * greeting at the start. The server is told that a call is no longer wanted.
   * @default 60_000
   */
  readonly timeoutMs?: number;
  /**
   * How to introduce ourselves to the server.
   * @default 'stratagem'
   */
  readonly clientName?: string;
}

/** A server to start: a process of this machine, spoken to over its standard input and output. */
export interface McpStdioOptions extends McpToolOptions {
  /** The program to run; no shell is involved. */
  readonly command: string;
  /** What to run it with. */
  readonly args?: readonly string[];
  /**
   * What the server finds in its environment, besides the few variables that every program needs
   * (`PATH`, `HOME` and the like). Nothing else of this process's environment is handed on: no API
   * key reaches the server unless it stands here.
   */
  readonly env?: Readonly<Record<string, string>>;
  /**
   * The directory it runs in.
   * @default that of this process
   */
  readonly cwd?: string;
}

/** A server that runs already, spoken to over HTTP. */
export interface McpHttpOptions extends McpToolOptions {
  /** Where it is served. */
  readonly url: string | URL;
  /** Sent with each request: `{ authorization: 'Bearer …' }`. Never part of an error. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Signs in, in a way of the SDK: its OAuth providers, or `{ token: async () => '…' }`. */
  readonly authProvider?: AuthProvider | OAuthClientProvider;
}

export type McpOptions = McpStdioOptions | McpHttpOptions;

export const DEFAULT_TIMEOUT_MS = 60_000;

const TOOL_OPTIONS = ['include', 'exclude', 'prefix', 'timeoutMs', 'clientName'];
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
    fail('give it either the command that starts a server, or the url of one that runs');
  }
  checkOptions(OWNER, options, isObject && 'url' in options ? HTTP_OPTIONS : STDIO_OPTIONS);
  if (isStdio(options)) checkStdio(options);
  else checkHttp(options);
  const { include, exclude, prefix, timeoutMs, clientName } = options;
  checkTexts('include', include);
  checkTexts('exclude', exclude);
  if (prefix !== undefined && !(typeof prefix === 'string' && PREFIX.test(prefix))) {
    fail('prefix must have letters, digits, _ and - only, and 32 at most');
  }
  if (timeoutMs !== undefined) checkDuration(OWNER, 'timeoutMs', timeoutMs);
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
    fail('url must be a URL that begins with http:// or https://');
  }
  checkRecord('headers', headers);
  try {
    new Headers(headers);
  } catch {
    fail('headers has a name or a value that no HTTP header can have');
  }
  if (authProvider !== undefined && typeof Object(authProvider).token !== 'function') {
    if (typeof Object(authProvider).tokens !== 'function') {
      fail('authProvider must be one of the SDK, or { token: async () => … }');
    }
  }
}

// What was given is not shown: it may be a key that ended up in the wrong place.

function checkText(name: string, value: unknown): void {
  if (typeof value !== 'string' || value.trim() === '') {
    fail(`${name} must be a string that is not empty`);
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
