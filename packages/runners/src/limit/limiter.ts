import {
  isStratagemError,
  type RunContext,
  RunnerError,
  type TaskOutput,
  type TaskRequest,
} from '@stratagem/core';
import { type LimiterOptions, type LimiterSettings, limiterSettings } from './limiter-options.js';
import { counted, Limits, type Obstacle, type Outcome } from './limits.js';
import { type Amounts, NOTHING, plus } from './quantities.js';
import { type Waiting, WaitList } from './wait-list.js';

/**
 * Permits requests at the pace of its limits, in the order in which they were asked for. One limiter
 * may serve any number of runners and runs; see {@link createLimiter}.
 */
export interface Limiter {
  /** Requests that wait to be permitted. */
  readonly waiting: number;
  /** Requests that were permitted and have not ended. */
  readonly inFlight: number;
  /**
   * Resolves when the request may be sent; the permit must be handed back by its `done` or
   * `failed`.
   *
   * Rejects with a `RunnerError`: `aborted` when the signal is, and `rate_limited` as soon as it is
   * known that the wait cannot end before the deadline.
   */
  admit(
    request: Pick<TaskRequest, 'prompt'>,
    context: Pick<RunContext, 'signal' | 'deadline'>,
  ): Promise<Permit>;
}

/** That a request may be sent. */
export interface Permit {
  /** What to tell of the wait; undefined when it was short. */
  readonly notice: { readonly message: string; readonly code?: string } | undefined;
  /** One more request was sent for the same attempt. */
  again(): void;
  /** It was answered. */
  done(output: Pick<TaskOutput, 'usage' | 'rateLimits'>): void;
  /** It failed, by what was thrown. */
  failed(thrown: unknown): void;
}

/**
 * A limiter that several runners share, because the server counts them together: two models of one
 * account, say.
 *
 * @throws {OptionError} when an option is unknown or out of range.
 *
 * @example
 * const limiter = createLimiter({ requestsPerMinute: 600, tokensPerMinute: 200_000 });
 * const quick = rateLimit(openai({ model: 'gpt-6.1-luna' }), limiter);
 * const thorough = rateLimit(openai({ model: 'gpt-6.1-sol' }), limiter);
 */
export function createLimiter(options: LimiterOptions = {}): Limiter {
  return limiterFor('createLimiter()', options);
}

/** The limiter that these options describe; errors name the owner. */
export function limiterFor(owner: string, options: LimiterOptions): Limiter {
  return new Gate(limiterSettings(owner, options));
}

/** Timers count in 32 bits: one that is set for longer fires at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** What limiters said themselves, so that one around another does not take it for the server. */
const ownRefusals = new WeakSet<object>();

interface Entry extends Waiting {
  readonly prompt: string;
  readonly amounts: Amounts;
  readonly since: number;
  readonly deadline: number | undefined;
  readonly resolve: (permit: Permit) => void;
  readonly reject: (error: RunnerError) => void;
  /** Listens to the signal no more. */
  readonly forget: () => void;
}

class Gate implements Limiter {
  readonly #settings: LimiterSettings;
  readonly #limits: Limits;
  readonly #line = new WaitList<Entry>();
  /** What those in the line amount to. */
  #queued = NOTHING;
  #inFlight = 0;
  /** What the first in the line has waited for of late. */
  #obstacle: Obstacle | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(settings: LimiterSettings) {
    this.#settings = settings;
    this.#limits = new Limits(settings);
  }

  get waiting(): number {
    return this.#line.size;
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  admit(
    { prompt }: Pick<TaskRequest, 'prompt'>,
    { signal, deadline }: Pick<RunContext, 'signal' | 'deadline'>,
  ): Promise<Permit> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) throw aborted(signal);
      const since = performance.now();
      const amounts = this.#limits.estimate(prompt);
      const late = this.#lateness(amounts, this.#queued, deadline, since);
      if (late !== undefined) throw late;
      const abort = () => {
        this.#leave(entry);
        entry.reject(aborted(signal));
        this.#advance();
      };
      const forget = () => signal.removeEventListener('abort', abort);
      const entry: Entry = { prompt, amounts, since, deadline, resolve, reject, forget };
      signal.addEventListener('abort', abort, { once: true });
      this.#line.push(entry);
      this.#queued = plus(this.#queued, amounts);
      // Behind another there is nothing to be done yet.
      if (this.#line.first === entry) this.#advance();
    });
  }

  /** Permits what may be sent, and sets the timer for the next. */
  #advance(): void {
    // One timer in all, and none while nobody waits for time to pass.
    clearTimeout(this.#timer);
    const now = performance.now();
    for (let entry = this.#line.first; entry !== undefined; entry = this.#line.first) {
      const obstacle = this.#tooMany() ?? this.#limits.obstacle(entry.amounts, now);
      if (obstacle !== undefined) {
        this.#obstacle = obstacle;
        if (obstacle.waitMs !== Number.POSITIVE_INFINITY) this.#wakeIn(obstacle.waitMs);
        return;
      }
      this.#permit(entry, now);
    }
  }

  #wakeIn(ms: number): void {
    const delay = Math.min(LONGEST_TIMER_MS, Math.ceil(ms));
    this.#timer = setTimeout(() => this.#advance(), delay);
  }

  #tooMany(): Obstacle | undefined {
    const { maxConcurrent } = this.#settings;
    if (this.#inFlight < maxConcurrent) return undefined;
    const why = `the limit of ${counted(maxConcurrent, 'requests')} at once`;
    return { waitMs: Number.POSITIVE_INFINITY, why };
  }

  #permit(entry: Entry, now: number): void {
    this.#leave(entry);
    this.#inFlight++;
    const sent = this.#limits.send(entry.prompt, entry.amounts, now);
    let hasEnded = false;
    const end = (outcome: Outcome) => {
      if (hasEnded) return;
      hasEnded = true;
      this.#inFlight--;
      const at = performance.now();
      if (this.#limits.ended(sent, outcome, at)) this.#refuseLate(at);
      this.#advance();
    };
    entry.resolve({
      notice: this.#noticeOf(now - entry.since),
      again: () => this.#limits.sendAgain(performance.now()),
      done: (output) => end(output ?? {}),
      failed: (thrown) => end(outcomeOf(thrown)),
    });
  }

  #noticeOf(waitedMs: number): Permit['notice'] {
    if (this.#obstacle === undefined || waitedMs < this.#settings.noticeAfterMs) return undefined;
    const { why, code } = this.#obstacle;
    const message = `waited ${count(Math.round(waitedMs))} ms for ${why}`;
    return { message, ...(code !== undefined && { code }) };
  }

  /** Those whose wait has become too long need not sit it out. */
  #refuseLate(now: number): void {
    let ahead = NOTHING;
    for (const entry of this.#line) {
      const late = this.#lateness(entry.amounts, ahead, entry.deadline, now);
      if (late === undefined) {
        ahead = plus(ahead, entry.amounts);
      } else {
        this.#leave(entry);
        entry.reject(late);
      }
    }
  }

  /** The error for a request that cannot be permitted before its deadline. */
  #lateness(
    amounts: Amounts,
    ahead: Amounts,
    deadline: number | undefined,
    now: number,
  ): RunnerError | undefined {
    if (deadline === undefined) return undefined;
    const waitMs = Math.ceil(this.#limits.leastWaitMs(amounts, ahead, now));
    const remainingMs = Math.max(0, deadline - Date.now());
    if (waitMs === 0 || waitMs < remainingMs) return undefined;
    const error = new RunnerError(
      'rate_limited',
      `rateLimit() permits this request in ${count(waitMs)} ms at the earliest, and its attempt ` +
        `must end in ${count(remainingMs)} ms: allow it more time, or fewer tasks at once`,
      { retryAfterMs: waitMs },
    );
    ownRefusals.add(error);
    return error;
  }

  #leave(entry: Entry): void {
    this.#line.remove(entry);
    this.#queued = plus(this.#queued, entry.amounts, -1);
    entry.forget();
  }
}

/** What a failure tells about limits. */
function outcomeOf(thrown: unknown): Outcome {
  if (!isStratagemError(thrown) || ownRefusals.has(thrown)) return {};
  return thrown as RunnerError;
}

function count(value: number): string {
  return value.toLocaleString('en');
}

function aborted(signal: AbortSignal): RunnerError {
  return new RunnerError('aborted', 'the attempt was aborted while it waited for its turn', {
    cause: signal.reason,
  });
}
