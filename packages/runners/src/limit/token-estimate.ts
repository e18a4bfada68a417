import type { TaskRequest } from '@stratagem/core';
import { isTextType } from '@stratagem/core/runner';
import type { Quantities } from './quantities.js';

const CHARACTERS_PER_TOKEN = 4;
/** The weight of the latest response in the moving averages. */
const WEIGHT = 0.1;
/** The estimated output before the first response. */
const DEFAULT_OUTPUT_TOKENS = 500;

/**
 * Estimates the tokens of a request before it is sent: the input from the size of prompt and attachments, the
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

  /** @param ownTokens Those of the prompt and the attachments, by their size. */
  of(ownTokens: number): Quantities {
    const outputTokens = Math.ceil(this.#output);
    return {
      requests: 1,
      tokens: atLeastOne(ownTokens + this.#overhead) + outputTokens,
      inputTokens: atLeastOne(ownTokens + this.#uncachedOverhead),
      outputTokens,
    };
  }

  /** Updates the averages with the actual usage of a request. */
  learn(ownTokens: number, { tokens, inputTokens, outputTokens }: Quantities): void {
    // The first responses count equally and replace the default.
    const weight = Math.max(WEIGHT, 1 / ++this.#responses);
    this.#overhead += (tokens - outputTokens - ownTokens - this.#overhead) * weight;
    this.#uncachedOverhead += (inputTokens - ownTokens - this.#uncachedOverhead) * weight;
    this.#output += (outputTokens - this.#output) * weight;
  }
}

/** What a limiter sees of a request. */
export type Asked = Pick<TaskRequest, 'prompt' | 'attachments'>;

/** The tokens of a large picture; models make larger ones smaller. */
const IMAGE_TOKENS = 1_500;
/** The tokens of a page as a model reads it: text and picture. */
const PAGE_TOKENS = 2_000;
/** Pages of a document without large pictures have about this size. */
const PAGE_BYTES = 50_000;

/** The tokens of a prompt and its attachments, by their types and sizes alone. */
export function tokensOf({ prompt, attachments = [] }: Asked): number {
  let tokens = prompt.length / CHARACTERS_PER_TOKEN;
  for (const { mediaType, size = 0 } of attachments as readonly Sized[]) {
    if (mediaType.startsWith('image/')) tokens += IMAGE_TOKENS;
    else if (isTextType(mediaType)) tokens += size / CHARACTERS_PER_TOKEN;
    // The size of an address is not known: at least a page.
    else tokens += Math.max(1, size / PAGE_BYTES) * PAGE_TOKENS;
  }
  return tokens;
}

/** An address has no size. */
interface Sized {
  readonly mediaType: string;
  readonly size?: number | undefined;
}

function atLeastOne(tokens: number): number {
  return Math.max(1, Math.ceil(tokens));
}
