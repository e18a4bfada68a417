import {
  createExecutor,
  type Plan,
  type PlanResult,
  type RunHandle,
  type RunOptions,
  type TaskRunner,
} from '@stratagem/core';
import { sequential } from '@stratagem/sequential';

/** Answers at once. A task fails if its description starts with `fail`. */
const runner: TaskRunner = {
  name: 'test',
  async run({ taskId, description }, { emit }) {
    if (description.startsWith('fail')) throw new Error(`${description} it did`);
    emit(`${taskId} `);
    return { output: `output of ${taskId}`, usage: { inputTokens: 2, outputTokens: 1 } };
  },
};

/** Starts a plan without a model, one task at a time. A canceled run does not wait for tasks that ignore it. */
export function start(
  tasks: Plan['tasks'],
  { goal = 'Test', ...options }: RunOptions & { goal?: string } = {},
): RunHandle {
  const settings = { strategy: sequential(), runner, abortGraceMs: 0, ...options };
  return createExecutor(settings).execute({ goal, tasks });
}

export async function runPlan(
  tasks: Plan['tasks'],
  options?: RunOptions & { goal?: string },
): Promise<PlanResult> {
  return await start(tasks, options);
}
