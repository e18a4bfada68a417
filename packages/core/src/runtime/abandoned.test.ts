import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, test } from 'vitest';
import { execute, planOf } from '../../test/runs.js';
import type { RunContext } from '../contract/run-context.js';
import { memoryJournal } from '../index.js';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** A run that has given up an attempt, which never ends and keeps its context. */
async function abandoned(options: object): Promise<{ context: RunContext; run: WeakRef<object> }> {
  const contexts: RunContext[] = [];
  const onEvent = () => {};
  const run = execute(
    planOf({
      id: 'a',
      run(_, context) {
        contexts.push(context);
        return new Promise(() => {});
      },
    }),
    { ...options, onEvent },
  );
  for await (const { type } of run) if (type === 'task_started') break;
  run.cancel(new Error('enough'));
  await run;
  return { context: contexts[0] as RunContext, run: new WeakRef(onEvent) };
}

describe('an attempt that never ends after its run has given it up', () => {
  test.each([
    ['without a journal', {}],
    ['with a journal', { journal: memoryJournal() }],
  ])('does not keep the run in memory %s', async (_, options) => {
    const { context, run } = await abandoned(options);
    for (let round = 0; round < 20 && run.deref() !== undefined; round++) {
      await new Promise((resolve) => setImmediate(resolve));
      collectGarbage();
    }
    expect(run.deref()).toBeUndefined();
    expect(context.signal.aborted).toBe(true);
  });

  test('can still use its context, to no effect', async () => {
    const { context } = await abandoned({});
    expect([context.taskId, context.attempt, context.attemptsLeft]).toEqual(['a', 1, 3]);
    expect(context.idempotencyKey).toMatch(/a\/1$/);
    expect(context.emit('x')).toBeUndefined();
    expect(() => context.addTasks([])).toThrow('it is over');
  });
});
