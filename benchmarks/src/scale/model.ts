import { Heap } from '@stratagem/core/strategy';

/** A fleet of workers on one store. */
export interface Fleet {
  readonly attempts: number;
  readonly workers: number;
  /** Attempts at once of each worker. */
  readonly concurrency: number;
  /** How many attempts a second the store carries. */
  readonly storeRate: number;
  /** The median duration of an attempt, in milliseconds; its logarithm has a deviation of 0.5. */
  readonly attemptMs: number;
}

export interface Prediction {
  readonly hours: number;
  /** The share of the time in which the store was busy, and in which the places of workers were. */
  readonly store: number;
  readonly places: number;
}

/**
 * Simulates attempts that take a place of a worker, then the store for half of its work, then their own
 * time, then the store again. The store serves one after another.
 */
export function predict(fleet: Fleet): Prediction {
  const { attempts, workers, concurrency, storeRate, attemptMs } = fleet;
  const places = workers * concurrency;
  const serviceMs = 500 / storeRate;
  const random = generator(1);
  /** When attempts under way want the store for their end. */
  const ends = new Heap<number>((a, b) => a - b);
  let storeFreeAt = 0;
  let free = places;
  let left = attempts;
  let lastEnd = 0;
  let busyPlacesMs = 0;
  while (left > 0 || ends.size > 0) {
    const next = ends.peek();
    // Starts come first while there are places: the queue always has attempts.
    if (left > 0 && free > 0 && (next === undefined || next >= storeFreeAt)) {
      left--;
      free--;
      storeFreeAt += serviceMs;
      const durationMs = attemptMs * Math.exp(0.5 * gauss(random));
      busyPlacesMs += durationMs;
      ends.push(storeFreeAt + durationMs);
      continue;
    }
    const at = ends.pop() as number;
    storeFreeAt = Math.max(storeFreeAt, at) + serviceMs;
    lastEnd = storeFreeAt;
    free++;
  }
  return {
    hours: lastEnd / 3_600_000,
    store: (2 * attempts * serviceMs) / lastEnd,
    places: busyPlacesMs / (places * lastEnd),
  };
}

function gauss(random: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}

function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}
