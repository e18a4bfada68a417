import { createExecutor, type Plan } from '@stratagem/core';
import { parallel } from '@stratagem/parallel';
import { sequential } from '@stratagem/sequential';
import { CONTENDERS } from './contenders/index.js';
import { dagOf } from './util/dag.js';
import { median } from './util/statistics.js';
import { printTable } from './util/table.js';

/**
 * 60 tasks of 20 ms: the speed-up over our sequential run in the same round, as a percentage of
 * `maxParallel`. Timers fire up to a millisecond late in both. Mastra's `parallel()` has no cap, so
 * it is not included.
 */
const CAPS = [2, 4, 5, 10];
const ROUNDS = 5;
const dag = dagOf('wide', 60);
const task = () => new Promise<void>((resolve) => setTimeout(resolve, 20));
const plan: Plan = {
  goal: 'sleep',
  tasks: Array.from({ length: dag.size }, (_, index) => ({ id: `task-${index}`, run: task })),
};

async function timed(run: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await run();
  return performance.now() - began;
}

const shares = new Map<string, number[][]>();
const note = (name: string, column: number, share: number) => {
  const cells = shares.get(name) ?? CAPS.map(() => []);
  shares.set(name, cells);
  cells[column]?.push(share);
};
const peers = await Promise.all(
  ['p-graph', 'p-queue', 'async.auto', 'effect', 'langgraph'].map(async (name) =>
    CONTENDERS[name]?.(),
  ),
);
for (let round = 0; round < ROUNDS; round++) {
  const one = await timed(async () => createExecutor({ strategy: sequential() }).execute(plan));
  for (const [column, maxParallel] of CAPS.entries()) {
    const strategy = parallel({ maxParallel });
    const ours = await timed(async () => createExecutor({ strategy }).execute(plan));
    note('stratagem', column, one / ours / maxParallel);
    for (const peer of peers) {
      if (peer === undefined) continue;
      const theirs = await timed(() => peer.run(dag, task, maxParallel));
      note(peer.name, column, one / theirs / maxParallel);
    }
  }
}

printTable('20 ms tasks: percentage of the ideal speed-up over the sequential run', [
  ['maxParallel', ...CAPS.map(String)],
  ...[...shares].map(([name, cells]) => [
    name,
    ...cells.map((values) => `${(median(values) * 100).toFixed(1)} %`),
  ]),
]);
