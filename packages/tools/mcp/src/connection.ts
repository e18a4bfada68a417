import { createRequire } from 'node:module';
import type { Client } from '@modelcontextprotocol/client';
import { type AttemptErrorCode, RunnerError } from '@stratagem/core';
import { codeOfStatus, describe, redact, secretHeaders, secretsIn } from '@stratagem/core/runner';
import { DEFAULT_TIMEOUT_MS, isStdio, type McpOptions } from './options.js';
import { BROKEN_STREAM, httpTransport, stdioTransport, type Transport } from './transports.js';

/** An open connection to a server. */
export interface Connection {
  readonly client: Client;
  /** The name that the server reports. */
  readonly name: string;
  /** The time limit of one request, in milliseconds. */
  readonly timeoutMs: number;
  /** Whether the server can still be reached, as far as the connection knows. */
  readonly isOpen: () => boolean;
  /** Whether a request failed because the server does not know the session any more. */
  readonly isSessionLost: (thrown: unknown) => boolean;
  /** Removes secrets from a text. */
  readonly withoutSecrets: (text: string) => string;
  /** Converts the error of a request to a `RunnerError`. */
  readonly toRunnerError: (thrown: unknown) => RunnerError;
  /** Ends the connection, and the server process that it started. */
  readonly close: () => Promise<void>;
}

/** The longest delay a timer accepts. */
const MAX_TIMER_MS = 2 ** 31 - 1;
/** How long to wait for the server while closing, in milliseconds. */
const CLOSE_TIMEOUT_MS = 1_000;

const { version } = createRequire(import.meta.url)('../package.json') as { version: string };

/** @throws {RunnerError} `connection`, `timeout`, `authentication`, … when the connection fails. */
export async function connect(options: McpOptions): Promise<Connection> {
  const transport = await (isStdio(options) ? stdioTransport(options) : httpTransport(options));
  const first = connector(options, transport);
  try {
    return await first.open();
  } catch (thrown) {
    const error = first.toRunnerError(thrown);
    const fallback = await transport.fallback?.(thrown);
    if (fallback === undefined) throw error;
    // When the fallback fails as well, the first error is more useful.
    return connector(options, fallback)
      .open()
      .catch(() => {
        throw error;
      });
  }
}

function connector(options: McpOptions, transport: Transport) {
  const { clientName = 'stratagem' } = options;
  const timeoutMs = Math.min(options.timeoutMs ?? DEFAULT_TIMEOUT_MS, MAX_TIMER_MS);
  const address = addressOf(options);
  let client: Client | undefined;
  let name = address;
  let state: ConnectionState['state'] = 'opening';
  let disconnected: Promise<void> | undefined;
  let closing: Promise<void> | undefined;
  /** The latest error of the connection itself. */
  let connectionError: unknown;

  const withoutSecrets = (text: string) => redact(text, secretsOf(options));
  const toRunnerError = (thrown: unknown): RunnerError => {
    const isDisconnected = !client?.transport;
    const { code, text } = classify(thrown, { timeoutMs, state, isDisconnected, connectionError });
    const tail = code === 'connection' && state !== 'closed' ? transport.stderrTail?.() : undefined;
    const message = `MCP server "${name}": ${text}${tail ? `; its last output: ${tail}` : ''}`;
    return new RunnerError(code, withoutSecrets(message));
  };
  const disconnect = async () => {
    state = 'closed';
    await settledWithin(
      CLOSE_TIMEOUT_MS,
      transport.endSession?.().catch(() => {}),
    );
    await client?.close();
    await settledWithin(CLOSE_TIMEOUT_MS, disconnected);
  };
  const open = async (): Promise<Connection> => {
    const { Client } = await import('@modelcontextprotocol/client');
    const opened = new Client(
      { name: clientName, version },
      { versionNegotiation: { mode: transport.mode } },
    );
    client = opened;
    opened.onerror = (error) => {
      connectionError = error;
    };
    disconnected = new Promise((resolve) => {
      opened.onclose = resolve;
    });
    try {
      await opened.connect(transport.sdk, { timeout: timeoutMs });
    } catch (thrown) {
      // The SDK has closed the connection, but did not wait for the process to end.
      if (transport.mode === 'legacy') await settledWithin(CLOSE_TIMEOUT_MS, disconnected);
      throw thrown;
    }
    state = 'open';
    name = opened.getServerVersion()?.name.slice(0, 100) || address;
    const close = () => {
      closing ??= disconnect();
      return closing;
    };
    const isOpen = () => opened.transport !== undefined;
    const isSessionLost = (thrown: unknown) =>
      transport.hasSession?.() === true && isUnknownSession(thrown);
    const about = { name, timeoutMs, isOpen, isSessionLost, withoutSecrets, toRunnerError, close };
    return { client: opened, ...about };
  };
  return { open, toRunnerError };
}

/** By the protocol the status is 404; servers made after a common example answer with 400. */
function isUnknownSession(thrown: unknown): boolean {
  const { status } = Object(thrown) as { status?: unknown };
  return status === 404 || (status === 400 && /session/i.test(describe(thrown)));
}

interface ConnectionState {
  readonly timeoutMs: number;
  readonly state: 'opening' | 'open' | 'closed';
  readonly isDisconnected: boolean;
  readonly connectionError: unknown;
}

/** The code and the text for an error, which depend on the state of the connection. */
function classify(
  thrown: unknown,
  { timeoutMs, state, isDisconnected, connectionError }: ConnectionState,
): { code: AttemptErrorCode; text: string } {
  const { code, status, message } = Object(thrown) as Record<string, unknown>;
  if (state === 'closed') return { code: 'connection', text: 'the connection has been closed' };
  if (typeof status === 'number') return { code: codeOfStatus(status), text: describe(thrown) };
  if (code === 'REQUEST_TIMEOUT') {
    return { code: 'timeout', text: `no response within ${timeoutMs} ms` };
  }
  if (code === 'CONNECTION_CLOSED' || (state === 'open' && isDisconnected)) {
    const reason = connectionError === undefined ? '' : `: ${describe(connectionError)}`;
    return { code: 'connection', text: `it has stopped${reason}` };
  }
  if (state === 'opening') {
    return { code: 'connection', text: `no connection: ${describe(thrown)}` };
  }
  // fetch throws a TypeError for every kind of connection error.
  const isBroken = thrown instanceof TypeError || message === BROKEN_STREAM;
  return { code: isBroken ? 'connection' : 'task_failed', text: describe(thrown) };
}

/** The address for messages, without arguments and queries, which may contain keys. */
function addressOf(options: McpOptions): string {
  if (isStdio(options)) return options.command;
  const { origin, pathname } = new URL(options.url);
  return origin + pathname;
}

/** The texts that must never appear in a message. */
function secretsOf(options: McpOptions): string[] {
  if (isStdio(options)) return Object.values(options.env ?? {});
  const { search } = new URL(options.url);
  return [search.slice(1), ...secretsIn(String(options.url)), ...secretHeaders(options.headers)];
}

/** Resolves when the work does, or after the timeout. */
async function settledWithin(timeoutMs: number, work: Promise<void> | undefined): Promise<void> {
  if (work === undefined) return;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const timeout = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, timeoutMs);
  });
  await Promise.race([work, timeout]);
  clearTimeout(timer);
}
