import { expect, test } from 'vitest';
import { createExecutor } from '../runtime/executor.js';
import { deriveContext, type RunContext, whenAborted } from './run-context.js';

const strategy = { name: 'all', begin: inOrder };

/** Starts tasks in the order in which they become ready. */
function inOrder() {
  const ready: never[] = [];
  return { ready: (task: unknown) => void ready.push(task as never), next: () => ready.shift() };
}

/** Cancels the attempt of a task, and gives what `run` saw of its context. */
async function cancelled(run: (context: RunContext, seen: unknown[]) => void): Promise<unknown[]> {
  const seen: unknown[] = [];
  const executor = createExecutor({ strategy, abortGraceMs: 0 });
  const work = (_: unknown, context: RunContext) => {
    run(context, seen);
    return new Promise<void>(() => {});
  };
  const handle = executor.execute({ goal: 'g', tasks: [{ id: 'a', description: 'a', run: work }] });
  for await (const { type } of handle) if (type === 'task_started') handle.cancel('enough');
  return seen;
}

test('a listener hears once why its attempt is to stop', async () => {
  const seen = await cancelled((context, seen) => {
    whenAborted(context, (reason) => seen.push(String(reason), context.signal.aborted));
  });
  expect(seen).toEqual([expect.stringContaining('enough'), true]);
});

test('a listener that was removed hears nothing', async () => {
  const seen = await cancelled((context, seen) => {
    whenAborted(context, () => seen.push('removed'))();
    whenAborted(context, () => seen.push('kept'));
  });
  expect(seen).toEqual(['kept']);
});

test('a derived context tells of the end of its attempt, and of a signal of its own', async () => {
  const seen = await cancelled((context, seen) => {
    const own = new AbortController();
    whenAborted(deriveContext(context, { attemptsLeft: 1 }), () => seen.push('the attempt'));
    const apart = deriveContext(context, { signal: own.signal });
    whenAborted(apart, (reason) => seen.push(reason));
    own.abort('its own');
    whenAborted(apart, (reason) => seen.push(`again ${reason}`));
  });
  expect(seen).toEqual(['its own', 'again its own', 'the attempt']);
});
