import type { Quantities } from './quantities.js';

const CHARACTERS_PER_TOKEN = 4;
/** The weight of the latest response in the moving averages. */
const WEIGHT = 0.1;
/** The estimated output before the first response. */
const DEFAULT_OUTPUT_TOKENS = 500;

/**
 * Estimates the tokens of a request before it is sent: the input from the length of the prompt, the
 * output from earlier responses. The overhead of every prompt, such as instructions and tools, is
 * learned from earlier responses too.
 */
export class TokenEstimate {
  /** Average input beyond the prompt. */
  #overhead = 0;
  /** The same without cached input, for servers with a separate input limit. */
  #uncachedOverhead = 0;
  #output = DEFAULT_OUTPUT_TOKENS;
  #responses = 0;

  of(prompt: string): Quantities {
    const promptTokens = tokensOf(prompt);
    const outputTokens = Math.ceil(this.#output);
    return {
      requests: 1,
      tokens: atLeastOne(promptTokens + this.#overhead) + outputTokens,
      inputTokens: atLeastOne(promptTokens + this.#uncachedOverhead),
      outputTokens,
    };
  }

  /** Updates the averages with the actual usage of a request. */
  learn(prompt: string, { tokens, inputTokens, outputTokens }: Quantities): void {
    // The first responses count equally and replace the default.
    const weight = Math.max(WEIGHT, 1 / ++this.#responses);
    const promptTokens = tokensOf(prompt);
    this.#overhead += (tokens - outputTokens - promptTokens - this.#overhead) * weight;
    this.#uncachedOverhead += (inputTokens - promptTokens - this.#uncachedOverhead) * weight;
    this.#output += (outputTokens - this.#output) * weight;
  }
}

function tokensOf(prompt: string): number {
  return prompt.length / CHARACTERS_PER_TOKEN;
}

function atLeastOne(tokens: number): number {
  return Math.max(1, Math.ceil(tokens));
}
