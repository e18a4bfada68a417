// Programs whose own `lib` lacks Symbol.asyncDispose must be able to import this.
/// <reference lib="esnext.disposable" preserve="true" />

/** An amount of something that a server limits per minute. */
export interface LimitedAmount {
  /** What is limited, such as `requests` or `tokens`. */
  readonly quantity: string;
  /** How much to reserve; a negative amount is given back. */
  readonly amount: number;
  /** The limit per minute. */
  readonly perMinute: number;
}

/** When a reserved amount may be used. */
export interface Reservation {
  /**
   * For each amount, in the same order: how long the limit takes to work off what was reserved before,
   * in milliseconds. An amount may be used that much later, or earlier by what the burst permits.
   */
  readonly aheadMs: readonly number[];
  /** How much longer nobody may use the resource, in milliseconds. */
  readonly pausedMs: number;
}

/**
 * Limits that any number of processes share: requests and tokens per minute of a resource, and pauses
 * that its server asked for.
 *
 * Each limit is a schedule (GCRA): a reservation moves its end by `amount / perMinute`, and the end is
 * never before now. So reservations never exceed the limit, from any process, and none is refused:
 * it only comes later. Reserve in blocks, and use each reservation when its time has come.
 *
 * `sharedLimitsConformance` tests your own. Every method rejects with a `JournalError`.
 *
 * @example
 * const runner = rateLimit(openai(), { requestsPerMinute: 600, shared: postgresLimits({ url }) });
 */
export interface SharedLimits {
  /** Reserves several amounts of one resource at once. */
  reserve(resource: string, amounts: readonly LimitedAmount[]): Promise<Reservation>;
  /** Keeps everybody from using the resource for so many milliseconds. Never shortens a pause. */
  pause(resource: string, durationMs: number): Promise<void>;
  /**
   * Calls the function when a resource was paused, here or elsewhere. It may be called late or not at
   * all: each reservation reports the pause as well.
   *
   * @returns Ends the calls.
   */
  onPause(listener: (resource: string, durationMs: number) => void): () => void;
  /** Releases all resources. The limits cannot be used afterwards. */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}
