import type { TaskOptions } from '../src/contract/call-options.js';
import { formatProblem, PlanError } from '../src/contract/plan-error.js';
import type { TaskRequest, TaskRunner } from '../src/contract/runner.js';
import type { Task } from '../src/contract/task.js';
import { createExecutor, type ExecutorOptions } from '../src/index.js';
import { inOrder, planOf } from './runs.js';

export const OPTIONS: TaskOptions = {
  instructions: 'Be brief.',
  temperature: 0.2,
  topP: 0.9,
  seed: 7,
  stopSequences: ['END'],
  maxOutputTokens: 100,
  headers: { 'x-team': 'secret-team-0123456789' },
  providerOptions: { lab: { depth: 2 } },
  reasoning: { effort: 'high' },
};

export const ALL = [...Object.keys(OPTIONS), 'model', 'toolChoice'];

export function recording(name: string, more: Partial<TaskRunner> = {}) {
  const requests: TaskRequest[] = [];
  const runner: TaskRunner = {
    name,
    resource: `${name}/default`,
    supportedOptions: ALL,
    ...more,
    async run(request) {
      requests.push(request);
      return { output: `${name}: ${request.prompt}` };
    },
  };
  return { runner, requests };
}

export const one = (task: Partial<Task> = {}) => planOf({ id: 'a', description: 'Why?', ...task });

export function run(plan: ReturnType<typeof planOf>, options: Partial<ExecutorOptions>) {
  return createExecutor({ strategy: inOrder, ...options }).execute(plan);
}

export function problemsOf(
  plan: ReturnType<typeof planOf>,
  options: Partial<ExecutorOptions>,
): string[] {
  try {
    void run(plan, options);
  } catch (error) {
    if (error instanceof PlanError) return error.problems.map(formatProblem);
    throw error;
  }
  return [];
}
