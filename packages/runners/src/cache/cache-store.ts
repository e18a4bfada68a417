import { checkLimit, checkOptions } from '@stratagem/core';

/** An answer that is kept. Plain data. */
export interface CachedAnswer {
  readonly output: unknown;
  /** The model that gave it. */
  readonly model?: string;
  /** When it was stored, as Unix time in milliseconds. */
  readonly storedAt: number;
}

/** Where a cache keeps its answers. Both may fail: the cache then does without. */
export interface CacheStore {
  get(key: string): Promise<CachedAnswer | undefined>;
  set(key: string, answer: CachedAnswer): Promise<void>;
}

export interface MemoryStoreOptions {
  /**
   * The most answers; the one that was not asked for the longest makes room.
   * @default 10_000
   */
  readonly maxEntries?: number;
}

/**
 * Keeps answers as long as the process runs. What the caller does to an output changes none of them.
 *
 * @throws {OptionError} when an option is unknown or out of range.
 *
 * @example
 * const runner = cache(openai(), memoryStore({ maxEntries: 500 }));
 */
export function memoryStore(options: MemoryStoreOptions = {}): CacheStore {
  checkOptions('memoryStore()', options, ['maxEntries']);
  const { maxEntries = 10_000 } = options;
  checkLimit('memoryStore()', 'maxEntries', maxEntries);
  // In the order in which they were last asked for.
  const answers = new Map<string, CachedAnswer>();
  return {
    async get(key) {
      const answer = answers.get(key);
      if (answer === undefined) return undefined;
      answers.delete(key);
      answers.set(key, answer);
      return structuredClone(answer);
    },
    async set(key, answer) {
      const copy = structuredClone(answer);
      answers.delete(key);
      answers.set(key, copy);
      for (const oldest of answers.keys()) {
        if (answers.size <= maxEntries) break;
        answers.delete(oldest);
      }
    },
  };
}
