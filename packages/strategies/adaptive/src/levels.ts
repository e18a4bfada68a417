import { compare, type Latencies, merge, scale } from './latencies.js';
import type { Finding } from './trial.js';

/** Levels this close are the same, as a logarithm. */
export const SAME = Math.log(1.18);
/** For how many trials a level is remembered: what was worse then may not be any more. */
const MEMORY = 10;
/** Latencies of real models differ about so much; it counts like so many measurements at first. */
const SPREAD = 0.4;
const SPREAD_COUNT = 16;

/** What is known of a level. */
export interface Level extends Finding {
  /** The trial that was last at this level. */
  readonly trial: number;
}

/** One level beside another. All as logarithms: twice as much is the same step from anywhere. */
export interface Comparison {
  /** By how much more is in flight. */
  readonly more: number;
  /** By how much latency is higher. */
  readonly slower: number;
  /** By how much throughput is higher: what is in flight over how long it takes. */
  readonly gain: number;
  /** The standard error of the latter two; Infinity where nothing can be compared. */
  readonly error: number;
}

/** What the last trials say about latency at different levels of concurrency. */
export class Levels {
  #known: Level[] = [];
  #trials = 0;
  /** Standard deviation of the logarithms of latencies, and how many that is from. */
  #spread = SPREAD;
  #count = SPREAD_COUNT;

  get all(): readonly Level[] {
    return this.#known;
  }

  /** Adds a finding to what is known of its level; what is known of others ages. */
  add(found: Finding): Level {
    const trial = ++this.#trials;
    const last = this.#known.at(-1);
    // Most of its requests have ended by now.
    if (last !== undefined) this.#learnSpread(last.latencies);
    let level = levelOf(found, trial);
    this.#known = this.#known.filter((other) => {
      if (Math.abs(Math.log(other.level / found.level)) > SAME) return trial - other.trial < MEMORY;
      const latencies = merge(other.latencies, found.latencies);
      level = { ...level, level: Math.sqrt(other.level * found.level), latencies };
      return false;
    });
    this.#known.push(level);
    return level;
  }

  /** Forgets all levels but one: the server is another one now. */
  restart(found: Finding): Level {
    const level = levelOf(found, this.#trials);
    this.#known = [level];
    return level;
  }

  /** Forgets the levels above. */
  cut(limit: number): void {
    this.#known = this.#known.filter(({ level }) => level <= limit);
  }

  /** Whether there is anything known between so many times the level and so many times. */
  isKnown({ level }: Level, from: number, to: number): boolean {
    return this.#known.some((other) => other.level >= from * level && other.level <= to * level);
  }

  compare(before: Finding, after: Finding): Comparison {
    const { slower, weight } = compare(before.latencies, after.latencies);
    const more = Math.log(after.level / before.level);
    // A quartile is a third less certain than an average.
    const error = (1.36 * Math.max(0.05, this.#spread)) / Math.sqrt(weight);
    return { more, slower, gain: more - slower, error };
  }

  #learnSpread(latencies: Latencies): void {
    for (const { spread, count } of latencies.values()) {
      if (spread === undefined || count < 4) continue;
      this.#count = Math.min(100, this.#count + count);
      this.#spread += (count / this.#count) * (spread - this.#spread);
    }
  }
}

/** A copy would keep the latencies as they are now, and more requests of the trial will end. */
function levelOf(found: Finding, trial: number): Level {
  return {
    ...{ level: found.level, limit: found.limit, trial },
    get latencies() {
      return found.latencies;
    },
  };
}

/** Whether there were enough tasks for the limit to matter. */
export function isFull({ level, limit }: Finding): boolean {
  return level >= 0.75 * limit;
}

/**
 * Where throughput stopped growing between two levels: at what the higher one delivers with the
 * latency of the lower one.
 */
export function kneeOf(low: Level, high: Level, gain: number): Level {
  const level = Math.min(high.level, low.level * Math.max(1, Math.exp(gain)));
  const latencies = scale(high.latencies, Math.log(level / high.level));
  return { ...high, level, limit: level, latencies };
}
