import { OptionError, type RunEvent } from '@stratagem/core';
import { checkDuration, checkOptions } from '@stratagem/core/runner';
import { isEnd } from './wire-event.js';

export interface StreamOptions {
  /**
   * The request of the client, which says which event it has got last: in the header `Last-Event-ID`, as
   * browsers send it, or as `?after=41`. Its signal ends the stream.
   * @default the stream begins with the first event
   */
  readonly request?: Request | undefined;
  /**
   * Changes what is sent, or leaves events out by returning undefined: a plan has the prompts, and
   * completions have the outputs. Keep `type`, `sequence` and `timestamp`, and the events that end a run.
   * @default everything is sent
   */
  readonly select?: ((event: RunEvent) => RunEvent | undefined) | undefined;
  /**
   * How long nothing may be sent, in milliseconds: then a comment is, which keeps proxies from closing
   * the connection.
   * @default 15_000
   */
  readonly heartbeatMs?: number | undefined;
  /**
   * How long clients wait before they connect again, in milliseconds.
   * @default 1_000
   */
  readonly retryMs?: number | undefined;
  /**
   * Called when the client goes away before the end, such as `() => run.cancel('nobody watches')`.
   * @default the run continues
   */
  readonly onDisconnect?: (() => void) | undefined;
}

const OPTIONS = ['request', 'select', 'heartbeatMs', 'retryMs', 'onDisconnect'];
/** The longest delay of a timer. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/**
 * Answers a request with the events of a run, as server-sent events. The id of each is its sequence
 * number, so that a client that has lost the connection gets what it missed: send the same run again.
 * A slow client slows nothing down but its own stream.
 *
 * @param events A run, or the timeline of one that has ended.
 * @throws {OptionError} when an option is unknown or out of range.
 *
 * @example
 * export async function POST(request: Request) {
 *   const run = executor.execute(plan, { inputs: await request.json() });
 *   return streamRun(run, { request });
 * }
 */
export function streamRun(
  events: AsyncIterable<RunEvent> | Iterable<RunEvent>,
  options: StreamOptions = {},
): Response {
  checkOptions('streamRun()', options, OPTIONS);
  checkStreamOptions('streamRun()', options);
  // Nothing is read before the client has taken what came before.
  const strategy = { highWaterMark: 0 };
  const body = new ReadableStream<Uint8Array>(new RunSource(events, options), strategy);
  return new Response(body, {
    headers: {
      'content-type': 'text/event-stream; charset=utf-8',
      // Proxies must neither keep nor collect nor compress it.
      'cache-control': 'no-cache, no-transform',
      'x-accel-buffering': 'no',
    },
  });
}

/** @throws {OptionError} when an option is out of range. */
export function checkStreamOptions(owner: string, options: StreamOptions): void {
  const { select, heartbeatMs, retryMs, onDisconnect } = options;
  if (heartbeatMs !== undefined) checkDuration(owner, 'heartbeatMs', heartbeatMs);
  if (retryMs !== undefined) checkDuration(owner, 'retryMs', retryMs);
  for (const [name, value] of Object.entries({ select, onDisconnect })) {
    if (value === undefined || typeof value === 'function') continue;
    throw new OptionError(`${owner}: ${name} must be a function`);
  }
}

/** The number of the last event that a client has; -1 for none. */
function lastEventOf(request: Request | undefined): number {
  if (request === undefined) return -1;
  const query = new URL(request.url, 'http://localhost').searchParams.get('after');
  const text = request.headers.get('last-event-id') ?? query ?? '';
  return /^\d{1,15}$/.test(text) ? Number(text) : -1;
}

class RunSource {
  readonly #events: AsyncIterator<RunEvent> | Iterator<RunEvent>;
  readonly #options: StreamOptions;
  readonly #encoder = new TextEncoder();
  readonly #after: number;
  #next: Promise<IteratorResult<RunEvent>> | undefined;
  #hasBegun = false;
  /** The event that ends the run was read. */
  #hasEnded = false;
  /** The client has gone. */
  #isCanceled = false;

  constructor(events: AsyncIterable<RunEvent> | Iterable<RunEvent>, options: StreamOptions) {
    this.#events =
      Symbol.asyncIterator in events
        ? events[Symbol.asyncIterator]()
        : (events as Iterable<RunEvent>)[Symbol.iterator]();
    this.#options = options;
    this.#after = lastEventOf(options.request);
  }

  /** Not every server cancels the body of a request that was aborted. */
  start(controller: ReadableStreamDefaultController<Uint8Array>): void {
    const signal = this.#options.request?.signal;
    const onAbort = () => {
      if (this.#isCanceled) return;
      this.cancel();
      controller.error(signal?.reason);
    };
    if (signal?.aborted) onAbort();
    else signal?.addEventListener('abort', onAbort, { once: true });
  }

  async pull(controller: ReadableStreamDefaultController<Uint8Array>): Promise<void> {
    const { retryMs = 1_000 } = this.#options;
    if (!this.#hasBegun) {
      this.#hasBegun = true;
      controller.enqueue(this.#encoder.encode(`retry: ${Math.round(retryMs)}\n\n`));
      return;
    }
    const text = await this.#readOrClose();
    if (this.#isCanceled) return;
    if (text === undefined) controller.close();
    else controller.enqueue(this.#encoder.encode(text));
  }

  cancel(): void {
    if (this.#isCanceled) return;
    this.#isCanceled = true;
    void this.#events.return?.(undefined);
    if (!this.#hasEnded) this.#options.onDisconnect?.();
  }

  /** An event that cannot be sent ends the stream: unread events would hold up the run. */
  async #readOrClose(): Promise<string | undefined> {
    try {
      return await this.#read();
    } catch (error) {
      void this.#events.return?.(undefined);
      throw error;
    }
  }

  /** The next piece of the stream; undefined at its end. */
  async #read(): Promise<string | undefined> {
    for (;;) {
      this.#next ??= Promise.resolve(this.#events.next());
      const next = await this.#orHeartbeat(this.#next);
      if (next === undefined) return ': quiet\n\n';
      this.#next = undefined;
      if (next.done) return undefined;
      const event = next.value;
      this.#hasEnded = isEnd(event);
      if (event.sequence <= this.#after) continue;
      const shown = this.#options.select === undefined ? event : this.#options.select(event);
      // JSON has no line breaks of its own.
      if (shown !== undefined) return `id: ${event.sequence}\ndata: ${jsonOf(shown)}\n\n`;
    }
  }

  /** The event, or undefined when there is none for a while. */
  async #orHeartbeat(
    next: Promise<IteratorResult<RunEvent>>,
  ): Promise<IteratorResult<RunEvent> | undefined> {
    const { heartbeatMs = 15_000 } = this.#options;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const quiet = new Promise<undefined>((resolve) => {
      timer = setTimeout(() => resolve(undefined), Math.min(heartbeatMs, MAX_TIMER_MS));
    });
    try {
      return await Promise.race([next, quiet]);
    } finally {
      clearTimeout(timer);
    }
  }
}

function jsonOf(event: RunEvent): string {
  return JSON.stringify(event, (_, value) => (typeof value === 'bigint' ? String(value) : value));
}
