import { createExecutor, type Plan } from '@stratagem/core';
import { parallel } from '@stratagem/parallel';
import { childArguments } from './child.js';
import { dagOf, type Shape } from './dag.js';

/** Prints the bytes per task that a finished run holds on to, its plan not counted. */
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
if (result.timeline.length !== 2 * size + 3) throw new Error('the timeline is not whole');
console.log(JSON.stringify(held / size));

/** Objects, and what typed arrays keep outside of the heap. */
function memoryHeld(): number {
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}
