/** A cache stores whole blocks of 128 tokens; a token counts as four characters. */
const BLOCK_TOKENS = 128;
const BLOCK_LENGTH = BLOCK_TOKENS * 4;

export interface PromptCacheSettings {
  readonly minTokens: number;
  readonly ttlMs: number;
}

interface Block {
  readonly id: number;
  until: number;
}

/**
 * The prompt cache of a simulated server. It stores prefixes of recent prompts, block by block.
 * All times are in milliseconds; the caller passes the current time.
 */
export class PromptCache {
  readonly #minTokens: number;
  readonly #ttlMs: number;
  /** By the previous block and the text; the least recently used come first. */
  readonly #blocks = new Map<string, Block>();
  #lastId = 0;

  constructor({ minTokens, ttlMs }: PromptCacheSettings) {
    this.#minTokens = minTokens;
    this.#ttlMs = ttlMs;
  }

  /** The number of cached tokens of a prompt; renews their expiry. */
  read(prompt: string, now: number): number {
    this.#removeExpired(now);
    const known: [string, Block][] = [];
    for (const text of blocksOf(prompt)) {
      const key = blockKey(known.at(-1)?.[1], text);
      const block = this.#blocks.get(key);
      if (block === undefined) break;
      known.push([key, block]);
    }
    const tokens = known.length * BLOCK_TOKENS;
    if (tokens < this.#minTokens) return 0;
    for (const [key, block] of known) this.#renew(key, block, now);
    return tokens;
  }

  /** Adds a prompt to the cache. */
  write(prompt: string, now: number): void {
    this.#removeExpired(now);
    let last: Block | undefined;
    for (const text of blocksOf(prompt)) {
      const key = blockKey(last, text);
      last = this.#blocks.get(key) ?? { id: ++this.#lastId, until: 0 };
      this.#renew(key, last, now);
    }
  }

  #renew(key: string, block: Block, now: number): void {
    block.until = now + this.#ttlMs;
    this.#blocks.delete(key);
    this.#blocks.set(key, block);
  }

  #removeExpired(now: number): void {
    for (const [key, { until }] of this.#blocks) {
      if (until > now) break;
      this.#blocks.delete(key);
    }
  }
}

function* blocksOf(prompt: string): Generator<string> {
  for (let end = BLOCK_LENGTH; end <= prompt.length; end += BLOCK_LENGTH) {
    yield prompt.slice(end - BLOCK_LENGTH, end);
  }
}

function blockKey(before: Block | undefined, text: string): string {
  return `${before?.id ?? 0}:${text}`;
}
