import type { OutputPart, RunContext, Strategy, TaskRequest, TaskView } from '@stratagem/core';

/** The request that the executor would send for a task with this prompt. */
export function request(prompt: string, given: Partial<TaskRequest> = {}): TaskRequest {
  const texts = { prompt, plainPrompt: prompt, description: prompt };
  return { taskId: 'a', type: 'action', ...texts, inputs: {}, metadata: {}, ...given };
}

/** The context of an attempt; `emitted` collects what the runner emits. */
export function attempt(
  given: Partial<RunContext> = {},
): RunContext & { emitted: (string | OutputPart)[] } {
  const emitted: (string | OutputPart)[] = [];
  const { signal } = new AbortController();
  const emit = (part: string | OutputPart): undefined => void emitted.push(part);
  const task = { runId: 'run', taskId: 'a', priority: 0, criticalPath: 1 };
  const attempt = { ...task, attempt: 1, idempotencyKey: 'run/a/1', attemptsLeft: 3 };
  const base = { ...attempt, signal, remainingMs: undefined, failures: [] };
  return { ...base, addTasks: () => {}, emit, emitted, ...given };
}

/** Starts tasks in the order in which they become ready. */
export const inOrder: Strategy = {
  name: 'in-order',
  begin() {
    const ready: TaskView[] = [];
    return { ready: (task) => void ready.push(task), next: () => ready.shift() };
  },
};
