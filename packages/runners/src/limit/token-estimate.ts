import type { Amounts } from './quantities.js';

const CHARACTERS_PER_TOKEN = 4;
/** How much the last answer counts in an average. */
const WEIGHT = 0.1;
/** Of an answer, before there was one. */
const FIRST_OUTPUT_TOKENS = 500;

/**
 * Guesses the tokens of a request before it is sent: those of its prompt by the length, those of
 * the answer by what answers took so far. What goes along with every prompt, such as instructions
 * and tools, is learned in the same way.
 */
export class TokenEstimate {
  /** Input beyond the prompt's own, on average. */
  #overhead = 0;
  /** The same for what counts as input where that has a limit of its own. */
  #inputOverhead = 0;
  #output = FIRST_OUTPUT_TOKENS;
  #answers = 0;

  of(prompt: string): Amounts {
    const inPrompt = tokensOf(prompt);
    const outputTokens = Math.ceil(this.#output);
    return {
      requests: 1,
      tokens: positive(inPrompt + this.#overhead) + outputTokens,
      inputTokens: positive(inPrompt + this.#inputOverhead),
      outputTokens,
    };
  }

  /** Takes in what a request turned out to use. */
  learn(prompt: string, { tokens, inputTokens, outputTokens }: Amounts): void {
    // The first answers count evenly, and the first guess no more.
    const weight = Math.max(WEIGHT, 1 / ++this.#answers);
    const inPrompt = tokensOf(prompt);
    this.#overhead += (tokens - outputTokens - inPrompt - this.#overhead) * weight;
    this.#inputOverhead += (inputTokens - inPrompt - this.#inputOverhead) * weight;
    this.#output += (outputTokens - this.#output) * weight;
  }
}

function tokensOf(prompt: string): number {
  return prompt.length / CHARACTERS_PER_TOKEN;
}

function positive(tokens: number): number {
  return Math.max(1, Math.ceil(tokens));
}
