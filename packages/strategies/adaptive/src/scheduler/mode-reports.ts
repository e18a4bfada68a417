import type { StrategySwitch } from '@stratagem/core';
import type { LimitSearch } from './limit-search.js';

/** Changes of the limit by less than this factor are not reported. */
const MIN_FACTOR = 1.5;
/** The mode is determined from the delays during this many answers. */
const ANSWERS_PER_CHECK = 10;

type Mode = 'sequential' | 'parallel' | 'paced';

/** Sums over a run: the time that requests have been in flight, answers, and their latencies. */
const NOTHING = { at: 0, inFlightMs: 0, answers: 0, latencyMs: 0 };

/** Reports changes of mode and limit to the run, with measurements since the last report. */
export class ModeReports {
  readonly #report: (change: StrategySwitch) => void;
  mode: Mode;
  #limit: number;
  readonly #total = { ...NOTHING };
  /** When the first request started. */
  #beganAt: number | undefined;
  /** The sums at the last report. */
  #reported = NOTHING;
  /** The answers when the mode was last determined; since then, delays by the pace less those by the limit. */
  #checkedAt = 0;
  #paceDelays = 0;

  constructor(limit: number, report: (change: StrategySwitch) => void) {
    this.#limit = limit;
    this.mode = limit === 1 ? 'sequential' : 'parallel';
    this.#report = report;
  }

  /** The average number in flight since the first request; undefined before. */
  get averageInFlight(): number | undefined {
    const elapsed = this.#total.at - (this.#beganAt ?? this.#total.at);
    return elapsed > 0 ? this.#total.inFlightMs / elapsed : undefined;
  }

  /** Counts a task that could not start. */
  countDelay(cause: 'limit' | 'pace'): void {
    this.#paceDelays += cause === 'pace' ? 1 : -1;
  }

  /** Accounts for the time since the last call. Call it before the number in flight changes. */
  advance(inFlight: number, now: number): void {
    if (this.#beganAt === undefined) {
      this.#beganAt = now;
      this.#reported = { ...NOTHING, at: now };
    }
    this.#total.inFlightMs += inFlight * (now - this.#total.at);
    this.#total.at = now;
  }

  recordAnswer(latencyMs: number): void {
    this.#total.answers++;
    this.#total.latencyMs += latencyMs;
  }

  /** Reports a change of mode, or of the limit, if there is one. */
  reportChange(search: LimitSearch, intervalMs: number): void {
    const { limit, probeFrom } = search;
    if (probeFrom !== undefined) return;
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
      ...this.#measurements(),
    });
    this.#limit = limit;
    this.#reported = { ...this.#total };
  }

  #reasonFor(mode: Mode, { limit, reason }: LimitSearch, intervalMs: number): string {
    if (mode === 'paced') {
      if (intervalMs === 0) return 'the server announced a rate limit';
      return `the server admits one request every ${Math.round(intervalMs)} ms`;
    }
    // The reason for the limit is older than the change of mode.
    return limit === this.#limit ? 'the rate limit no longer delays tasks' : reason;
  }

  #modeAt(limit: number): Mode {
    if (limit === 1) return 'sequential';
    if (this.#total.answers - this.#checkedAt < ANSWERS_PER_CHECK) {
      return this.mode === 'sequential' ? 'parallel' : this.mode;
    }
    const isPaced = this.#paceDelays > 0;
    this.#checkedAt = this.#total.answers;
    this.#paceDelays = 0;
    return isPaced ? 'paced' : 'parallel';
  }

  #measurements(): Pick<StrategySwitch, 'figures'> {
    const elapsed = this.#total.at - this.#reported.at;
    const answers = this.#total.answers - this.#reported.answers;
    if (elapsed <= 0 || answers === 0) return {};
    const inFlight = (this.#total.inFlightMs - this.#reported.inFlightMs) / elapsed;
    return {
      figures: {
        tasksPerSecond: (answers * 1_000) / elapsed,
        averageLatencyMs: (this.#total.latencyMs - this.#reported.latencyMs) / answers,
        parallelEfficiency: Math.min(1, inFlight / this.#limit),
      },
    };
  }
}
