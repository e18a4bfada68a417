/** Four characters count as a token; a cache keeps whole blocks of 128. */
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
 * The prompt cache of a simulated server: it knows the beginnings of the prompts that it has
 * answered of late, block by block. Times are in milliseconds, and always given.
 */
export class PromptCache {
  readonly #minTokens: number;
  readonly #ttlMs: number;
  /** By the block before and the text; those used longest ago come first. */
  readonly #blocks = new Map<string, Block>();
  #lastId = 0;

  constructor({ minTokens, ttlMs }: PromptCacheSettings) {
    this.#minTokens = minTokens;
    this.#ttlMs = ttlMs;
  }

  /** How many tokens of the prompt it knows; they stay known for longer now. */
  read(prompt: string, now: number): number {
    this.#forget(now);
    const known: [string, Block][] = [];
    for (const text of blocksOf(prompt)) {
      const key = keyOf(known.at(-1)?.[1], text);
      const block = this.#blocks.get(key);
      if (block === undefined) break;
      known.push([key, block]);
    }
    const tokens = known.length * BLOCK_TOKENS;
    if (tokens < this.#minTokens) return 0;
    for (const [key, block] of known) this.#keep(key, block, now);
    return tokens;
  }

  /** From now on the prompt is known. */
  write(prompt: string, now: number): void {
    this.#forget(now);
    let last: Block | undefined;
    for (const text of blocksOf(prompt)) {
      const key = keyOf(last, text);
      last = this.#blocks.get(key) ?? { id: ++this.#lastId, until: 0 };
      this.#keep(key, last, now);
    }
  }

  #keep(key: string, block: Block, now: number): void {
    block.until = now + this.#ttlMs;
    this.#blocks.delete(key);
    this.#blocks.set(key, block);
  }

  #forget(now: number): void {
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

function keyOf(before: Block | undefined, text: string): string {
  return `${before?.id ?? 0}:${text}`;
}
