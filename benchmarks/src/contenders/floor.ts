import type { Contender } from './contender.js';

/** A lower bound: a scheduler on integers only, without ids, checks or events. */
export const floor: Contender = {
  name: 'floor',
  what: 'hand-written: typed arrays, a ready queue and a counter',
  maxSize: () => 1_000_000,
  run({ size, dependencies }, task, maxParallel) {
    const waiting = new Int32Array(size);
    const starts = new Int32Array(size + 1);
    for (let index = 0; index < size; index++) {
      const mine = dependencies[index] as readonly number[];
      waiting[index] = mine.length;
      for (const dependency of mine)
        starts[dependency + 1] = (starts[dependency + 1] as number) + 1;
    }
    for (let index = 0; index < size; index++) {
      starts[index + 1] = (starts[index + 1] as number) + (starts[index] as number);
    }
    const filled = starts.slice(0, size);
    const dependents = new Int32Array(starts[size] as number);
    for (let index = 0; index < size; index++) {
      for (const dependency of dependencies[index] as readonly number[]) {
        const slot = filled[dependency] as number;
        filled[dependency] = slot + 1;
        dependents[slot] = index;
      }
    }
    const queue = new Int32Array(size);
    let head = 0;
    let tail = 0;
    for (let index = 0; index < size; index++) if (waiting[index] === 0) queue[tail++] = index;

    return new Promise<void>((resolve, reject) => {
      let running = 0;
      let done = 0;
      const pump = () => {
        while (running < maxParallel && head < tail) {
          const index = queue[head++] as number;
          running++;
          task(index).then(() => settle(index), reject);
        }
      };
      const settle = (index: number) => {
        running--;
        for (let slot = starts[index] as number; slot < (starts[index + 1] as number); slot++) {
          const dependent = dependents[slot] as number;
          const left = (waiting[dependent] as number) - 1;
          waiting[dependent] = left;
          if (left === 0) queue[tail++] = dependent;
        }
        if (++done === size) resolve();
        else pump();
      };
      pump();
    });
  },
};
