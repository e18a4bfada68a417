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

/** Starts whatever is ready, in the order in which it became so. */
export const inOrder: Strategy = {
  name: 'in-order',
  begin() {
    const ready: TaskView[] = [];
    return { ready: (task) => void ready.push(task), next: () => ready.shift() };
  },
};

/** Answers with what is given for a task, or its prompt; remembers what it was asked. */
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
  return createExecutor({ strategy, runner }).execute(plan, run);
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

/** What a call says is wrong with a plan; nothing when it throws nothing. */
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

/** A promise that is settled from outside. */
export function deferred<T = void>() {
  let resolve: (value: T) => void = () => {};
  const promise = new Promise<T>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}
