import { OptionError, type RunHandle } from '@stratagem/core';
import { type Action, CONTROLS, type Control } from '../model/extras.js';

/** Handles of other versions may offer less, and this package must not need more. */
type Handle = RunHandle & {
  readonly interrupt?: (reason?: unknown) => unknown;
  readonly cancelTask?: (taskId: string, reason?: unknown) => unknown;
  readonly skipTask?: (taskId: string, reason?: unknown) => unknown;
};

/** What the handle of a run offers. */
export function controlsOf(handle: RunHandle): Control[] {
  return CONTROLS.filter(
    (name) => typeof (handle as Partial<Record<Control, unknown>>)[name] === 'function',
  );
}

/**
 * Does what a person asked for.
 *
 * @throws {OptionError} when the run has ended or does not offer it, and what the handle throws.
 */
export async function perform(run: RunHandle | undefined, action: Action): Promise<void> {
  const handle = run as Handle | undefined;
  if (handle === undefined) {
    throw new OptionError(
      'The run has ended, or another process runs it: it cannot be changed here.',
    );
  }
  if (!controlsOf(handle).includes(action.control)) {
    throw new OptionError(`The run does not offer "${action.control}".`);
  }
  switch (action.control) {
    case 'cancel':
      handle.cancel('canceled on the page');
      break;
    case 'interrupt':
      await handle.interrupt?.('interrupted on the page');
      break;
    case 'pause':
      handle.pause();
      break;
    case 'resume':
      handle.resume();
      break;
    case 'setMaxParallel':
      handle.setMaxParallel(action.maxParallel ?? Number.POSITIVE_INFINITY);
      break;
    case 'approve':
      await handle.approve(taskOf(action));
      break;
    case 'answer':
      await answer(handle, taskOf(action), action.answer);
      break;
    case 'reject':
      await handle.reject(taskOf(action), action.reason);
      break;
    case 'cancelTask':
      await handle.cancelTask?.(taskOf(action), action.reason);
      break;
    case 'skipTask':
      await handle.skipTask?.(taskOf(action), action.reason);
      break;
    case 'retryFailed':
      throw new OptionError('The run has not ended.');
  }
}

function taskOf({ control, taskId }: Action): string {
  if (typeof taskId !== 'string') throw new OptionError(`"${control}" needs the id of a task.`);
  return taskId;
}

/** Text as it is, or as JSON if the task accepts only that. */
async function answer(handle: Handle, taskId: string, given: unknown): Promise<void> {
  try {
    await handle.answer(taskId, given);
  } catch (error) {
    const parsed = typeof given === 'string' ? parseJson(given) : undefined;
    if (parsed === undefined) throw error;
    await handle.answer(taskId, parsed.value);
  }
}

function parseJson(text: string): { readonly value: unknown } | undefined {
  try {
    return { value: JSON.parse(text) };
  } catch {
    return undefined;
  }
}
