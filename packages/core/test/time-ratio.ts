import { cpuTime, median } from './growth.js';

const REPETITIONS = 3;
const ATTEMPTS = 5;

/**
 * The factor by which processor time grows when the size doubles: about 2 for linear work and 4 for
 * quadratic work. The lowest ratio of a few attempts counts, because noise rarely makes quadratic work
 * look linear.
 *
 * @param prepare Creates the input of a size and returns the work to measure; called per measurement.
 */
export async function asyncTimeRatio(
  size: number,
  prepare: (size: number) => (() => unknown) | Promise<() => unknown>,
): Promise<number> {
  const timeOf = async (each: number) => {
    const work = await prepare(each);
    const start = cpuTime();
    await work();
    return cpuTime() - start;
  };
  await timeOf(size); // Lets the engine compile the code first.
  let lowest = Number.POSITIVE_INFINITY;
  for (let attempt = 0; attempt < ATTEMPTS && lowest >= 2.5; attempt++) {
    const small: number[] = [];
    const large: number[] = [];
    for (let repetition = 0; repetition < REPETITIONS; repetition++) {
      small.push(await timeOf(size));
      large.push(await timeOf(2 * size));
    }
    lowest = Math.min(lowest, median(large) / median(small));
  }
  return lowest;
}
