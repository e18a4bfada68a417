import { Deferred, Effect, Semaphore } from 'effect';
import type { Contender } from './contender.js';

export const effect: Contender = {
  name: 'effect',
  what: 'a fiber a task, a Deferred for its end, a semaphore for the cap',
  maxSize: () => 100_000,
  async run({ size, dependencies }, task, maxParallel) {
    const program = Effect.gen(function* () {
      const ends = Array.from({ length: size }, () => Deferred.makeUnsafe<void>());
      const places = Semaphore.makeUnsafe(maxParallel);
      const one = (index: number) =>
        Effect.gen(function* () {
          for (const dependency of dependencies[index] as readonly number[]) {
            yield* Deferred.await(ends[dependency] as Deferred.Deferred<void>);
          }
          yield* places.withPermits(1)(Effect.promise(() => task(index)));
          yield* Deferred.succeed(ends[index] as Deferred.Deferred<void>, undefined);
        });
      const all = Array.from({ length: size }, (_, index) => one(index));
      yield* Effect.all(all, { concurrency: 'unbounded', discard: true });
    });
    await Effect.runPromise(program);
  },
};
