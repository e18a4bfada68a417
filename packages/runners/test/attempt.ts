import type { RunContext, Strategy, TaskRequest, TaskView } from '@stratagem/core';

/** What the executor would hand to a runner for a task with this prompt. */
export function request(prompt: string): TaskRequest {
  return { taskId: 'a', type: 'action', prompt, description: prompt, inputs: {}, metadata: {} };
}

/** What surrounds one attempt; `emitted` collects what the runner emits. */
export function attempt(given: Partial<RunContext> = {}): RunContext & { emitted: string[] } {
  const emitted: string[] = [];
  const { signal } = new AbortController();
  const emit = (text: string) => void emitted.push(text);
  const base = { taskId: 'a', attempt: 1, signal, deadline: undefined, addTasks: () => {} };
  return { ...base, emit, emitted, ...given };
}

/** Starts tasks in the order in which they become ready. */
export const inOrder: Strategy = {
  name: 'in-order',
  begin() {
    const ready: TaskView[] = [];
    return { ready: (task) => void ready.push(task), next: () => ready.shift() };
  },
};
