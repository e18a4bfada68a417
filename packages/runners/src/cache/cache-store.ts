import type { TaskOutput } from '@stratagem/core';
import { checkLimit, checkOptions } from '@stratagem/core/runner';

/** A stored response; plain data. */
export interface CachedResponse {
  readonly output: unknown;
  /** The model that produced it. */
  readonly model?: string | undefined;
  readonly citations?: TaskOutput['citations'];
  readonly serverToolCalls?: TaskOutput['serverToolCalls'];
  /** When it was stored, as Unix time in milliseconds. */
  readonly storedAt: number;
}

/** Where a cache stores responses. When a method rejects, the cache works without the store. */
export interface CacheStore {
  get(key: string): Promise<CachedResponse | undefined>;
  set(key: string, response: CachedResponse): Promise<void>;
}

export interface MemoryStoreOptions {
  /**
   * The maximum number of responses; the least recently used one is evicted.
   * @default 10_000
   */
  readonly maxEntries?: number | undefined;
}

/**
 * Stores responses in memory. They are copied in and out, so that callers cannot change them.
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
  // From the least to the most recently used.
  const responses = new Map<string, CachedResponse>();
  return {
    async get(key) {
      const response = responses.get(key);
      if (response === undefined) return undefined;
      responses.delete(key);
      responses.set(key, response);
      return structuredClone(response);
    },
    async set(key, response) {
      const copy = structuredClone(response);
      responses.delete(key);
      responses.set(key, copy);
      for (const oldest of responses.keys()) {
        if (responses.size <= maxEntries) break;
        responses.delete(oldest);
      }
    },
  };
}
