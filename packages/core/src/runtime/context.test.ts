import { AsyncLocalStorage } from 'node:async_hooks';
import { setImmediate } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { inOrder } from '../../test/runs.js';
import { memoryJournal } from '../journal/memory-journal.js';
import { createExecutor } from './executor.js';
import type { ExecutorOptions } from './executor-options.js';
import type { RunHandle } from './handle.js';

const user = new AsyncLocalStorage<string>();

/** Who a task, or a listener, belongs to: each part of the run that ran for somebody else. */
async function strangersIn(
  act: (run: RunHandle<Record<string, unknown>>) => unknown,
  options: Partial<ExecutorOptions> = {},
): Promise<string[]> {
  const strangers: string[] = [];
  const note = (what: string) => {
    if (user.getStore() !== 'alice') strangers.push(`${what} ran for ${user.getStore()}`);
  };
  let acted: unknown;
  const plan = {
    goal: 'x',
    tasks: [
      { id: 'first', run: async () => setImmediate(note('first')) },
      { id: 'ok', description: 'May it?', waitFor: 'approval' as const, dependencies: ['first'] },
      { id: 'then', dependencies: ['ok'], run: async () => setImmediate(note('then')) },
      { id: 'last', dependencies: ['then'], run: () => note('last') },
    ],
  };
  const executor = createExecutor({ strategy: inOrder, ...options });
  const run = user.run('alice', () =>
    executor.execute(plan, {
      onEvent(event) {
        note(event.type);
        if (event.type !== 'task_waiting') return;
        acted = user.run('bob', () => act(run));
      },
    }),
  );
  const { status } = await run;
  await acted;
  expect(status).toBe('completed');
  return strangers;
}

describe.each([
  ['without a journal', {}],
  ['with a journal', { journal: memoryJournal() }],
])('a run belongs to whoever started it, %s', (_, options: Partial<ExecutorOptions>) => {
  test.each<[string, (run: RunHandle<Record<string, unknown>>) => unknown]>([
    ['approves', (run) => run.approve('ok')],
    [
      'pauses, resumes and approves later',
      async (run) => {
        run.pause();
        await setImmediate();
        run.resume();
        await setImmediate();
        await run.approve('ok');
      },
    ],
    [
      'changes the cap and adds a task',
      async (run) => {
        run.setMaxParallel(2);
        run.addTasks([{ id: 'more', run: () => setImmediate() }]);
        await setImmediate();
        run.setMaxParallel(3);
        await run.approve('ok');
      },
    ],
  ])('when somebody else %s', async (_, act) => {
    expect(await strangersIn(act, options)).toEqual([]);
  });

  test('when a task reports and adds tasks in another context', async () => {
    const seen: unknown[] = [];
    const plan = {
      goal: 'x',
      tasks: [
        {
          id: 'first',
          run: (
            _: unknown,
            {
              emit,
              addTasks,
            }: { emit: (text: string) => void; addTasks: (tasks: never[]) => void },
          ) =>
            user.run('bob', async () => {
              emit('working');
              addTasks([{ id: 'added', run: () => seen.push(user.getStore()) } as never]);
              await setImmediate();
            }),
        },
        { id: 'second', dependencies: ['first'], run: () => seen.push(user.getStore()) },
      ],
    };
    const executor = createExecutor({ strategy: inOrder, maxParallel: 2, ...options });
    const run = user.run('alice', () =>
      executor.execute(plan, { onEvent: () => void seen.push(user.getStore()) }),
    );
    expect((await run).status).toBe('completed');
    expect(new Set(seen)).toEqual(new Set(['alice']));
  });
});
