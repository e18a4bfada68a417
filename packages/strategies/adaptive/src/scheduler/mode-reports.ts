import type { StrategySwitch } from '@stratagem/core';
import type { LimitSearch } from './limit-search.js';

/** Changes of the limit by less than this factor are not reported. */
const MIN_FACTOR = 1.5;
/** Whether tasks are paced is decided by the delays during this many answers. */
const ANSWERS_PER_CHECK = 10;

/** Sums: the time, the time that requests have been in flight, answers, and their latencies. */
const NOTHING = { elapsedMs: 0, inFlightMs: 0, answers: 0, latencyMs: 0 };

/** Changes of mode and limit that are worth a report, with measurements since the last one. */
export class ModeReports {
  readonly #search: LimitSearch;
  /** The mode and the limit of the last report. */
  #mode: string;
  #limit: number;
  readonly #total = { ...NOTHING };
  /** The sums at the last report. */
  #reported = NOTHING;
  /** Delays by the pace, less those by the limit, since the last check. */
  #paceDelays = 0;
  /** Whether a rate limit delays more tasks than the limit of requests in flight. */
  isPaced = false;

  constructor(search: LimitSearch) {
    this.#search = search;
    this.#limit = search.limit;
    this.#mode = this.#limit === 1 ? 'sequential' : 'parallel';
  }

  /** Undefined at the very beginning. */
  get averageInFlight(): number | undefined {
    const { elapsedMs, inFlightMs } = this.#total;
    return elapsedMs > 0 ? inFlightMs / elapsedMs : undefined;
  }

  /** Counts a task that could not start. */
  countDelay(cause: 'limit' | 'pace'): void {
    this.#paceDelays += cause === 'pace' ? 1 : -1;
  }

  /** Accounts for a time with so many requests in flight. */
  advance(inFlight: number, elapsedMs: number): void {
    this.#total.inFlightMs += inFlight * elapsedMs;
    this.#total.elapsedMs += elapsedMs;
  }

  recordAnswer(latencyMs: number): void {
    this.#total.answers++;
    this.#total.latencyMs += latencyMs;
    if (this.#total.answers % ANSWERS_PER_CHECK !== 0) return;
    this.isPaced = this.#paceDelays > 0;
    this.#paceDelays = 0;
  }

  /** The change of mode or limit since the last report; undefined if there is none. */
  takeChange(intervalMs: number): StrategySwitch | undefined {
    const { limit, probeFrom } = this.#search;
    if (probeFrom !== undefined) return undefined;
    const mode = this.#modeAt(limit);
    const factor = Math.max(limit / this.#limit, this.#limit / limit);
    if (mode === this.#mode && (mode === 'paced' || factor < MIN_FACTOR)) return undefined;
    const change = {
      from: this.#mode,
      to: mode,
      reason: this.#reasonFor(mode, intervalMs),
      limit,
      ...(mode !== 'paced' && limit !== this.#limit && this.#search.explain(this.#limit)),
      ...this.#measurements(),
    };
    this.#mode = mode;
    this.#limit = limit;
    this.#reported = { ...this.#total };
    return change;
  }

  #modeAt(limit: number): string {
    if (limit === 1) return 'sequential';
    return this.isPaced ? 'paced' : 'parallel';
  }

  #reasonFor(mode: string, intervalMs: number): string {
    if (mode === 'paced') {
      if (intervalMs === 0) return 'the server announced a rate limit';
      return `the server admits one request every ${Math.round(intervalMs)} ms`;
    }
    // The reason for the limit is older than the change of mode.
    const { limit, reason } = this.#search;
    return limit === this.#limit ? 'the rate limit no longer delays tasks' : reason;
  }

  #measurements(): Pick<StrategySwitch, 'figures'> {
    const elapsedMs = this.#total.elapsedMs - this.#reported.elapsedMs;
    const answers = this.#total.answers - this.#reported.answers;
    if (elapsedMs === 0 || answers === 0) return {};
    const inFlight = (this.#total.inFlightMs - this.#reported.inFlightMs) / elapsedMs;
    return {
      figures: {
        tasksPerSecond: (answers * 1_000) / elapsedMs,
        averageLatencyMs: (this.#total.latencyMs - this.#reported.latencyMs) / answers,
        parallelEfficiency: Math.min(1, inFlight / this.#limit),
      },
    };
  }
}
