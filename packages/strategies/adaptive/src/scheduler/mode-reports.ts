import type { StrategySwitch } from '@stratagem/core';
import type { LimitSearch } from '../concurrency/limit-search.js';

/** Changes of the limit by less than this factor are not worth a word. */
const WORTH_TELLING = 1.5;
/** How many answers a look at what holds tasks back needs. */
const LOOK = 10;

type Mode = 'sequential' | 'parallel' | 'paced';

/** Tells the run when a controller works in another way, with what was measured until then. */
export class ModeReports {
  readonly #tell: (change: StrategySwitch) => void;
  mode: Mode;
  #limit: number;
  #since: number | undefined;
  #updatedAt = 0;
  /** Sums since the last switch. */
  #held = 0;
  #room = 0;
  #answers = 0;
  #latency = 0;
  /** How often the limit and the pace held a task back, since the last look. */
  #byLimit = 0;
  #byPace = 0;
  #seen = 0;

  constructor(limit: number, tell: (change: StrategySwitch) => void) {
    this.#limit = limit;
    this.mode = limit === 1 ? 'sequential' : 'parallel';
    this.#tell = tell;
  }

  heldBy(what: 'limit' | 'pace'): void {
    if (what === 'limit') this.#byLimit++;
    else this.#byPace++;
  }

  /** To be called before the number in flight changes. */
  passed(held: number, now: number): void {
    if (this.#since === undefined) this.#since = now;
    else {
      this.#held += held * (now - this.#updatedAt);
      this.#room += this.#limit * (now - this.#updatedAt);
    }
    this.#updatedAt = now;
  }

  answered(latencyMs: number): void {
    this.#answers++;
    this.#seen++;
    this.#latency += latencyMs;
  }

  look({ limit, isLooking, reason }: LimitSearch, intervalMs: number, now: number): void {
    // A limit that is only tried is not where the strategy has gone.
    if (isLooking) return;
    const mode = this.#modeAt(limit);
    const factor = Math.max(limit / this.#limit, this.#limit / limit);
    if (mode === this.mode && (mode === 'paced' || factor < WORTH_TELLING)) return;
    const from = this.mode;
    this.mode = mode;
    const every = `a start every ${Math.round(intervalMs)} ms is what it lets in`;
    const paced = intervalMs > 0 ? every : 'that is what the server announces';
    this.#tell({
      from,
      to: mode,
      reason: mode === 'paced' ? paced : reason,
      limit,
      ...this.#figures(now),
    });
    this.#limit = limit;
    this.#since = now;
    this.#held = this.#room = this.#answers = this.#latency = 0;
  }

  #modeAt(limit: number): Mode {
    if (limit === 1) return 'sequential';
    if (this.#seen < LOOK) return this.mode === 'sequential' ? 'parallel' : this.mode;
    const isPaced = this.#byPace > this.#byLimit;
    this.#seen = this.#byLimit = this.#byPace = 0;
    return isPaced ? 'paced' : 'parallel';
  }

  #figures(now: number): Pick<StrategySwitch, 'figures'> {
    const elapsed = now - (this.#since ?? now);
    if (elapsed <= 0 || this.#answers === 0) return {};
    return {
      figures: {
        tasksPerSecond: (this.#answers * 1_000) / elapsed,
        averageLatencyMs: this.#latency / this.#answers,
        parallelEfficiency: this.#room > 0 ? Math.min(1, this.#held / this.#room) : 0,
      },
    };
  }
}
