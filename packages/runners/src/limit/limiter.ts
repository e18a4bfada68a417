import type { RunContext, TaskOutput, TaskRequest } from '@stratagem/core';
import { isStratagemError, RunnerError } from '@stratagem/core/runner';
import { abortError } from '../util/abort.js';
import { MAX_TIMER_MS } from '../util/timer.js';
import { FairQueue, type Queued } from './fair-queue.js';
import { type LimiterOptions, type LimiterSettings, limiterSettings } from './limiter-options.js';
import { correctionOf, counted, type Delay, type LimitFeedback, Limits } from './limits.js';
import { add, type Quantities, subtract, ZERO } from './quantities.js';
import { SharedBudget } from './shared-budget.js';
import { type Asked, tokensOf } from './token-estimate.js';

/**
 * Permits requests at the pace of its limits, first come, first served. One limiter can serve any
 * number of runners and runs; see {@link createLimiter}.
 */
export interface Limiter {
  /** The number of requests that wait for a permit. */
  readonly waiting: number;
  /** The number of permitted requests that have not ended. */
  readonly inFlight: number;
  /**
   * Resolves when the request may be sent. The caller must then call the permit's `done` or
   * `failed`. Requests of several runs have their turns one after the other. Within a run, the one with
   * the longest critical path is first, then the one with the highest priority, then the oldest; of
   * eight turns, one goes to the oldest in any case.
   *
   * Rejects with a `RunnerError`: `aborted` when the signal is aborted, `rate_limited` as soon as
   * the wait cannot end before the deadline.
   */
  admit(
    request: Pick<TaskRequest, 'prompt' | 'attachments'>,
    context: AdmitContext,
  ): Promise<Permit>;
}

/** What a limiter looks at in the context of an attempt. Without a run, requests share one turn. */
export type AdmitContext = Pick<RunContext, 'signal' | 'remainingMs'> &
  Partial<Pick<RunContext, 'runId' | 'criticalPath' | 'priority'>>;

/** Permission to send a request. */
export interface Permit {
  /** What to log about the wait; undefined when it was short. */
  readonly notice: { readonly message: string; readonly code?: string } | undefined;
  /** To be called when another request is sent for the same attempt. */
  again(): void;
  /** To be called with the response. */
  done(output: Pick<TaskOutput, 'usage' | 'rateLimits'>): void;
  /** To be called with the error when the request failed. */
  failed(thrown: unknown): void;
}

/**
 * Creates a limiter to share between runners that the server counts together, such as two models
 * of one account.
 *
 * @throws {OptionError} when an option is unknown or out of range.
 *
 * @example
 * const limiter = createLimiter({ requestsPerMinute: 600, tokensPerMinute: 200_000 });
 * const quick = rateLimit(openai({ model: 'gpt-6.1-luna' }), limiter);
 * const thorough = rateLimit(openai({ model: 'gpt-6.1-sol' }), limiter);
 */
export function createLimiter(options: LimiterOptions = {}): Limiter {
  return createLimiterFor('createLimiter()', options);
}

/** Creates a limiter on behalf of `owner`, which option errors name. */
export function createLimiterFor(owner: string, options: LimiterOptions): Limiter {
  return new RateLimiter(limiterSettings(owner, options));
}

/** Errors made by limiters, so that an outer limiter does not mistake them for the server's. */
const limiterErrors = new WeakSet<object>();

interface QueuedRequest extends Queued {
  /** The tokens of its prompt and attachments, by their size. */
  readonly ownTokens: number;
  readonly estimate: Quantities;
  /** Both by `performance.now()`. */
  readonly since: number;
  readonly deadline: number;
  readonly resolve: (permit: Permit) => void;
  readonly reject: (error: RunnerError) => void;
  readonly removeAbortListener: () => void;
}

class RateLimiter implements Limiter {
  readonly #settings: LimiterSettings;
  readonly #limits: Limits;
  /** Undefined when this process has the limits for itself. */
  readonly #budget: SharedBudget | undefined;
  readonly #queue = new FairQueue<QueuedRequest>();
  #arrivals = 0;
  /** The sum of the estimates in the queue. */
  #queued = ZERO;
  #inFlight = 0;
  /** The latest delay of the first request in the queue. */
  #delay: Delay | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** When the timer is due; undefined without one. */
  #dueAt: number | undefined;

  constructor(settings: LimiterSettings) {
    this.#settings = settings;
    this.#limits = new Limits(settings);
    this.#budget = this.#createBudget();
  }

  #createBudget(): SharedBudget | undefined {
    const { shared, resource, burstMs } = this.#settings;
    if (shared === undefined) return undefined;
    return new SharedBudget({
      ...{ shared, resource: resource as string, burstMs },
      onChange: () => {
        this.#rejectLate(performance.now());
        this.#permitQueued();
      },
      onPause: (durationMs) => {
        const now = performance.now();
        if (!this.#limits.pauseUntil(now + durationMs)) return;
        this.#rejectLate(now);
        this.#permitQueued();
      },
    });
  }

  get waiting(): number {
    return this.#queue.size;
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  admit(request: Asked, context: AdmitContext): Promise<Permit> {
    const { signal, remainingMs = Number.POSITIVE_INFINITY } = context;
    const { runId, criticalPath = 0, priority = 0 } = context;
    return new Promise((resolve, reject) => {
      if (signal.aborted) throw abortedWhileWaiting(signal);
      const since = performance.now();
      const deadline = since + remainingMs;
      const ownTokens = tokensOf(request);
      const estimate = this.#limits.estimate(ownTokens);
      const lateAtOnce = this.#lateError(estimate, ZERO, deadline, since);
      if (lateAtOnce !== undefined) throw lateAtOnce;
      const abort = () => {
        this.#dequeue(queued);
        queued.reject(abortedWhileWaiting(signal));
        this.#permitQueued();
      };
      const removeAbortListener = () => signal.removeEventListener('abort', abort);
      const queued: QueuedRequest = {
        ...{ runId, criticalPath, priority, arrival: this.#arrivals++ },
        ...{ ownTokens, estimate, since, deadline },
        ...{ resolve, reject, removeAbortListener },
      };
      const everything = this.#queued;
      signal.addEventListener('abort', abort, { once: true });
      this.#queue.push(queued);
      this.#queued = add(this.#queued, estimate);
      // Mostly there is time enough even after everything that waits.
      if (this.#lateError(estimate, everything, deadline, since) !== undefined) {
        const lateError = this.#lateError(estimate, this.#aheadOf(queued), deadline, since);
        if (lateError !== undefined) {
          this.#dequeue(queued);
          throw lateError;
        }
      }
      // Behind another request, it has to wait anyway.
      if (this.#queue.peek() === queued) this.#permitQueued();
    });
  }

  #aheadOf(queued: QueuedRequest): Quantities {
    let ahead = ZERO;
    for (const each of this.#queue) {
      if (each === queued) break;
      ahead = add(ahead, each.estimate);
    }
    return ahead;
  }

  /** Permits every request that may be sent now, and sets the timer for the next one. */
  #permitQueued(): void {
    // There is at most one timer, and none unless a request waits for time to pass.
    clearTimeout(this.#timer);
    const now = performance.now();
    if (this.#dueAt !== undefined && now > this.#dueAt)
      this.#limits.recordLate(now - this.#dueAt, now);
    this.#dueAt = undefined;
    for (let queued = this.#queue.peek(); queued !== undefined; queued = this.#queue.peek()) {
      const own = this.#concurrencyDelay() ?? this.#limits.delay(queued.estimate, now);
      const delay = own ?? this.#sharedDelay(now);
      if (delay !== undefined) {
        this.#delay = delay;
        if (delay.waitMs !== Number.POSITIVE_INFINITY) this.#setTimer(delay.waitMs, now);
        // Nothing is reserved that could not be used.
        if (own === undefined) this.#askForMore(now);
        return;
      }
      this.#permit(queued, now);
    }
    this.#budget?.rest();
  }

  #sharedDelay(now: number): Delay | undefined {
    const waitMs = this.#budget?.waitMs(now) ?? 0;
    return waitMs === 0 ? undefined : { waitMs, reason: (this.#budget as SharedBudget).reason };
  }

  #askForMore(now: number): void {
    const places = this.#settings.maxConcurrent - this.#inFlight;
    this.#budget?.ask(estimatesOf(this.#queue.unordered()), places, this.#limits.rates(now));
  }

  #setTimer(ms: number, now: number): void {
    const delay = Math.min(MAX_TIMER_MS, Math.ceil(ms));
    this.#dueAt = now + delay;
    this.#timer = setTimeout(() => this.#permitQueued(), delay);
  }

  #concurrencyDelay(): Delay | undefined {
    const { maxConcurrent } = this.#settings;
    if (this.#inFlight < maxConcurrent) return undefined;
    const reason = `the limit of ${counted(maxConcurrent, 'requests')} at once`;
    return { waitMs: Number.POSITIVE_INFINITY, reason };
  }

  #permit(queued: QueuedRequest, now: number): void {
    this.#queue.take(queued);
    this.#left(queued);
    this.#inFlight++;
    const sent = this.#limits.recordSent(queued.ownTokens, queued.estimate, now);
    this.#budget?.use(queued.estimate);
    let hasEnded = false;
    const end = (feedback: LimitFeedback) => {
      if (hasEnded) return;
      hasEnded = true;
      this.#inFlight--;
      const at = performance.now();
      const pausedUntil = this.#limits.pausedUntil;
      if (this.#limits.recordEnd(sent, feedback, at)) this.#rejectLate(at);
      this.#budget?.correct(correctionOf(sent, feedback));
      const pauseMs = this.#limits.pausedUntil - at;
      if (this.#limits.pausedUntil > pausedUntil && pauseMs > 0) this.#budget?.pause(pauseMs);
      this.#permitQueued();
    };
    queued.resolve({
      notice: this.#noticeAfter(now - queued.since),
      again: () => {
        this.#limits.recordResent(performance.now());
        this.#budget?.correct({ ...ZERO, requests: 1 });
      },
      done: (output) => end(output ?? {}),
      failed: (thrown) => end(feedbackOf(thrown)),
    });
  }

  #noticeAfter(waitedMs: number): Permit['notice'] {
    if (this.#delay === undefined || waitedMs < this.#settings.noticeAfterMs) return undefined;
    const { reason, code } = this.#delay;
    const message = `waited ${formatted(Math.round(waitedMs))} ms for ${reason}`;
    return { message, ...(code !== undefined && { code }) };
  }

  /** Rejects queued requests that can no longer be sent before their deadline. */
  #rejectLate(now: number): void {
    let ahead = ZERO;
    let position = 0;
    for (const queued of this.#queue) {
      const sharedMs = this.#budget?.leastWaitMs(position, now);
      const lateError = this.#lateError(queued.estimate, ahead, queued.deadline, now, sharedMs);
      if (lateError === undefined) {
        ahead = add(ahead, queued.estimate);
        position++;
      } else {
        this.#dequeue(queued);
        queued.reject(lateError);
      }
    }
  }

  /** The error for a request that cannot be permitted before its deadline; else undefined. */
  #lateError(
    estimate: Quantities,
    ahead: Quantities,
    deadline: number,
    now: number,
    sharedMs = 0,
  ): RunnerError | undefined {
    if (deadline === Number.POSITIVE_INFINITY) return undefined;
    const waitMs = Math.ceil(Math.max(sharedMs, this.#limits.leastWaitMs(estimate, ahead, now)));
    const remainingMs = Math.max(0, deadline - now);
    if (waitMs === 0 || waitMs < remainingMs) return undefined;
    const error = new RunnerError(
      'rate_limited',
      `rateLimit() permits this request in ${formatted(waitMs)} ms at the earliest, but its ` +
        `attempt must end in ${formatted(remainingMs)} ms: raise its timeoutMs or lower maxParallel`,
      { retryAfterMs: waitMs },
    );
    limiterErrors.add(error);
    return error;
  }

  #dequeue(queued: QueuedRequest): void {
    this.#queue.remove(queued);
    this.#left(queued);
  }

  #left(queued: QueuedRequest): void {
    this.#queued = subtract(this.#queued, queued.estimate);
    queued.removeAbortListener();
  }
}

function* estimatesOf(queue: Iterable<QueuedRequest>): Generator<Quantities> {
  for (const { estimate } of queue) yield estimate;
}

/** What an error says about the server's limits. */
function feedbackOf(thrown: unknown): LimitFeedback {
  if (!isStratagemError(thrown) || limiterErrors.has(thrown)) return {};
  return thrown as RunnerError;
}

function formatted(value: number): string {
  return value.toLocaleString('en');
}

function abortedWhileWaiting(signal: AbortSignal): RunnerError {
  return abortError(signal, 'the attempt was aborted while it waited for the rate limit');
}
