import {
  checkDuration,
  checkFlag,
  checkOptions,
  deriveContext,
  describe,
  OptionError,
  type RunContext,
  RunnerError,
  type TaskOutput,
  type TaskRequest,
  type TaskRunner,
} from '@stratagem/core';
import { codeOf, detailsOf } from '../failover/combined-error.js';
import { checkRunner } from '../failover/composite.js';
import { checkedAnswer } from '../util/checked-run.js';
import { contentOf, keyOf } from '../util/request-key.js';
import type { CachedAnswer, CacheStore } from './cache-store.js';
import { SharedFlight } from './shared-flight.js';

export interface CacheOptions {
  /**
   * How long an answer is good for, in milliseconds.
   * @default Infinity
   */
  readonly ttlMs?: number;
  /**
   * Whether answers of tasks with tools are kept, too. Their tools do not run again for an answer
   * from the cache.
   * @default false
   */
  readonly withTools?: boolean;
}

/**
 * Answers from a store what was asked before: the same request to a runner of the same settings. It
 * costs nothing, and the log says so. Requests that are equal and come at the same time are sent once.
 * Only answers that fit their task are kept; a store that fails is done without.
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
  checkOptions('cache()', options, ['ttlMs', 'withTools']);
  const { ttlMs = Number.POSITIVE_INFINITY, withTools = false } = options;
  if (ttlMs !== Number.POSITIVE_INFINITY) checkDuration('cache()', 'ttlMs', ttlMs);
  checkFlag('cache()', 'withTools', withTools);
  const flights = new Map<string, SharedFlight>();

  return {
    name: runner.name,
    ...(runner.resource !== undefined && { resource: runner.resource }),
    ...(runner.settings !== undefined && { settings: runner.settings }),
    supportsTools: runner.supportsTools ?? false,
    async run(request, context) {
      if (request.tools !== undefined && !withTools) return runner.run(request, context);
      throwIfAborted(context.signal);
      const key = keyIn(runner, request, context);
      if (key === undefined) return runner.run(request, context);
      const known = await find(key, request, context);
      throwIfAborted(context.signal);
      if (known !== undefined) return told(known, context, 'answered from the cache');
      const flight = flights.get(key);
      if (flight?.isOpen) return follow(flight, context);
      return lead(key, request, context);
    },
  };

  /** What the store has, if it is still good. */
  async function find(key: string, request: TaskRequest, context: RunContext) {
    try {
      const answer = await store.get(key);
      if (!isAnswer(answer) || Date.now() - answer.storedAt >= ttlMs) return undefined;
      return (await request.check?.(answer.output)) === undefined ? answer : undefined;
    } catch (thrown) {
      notice(context, `could not read from the cache: ${describe(thrown)}`);
      return undefined;
    }
  }

  async function lead(key: string, request: TaskRequest, context: RunContext) {
    const flight = new SharedFlight(async (signal) => {
      try {
        const given = await runner.run(request, deriveContext(context, { signal }));
        const answer = checkedAnswer(runner, given);
        await keep(key, answer, request, context);
        return answer;
      } finally {
        if (flights.get(key) === flight) flights.delete(key);
      }
    });
    flights.set(key, flight);
    try {
      return await flight.join(context.signal);
    } finally {
      // Others who wait for it come after this one.
      if (!context.signal.aborted) flight.charge();
    }
  }

  async function keep(key: string, answer: TaskOutput, request: TaskRequest, context: RunContext) {
    if ((await request.check?.(answer.output)) !== undefined) return;
    const { output, model } = answer;
    try {
      await store.set(key, { output, storedAt: Date.now(), ...(model !== undefined && { model }) });
    } catch (thrown) {
      notice(context, `could not store the answer: ${describe(thrown)}`);
    }
  }
}

/**
 * Waits for a request that somebody else sent. What that used is on their account, unless they were
 * stopped meanwhile: it is counted once, and never lost.
 */
async function follow(flight: SharedFlight, context: RunContext): Promise<TaskOutput> {
  try {
    const answer = await flight.join(context.signal);
    const free = told(answer, context, 'shared an answer');
    return flight.charge() ? answer : free;
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

/** Stores say in many ways that they have none. */
function isAnswer(value: CachedAnswer | undefined): value is CachedAnswer {
  return Number.isFinite(value?.storedAt) && 'output' in (value as object);
}

/** An answer that cost nothing. */
function told(
  { output, model }: Pick<CachedAnswer, 'output' | 'model'>,
  context: RunContext,
  how: string,
): TaskOutput {
  notice(context, how);
  if (typeof output === 'string' && output !== '') context.emit(output);
  const usage = { inputTokens: 0, outputTokens: 0 };
  return { output, usage, costUsd: 0, ...(model !== undefined && { model }) };
}

function keyIn(runner: TaskRunner, request: TaskRequest, context: RunContext): string | undefined {
  try {
    return keyOf(contentOf(request), runner);
  } catch (thrown) {
    notice(context, `the request has no key: ${describe(thrown)}`);
    return undefined;
  }
}

function notice(context: RunContext, message: string): void {
  context.emit({ kind: 'notice', source: 'cache', message });
}

function throwIfAborted(signal: AbortSignal): void {
  if (!signal.aborted) return;
  throw new RunnerError('aborted', 'the attempt was stopped', { cause: signal.reason });
}
