import type { ExecutorOptions, Plan, RunEvent, Task } from '../src/index.js';
import { deferred, execute } from './runs.js';

export const ask = (id: string, more: Partial<Task> = {}): Task => ({
  id,
  description: `${id}?`,
  waitFor: 'answer',
  ...more,
});

/** A run, and a promise of the first event of each type. */
export function running(plan: Plan, options: Partial<ExecutorOptions> = {}) {
  const heard = new Map<string, ReturnType<typeof deferred<RunEvent>>>();
  const first = (type: string) => {
    const found = heard.get(type) ?? deferred<RunEvent>();
    heard.set(type, found);
    return found;
  };
  const { onEvent, ...others } = options;
  const run = execute(plan, {
    ...others,
    onEvent(event) {
      first(event.type).resolve(event);
      onEvent?.(event);
    },
  });
  return { run, once: (type: RunEvent['type']) => first(type).promise };
}
