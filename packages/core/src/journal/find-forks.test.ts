import { expect, test } from 'vitest';
import { inOrder } from '../../test/runs.js';
import type { Plan } from '../contract/plan.js';
import { createExecutor } from '../runtime/executor.js';
import { findForks } from './find-forks.js';
import { memoryJournal } from './memory-journal.js';

test('the forks of a run are found with what is different in them, and no forks of other runs', async () => {
  const journal = memoryJournal();
  const runner = { name: 'none', run: async () => ({ output: 'x' }) };
  const executor = createExecutor({ strategy: inOrder, journal, runner });
  const plan: Plan = { goal: 'x', tasks: [{ id: 'a', description: 'A' }] };
  await executor.execute(plan, { runId: 'one' }).orThrow();
  await executor.execute(plan, { runId: 'other' }).orThrow();
  await executor.fork('one', { runId: 'two', tasks: ['a'] }).orThrow();
  await executor.fork('two', { runId: 'three' }).orThrow();
  const changed: Plan = { goal: 'y', tasks: [{ id: 'a', description: 'B' }] };
  await executor.fork('one', { runId: 'four', plan: changed }).orThrow();
  await journal.create({ id: 'empty', goal: 'x', createdAt: Date.now() });
  const forks = await findForks(journal, 'one');
  expect(forks.map(({ runId }) => runId).sort()).toEqual(['four', 'two']);
  expect(forks.find(({ runId }) => runId === 'two')?.forkedFrom.tasks).toEqual(['a']);
  expect(forks.find(({ runId }) => runId === 'four')?.forkedFrom.changes).toEqual({
    tasks: [{ taskId: 'a', kind: 'changed', fields: ['description'] }],
    settings: ['goal'],
  });
  expect(await findForks(journal, 'three')).toEqual([]);
});

test('a fork is found among any number of newer runs, and no other log is read', async () => {
  const journal = memoryJournal();
  const first = (source?: string) => ({
    ...{
      sequence: 0,
      timestamp: 1,
      type: 'run_started' as const,
      taskCount: 1,
      plan: { goal: 'x', tasks: [] },
    },
    ...(source !== undefined && { forkedFrom: { runId: source, sequence: 0 } }),
  });
  const write = async (id: string, source?: string) => {
    const run = await journal.create({ id, goal: 'x', createdAt: 1 });
    await run.append([first(source)]);
    await run.close();
  };
  await write('one');
  await write('fork', 'one');
  for (let n = 0; n < 300; n++) await write(`newer ${n}`);
  await write('other', 'newer 7');
  const read: string[] = [];
  const watched = {
    ...journal,
    list: () => journal.list(),
    read: (id: string) => {
      read.push(id);
      return journal.read(id);
    },
  };
  expect(await findForks(watched, 'one')).toEqual([
    { runId: 'fork', forkedFrom: { runId: 'one', sequence: 0 } },
  ]);
  expect(read).toEqual(['fork']);
});
