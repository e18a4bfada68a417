import { CONTENDERS } from '../contenders/index.js';
import { childArguments } from '../util/child-process.js';
import { type Dag, dagOf, type Shape } from '../util/dag.js';

/** Prints the microseconds per task of each round, after a warm-up on a smaller graph. */
const [name, shape, size, rounds] = childArguments() as [string, Shape, number, number];
const contender = await CONTENDERS[name]?.();
if (contender === undefined) throw new Error(`there is no contender "${name}"`);

const warm = dagOf(shape, Math.min(size, 1_000));
await contender.run(warm, inOrder(warm), 16);
const warmUntil = performance.now() + 400;
do await contender.run(warm, async () => {}, 16);
while (performance.now() < warmUntil);

const dag = dagOf(shape, size);
const figures: number[] = [];
for (let round = 0; round < rounds; round++) {
  let count = 0;
  const task = async () => {
    count++;
  };
  const began = performance.now();
  await contender.run(dag, task, 16);
  figures.push(((performance.now() - began) * 1_000) / size);
  if (count !== size) throw new Error(`${name} ran ${count} of ${size} tasks`);
}
console.log(JSON.stringify(figures));
// Some libraries leave timers running.
process.exit(0);

/** A task that checks the order of starts, so that the rounds below measure a correct run. */
function inOrder({ size, dependencies }: Dag): (index: number) => Promise<void> {
  const done = new Uint8Array(size);
  return async (index) => {
    for (const dependency of dependencies[index] ?? []) {
      if (done[dependency] !== 1) throw new Error(`${name} started ${index} before ${dependency}`);
    }
    done[index] = 1;
  };
}
