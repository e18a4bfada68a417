import type { Request } from './request.js';
import { logWork } from './work.js';

/** So much text is looked at together, in characters: parts come in bursts. */
const STRETCH = 64;
/** Stretches of text differ about so much in the work they take, as a deviation of logarithms, */
const DEVIATION = 0.25;
/** and no less than this, however evenly they come. */
const LEAST_DEVIATION = 0.1;
/** How many stretches are counted for what is usual. */
const USUAL_COUNT = 4;
/** What takes less, in milliseconds, comes from a buffer. */
const BUFFERED_MS = 1;

/** The text of one request, while it comes. */
interface Stream {
  /** The progress when the stretch of text began that has yet to be complete. */
  start: Float64Array;
  characters: number;
  /** How many stretches are complete, and the mean of the logarithms of their work per character. */
  count: number;
  readonly means: Float64Array;
}

/**
 * How fast text comes, under each hypothesis: if it is true, a request takes as much work for each
 * stretch of its text, whatever was in flight beside it. Only stretches of the same request are
 * compared: some models write faster than others, and some answers are harder than others.
 */
export class Streams {
  readonly #open = new Map<Request, Stream>();
  /** How many comparisons there were, and the squares of their deviations. */
  #count = 0;
  readonly #squares: Float64Array;
  /** What else makes them likely, as a logarithm: they are times, not work. */
  readonly #densities: Float64Array;

  /** @param hypotheses How many there are. */
  constructor(hypotheses: number) {
    this.#squares = new Float64Array(hypotheses);
    this.#densities = new Float64Array(hypotheses);
  }

  /**
   * Text has come.
   *
   * @param progress The progress by now.
   * @param speeds How fast requests get on now, by hypothesis.
   * @returns Whether a stretch is complete.
   */
  came(request: Request, characters: number, progress: Float64Array, speeds: Float64Array): boolean {
    const stream = this.#open.get(request);
    if (stream === undefined) {
      const means = new Float64Array(progress.length);
      this.#open.set(request, { start: progress.slice(), characters: 0, count: 0, means });
      return false;
    }
    stream.characters += characters;
    if (stream.characters < STRETCH) return false;
    if ((progress[0] as number) - (stream.start[0] as number) < BUFFERED_MS) return false;
    const log = Math.log(stream.characters);
    const count = ++stream.count;
    if (count > 1) this.#count++;
    for (let h = 0; h < progress.length; h++) {
      const work = logWork(stream.start, progress, h);
      const mean = stream.means[h] as number;
      const deviation = work - log - mean;
      stream.means[h] = mean + deviation / count;
      if (count > 1) {
        this.#squares[h] = (this.#squares[h] as number) + deviation * deviation * (1 - 1 / count);
      }
      this.#densities[h] = (this.#densities[h] as number) + Math.log(speeds[h] as number) - work;
    }
    stream.start.set(progress);
    stream.characters = 0;
    return true;
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

  /** How likely a hypothesis makes it all, as a logarithm. */
  likelihood(h: number): number {
    const usual = USUAL_COUNT * DEVIATION ** 2;
    const squares = (this.#squares[h] as number) + usual + this.#count * LEAST_DEVIATION ** 2;
    const count = this.#count + USUAL_COUNT;
    return (this.#densities[h] as number) - 0.5 * count * Math.log(squares);
  }
}
