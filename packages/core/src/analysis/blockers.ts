import type { AttemptErrorCode } from '../contract/errors.js';
import type { ResourceLimits } from '../contract/resource-limit.js';
import { exact } from './run-clock.js';
import type { Pause, Span, SpanKind } from './types.js';

/** What keeps every ready task of a run from starting, as bits. */
export const Blocker = { paused: 1, full: 2, budget: 4, places: 8, strategy: 16 } as const;

interface Interval {
  readonly startMs: number;
  endMs: number;
  /** For a cooldown, its end before rounding. */
  rawEndMs?: number | undefined;
  readonly code?: AttemptErrorCode | undefined;
}

/** What keeps the tasks of one resource from starting; each in order of time, without overlaps. */
interface Lane {
  /** When its server wanted to be left alone. */
  readonly cooldowns: Interval[];
  /** When, after a cooldown, as many attempts were in flight as may find out how many it takes. */
  readonly trials: Interval[];
  /** When its own cap was reached. */
  readonly full: Interval[];
  /** When attempts in flight could have used up its own budget. */
  readonly budget: Interval[];
}

/**
 * What kept the ready tasks of a run from starting, over its time. A wait is split in time proportional
 * to the changes within the wait.
 */
export class Blockers {
  readonly #times: number[] = [];
  readonly #flags: number[] = [];
  readonly #lanes = new Map<string, Lane>();
  readonly #limits: ResourceLimits;

  constructor(limits: ResourceLimits = {}) {
    this.#limits = limits;
  }

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
  pause(resource: string, startMs: number, rawEndMs: number, code: AttemptErrorCode): void {
    const endMs = Math.max(startMs, exact(rawEndMs));
    extend(this.#laneOf(resource).cooldowns, { startMs, endMs, rawEndMs, code });
  }

  /** The run was down: pauses that had not ended went on meanwhile. */
  skip(atMs: number, downtimeMs: number): void {
    for (const { cooldowns } of this.#lanes.values()) {
      const last = cooldowns.at(-1);
      if (last?.rawEndMs === undefined || last.endMs <= atMs) continue;
      last.rawEndMs = Math.max(atMs, last.rawEndMs - downtimeMs);
      last.endMs = exact(last.rawEndMs);
    }
  }

  /** Whether nothing may start at a resource: since a pause, at its cap, or for its budget. */
  setLane(
    resource: string,
    kind: 'trials' | 'full' | 'budget',
    atMs: number,
    holds: boolean,
  ): void {
    const intervals = this.#lanes.get(resource)?.[kind];
    const last = intervals?.at(-1);
    const isOpen = last?.endMs === Number.POSITIVE_INFINITY;
    if (holds === isOpen) return;
    if (isOpen) last.endMs = atMs;
    else extend(this.#laneOf(resource)[kind], { startMs: atMs, endMs: Number.POSITIVE_INFINITY });
  }

  #laneOf(resource: string): Lane {
    let lane = this.#lanes.get(resource);
    if (lane === undefined) {
      lane = { cooldowns: [], trials: [], full: [], budget: [] };
      this.#lanes.set(resource, lane);
    }
    return lane;
  }

  /** The pauses of servers and of the run, by start, up to a time. */
  pauses(untilMs: number): Pause[] {
    const pauses: Pause[] = [];
    for (const [resource, { cooldowns }] of this.#lanes) {
      for (const { startMs, endMs, code } of cooldowns) {
        if (startMs > untilMs) continue;
        pauses.push({ resource, startMs, endMs: Math.min(endMs, untilMs), code });
      }
    }
    let last: Pause | undefined;
    for (let position = 0; position < this.#times.length; position++) {
      if (((this.#flags[position] as number) & Blocker.paused) === 0) continue;
      const startMs = this.#times[position] as number;
      const endMs = Math.min(this.#times[position + 1] ?? untilMs, untilMs);
      if (last?.endMs === startMs) pauses.pop();
      last = { startMs: last?.endMs === startMs ? last.startMs : startMs, endMs };
      pauses.push(last);
    }
    return pauses.sort((a, b) => a.startMs - b.startMs);
  }

  /**
   * Splits the wait of a ready task by its causes.
   *
   * @param resource What the task competes for; undefined for nothing.
   */
  split(startMs: number, endMs: number, resource: string | undefined, into: Span[]): void {
    if (startMs >= endMs) return;
    const lane = resource === undefined ? undefined : this.#lanes.get(resource);
    const isSeparate = resource !== undefined && this.#limits[resource]?.separate === true;
    const first = into.length;
    let at = startMs;
    for (const until of this.#cutsBetween(startMs, endMs, lane)) {
      const kind = this.#causeAt(at, lane, isSeparate);
      const last = into.length > first ? (into.at(-1) as Span) : undefined;
      if (last?.kind === kind) into[into.length - 1] = { ...last, endMs: until };
      else {
        const isOfLane = kind === 'rate_limit' || kind === 'resource_cap';
        into.push({ kind, startMs: at, endMs: until, ...(isOfLane && { resource }) });
      }
      at = until;
    }
  }

  /** The times in a wait at which its cause may change, and its end. */
  #cutsBetween(startMs: number, endMs: number, lane: Lane | undefined): number[] {
    const cuts: number[] = [endMs];
    const add = (atMs: number) => {
      if (atMs > startMs && atMs < endMs) cuts.push(atMs);
    };
    const times = this.#times;
    for (let position = after(times, startMs); (times[position] ?? endMs) < endMs; position++) {
      add(times[position] as number);
    }
    for (const intervals of lane === undefined ? [] : Object.values<Interval[]>({ ...lane })) {
      for (let position = endingAfter(intervals, startMs); ; position++) {
        const interval = intervals[position];
        if (interval === undefined || interval.startMs >= endMs) break;
        add(interval.startMs);
        add(interval.endMs);
      }
    }
    return cuts.sort((a, b) => a - b).filter((cut, position) => cut !== cuts[position - 1]);
  }

  #causeAt(atMs: number, lane: Lane | undefined, isSeparate: boolean): SpanKind {
    const flags = this.#flags[after(this.#times, atMs) - 1] ?? 0;
    if ((flags & Blocker.paused) !== 0) return 'paused';
    if (lane !== undefined) {
      if (covers(lane.cooldowns, atMs) || covers(lane.trials, atMs)) return 'rate_limit';
      if (covers(lane.full, atMs)) return 'resource_cap';
    }
    if ((flags & Blocker.full) !== 0 && !isSeparate) return 'cap';
    if ((flags & Blocker.budget) !== 0) return 'budget';
    if (lane !== undefined && covers(lane.budget, atMs)) return 'budget';
    if ((flags & Blocker.places) !== 0) return 'places';
    return (flags & Blocker.strategy) !== 0 ? 'strategy' : 'scheduling';
  }
}

/** Appends an interval, or lengthens the last one by it. */
function extend(intervals: Interval[], interval: Interval): void {
  const last = intervals.at(-1);
  if (last === undefined || interval.startMs > last.endMs) intervals.push(interval);
  else if (interval.endMs > last.endMs) {
    last.endMs = interval.endMs;
    last.rawEndMs = interval.rawEndMs;
  }
}

/** Position of the first number above another one. */
function after(sorted: readonly number[], value: number): number {
  let low = 0;
  for (let high = sorted.length; low < high; ) {
    const middle = (low + high) >> 1;
    if ((sorted[middle] as number) <= value) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Position of the first interval that ends after a time. */
function endingAfter(intervals: readonly Interval[], atMs: number): number {
  let low = 0;
  for (let high = intervals.length; low < high; ) {
    const middle = (low + high) >> 1;
    if ((intervals[middle] as Interval).endMs <= atMs) low = middle + 1;
    else high = middle;
  }
  return low;
}

function covers(intervals: readonly Interval[], atMs: number): boolean {
  const interval = intervals[endingAfter(intervals, atMs)];
  return interval !== undefined && interval.startMs <= atMs;
}
