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
