import { randomFrom, spread } from './random.js';
import type { Request } from './server.js';

/** What part of the work is done before a model writes its first word. */
const FIRST = 0.1;
/** How far the times lie apart that equal parts take, as the deviation of their logarithm. */
const UNEVEN = 0.3;

/**
 * The parts of an answer as it is written: the first comes late, and the others not quite evenly. The
 * last one comes when the work is done.
 */
export class Parts {
  readonly #from: number;
  readonly #workMs: number;
  /** How far the work is done at each of them, from 0 to 1. */
  readonly #shares: readonly number[];
  readonly #size: number;
  #tokensLeft: number;
  #told = 0;

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

  /** Progress at which the next one is there; that of the end, when all are. */
  get due(): number {
    return this.#from + this.#workMs * (this.#shares[this.#told] ?? 1);
  }

  get isOver(): boolean {
    return this.#told === this.#shares.length;
  }

  /** @returns How many tokens the next one has. */
  take(): number {
    const tokens = Math.min(this.#size, this.#tokensLeft);
    this.#tokensLeft -= tokens;
    this.#told++;
    return tokens;
  }
}

/**
 * In which parts a request is answered; undefined for an answer that comes as a whole.
 *
 * @param from The progress when it starts.
 */
export function partsOf(
  { taskId, attempt, outputTokens, tokensPerPart }: Request,
  from: number,
  workMs: number,
  seed: number,
): Parts | undefined {
  if (outputTokens <= tokensPerPart) return undefined;
  const random = randomFrom(seed, taskId, attempt, 'parts');
  const lengths = Array.from({ length: Math.ceil(outputTokens / tokensPerPart) }, () =>
    spread(random, UNEVEN),
  );
  const total = lengths.reduce((sum, length) => sum + length, 0);
  let written = 0;
  const shares = lengths.map((length) => {
    written += length;
    return Math.min(1, FIRST + (1 - FIRST) * (written / total));
  });
  return new Parts(from, workMs, shares, outputTokens, tokensPerPart);
}
