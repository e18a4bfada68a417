import type { Task } from '../src/index.js';

/** A task that returns its inputs. */
export const echo = (id: string, ...dependencies: string[]): Task => ({
  id,
  dependencies,
  run: (inputs) => ({ ...inputs }),
});
