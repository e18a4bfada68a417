import {
  createExecutor,
  type Plan,
  type PlanResult,
  type RunHandle,
  type RunOptions,
  type TaskRunner,
} from '@stratagem/core';
import { sequential } from '@stratagem/sequential';

/** Answers at once; a task whose description is a promise to fail keeps it. */
const runner: TaskRunner = {
  name: 'test',
  async run({ taskId, description }, { emit }) {
    if (description.startsWith('fail')) throw new Error(`${description} it did`);
    emit(`${taskId} `);
    return { output: `output of ${taskId}`, usage: { inputTokens: 2, outputTokens: 1 } };
  },
};

/** Starts a plan one task at a time, without a model. */
export function start(
  tasks: Plan['tasks'],
  { goal = 'Test', ...options }: RunOptions & { goal?: string } = {},
): RunHandle {
  return createExecutor({ strategy: sequential(), runner, ...options }).execute({ goal, tasks });
}

export async function runPlan(
  tasks: Plan['tasks'],
  options?: RunOptions & { goal?: string },
): Promise<PlanResult> {
  return await start(tasks, options);
}
