import { Deferred, Effect, Queue } from 'effect';
import type { Contender } from './contender.js';

export const effect: Contender = {
  name: 'effect',
  what: 'one fiber per slot, all taking from a Queue, with hand-written dependency counts',
  maxSize: () => 1_000_000,
  async run({ size, dependencies }, task, maxParallel) {
    const waiting = dependencies.map((mine) => mine.length);
    const dependents: number[][] = Array.from({ length: size }, () => []);
    for (const [index, mine] of dependencies.entries()) {
      for (const dependency of mine) dependents[dependency]?.push(index);
    }
    const program = Effect.gen(function* () {
      const ready = yield* Queue.unbounded<number>();
      const end = yield* Deferred.make<void>();
      let left = size;
      const worker = Effect.gen(function* () {
        for (;;) {
          const index = yield* Queue.take(ready);
          yield* Effect.promise(() => task(index));
          for (const dependent of dependents[index] as number[]) {
            const count = (waiting[dependent] as number) - 1;
            waiting[dependent] = count;
            if (count === 0) Queue.offerUnsafe(ready, dependent);
          }
          if (--left === 0) yield* Deferred.succeed(end, undefined);
        }
      });
      for (let index = 0; index < size; index++) {
        if (waiting[index] === 0) Queue.offerUnsafe(ready, index);
      }
      const all = Array.from({ length: maxParallel }, () => worker);
      yield* Effect.raceFirst(
        Deferred.await(end),
        Effect.all(all, { concurrency: 'unbounded', discard: true }),
      );
    });
    await Effect.runPromise(program);
  },
};
