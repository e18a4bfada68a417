import PQueue from 'p-queue';
import type { Contender } from './contender.js';

export const pQueue: Contender = {
  name: 'p-queue',
  what: 'a queue with hand-written dependency counts',
  maxSize: () => 1_000_000,
  async run({ size, dependencies }, task, maxParallel) {
    const waiting = dependencies.map((mine) => mine.length);
    const dependents: number[][] = Array.from({ length: size }, () => []);
    for (const [index, mine] of dependencies.entries()) {
      for (const dependency of mine) dependents[dependency]?.push(index);
    }
    const queue = new PQueue({ concurrency: maxParallel });
    const add = (index: number) => {
      void queue.add(async () => {
        await task(index);
        for (const dependent of dependents[index] as number[]) {
          const left = (waiting[dependent] as number) - 1;
          waiting[dependent] = left;
          if (left === 0) add(dependent);
        }
      });
    };
    for (let index = 0; index < size; index++) if (waiting[index] === 0) add(index);
    await queue.onIdle();
  },
};
