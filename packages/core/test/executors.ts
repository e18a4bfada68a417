import { afterEach, beforeEach, expect, vi } from 'vitest';
import {
  createExecutor,
  type ExecutorOptions,
  type RunContext,
  type RunEvent,
  type TaskRequest,
  type TaskRunner,
} from '../src/index.js';
import { inOrder } from './direct-runs.js';

/** Runs end at once when they are canceled: tasks of tests may ignore it for ever. */
export const executor = createExecutor({ strategy: inOrder, abortGraceMs: 0 });

/** A function that ends when the test says so. */
export function gate<T = void>() {
  let open!: (value: T) => void;
  let fail!: (error: unknown) => void;
  const promise = new Promise<T>((resolve, reject) => {
    open = resolve;
    fail = reject;
  });
  return { promise, open, fail, run: () => promise };
}

/** Lets everything happen that is waiting to happen. */
export const settle = () => new Promise((resolve) => setTimeout(resolve, 5));

export const types = (events: readonly RunEvent[]) => events.map((event) => event.type);

export const runnerOf = (
  run: (request: TaskRequest, context: RunContext) => unknown,
): TaskRunner => ({
  name: 'test',
  run: run as TaskRunner['run'],
});

export const executorWith = (
  run: Parameters<typeof runnerOf>[0],
  options: Partial<ExecutorOptions> = {},
) => createExecutor({ strategy: inOrder, runner: runnerOf(run), abortGraceMs: 0, ...options });

const unhandled = vi.fn();

/** A rejection that nobody handles would end the user's process. */
export function failOnUnhandledRejections(): void {
  beforeEach(() => void process.on('unhandledRejection', unhandled));
  afterEach(async () => {
    await settle();
    process.off('unhandledRejection', unhandled);
    expect(unhandled).not.toHaveBeenCalled();
  });
}
