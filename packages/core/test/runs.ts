import {
  createExecutor,
  type ExecutorOptions,
  type Plan,
  PlanError,
  type PlanProblem,
  type PlanResult,
  type RunEvent,
  type Strategy,
  type Task,
  type TaskRequest,
  type TaskResult,
  type TaskRunner,
  type TaskView,
} from '../src/index.js';

/** Starts every ready task, in order of readiness. */
export const inOrder: Strategy = {
  name: 'in-order',
  begin() {
    const ready: TaskView[] = [];
    return { ready: (task) => void ready.push(task), next: () => ready.shift() };
  },
};

/** Starts every ready task, the last one first, in constant time per task. */
export const lastFirst: Strategy = {
  name: 'last-first',
  begin() {
    const ready: TaskView[] = [];
    return { ready: (task) => void ready.push(task), next: () => ready.pop() };
  },
};

/** Answers with the given answer for a task, or its prompt; records its requests. */
export function runnerOf(answers: Record<string, unknown> = {}) {
  const requests = new Map<string, TaskRequest>();
  const runner: TaskRunner = {
    name: 'test',
    async run(request) {
      requests.set(request.taskId, request);
      const answer = answers[request.taskId];
      if (answer instanceof Error) throw answer;
      return { output: answer ?? request.prompt };
    },
  };
  return { runner, requests };
}

export function planOf(...tasks: Task[]): Plan {
  return { goal: 'x', tasks };
}

export function execute<Outputs>(plan: Plan<Outputs>, options: Partial<ExecutorOptions> = {}) {
  const { strategy = inOrder, runner = runnerOf().runner, ...run } = options;
  // Work of tests may ignore its signal.
  return createExecutor({ strategy, runner, abortGraceMs: 0 }).execute(plan, run);
}

/** The body of a task that fails. */
export function no(): never {
  throw new Error('no');
}

export function statuses({ tasks }: { tasks: readonly TaskResult[] }): Record<string, string> {
  return Object.fromEntries(tasks.map(({ id, status }) => [id, status]));
}

export function taskOf({ tasks }: { tasks: readonly TaskResult[] }, id: string): TaskResult {
  const found = tasks.find((task) => task.id === id);
  if (found === undefined) throw new Error(`there is no task "${id}"`);
  return found;
}

export function eventsOf<Type extends RunEvent['type']>(
  { timeline }: Pick<PlanResult, 'timeline'>,
  type: Type,
): Extract<RunEvent, { type: Type }>[] {
  return timeline.filter((event): event is Extract<RunEvent, { type: Type }> => {
    return event.type === type;
  });
}

/** The problems of the `PlanError` that a call throws; none when it does not throw. */
export function problemsOf(call: () => unknown): readonly PlanProblem[] {
  try {
    call();
  } catch (error) {
    if (error instanceof PlanError) return error.problems;
    throw error;
  }
  return [];
}

export function messagesOf(call: () => unknown): string[] {
  return problemsOf(call).map(({ message }) => message);
}

/** A promise, and what settles it. */
export function deferred<T = void>() {
  let resolve: (value: T) => void = () => {};
  let reject: (error: unknown) => void = () => {};
  const promise = new Promise<T>((done, failed) => {
    resolve = done;
    reject = failed;
  });
  return { promise, resolve, reject };
}
