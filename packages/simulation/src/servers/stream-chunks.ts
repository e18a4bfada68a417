import { randomFrom, spread } from '../util/random.js';
import type { Request } from './server.js';

/** The share of the work before the first token. */
const FIRST_TOKEN_SHARE = 0.1;
/** The spread of the times between chunks, as the standard deviation of their logarithm. */
const CHUNK_SIGMA = 0.3;

/**
 * The chunks of a streamed response. The first one comes after a delay, the others at slightly uneven
 * intervals, and the last one when the work is done.
 */
export class StreamChunks {
  readonly #from: number;
  readonly #workMs: number;
  /** The share of the work that is done at each chunk, from 0 to 1. */
  readonly #shares: readonly number[];
  readonly #size: number;
  #tokensLeft: number;
  #sent = 0;

  constructor(
    from: number,
    workMs: number,
    shares: readonly number[],
    tokens: number,
    size: number,
  ) {
    this.#from = from;
    this.#workMs = workMs;
    this.#shares = shares;
    this.#tokensLeft = tokens;
    this.#size = size;
  }

  /** The progress at which the next chunk is due, or the progress of the end after the last one. */
  get due(): number {
    return this.#from + this.#workMs * (this.#shares[this.#sent] ?? 1);
  }

  get isOver(): boolean {
    return this.#sent === this.#shares.length;
  }

  /** Takes the next chunk; returns its number of tokens. */
  take(): number {
    const tokens = Math.min(this.#size, this.#tokensLeft);
    this.#tokensLeft -= tokens;
    this.#sent++;
    return tokens;
  }
}

/**
 * The chunks of the response to a request; undefined when it comes in one piece.
 *
 * @param from The progress at which the request starts.
 */
export function streamChunksOf(
  { taskId, attempt, outputTokens, tokensPerChunk }: Request,
  from: number,
  workMs: number,
  seed: number,
): StreamChunks | undefined {
  if (outputTokens <= tokensPerChunk) return undefined;
  // The word is part of the seed: another one changes every published table.
  const random = randomFrom(seed, taskId, attempt, 'parts');
  const lengths = Array.from({ length: Math.ceil(outputTokens / tokensPerChunk) }, () =>
    spread(random, CHUNK_SIGMA),
  );
  const total = lengths.reduce((sum, length) => sum + length, 0);
  let written = 0;
  const shares = lengths.map((length) => {
    written += length;
    return Math.min(1, FIRST_TOKEN_SHARE + (1 - FIRST_TOKEN_SHARE) * (written / total));
  });
  return new StreamChunks(from, workMs, shares, outputTokens, tokensPerChunk);
}
