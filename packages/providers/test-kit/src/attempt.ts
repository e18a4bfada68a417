import type { OutputPart, RunContext, Strategy, TaskRequest, TaskView } from '@stratagem/core';

/** The request of a task with this prompt. */
export function request(prompt: string, given: Partial<TaskRequest> = {}): TaskRequest {
  const texts = { prompt, plainPrompt: prompt, description: prompt };
  return { taskId: 'a', type: 'action', ...texts, inputs: {}, metadata: {}, ...given };
}

export interface TestAttempt extends RunContext {
  /** The texts that the runner has emitted. */
  readonly emitted: string[];
  /** The other parts that the runner has emitted. */
  readonly parts: OutputPart[];
}

/** The context of one attempt, which collects the emitted parts. */
export function attempt(given: Partial<RunContext> = {}): TestAttempt {
  const emitted: string[] = [];
  const parts: OutputPart[] = [];
  const { signal } = new AbortController();
  const emit = (part: string | OutputPart): undefined => {
    if (typeof part === 'string') emitted.push(part);
    else if (part.kind === 'text') emitted.push(part.text);
    else parts.push(part);
  };
  const task = { runId: 'run', taskId: 'a', priority: 0, criticalPath: 1 };
  const attempt = { ...task, attempt: 1, idempotencyKey: 'run/a/1', attemptsLeft: 3 };
  const base = { ...attempt, signal, remainingMs: undefined, failures: [] };
  return { ...base, addTasks: () => {}, emit, emitted, parts, ...given };
}

/** Starts tasks in the order in which they become ready. */
export const inOrder: Strategy = {
  name: 'in-order',
  begin() {
    const ready: TaskView[] = [];
    return { ready: (task) => void ready.push(task), next: () => ready.shift() };
  },
};
