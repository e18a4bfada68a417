import { afterEach, beforeEach, expect, vi } from 'vitest';
import {
  createExecutor,
  type Plan,
  type PlanResult,
  type RunContext,
  type RunHandle,
  type RunOptions,
  type Strategy,
  type Task,
  type TaskRunner,
  type TaskView,
} from '../src/index.js';
import { Heap } from '../src/strategy.js';

export const inOrder: Strategy = {
  name: 'in-order',
  begin() {
    const ready = new Heap<TaskView>((a, b) => a.index - b.index);
    return { ready: (task) => ready.push(task), next: () => ready.pop() };
  },
};

/** Some attempts here ignore their signal. */
export const abortGraceMs = 0;

export const executor = createExecutor({ strategy: inOrder, abortGraceMs });

export const planOf = (...tasks: Task[]): Plan => ({ goal: 'test', tasks });

export const single = planOf({ id: 'a', description: 'Do it' });

export const never = () => new Promise<never>(() => {});

export const runnerOf = (run: (context: RunContext) => unknown): TaskRunner => ({
  name: 'test',
  run: ((_, context) => run(context)) as TaskRunner['run'],
});

export const runWith = (
  run: (context: RunContext) => unknown,
  plan = single,
  options: RunOptions = {},
) =>
  createExecutor({ strategy: inOrder, runner: runnerOf(run), abortGraceMs }).execute(plan, options);

export const statuses = ({ tasks }: PlanResult<unknown>) => tasks.map(({ status }) => status);

/** Turns of the event loop, in which everything happens that is not waiting for time to pass. */
export async function turns(count = 10): Promise<void> {
  for (let n = 0; n < count; n++) await new Promise((resolve) => setImmediate(resolve));
}

/** The result of a run that has no reason to wait for anything. */
export async function ended<Outputs>(run: RunHandle<Outputs>): Promise<PlanResult<Outputs>> {
  let result: PlanResult<Outputs> | undefined;
  void run.result.then((value) => {
    result = value;
  });
  await turns();
  if (result === undefined) throw new Error('the run has not ended');
  return result;
}

const escaped = vi.fn();

/** An error that escapes would end the user's process. */
export function failOnEscapedErrors(): void {
  beforeEach(() => {
    escaped.mockClear();
    process.on('unhandledRejection', escaped);
    process.on('uncaughtException', escaped);
  });
  afterEach(async () => {
    vi.useRealTimers();
    await turns(3);
    process.off('unhandledRejection', escaped);
    process.off('uncaughtException', escaped);
    expect(escaped).not.toHaveBeenCalled();
  });
}
