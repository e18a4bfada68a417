import { createExecutor, type Plan } from '@stratagem/core';
import { parallel } from '@stratagem/parallel';
import { childArguments } from '../util/child-process.js';
import { dagOf, type Shape } from '../util/dag.js';

/** Prints the bytes per task that a finished run keeps, without its plan. */
const [shape, size] = childArguments() as [Shape, number];
const { dependencies } = dagOf(shape, size);
const done = () => undefined;
const plan: Plan = {
  goal: 'memory',
  tasks: dependencies.map((mine, index) => ({
    id: `task-${index}`,
    dependencies: mine.map((dependency) => `task-${dependency}`),
    run: done,
  })),
};
const collect = globalThis.gc as () => void;
collect();
const before = memoryHeld();
const run = createExecutor({ strategy: parallel({ maxParallel: 16 }) }).execute(plan);
const result = await run;
collect();
const held = memoryHeld() - before;
if (result.timeline.length !== 2 * size + 3) throw new Error('the timeline is incomplete');
console.log(JSON.stringify(held / size));

/** Objects on the heap, and the buffers of typed arrays outside of it. */
function memoryHeld(): number {
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}
