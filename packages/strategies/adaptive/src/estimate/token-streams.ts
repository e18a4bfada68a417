import { DEVIATION, PRIOR_COUNT } from './covariance.js';
import { logSurvival } from './normal.js';
import type { Request } from './request.js';
import { logWorkBetween, MIN_MS } from './work-statistics.js';

/** The least size of a segment, in characters: smaller parts may arrive in bursts. */
const SEGMENT_CHARACTERS = 64;
/** Bounds the influence of a request that hangs: it must not outweigh all others. */
const MAX_DEVIATION = 1.5;

/** The text stream of one request. */
interface Stream {
  /** The progress at the start of the current segment. */
  readonly segmentStart: Float64Array;
  characters: number;
  /** The log characters of the last complete segment. */
  logSize: number;
  /** The number of complete segments. */
  count: number;
  /** The mean log work per character of those, by hypothesis. */
  readonly means: Float64Array;
}

/** A complete segment, compared with the earlier segments of the same request. */
export interface Segment {
  /** The number of earlier segments. */
  readonly earlier: number;
  /** By how much its log work per character is above their mean, by hypothesis. */
  readonly deviations: Float64Array;
  /** The log Jacobian from log work to time, by hypothesis. */
  readonly logJacobians: Float64Array;
}

/**
 * The likelihood of the text streams under each hypothesis. If a hypothesis is true, the work per
 * character of a request does not depend on the number in flight. Segments are only compared within a
 * request, because models and answers differ in speed.
 */
export class TokenStreams {
  readonly #open = new Map<Request, Stream>();
  /** Ended streams, whose arrays serve again: allocating one takes longer than filling it. */
  readonly #ended: Stream[] = [];
  /** The number of comparisons. */
  #count = 0;
  /** Their squared deviations, by hypothesis. */
  readonly #squares: Float64Array;
  /** The sum of the log Jacobians, by hypothesis: the data are times, the model is about work. */
  readonly #logJacobians: Float64Array;
  /** Reused for every segment, to avoid allocations. */
  readonly #latest: { earlier: number; deviations: Float64Array; logJacobians: Float64Array };

  /** The number of requests that have written text and have not ended. */
  get count(): number {
    return this.#open.size;
  }

  /** @param hypotheses The number of hypotheses. */
  constructor(hypotheses: number) {
    this.#squares = new Float64Array(hypotheses);
    this.#logJacobians = new Float64Array(hypotheses);
    this.#latest = {
      earlier: 0,
      deviations: new Float64Array(hypotheses),
      logJacobians: new Float64Array(hypotheses),
    };
  }

  /**
   * Adds text of a request.
   *
   * @param progress The current progress, by hypothesis.
   * @param logSpeeds The log of the current speed of requests, by hypothesis.
   * @returns The segment that this text completes, valid until the next call; undefined if none.
   */
  addText(
    request: Request,
    characters: number,
    progress: Float64Array,
    logSpeeds: Float64Array,
  ): Segment | undefined {
    const stream = this.#open.get(request);
    if (stream === undefined) {
      this.#begin(request, progress);
      return undefined;
    }
    stream.characters += characters;
    if (stream.characters < SEGMENT_CHARACTERS) return undefined;
    if ((progress[0] as number) - (stream.segmentStart[0] as number) < MIN_MS) {
      return undefined;
    }
    const logSize = Math.log(stream.characters);
    stream.logSize = logSize;
    const earlier = stream.count++;
    const { deviations, logJacobians } = this.#latest;
    this.#latest.earlier = earlier;
    if (earlier > 0) this.#count++;
    for (let h = 0; h < progress.length; h++) {
      const logWork = logWorkBetween(stream.segmentStart, progress, h);
      const mean = stream.means[h] as number;
      const most = earlier === 0 ? Number.POSITIVE_INFINITY : MAX_DEVIATION;
      const deviation = Math.max(-most, Math.min(most, logWork - logSize - mean));
      const logJacobian = (logSpeeds[h] as number) - logWork;
      stream.means[h] = mean + deviation / stream.count;
      const square = earlier === 0 ? 0 : deviation * deviation * (earlier / stream.count);
      this.#squares[h] = (this.#squares[h] as number) + square;
      this.#logJacobians[h] = (this.#logJacobians[h] as number) + logJacobian;
      deviations[h] = deviation;
      logJacobians[h] = logJacobian;
    }
    stream.segmentStart.set(progress);
    stream.characters = 0;
    return this.#latest;
  }

  /** Passes over text of a request: the next segment starts after it. */
  skipText(request: Request, progress: Float64Array): void {
    const stream = this.#open.get(request);
    if (stream === undefined) {
      this.#begin(request, progress);
      return;
    }
    stream.segmentStart.set(progress);
    stream.characters = 0;
  }

  /** The first text only marks the start: the time before it is not spent on writing. */
  #begin(request: Request, progress: Float64Array): void {
    const ended = this.#ended.pop();
    if (ended === undefined) {
      const means = new Float64Array(progress.length);
      const segmentStart = progress.slice();
      this.#open.set(request, { segmentStart, characters: 0, logSize: 0, count: 0, means });
      return;
    }
    ended.segmentStart.set(progress);
    ended.means.fill(0);
    this.#open.set(request, Object.assign(ended, { characters: 0, logSize: 0, count: 0 }));
  }

  /** Ends the stream of a request: it has ended, or does something other than writing. */
  end(request: Request): void {
    const stream = this.#open.get(request);
    if (stream === undefined) return;
    this.#open.delete(request);
    this.#ended.push(stream);
  }

  /** Multiplies the weight of all segments so far. */
  decay(factor: number): void {
    this.#count *= factor;
    for (let h = 0; h < this.#squares.length; h++) {
      this.#squares[h] = (this.#squares[h] as number) * factor;
      this.#logJacobians[h] = (this.#logJacobians[h] as number) * factor;
    }
  }

  clear(): void {
    this.#open.clear();
    this.decay(0);
  }

  /**
   * The log-likelihood of all segments under hypothesis `h`. Incomplete segments count as
   * right-censored; otherwise slow segments would be under-represented.
   *
   * @param progress The current progress, by hypothesis.
   */
  logLikelihood(h: number, progress: Float64Array): number {
    const count = this.#count + PRIOR_COUNT;
    const variance = this.variance(h);
    let sum = (this.#logJacobians[h] as number) - 0.5 * count * Math.log(count * variance);
    for (const stream of this.#open.values()) {
      if (stream.count === 0) continue;
      const logWork = logWorkBetween(stream.segmentStart, progress, h);
      const late = logWork - stream.logSize - (stream.means[h] as number);
      const deviation = Math.min(MAX_DEVIATION, late);
      sum += logSurvival(deviation / Math.sqrt(variance * (1 + 1 / stream.count)));
    }
    return sum;
  }

  /** The variance of the log work per character of segments under hypothesis `h`. */
  variance(h: number): number {
    const squares = (this.#squares[h] as number) + PRIOR_COUNT * DEVIATION ** 2;
    return squares / (this.#count + PRIOR_COUNT);
  }
}
