import { createRequire } from 'node:module';
import type { Client } from '@modelcontextprotocol/client';
import { type AttemptErrorCode, describe, RunnerError } from '@stratagem/core';
import { codeOfStatus, redact } from '@stratagem/core/provider';
import { DEFAULT_TIMEOUT_MS, isStdio, type McpOptions } from './options.js';
import { BROKEN_STREAM, httpWay, stdioWay, type Way } from './transports.js';

/** A server that was reached. */
export interface Connection {
  readonly client: Client;
  /** What the server calls itself. */
  readonly name: string;
  /** The time limit of one request, in milliseconds. */
  readonly timeoutMs: number;
  /** The text without what must never be seen in a message. */
  readonly tell: (text: string) => string;
  /** Says what went wrong with a request. */
  readonly explain: (thrown: unknown) => RunnerError;
  /** Ends the connection, and the server if we started it. */
  readonly close: () => Promise<void>;
}

/** The longest delay a timer takes. */
const MAX_TIMER_MS = 2 ** 31 - 1;
/** How long to wait for the other side when we part, in milliseconds. */
const FAREWELL_MS = 1_000;

const { version } = createRequire(import.meta.url)('../package.json') as { version: string };

/** @throws {RunnerError} `connection`, `timeout`, `authentication`, … when there is no way. */
export async function connect(options: McpOptions): Promise<Connection> {
  const way = await (isStdio(options) ? stdioWay(options) : httpWay(options));
  const first = openerOf(options, way);
  try {
    return await first.open();
  } catch (refusal) {
    const failure = first.explain(refusal);
    const other = await way.otherwise?.(refusal);
    if (other === undefined) throw failure;
    // When the other way is none either, the first refusal says more.
    return openerOf(options, other)
      .open()
      .catch(() => {
        throw failure;
      });
  }
}

function openerOf(options: McpOptions, way: Way) {
  const { clientName = 'stratagem' } = options;
  const timeoutMs = Math.min(options.timeoutMs ?? DEFAULT_TIMEOUT_MS, MAX_TIMER_MS);
  const place = placeOf(options);
  let client: Client | undefined;
  let name = place;
  let state: 'opening' | 'open' | 'closed' = 'opening';
  let gone: Promise<void> | undefined;
  let parting: Promise<void> | undefined;
  /** What was wrong with the connection itself, of late. */
  let fault: unknown;

  const tell = (text: string) => redact(text, secretsOf(options));
  const explain = (thrown: unknown): RunnerError => {
    const circumstances = { timeoutMs, state, isGone: !client?.transport, fault };
    const { code, text } = reasonOf(thrown, circumstances);
    const words = code === 'connection' && state !== 'closed' ? way.lastWords?.() : undefined;
    const message = `MCP server "${name}": ${text}${words ? `; its last words: ${words}` : ''}`;
    return new RunnerError(code, tell(message));
  };
  const part = async () => {
    state = 'closed';
    await within(
      FAREWELL_MS,
      way.leave?.().catch(() => {}),
    );
    await client?.close();
    await within(FAREWELL_MS, gone);
  };
  const open = async (): Promise<Connection> => {
    const { Client } = await import('@modelcontextprotocol/client');
    const opened = new Client(
      { name: clientName, version },
      { versionNegotiation: { mode: way.mode } },
    );
    client = opened;
    opened.onerror = (error) => {
      fault = error;
    };
    gone = new Promise((resolve) => {
      opened.onclose = resolve;
    });
    try {
      await opened.connect(way.transport, { timeout: timeoutMs });
    } catch (thrown) {
      // The SDK has closed it by now, but did not wait for the process.
      if (way.mode === 'legacy') await within(FAREWELL_MS, gone);
      throw thrown;
    }
    state = 'open';
    name = opened.getServerVersion()?.name.slice(0, 100) || place;
    const close = () => {
      parting ??= part();
      return parting;
    };
    return { client: opened, name, timeoutMs, tell, explain, close };
  };
  return { open, explain };
}

interface Circumstances {
  readonly timeoutMs: number;
  readonly state: 'opening' | 'open' | 'closed';
  readonly isGone: boolean;
  readonly fault: unknown;
}

function reasonOf(
  thrown: unknown,
  { timeoutMs, state, isGone, fault }: Circumstances,
): { code: AttemptErrorCode; text: string } {
  const { code, status, message } = Object(thrown) as Record<string, unknown>;
  if (state === 'closed') return { code: 'connection', text: 'the connection has been closed' };
  if (typeof status === 'number') return { code: codeOfStatus(status), text: describe(thrown) };
  if (code === 'REQUEST_TIMEOUT') {
    return { code: 'timeout', text: `no answer within ${timeoutMs} ms` };
  }
  if (code === 'CONNECTION_CLOSED' || (state === 'open' && isGone)) {
    const why = fault === undefined ? '' : `: ${describe(fault)}`;
    return { code: 'connection', text: `it has stopped${why}` };
  }
  if (state === 'opening') {
    return { code: 'connection', text: `no connection: ${describe(thrown)}` };
  }
  // What fetch throws when it gets no answer is a TypeError, whatever the reason.
  const isBroken = thrown instanceof TypeError || message === BROKEN_STREAM;
  return { code: isBroken ? 'connection' : 'task_failed', text: describe(thrown) };
}

/** What it may be called in messages: arguments and queries may have keys in them. */
function placeOf(options: McpOptions): string {
  if (isStdio(options)) return options.command;
  const { origin, pathname } = new URL(options.url);
  return origin + pathname;
}

/** What must never be seen in a message. */
function secretsOf(options: McpOptions): string[] {
  if (isStdio(options)) return Object.values(options.env ?? {});
  const { username, password, search } = new URL(options.url);
  const headers = Object.values(options.headers ?? {});
  // Also the key alone of "Bearer key": servers quote it without the word before it.
  const parts = headers.flatMap((header) => [header, ...header.split(/\s+/)]);
  return [username, password, search.slice(1), ...parts];
}

async function within(timeoutMs: number, work: Promise<void> | undefined): Promise<void> {
  if (work === undefined) return;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const enough = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, timeoutMs);
  });
  await Promise.race([work, enough]);
  clearTimeout(timer);
}
