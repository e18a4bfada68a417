import { expect, test } from 'vitest';
import type { RunView, Scheduler, TaskView } from '../contract/strategy.js';
import { createExecutor, memoryJournal, type TaskRunner } from '../index.js';

const silent: TaskRunner = {
  name: 'silent',
  run: (_, { signal }) =>
    new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
};
const other: TaskRunner = { name: 'other', run: async () => ({ output: 1 }) };

/** A strategy that keeps the views of its runs, and of their ready tasks. */
function watching() {
  const runs: RunView[] = [];
  const servers: object[][] = [];
  const begin = (run: RunView): Scheduler => {
    const ready: TaskView[] = [];
    const seen: object[] = [];
    runs.push(run);
    servers.push(seen);
    return {
      ready(task) {
        ready.push(task);
        seen.push(run.serverOf(task));
      },
      next: () => ready.shift(),
    };
  };
  return { runs, servers, strategy: { name: 'watching', begin } };
}

test('tasks have their runner as server; functions have their run', async () => {
  const { runs, servers, strategy } = watching();
  const executor = createExecutor({ strategy, runner: other, runners: { quiet: silent } });
  const tasks = [
    { id: 'a', description: 'x' },
    { id: 'b', description: 'x', model: 'quiet' },
    { id: 'c', run: () => 1 },
  ];
  const handles = [1, 2].map(() => executor.execute({ goal: 'x', tasks }));
  await new Promise(setImmediate);
  expect(servers.map((each) => each.map((server) => runs.indexOf(server as RunView)))).toEqual([
    [-1, -1, 0],
    [-1, -1, 1],
  ]);
  for (const [runner, quiet] of servers) {
    expect(runner).toBe(other);
    expect(quiet).toBe(silent);
  }
  expect(runs.map(({ isOver }) => isOver)).toEqual([false, false]);
  for (const handle of handles) await handle.cancel();
  await Promise.all(handles);
  expect(runs.map(({ isOver }) => isOver)).toEqual([true, true]);
});

test('a run is over for its strategy when the process leaves it', async () => {
  const { runs, strategy } = watching();
  const executor = createExecutor({ strategy, runner: silent, journal: memoryJournal() });
  const run = executor.execute(
    { goal: 'x', tasks: [{ id: 'a', description: 'x' }] },
    { runId: 'r' },
  );
  await new Promise(setImmediate);
  expect(runs[0]?.isOver).toBe(false);
  expect((await run.interrupt()).status).toBe('interrupted');
  expect(runs[0]?.isOver).toBe(true);
});
