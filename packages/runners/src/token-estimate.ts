import type { Usage } from '@stratagem/core';
import { type Amounts, amountsOf } from './amounts.js';

const CHARACTERS_PER_TOKEN = 4;
/** How much the last answer counts in the average. */
const WEIGHT = 0.1;
/** Of an answer, before there was one. */
const FIRST_OUTPUT_TOKENS = 500;

/**
 * Guesses the tokens of a request before it is sent: those of its prompt by the length, those of
 * the answer by what answers took so far. What goes along with every prompt, such as instructions
 * and tools, is learned in the same way.
 */
export class TokenEstimate {
  /** Input tokens beyond the prompt's, on average. */
  #overhead = 0;
  #output = FIRST_OUTPUT_TOKENS;
  #answers = 0;

  of(prompt: string): Amounts {
    const input = Math.max(1, Math.ceil(tokensOf(prompt) + this.#overhead));
    return amountsOf(input, Math.ceil(this.#output));
  }

  learn(prompt: string, { inputTokens, outputTokens }: Usage): void {
    // The first answers count evenly, and the first guess no more.
    const weight = Math.max(WEIGHT, 1 / ++this.#answers);
    this.#overhead += (inputTokens - tokensOf(prompt) - this.#overhead) * weight;
    this.#output += (outputTokens - this.#output) * weight;
  }
}

function tokensOf(prompt: string): number {
  return prompt.length / CHARACTERS_PER_TOKEN;
}
