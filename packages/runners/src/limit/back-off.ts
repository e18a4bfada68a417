/** By how much the pace drops at most after a refusal. */
const MAX_SLOWDOWN = 0.1;
/** This share of refusals is no reason to be slower: a server that comes late refuses now and then. */
const ACCEPTED_SHARE = 0.01;
/** The share of refusals is that among about so many requests. */
const REMEMBERED = 500;
/** Fewer requests than this say little about a share. */
const MIN_SAMPLE = 20;
/** Requests at a slower pace that show whether refusals come from the pace. */
const TRIAL = 50;
/** A larger share of refusals always counts as a limit. */
const MAX_UNRELATED = 0.35;
/** How long refusals that have nothing to do with the pace are passed over. */
const UNRELATED_MS = 60_000;
/** The pace regains a tenth of the full pace per minute. */
const RECOVERY_PER_MS = 0.1 / 60_000;
const MIN_PACE = 0.05;
/** A pace this much below what was accepted is slow enough for refusals to end. */
const SAFETY = 0.97;
/** The pause after the first refusal without a `retryAfterMs`; it doubles up to the maximum. */
const MIN_PAUSE_MS = 1_000;
const MAX_PAUSE_MS = 60_000;

/** The end of a request, as far as it affects when others may be sent. */
export interface RequestEnd {
  readonly startedAt: number;
  /** Why the server refused the request; undefined when it accepted it. */
  readonly refusal: 'rate_limited' | 'overloaded' | undefined;
  /** How long the server asked to wait, if it did. */
  readonly retryAfterMs: number | undefined;
  /** Whether the response also announced a lower limit, which explains the refusal. */
  readonly isExplained: boolean;
  /** Whether several requests may start at once, so that their number explains the refusal. */
  readonly mayBurst: boolean;
}

/**
 * Reacts to refusals. All starts pause for as long as the server asks. A refusal of a permitted
 * request means that too many came at once, that the real limit is lower, or that other clients use it
 * too. Bursts become smaller first. Without bursts, the pace drops by the share of refusals, and recovers by a
 * tenth of the limit a minute, because the real limit can only be probed. A few refusals among hundreds of
 * requests do not change it: on a busy machine, requests reach the server in bunches.
 *
 * At the slower pace, refusals must end if they came from the pace. If they go on, the server refuses requests
 * for another reason, and a slower run would have just as many: the full pace returns.
 * All times are in milliseconds; the caller passes the current time.
 */
export class BackOff {
  #pausedUntil = 0;
  #pace = 1;
  #burst = 1;
  /** When the pace last dropped; refusals of requests sent before that are ignored. */
  #slowedAt = Number.NEGATIVE_INFINITY;
  #refusalsInARow = 0;
  /** Ended and refused requests, older ones counting less. */
  #ended = 0;
  #refused = 0;
  /** Whether refusals end at a pace below that of the requests which were accepted at full pace. */
  #trial:
    | { readonly share: number; readonly since: number; ended: number; refused: number }
    | undefined;
  /** The share of refusals that is no reason to be slower, until a time. */
  #accepted = { share: ACCEPTED_SHARE, until: Number.POSITIVE_INFINITY };

  get pausedUntil(): number {
    return this.#pausedUntil;
  }

  /** The share of the limits to use. */
  pace(now: number): number {
    if (this.#pace === 1) return 1;
    return Math.min(1, this.#pace + (now - this.#slowedAt) * RECOVERY_PER_MS);
  }

  /** The share of a burst that may start at once. */
  get burst(): number {
    return this.#burst;
  }

  /** @returns Whether the pause is longer now. */
  recordEnd(end: RequestEnd, now: number): boolean {
    const { startedAt, refusal, retryAfterMs, isExplained, mayBurst } = end;
    const before = this.#pausedUntil;
    this.#count(refusal === 'rate_limited', startedAt, now);
    const isRecent = startedAt > this.#slowedAt;
    if (refusal === undefined && isRecent) this.#refusalsInARow = 0;
    if (refusal === 'rate_limited' && isRecent) {
      this.#refusalsInARow++;
      const pace = this.pace(now);
      const excess = this.#excess(now);
      if (isExplained || mayBurst) this.#pace = pace;
      else this.#slowDown(pace, excess, now);
      if (!isExplained && mayBurst) this.#burst /= 2;
      this.#slowedAt = now;
      if (retryAfterMs === undefined && excess > 0) this.pauseUntil(now + this.#nextPauseMs());
    }
    if (refusal !== undefined && retryAfterMs !== undefined) this.pauseUntil(now + retryAfterMs);
    return this.#pausedUntil > before;
  }

  #count(isRefused: boolean, startedAt: number, now: number): void {
    const kept = 1 - 1 / REMEMBERED;
    this.#ended = this.#ended * kept + 1;
    this.#refused = this.#refused * kept + (isRefused ? 1 : 0);
    const trial = this.#trial;
    if (trial === undefined || startedAt < trial.since) return;
    trial.ended++;
    if (isRefused) trial.refused++;
    if (trial.ended < TRIAL) return;
    this.#trial = undefined;
    const share = trial.refused / trial.ended;
    // Whatever the reason is, what follows is compared with this.
    [this.#ended, this.#refused] = [TRIAL, trial.refused];
    if (share < trial.share / 2 || share > MAX_UNRELATED) return;
    this.#accepted = { share: share * 2, until: now + UNRELATED_MS };
    this.#pace = 1;
    this.#burst = 1;
  }

  /** The share of refusals above that which is accepted. */
  #excess(now: number): number {
    if (now >= this.#accepted.until) {
      this.#accepted = { share: ACCEPTED_SHARE, until: Number.POSITIVE_INFINITY };
    }
    return Math.max(0, this.#refused / this.#ended - this.#accepted.share);
  }

  #slowDown(pace: number, excess: number, now: number): void {
    this.#pace = pace;
    if (excess === 0 || this.#trial !== undefined) return;
    const share = this.#refused / this.#ended;
    if (this.#ended < MIN_SAMPLE || share > MAX_UNRELATED) {
      this.#pace = Math.max(MIN_PACE, pace * (1 - Math.min(MAX_SLOWDOWN, excess)));
      return;
    }
    this.#pace = Math.max(MIN_PACE, pace * (1 - share) * SAFETY);
    this.#trial = { share, since: now, ended: 0, refused: 0 };
  }

  #nextPauseMs(): number {
    return Math.min(MAX_PAUSE_MS, MIN_PAUSE_MS * 2 ** (this.#refusalsInARow - 1));
  }

  /** @returns Whether the pause is longer now. */
  pauseUntil(time: number): boolean {
    if (time <= this.#pausedUntil) return false;
    this.#pausedUntil = time;
    return true;
  }
}
