/** The processor time of this thread in microseconds; of the process where Node cannot say that. */
export function cpuTime(): number {
  const { user, system } = process.threadCpuUsage?.() ?? process.cpuUsage();
  return user + system;
}

const REPETITIONS = 5;
const ATTEMPTS = 6;
/** Shorter measurements are too coarse. */
const MIN_TIME = 5_000;

export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] as number;
}

/**
 * How much more processor time twice the size takes: 2 for linear work, 4 for quadratic work. The
 * two sizes take turns, so that other load slows both down. The lowest of a few attempts counts,
 * because noise rarely makes quadratic work look linear.
 *
 * @param prepare Makes the input of a size and returns the work to measure.
 */
export function timeRatio(size: number, prepare: (size: number) => () => unknown): number {
  const works = [prepare(size), prepare(2 * size)] as const;
  const timeOf = (work: () => unknown, times: number) => {
    const start = cpuTime();
    for (let n = 0; n < times; n++) work();
    return cpuTime() - start;
  };
  let times = 1;
  while (timeOf(works[0], times) < MIN_TIME) times *= 2;
  let lowest = Number.POSITIVE_INFINITY;
  for (let attempt = 0; attempt < ATTEMPTS && lowest >= 2.5; attempt++) {
    const small: number[] = [];
    const large: number[] = [];
    for (let repetition = 0; repetition < REPETITIONS; repetition++) {
      small.push(timeOf(works[0], times));
      large.push(timeOf(works[1], times));
    }
    // The clock of some machines is so coarse that the first measurement says little.
    if (median(small) < MIN_TIME / 2) times *= 2;
    else lowest = Math.min(lowest, median(large) / median(small));
  }
  return lowest;
}

/** How often a property of an object is read, for objects and arrays of any depth. */
export class ReadCounter {
  reads = 0;

  /** The same value; reading any part of it counts. */
  watch<T>(value: T): T {
    if (typeof value !== 'object' || value === null) return value;
    return new Proxy(value, {
      get: (target, key, receiver) => {
        this.reads++;
        return this.watch(Reflect.get(target, key, receiver));
      },
    });
  }
}

/** How many more reads twice the size takes. */
export function readRatio(
  size: number,
  work: (size: number, counter: ReadCounter) => unknown,
): number {
  const counts = [size, 2 * size].map((each) => {
    const counter = new ReadCounter();
    work(each, counter);
    return counter.reads;
  });
  return (counts[1] as number) / (counts[0] as number);
}
