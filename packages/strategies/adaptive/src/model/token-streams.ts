import { logTail } from './normal.js';
import type { Request } from './request.js';
import { logWork } from './work-statistics.js';

/** So much text is looked at together, in characters: parts come in bursts. */
const STRETCH = 64;
/** Stretches of text differ about so much in the work they take, as a deviation of logarithms, */
const DEVIATION = 0.25;
/** and no less than this, however evenly they come. */
const LEAST_DEVIATION = 0.1;
/** A request that hangs says no more than this, or it would outweigh all others. */
const MOST_DEVIATION = 1.5;
const LEAST_LIKELIHOOD = -4;
/** How many stretches are counted for what is usual. */
const USUAL_COUNT = 4;
/** What takes less, in milliseconds, comes from a buffer. */
const BUFFERED_MS = 1;

/** The text of one request, while it comes. */
interface Stream {
  /** The progress when the stretch of text began that has yet to be complete. */
  start: Float64Array;
  characters: number;
  /** How much the last one was, as a logarithm of characters. */
  size: number;
  /** How many stretches are complete, and the mean of the logarithms of their work per character. */
  count: number;
  readonly means: Float64Array;
}

/** A stretch of text that is complete, beside those of the same request before it. */
export interface Stretch {
  /** How many there were before. */
  readonly before: number;
  /** How much more work it was than those, under each hypothesis, as a logarithm. */
  readonly deviations: Float64Array;
  /** What makes its time likely besides that, as a logarithm. */
  readonly densities: Float64Array;
}

/**
 * How fast text comes, under each hypothesis: if it is true, a request takes as much work for each
 * stretch of its text, whatever was in flight beside it. Only stretches of the same request are
 * compared: some models write faster than others, and some answers are harder than others.
 */
export class TokenStreams {
  readonly #open = new Map<Request, Stream>();
  /** How many comparisons there were, and the squares of their deviations. */
  #count = 0;
  readonly #squares: Float64Array;
  /** What else makes them likely, as a logarithm: they are times, not work. */
  readonly #densities: Float64Array;
  readonly #latest: { before: number; deviations: Float64Array; densities: Float64Array };

  /** @param hypotheses How many there are. */
  constructor(hypotheses: number) {
    this.#squares = new Float64Array(hypotheses);
    this.#densities = new Float64Array(hypotheses);
    this.#latest = {
      before: 0,
      deviations: new Float64Array(hypotheses),
      densities: new Float64Array(hypotheses),
    };
  }

  /**
   * Text has come.
   *
   * @param progress The progress by now.
   * @param speeds How fast requests get on now, by hypothesis.
   * @returns The stretch that is complete with it, until the next call; undefined when none is.
   */
  came(
    request: Request,
    characters: number,
    progress: Float64Array,
    speeds: Float64Array,
  ): Stretch | undefined {
    const stream = this.#open.get(request);
    if (stream === undefined) {
      const means = new Float64Array(progress.length);
      this.#open.set(request, { start: progress.slice(), characters: 0, size: 0, count: 0, means });
      return undefined;
    }
    stream.characters += characters;
    if (stream.characters < STRETCH) return undefined;
    if ((progress[0] as number) - (stream.start[0] as number) < BUFFERED_MS) return undefined;
    const log = Math.log(stream.characters);
    stream.size = log;
    const before = stream.count++;
    const { deviations, densities } = this.#latest;
    this.#latest.before = before;
    if (before > 0) this.#count++;
    for (let h = 0; h < progress.length; h++) {
      const work = logWork(stream.start, progress, h);
      const mean = stream.means[h] as number;
      const most = before === 0 ? Number.POSITIVE_INFINITY : MOST_DEVIATION;
      const deviation = Math.max(-most, Math.min(most, work - log - mean));
      const density = Math.log(speeds[h] as number) - work;
      stream.means[h] = mean + deviation / stream.count;
      const square = before === 0 ? 0 : deviation * deviation * (before / stream.count);
      this.#squares[h] = (this.#squares[h] as number) + square;
      this.#densities[h] = (this.#densities[h] as number) + density;
      deviations[h] = deviation;
      densities[h] = density;
    }
    stream.start.set(progress);
    stream.characters = 0;
    return this.#latest;
  }

  /** It does something else than to write, or is over. */
  ended(request: Request): void {
    this.#open.delete(request);
  }

  /** Lets what is known count for a part only. */
  fade(part: number): void {
    this.#count *= part;
    for (let h = 0; h < this.#squares.length; h++) {
      this.#squares[h] = (this.#squares[h] as number) * part;
      this.#densities[h] = (this.#densities[h] as number) * part;
    }
  }

  /** Forgets everything. */
  clear(): void {
    this.#open.clear();
    this.fade(0);
  }

  /**
   * How likely a hypothesis makes it all, as a logarithm: what came, and what has not come yet, lest
   * only fast stretches count.
   *
   * @param progress The progress by now.
   */
  likelihood(h: number, progress: Float64Array): number {
    const count = this.#count + USUAL_COUNT;
    const variance = this.variance(h);
    let sum = (this.#densities[h] as number) - 0.5 * count * Math.log(count * variance);
    for (const { start, size, count, means } of this.#open.values()) {
      if (count === 0) continue;
      const deviation = logWork(start, progress, h) - size - (means[h] as number);
      const tail = logTail(deviation / Math.sqrt(variance * (1 + 1 / count)));
      sum += Math.max(LEAST_LIKELIHOOD, tail);
    }
    return sum;
  }

  /** The squared deviation of stretches under a hypothesis. */
  variance(h: number): number {
    const usual = USUAL_COUNT * DEVIATION ** 2 + this.#count * LEAST_DEVIATION ** 2;
    return ((this.#squares[h] as number) + usual) / (this.#count + USUAL_COUNT);
  }
}
