import { expect, test } from 'vitest';
import { byIndex } from '../../test/kernels.js';
import type { AttemptCall, AttemptCarrier } from '../contract/carrier.js';
import type { Plan } from '../contract/plan.js';
import type { RunContext } from '../contract/run-context.js';
import type { TaskRunner } from '../contract/runner.js';
import { createExecutor } from './executor.js';
import { workerCarrier } from './worker-carrier.js';

const plan: Plan = {
  goal: 'x',
  tasks: [
    { id: 'first', description: 'x', priority: 3 },
    { id: 'last', description: 'x', dependencies: ['first'] },
  ],
};

const seen = [
  { runId: 'r', taskId: 'first', priority: 3, criticalPath: 2 },
  { runId: 'r', taskId: 'last', priority: 0, criticalPath: 1 },
];

function listener() {
  const contexts: object[] = [];
  const runner: TaskRunner = {
    name: 'listener',
    async run(_, { runId, taskId, priority, criticalPath }: RunContext) {
      contexts.push({ runId, taskId, priority, criticalPath });
      return { output: 1 };
    },
  };
  return { runner, contexts };
}

test('a context says which run it belongs to, and how urgent its task is', async () => {
  const { runner, contexts } = listener();
  await createExecutor({ strategy: byIndex, runner }).execute(plan, { runId: 'r' }).orThrow();
  expect(contexts).toEqual(seen);
});

test('so does a context that came over a wire', async () => {
  const { runner, contexts } = listener();
  const worker = workerCarrier({ runner });
  const carrier: AttemptCarrier = {
    name: 'wire',
    start: (call, tell) => worker.start(JSON.parse(JSON.stringify(call)) as AttemptCall, tell),
    cancel: (key, reason) => worker.cancel(key, reason),
    detach: (key) => worker.detach(key),
    close: () => worker.close(),
  };
  const { runner: local } = listener();
  await createExecutor({ strategy: byIndex, runner: local, carrier })
    .execute(plan, { runId: 'r' })
    .orThrow();
  expect(contexts).toEqual(seen);
});
