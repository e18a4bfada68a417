import type { EventData, Journal } from '../src/contract/journal.js';
import type { Plan } from '../src/contract/plan.js';
import { memoryJournal } from '../src/journal/memory-journal.js';
import { createExecutor } from '../src/runtime/executor.js';
import type { ExecutorOptions } from '../src/runtime/executor-options.js';
import { logOf } from './journals.js';
import { inOrder, planOf } from './runs.js';

export function executor(options: Partial<ExecutorOptions> = {}) {
  return createExecutor({ strategy: inOrder, abortGraceMs: 0, ...options });
}

/** What a run records up to the first event for which `isLast` holds. */
export async function logUntil(
  plan: Plan,
  isLast: (event: EventData) => boolean,
  options: Partial<ExecutorOptions> & {
    readonly act?: (run: ReturnType<typeof start>) => void;
  } = {},
): Promise<EventData[]> {
  const { act, ...rest } = options;
  const journal = memoryJournal();
  const run = start(journal, plan, rest);
  act?.(run);
  for await (const _ of run) if ((await logOf(journal, 'one')).some(isLast)) break;
  run.cancel();
  await run.result;
  const log = await logOf(journal, 'one');
  return log.slice(0, log.findIndex(isLast) + 1);
}

export function start(journal: Journal, plan: Plan, options: Partial<ExecutorOptions>) {
  return executor({ journal, ...options }).execute(plan, { runId: 'one' });
}

export const completed = (taskId: string) => (event: EventData) =>
  event.type === 'task_completed' && event.taskId === taskId;

export const runner = (answers: Record<string, unknown> = {}) => {
  const asked: [taskId: string, attempt: number, key: string][] = [];
  return {
    asked,
    name: 'test',
    async run(
      { taskId, prompt }: { taskId: string; prompt: string },
      { attempt, idempotencyKey }: { attempt: number; idempotencyKey: string },
    ) {
      asked.push([taskId, attempt, idempotencyKey]);
      const answer = answers[taskId];
      if (answer instanceof Error) throw answer;
      return { output: answer ?? `${prompt}!` };
    },
  };
};

export const chain: Plan = planOf(
  { id: 'a', description: 'A' },
  { id: 'b', description: 'B', dependencies: ['a'] },
  { id: 'c', description: 'C {{b}}', dependencies: ['b'] },
);
