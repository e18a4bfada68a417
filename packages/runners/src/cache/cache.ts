import type { RunContext, TaskOutput, TaskRequest, TaskRunner } from '@stratagem/core';
import {
  checkDuration,
  checkFlag,
  checkOptions,
  deriveContext,
  describe,
  OptionError,
  RunnerError,
} from '@stratagem/core/runner';
import { orAborted, throwIfAborted } from '../util/abort.js';
import { requireOutput } from '../util/checked-run.js';
import { codeOf, detailsOf } from '../util/error-details.js';
import { forwardClock } from '../util/forward-clock.js';
import { contentOf, requestKey } from '../util/request-key.js';
import { MAX_TIMER_MS } from '../util/timer.js';
import { checkRunner, propertiesOf } from '../util/wrapped.js';
import type { CachedResponse, CacheStore } from './cache-store.js';
import { SharedFlight } from './shared-flight.js';

export interface CacheOptions {
  /**
   * How long a response stays valid, in milliseconds.
   * @default Infinity
   */
  readonly ttlMs?: number | undefined;
  /**
   * Whether to cache tasks with tools. A cached response does not call the tools again.
   * @default false
   */
  readonly withTools?: boolean | undefined;
  /**
   * How long the store may take for one answer, in milliseconds. After that, it counts as failed for this
   * request; `Infinity` waits for ever.
   * @default 5_000
   */
  readonly storeTimeoutMs?: number | undefined;
}

/**
 * Returns stored responses for repeated requests to a runner with the same settings. They cost
 * nothing, and a notice is logged. Equal requests at the same time are sent once. Only responses
 * that match their task's schema are stored. When the store fails or does not answer in time, the
 * request is sent.
 *
 * @throws {OptionError} when an option is unknown or out of range.
 *
 * @example
 * const runner = cache(openai(), fileStore('.cache/answers'), { ttlMs: 86_400_000 });
 */
export function cache(
  runner: TaskRunner,
  store: CacheStore,
  options: CacheOptions = {},
): TaskRunner {
  checkRunner('cache()', 'its first argument', runner);
  if (typeof store?.get !== 'function' || typeof store.set !== 'function') {
    const message = 'its second argument must be a store, such as memoryStore()';
    throw new OptionError(`cache(): ${message}`);
  }
  checkOptions('cache()', options, ['ttlMs', 'withTools', 'storeTimeoutMs']);
  const { ttlMs = Number.POSITIVE_INFINITY, withTools = false, storeTimeoutMs = 5_000 } = options;
  if (storeTimeoutMs !== Number.POSITIVE_INFINITY) {
    checkDuration('cache()', 'storeTimeoutMs', storeTimeoutMs);
  }
  if (ttlMs !== Number.POSITIVE_INFINITY) checkDuration('cache()', 'ttlMs', ttlMs);
  checkFlag('cache()', 'withTools', withTools);
  const flights = new Map<string, SharedFlight>();
  const now = forwardClock();

  return {
    ...propertiesOf(runner),
    async cached(request) {
      if (request.tools !== undefined && !withTools) return undefined;
      const content = contentOf(request, runner.readsInputs);
      return findStored(requestKey(content, runner), request);
    },
    async run(request, context) {
      if (request.tools !== undefined && !withTools) return runner.run(request, context);
      throwIfAborted(context.signal);
      const key = cacheKey(runner, request, context);
      if (key === undefined) return runner.run(request, context);
      const cached = await findValid(key, request, context);
      throwIfAborted(context.signal);
      if (cached !== undefined) return withoutCost(cached, context, 'response from the cache');
      const flight = flights.get(key);
      if (flight?.isOpen) return joinFlight(flight, context);
      return startFlight(key, request, context);
    },
  };

  /** The stored response, if it is valid. */
  async function findValid(key: string, request: TaskRequest, context: RunContext) {
    try {
      return await findStored(key, request, context.signal);
    } catch (thrown) {
      throwIfAborted(context.signal);
      notice(context, `could not read from the cache: ${describe(thrown)}`);
      return undefined;
    }
  }

  async function findStored(key: string, request: TaskRequest, signal?: AbortSignal) {
    const reading = inTime(store.get(key), storeTimeoutMs);
    const cached = await (signal === undefined ? reading : orAborted(reading, signal));
    if (!isCachedResponse(cached)) return undefined;
    // A response of the future was stored while the time of day was wrong: its age is unknown.
    if (Math.abs(now() - cached.storedAt) >= ttlMs) return undefined;
    return (await request.check?.(cached.output)) === undefined ? cached : undefined;
  }

  /** Sends the request; equal requests join it until it has ended. */
  async function startFlight(key: string, request: TaskRequest, context: RunContext) {
    const flight = new SharedFlight(async (signal) => {
      try {
        const result = await runner.run(request, deriveContext(context, { signal }));
        const response = requireOutput(runner, result);
        await storeValid(key, response, request, context);
        return response;
      } finally {
        if (flights.get(key) === flight) flights.delete(key);
      }
    });
    flights.set(key, flight);
    try {
      return await flight.join(context.signal);
    } finally {
      // The first attempt is charged before those that joined, unless it was aborted.
      if (!context.signal.aborted) flight.charge();
    }
  }

  async function storeValid(
    key: string,
    response: TaskOutput,
    request: TaskRequest,
    context: RunContext,
  ) {
    if ((await request.check?.(response.output)) !== undefined) return;
    const { output, model, citations, serverToolCalls } = response;
    try {
      const stored = {
        ...{ output, storedAt: now() },
        ...(model !== undefined && { model }),
        ...(citations !== undefined && { citations }),
        ...(serverToolCalls !== undefined && { serverToolCalls }),
      };
      await inTime(store.set(key, stored), storeTimeoutMs);
    } catch (thrown) {
      notice(context, `could not store the response: ${describe(thrown)}`);
    }
  }
}

/**
 * Waits for a request that another attempt sent. Its usage is charged to the first attempt, or to
 * this one when the first was aborted, so that it counts exactly once.
 */
async function joinFlight(flight: SharedFlight, context: RunContext): Promise<TaskOutput> {
  try {
    const response = await flight.join(context.signal);
    const free = withoutCost(response, context, 'shared a response');
    return flight.charge() ? response : free;
  } catch (thrown) {
    if (context.signal.aborted || flight.charge()) throw thrown;
    const { retryAfterMs, status } = detailsOf(thrown);
    throw new RunnerError(codeOf(thrown), describe(thrown), {
      cause: thrown,
      ...(retryAfterMs !== undefined && { retryAfterMs }),
      ...(status !== undefined && { status }),
    });
  }
}

/** @throws {Error} when the store has not answered within `timeoutMs`; its answer is ignored then. */
async function inTime<T>(answer: Promise<T>, timeoutMs: number): Promise<T> {
  if (timeoutMs === Number.POSITIVE_INFINITY) return answer;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    const message = `the store did not answer within ${timeoutMs} ms`;
    timer = setTimeout(() => reject(new Error(message)), Math.min(timeoutMs, MAX_TIMER_MS));
  });
  try {
    return await Promise.race([answer, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Custom stores may return null or anything else for a missing key. */
function isCachedResponse(value: CachedResponse | undefined): value is CachedResponse {
  return Number.isFinite(value?.storedAt) && 'output' in (value as object);
}

/** The response with zero usage; logs why it costs nothing. */
function withoutCost(
  { output, model, citations, serverToolCalls }: Omit<CachedResponse, 'storedAt'>,
  context: RunContext,
  reason: string,
): TaskOutput {
  notice(context, reason);
  const isRead = context.wantsText !== false;
  if (isRead && typeof output === 'string' && output !== '') context.emit(output);
  const usage = { inputTokens: 0, outputTokens: 0 };
  return {
    ...{ output, usage, costUsd: 0, cached: true },
    ...(model !== undefined && { model }),
    ...(citations !== undefined && { citations }),
    ...(serverToolCalls !== undefined && { serverToolCalls }),
  };
}

function cacheKey(
  runner: TaskRunner,
  request: TaskRequest,
  context: RunContext,
): string | undefined {
  try {
    return requestKey(contentOf(request, runner.readsInputs), runner);
  } catch (thrown) {
    notice(context, `the request cannot be cached: ${describe(thrown)}`);
    return undefined;
  }
}

function notice(context: RunContext, message: string): void {
  context.emit({ kind: 'notice', source: 'cache', message });
}
