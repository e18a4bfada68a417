// run-plan.mjs MODULE FACTORY OPTIONS TASKS: runs a plan of independent tasks and prints its result.
import { inspect } from 'node:util';
import { createExecutor } from '@stratagem/core';

const [module, factory, options, count] = process.argv.slice(2);
const { [factory]: create } = await import(module);
const tasks = Array.from({ length: Number(count) }, (_, index) => ({
  id: `task-${index}`,
  description: `Say ${index}.`,
}));
const inOrder = {
  name: 'in-order',
  begin() {
    const ready = [];
    let first = 0;
    return { ready: (task) => ready.push(task), next: () => ready[first++] };
  },
};
const executor = createExecutor({
  strategy: inOrder,
  runner: create(JSON.parse(options)),
  maxParallel: 40,
  retry: { maxAttempts: 12, initialDelayMs: 5, maxDelayMs: 40 },
});
const result = await executor.execute({ goal: 'chaos', tasks });
// The errors as a logger might print them go to stderr, the result as data to stdout.
for (const event of result.timeline) {
  if ('error' in event) console.error(inspect(event, { depth: 20, showHidden: true }));
}
process.stdout.write(JSON.stringify(result));
