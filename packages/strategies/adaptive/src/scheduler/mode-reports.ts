import type { StrategySwitch } from '@stratagem/core';
import type { LimitSearch } from './limit-search.js';

/** Changes of the limit by less than this factor are not reported. */
const MIN_FACTOR = 1.5;
/** The mode is determined from the delays during this many answers. */
const ANSWERS_PER_CHECK = 10;

type Mode = 'sequential' | 'parallel' | 'paced';

/** Reports changes of mode and limit to the run, with measurements since the last report. */
export class ModeReports {
  readonly #report: (change: StrategySwitch) => void;
  mode: Mode;
  #limit: number;
  #reportedAt: number | undefined;
  #updatedAt = 0;
  /** Sums since the last report: time in flight, time times limit, answers and their latencies. */
  #inFlightMs = 0;
  #limitMs = 0;
  #answers = 0;
  #latencyMs = 0;
  /** Delays by the limit and by the pace since the mode was last determined, and the answers. */
  #limitDelays = 0;
  #paceDelays = 0;
  #answersSinceCheck = 0;

  constructor(limit: number, report: (change: StrategySwitch) => void) {
    this.#limit = limit;
    this.mode = limit === 1 ? 'sequential' : 'parallel';
    this.#report = report;
  }

  /** Counts a task that could not start. */
  countDelay(cause: 'limit' | 'pace'): void {
    if (cause === 'limit') this.#limitDelays++;
    else this.#paceDelays++;
  }

  /** Accounts for the time since the last call. Call it before the number in flight changes. */
  advance(inFlight: number, now: number): void {
    if (this.#reportedAt === undefined) this.#reportedAt = now;
    else {
      this.#inFlightMs += inFlight * (now - this.#updatedAt);
      this.#limitMs += this.#limit * (now - this.#updatedAt);
    }
    this.#updatedAt = now;
  }

  recordAnswer(latencyMs: number): void {
    this.#answers++;
    this.#answersSinceCheck++;
    this.#latencyMs += latencyMs;
  }

  /** Reports a change of mode, or of the limit, if there is one. */
  reportChange(search: LimitSearch, intervalMs: number, now: number): void {
    const { limit, isProbing } = search;
    if (isProbing) return;
    const mode = this.#modeAt(limit);
    const factor = Math.max(limit / this.#limit, this.#limit / limit);
    if (mode === this.mode && (mode === 'paced' || factor < MIN_FACTOR)) return;
    const from = this.mode;
    this.mode = mode;
    this.#report({
      from,
      to: mode,
      reason: this.#reasonFor(mode, search, intervalMs),
      limit,
      ...(mode !== 'paced' && limit !== this.#limit && search.explain(this.#limit)),
      ...this.#measurements(now),
    });
    this.#limit = limit;
    this.#reportedAt = now;
    this.#inFlightMs = this.#limitMs = this.#answers = this.#latencyMs = 0;
  }

  #reasonFor(mode: Mode, { limit, reason }: LimitSearch, intervalMs: number): string {
    // The reason for the limit is older than the change of mode.
    if (mode !== 'paced')
      return limit === this.#limit ? 'the rate limit no longer delays tasks' : reason;
    if (intervalMs === 0) return 'the server announced a rate limit';
    return `the server admits one request every ${Math.round(intervalMs)} ms`;
  }

  #modeAt(limit: number): Mode {
    if (limit === 1) return 'sequential';
    if (this.#answersSinceCheck < ANSWERS_PER_CHECK) {
      return this.mode === 'sequential' ? 'parallel' : this.mode;
    }
    const isPaced = this.#paceDelays > this.#limitDelays;
    this.#answersSinceCheck = this.#limitDelays = this.#paceDelays = 0;
    return isPaced ? 'paced' : 'parallel';
  }

  #measurements(now: number): Pick<StrategySwitch, 'figures'> {
    const elapsed = now - (this.#reportedAt ?? now);
    if (elapsed <= 0 || this.#answers === 0) return {};
    return {
      figures: {
        tasksPerSecond: (this.#answers * 1_000) / elapsed,
        averageLatencyMs: this.#latencyMs / this.#answers,
        parallelEfficiency: this.#limitMs > 0 ? Math.min(1, this.#inFlightMs / this.#limitMs) : 0,
      },
    };
  }
}
