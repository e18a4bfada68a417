import type { AttemptErrorCode } from '../contract/errors.js';
import type { Pause, Span, SpanKind } from './types.js';

/** Why nothing, or not more, starts; as bits. */
export const Blocker = { paused: 1, full: 2, budget: 4 } as const;

interface Interval {
  readonly startMs: number;
  endMs: number;
  readonly code: AttemptErrorCode;
}

/**
 * What kept ready tasks of a run from starting, over its time. A wait is split by it in time
 * proportional to the changes within the wait.
 */
export class Blockers {
  readonly #times: number[] = [];
  readonly #flags: number[] = [];
  /** Per resource, when its server wanted to be left alone; in order, without overlaps. */
  readonly #cooldowns = new Map<string, Interval[]>();

  /** From this time on, these reasons hold. */
  set(atMs: number, flags: number): void {
    const last = this.#times.length - 1;
    if (last >= 0 && this.#flags[last] === flags) return;
    if (last >= 0 && this.#times[last] === atMs) {
      this.#times.pop();
      this.#flags.pop();
      // The change before may have been to the same.
      this.set(atMs, flags);
      return;
    }
    this.#times.push(atMs);
    this.#flags.push(flags);
  }

  /** A server asked to wait; the later of two overlapping ends counts. */
  pause(resource: string, startMs: number, endMs: number, code: AttemptErrorCode): void {
    const intervals = this.#cooldowns.get(resource);
    if (intervals === undefined) {
      this.#cooldowns.set(resource, [{ startMs, endMs, code }]);
      return;
    }
    const last = intervals.at(-1) as Interval;
    if (startMs <= last.endMs) last.endMs = Math.max(last.endMs, endMs);
    else intervals.push({ startMs, endMs, code });
  }

  /** The run was down from this time on: pauses that last went on meanwhile. */
  skip(atMs: number, downtimeMs: number): void {
    for (const intervals of this.#cooldowns.values()) {
      const last = intervals.at(-1) as Interval;
      if (last.endMs > atMs) last.endMs = Math.max(atMs, last.endMs - downtimeMs);
    }
  }

  /** The only resource whose server ever asked to wait; undefined for none and for several. */
  get onlyResource(): string | undefined {
    return this.#cooldowns.size === 1 ? this.#cooldowns.keys().next().value : undefined;
  }

  /** The pauses of servers and of the run, by start, up to a time. */
  pauses(untilMs: number): Pause[] {
    const pauses: Pause[] = [];
    for (const [resource, intervals] of this.#cooldowns) {
      for (const { startMs, endMs, code } of intervals) {
        if (startMs > untilMs) continue;
        pauses.push({ resource, startMs, endMs: Math.min(endMs, untilMs), code });
      }
    }
    this.#eachRun(0, untilMs, (flags, startMs, endMs) => {
      if ((flags & Blocker.paused) === 0) return;
      const last = pauses.at(-1);
      if (last?.resource === undefined && last?.endMs === startMs) {
        pauses[pauses.length - 1] = { startMs: last.startMs, endMs };
      } else pauses.push({ startMs, endMs });
    });
    return pauses.sort((a, b) => a.startMs - b.startMs);
  }

  /**
   * Splits the wait of a ready task by its causes.
   *
   * @param resource What the task competes for; undefined for nothing.
   * @param rest The cause where no other holds.
   */
  split(
    startMs: number,
    endMs: number,
    resource: string | undefined,
    rest: SpanKind,
    into: Span[],
  ): void {
    const cooldowns = resource === undefined ? [] : (this.#cooldowns.get(resource) ?? []);
    let next = firstEndingAfter(cooldowns, startMs);
    const add = (kind: SpanKind, from: number, to: number) => {
      if (from >= to) return;
      const last = into.at(-1);
      if (last?.kind === kind && last.endMs === from && last.startMs >= startMs) {
        into[into.length - 1] = { ...last, endMs: to };
      } else {
        const about = kind === 'rate_limit' ? { resource } : {};
        into.push({ kind, startMs: from, endMs: to, ...about });
      }
    };
    this.#eachRun(startMs, endMs, (flags, from, to) => {
      if ((flags & Blocker.paused) !== 0) {
        add('paused', from, to);
        return;
      }
      const kind = kindOf(flags, rest);
      let at = from;
      while (at < to) {
        const cooldown = cooldowns[next];
        if (cooldown === undefined || cooldown.startMs >= to) break;
        if (cooldown.endMs <= at) {
          next++;
          continue;
        }
        add(kind, at, Math.max(at, cooldown.startMs));
        const until = Math.min(cooldown.endMs, to);
        add('rate_limit', Math.max(at, cooldown.startMs), until);
        at = until;
      }
      add(kind, at, to);
    });
  }

  /** Calls `visit` for each stretch of equal flags within an interval. */
  #eachRun(
    startMs: number,
    endMs: number,
    visit: (flags: number, startMs: number, endMs: number) => void,
  ): void {
    const times = this.#times;
    let low = 0;
    for (let high = times.length; low < high; ) {
      const middle = (low + high) >> 1;
      if ((times[middle] as number) <= startMs) low = middle + 1;
      else high = middle;
    }
    let at = startMs;
    for (let position = low - 1; at < endMs; position++) {
      const until = Math.min(times[position + 1] ?? endMs, endMs);
      if (until > at) visit(this.#flags[position] ?? 0, at, until);
      at = Math.max(at, until);
    }
  }
}

function kindOf(flags: number, rest: SpanKind): SpanKind {
  if ((flags & Blocker.full) !== 0) return 'cap';
  if ((flags & Blocker.budget) !== 0) return 'budget';
  return rest;
}

function firstEndingAfter(intervals: readonly Interval[], atMs: number): number {
  let low = 0;
  for (let high = intervals.length; low < high; ) {
    const middle = (low + high) >> 1;
    if ((intervals[middle] as Interval).endMs <= atMs) low = middle + 1;
    else high = middle;
  }
  return low;
}
