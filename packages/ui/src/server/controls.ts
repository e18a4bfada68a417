import { OptionError, type RunEvent, type RunHandle } from '@stratagem/core';
import { type Action, CONTROLS, type Control } from '../model/extras.js';

/** What a handle may offer beside what every run has. */
type Offers = Partial<
  Pick<
    RunHandle,
    'cancel' | 'pause' | 'resume' | 'setMaxParallel' | 'approve' | 'answer' | 'reject'
  >
> & {
  readonly interrupt?: (() => unknown) | undefined;
  readonly cancelTask?: ((taskId: string, reason?: unknown) => unknown) | undefined;
  readonly skipTask?: ((taskId: string, reason?: unknown) => unknown) | undefined;
};

/** A run of this process: a `RunHandle`, or as much of one as there is. */
export interface WatchableRun extends Offers, AsyncIterable<RunEvent> {
  readonly runId: string;
  /** Settles when the run has ended. */
  readonly result: PromiseLike<unknown>;
}

/** What the handle of a run offers. */
export function controlsOf(handle: WatchableRun): Control[] {
  return CONTROLS.filter(
    (name) => typeof (handle as Partial<Record<Control, unknown>>)[name] === 'function',
  );
}

/**
 * Does what a person asked for.
 *
 * @throws {OptionError} when the run has ended or does not offer it, and what the handle throws.
 */
export async function perform(handle: WatchableRun | undefined, action: Action): Promise<void> {
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
      handle.cancel?.('canceled on the page');
      break;
    case 'interrupt':
      await handle.interrupt?.();
      break;
    case 'pause':
      handle.pause?.();
      break;
    case 'resume':
      handle.resume?.();
      break;
    case 'setMaxParallel':
      handle.setMaxParallel?.(action.maxParallel ?? Number.POSITIVE_INFINITY);
      break;
    case 'approve':
      await handle.approve?.(taskOf(action), action.callId);
      break;
    case 'answer':
      await answer(handle, taskOf(action), action.answer);
      break;
    case 'reject':
      await handle.reject?.(taskOf(action), action.reason, action.callId);
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
async function answer(handle: WatchableRun, taskId: string, given: unknown): Promise<void> {
  try {
    await handle.answer?.(taskId, given);
  } catch (error) {
    const parsed = typeof given === 'string' ? parseJson(given) : undefined;
    if (parsed === undefined) throw error;
    await handle.answer?.(taskId, parsed.value);
  }
}

function parseJson(text: string): { readonly value: unknown } | undefined {
  try {
    return { value: JSON.parse(text) };
  } catch {
    return undefined;
  }
}
