// The client: for browsers, and for every other runtime with fetch().
import { EventSourceParserStream } from 'eventsource-parser/stream';
import { isEnd, type WireEvent } from './wire-event.js';

export type { WireError, WireEvent } from './wire-event.js';

export interface FollowOptions {
  /** Ends the iteration, and the connection. */
  readonly signal?: AbortSignal | undefined;
  /** Headers of each request, such as `authorization`. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /**
   * Continue after this event.
   * @default from the first one
   */
  readonly after?: number | undefined;
  /**
   * How often in a row a connection may bring nothing before the iteration fails.
   * @default 10
   */
  readonly maxFailures?: number | undefined;
  /** Called when the connection is lost, with the time until the next one in milliseconds. */
  readonly onLost?: ((waitMs: number, cause: unknown) => void) | undefined;
  /** @default the global one */
  readonly fetch?: ((request: Request) => Promise<Response> | Response) | undefined;
}

/** The run cannot be followed: the server says so, or cannot be reached. */
export class FollowError extends Error {
  /** The HTTP status of the answer; undefined without an answer. */
  readonly status: number | undefined;

  constructor(message: string, status?: number, options?: ErrorOptions) {
    super(message, options);
    this.name = 'FollowError';
    this.status = status;
  }
}

const FIRST_WAIT_MS = 1_000;
const LONGEST_WAIT_MS = 30_000;

/**
 * The events of a run that a server streams, each once and in order. A lost connection is opened again, and
 * continues after the last event. It ends when the run has, or when `signal` is aborted.
 *
 * @throws {FollowError} when the server refuses (4xx), or cannot be reached for long.
 *
 * @example
 * for await (const event of followRun('/runs/nightly-7/events')) {
 *   if (event.type === 'task_completed') show(event.taskId, event.output);
 * }
 */
export async function* followRun(
  url: string | URL,
  options: FollowOptions = {},
): AsyncGenerator<WireEvent, void, undefined> {
  const { signal, headers, maxFailures = 10, onLost } = options;
  const send = options.fetch ?? ((request: Request) => fetch(request));
  let last = options.after ?? -1;
  let failures = 0;
  let serverWaitMs = FIRST_WAIT_MS;
  let hasEnded = false;
  while (!signal?.aborted) {
    let cause: unknown;
    try {
      const request = new Request(new URL(url, baseAddress()), {
        headers: {
          ...headers,
          accept: 'text/event-stream',
          ...(last >= 0 && { 'last-event-id': String(last) }),
        },
        ...(signal && { signal }),
      });
      const response = await send(request);
      const body = bodyOf(response, url);
      const messages = body.pipeThrough(new TextDecoderStream()).pipeThrough(
        new EventSourceParserStream({
          onRetry: (ms: number) => {
            serverWaitMs = ms;
          },
        }),
      );
      for await (const { data } of piecesOf(messages, signal)) {
        const event = JSON.parse(data) as WireEvent;
        if (event.sequence <= last) continue;
        last = event.sequence;
        failures = 0;
        yield event;
        // A run that has failed may have been resumed: then more follows.
        hasEnded = isEnd(event);
      }
    } catch (thrown) {
      if (signal?.aborted) return;
      if (thrown instanceof FollowError) throw thrown;
      cause = thrown;
    }
    if (signal?.aborted || hasEnded) return;
    failures++;
    if (failures > maxFailures) {
      const message = `the run at ${url} cannot be followed: ${failures} connections brought nothing`;
      throw new FollowError(message, undefined, { cause });
    }
    const waitMs = Math.min(serverWaitMs * 2 ** (failures - 1), LONGEST_WAIT_MS);
    onLost?.(waitMs, cause);
    await wait(waitMs, signal);
  }
}

/** What relative addresses are relative to: the page, where there is one. */
function baseAddress(): string | undefined {
  return (globalThis as { readonly location?: { readonly href: string } }).location?.href;
}

/** @throws {FollowError} when it makes no sense to ask again; any other error is passing. */
function bodyOf(response: Response, url: string | URL): ReadableStream<Uint8Array<ArrayBuffer>> {
  const { status, body } = response;
  const isRefusal = status >= 400 && status < 500 && ![408, 425, 429].includes(status);
  if (isRefusal) throw new FollowError(`the server answered ${status} to ${url}`, status);
  if (!response.ok || body === null) throw new Error(`the server answered ${status}`);
  const type = response.headers.get('content-type') ?? '';
  if (!type.startsWith('text/event-stream')) {
    throw new FollowError(
      `${url} is no stream of events: its type is ${type || 'unknown'}`,
      status,
    );
  }
  return body as ReadableStream<Uint8Array<ArrayBuffer>>;
}

/** Not every browser can iterate over a stream. Leaving the iteration closes the connection. */
async function* piecesOf<Piece>(
  stream: ReadableStream<Piece>,
  signal: AbortSignal | undefined,
): AsyncGenerator<Piece> {
  const reader = stream.getReader();
  const stop = () => void reader.cancel().catch(() => {});
  signal?.addEventListener('abort', stop, { once: true });
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield value;
    }
  } finally {
    signal?.removeEventListener('abort', stop);
    await reader.cancel().catch(() => {});
  }
}

function wait(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal?.addEventListener('abort', done, { once: true });
  });
}
