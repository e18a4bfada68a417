import { OptionError, type RunEvent } from '@stratagem/core';
import { type Action, CONTROLS, type Control } from '../model/extras.js';

/**
 * What can be done with a run: methods of a `RunHandle`, or of `controlRun()` for a run of another process.
 * One that resolves to `stored` will be carried out later.
 */
export interface RunControls {
  cancel?(reason?: string): unknown;
  interrupt?(): unknown;
  pause?(): unknown;
  resume?(): unknown;
  setMaxParallel?(maxParallel: number): unknown;
  approve?(taskId: string, callId?: string): unknown;
  answer?(taskId: string, answer: unknown): unknown;
  reject?(taskId: string, reason?: string, callId?: string): unknown;
  cancelTask?(taskId: string, reason?: string): unknown;
  skipTask?(taskId: string, reason?: string): unknown;
}

/** A run of this process: a `RunHandle`, or as much of one as there is. */
export interface WatchableRun extends RunControls, AsyncIterable<RunEvent> {
  readonly runId: string;
  /** Settles when the run has ended. */
  readonly result: PromiseLike<unknown>;
}

/** What the handle of a run offers. */
export function controlsOf(handle: RunControls): Control[] {
  return CONTROLS.filter(
    (name) => typeof (handle as Partial<Record<Control, unknown>>)[name] === 'function',
  );
}

/**
 * Does what a person asked for.
 *
 * @throws {OptionError} when the run has ended or does not offer it, and what the handle throws.
 */
export async function perform(handle: RunControls | undefined, action: Action): Promise<void> {
  const delivery = await call(handle, action);
  if (delivery !== 'stored') return;
  throw new OptionError(
    'No coordinator has replied. This is stored: a coordinator that carries the run out does it, unless the run refuses it then.',
  );
}

async function call(handle: RunControls | undefined, action: Action): Promise<unknown> {
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
      return handle.cancel?.('canceled on the page');
    case 'interrupt':
      await handle.interrupt?.();
      return undefined;
    case 'pause':
      return handle.pause?.();
    case 'resume':
      return handle.resume?.();
    case 'setMaxParallel':
      return handle.setMaxParallel?.(action.maxParallel ?? Number.POSITIVE_INFINITY);
    case 'approve':
      return handle.approve?.(taskOf(action), action.callId);
    case 'answer':
      return answer(handle, taskOf(action), action.answer);
    case 'reject':
      return handle.reject?.(taskOf(action), action.reason, action.callId);
    case 'cancelTask':
      return handle.cancelTask?.(taskOf(action), action.reason);
    case 'skipTask':
      return handle.skipTask?.(taskOf(action), action.reason);
    case 'retryFailed':
      throw new OptionError('The run has not ended.');
  }
}

function taskOf({ control, taskId }: Action): string {
  if (typeof taskId !== 'string') throw new OptionError(`"${control}" needs the id of a task.`);
  return taskId;
}

/** Text as it is, or as JSON if the task accepts only that. */
async function answer(handle: RunControls, taskId: string, given: unknown): Promise<unknown> {
  try {
    return await handle.answer?.(taskId, given);
  } catch (error) {
    const parsed = typeof given === 'string' ? parseJson(given) : undefined;
    if (parsed === undefined) throw error;
    return handle.answer?.(taskId, parsed.value);
  }
}

function parseJson(text: string): { readonly value: unknown } | undefined {
  try {
    return { value: JSON.parse(text) };
  } catch {
    return undefined;
  }
}
