import { randomFrom } from '../util/random.js';
import { WORDS } from './vocabulary.js';

export interface Request {
  readonly prompt: string;
  /** The tokens of its answer. */
  readonly outputTokens: number;
}

/** The words of a prompt and the tokens of an answer: the shortest and the longest. */
const PROMPT = [16, 256] as const;
const OUTPUT = [8, 96] as const;
/** The last sentence of a prompt. */
const ENDING = /answer with (\d+) tokens\.\s*$/;

/** A seeded mix: short prompts and answers are as common as those twice as long. */
export function requestMix(size: number, seed: number): Request[] {
  const random = randomFrom(seed);
  const between = ([least, most]: readonly [number, number]) =>
    Math.round(least * (most / least) ** random());
  return Array.from({ length: size }, () => {
    const words = Array.from(
      { length: between(PROMPT) },
      () => WORDS[Math.floor(random() * WORDS.length)],
    );
    const outputTokens = between(OUTPUT);
    return { prompt: `${words.join(' ')}. answer with ${outputTokens} tokens.`, outputTokens };
  });
}

/**
 * The length of the answer that a prompt asks for. A model with random weights never ends an answer by itself, so
 * the server reads it here.
 */
export function askedTokens(prompt: string): number | undefined {
  const [, tokens] = ENDING.exec(prompt) ?? [];
  return tokens === undefined ? undefined : Number(tokens);
}
