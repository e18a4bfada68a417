import { checkLimit } from '../contract/check-options.js';
import { StratagemError } from '../contract/errors.js';
import type { RunEvent } from '../contract/event.js';
import type { PlanResult } from '../state/result.js';
import { orThrow } from '../state/run-error.js';
import type { RunHandle } from './handle.js';
import { Interruption } from './interruption.js';

/**
 * The handle of a run that is still being opened. Calls are queued until it is open. If opening fails,
 * the result and the events reject with the error.
 *
 * @param open Opens the run, and passes on its handle before the run does anything.
 * @param isJournalled Whether the run has a journal.
 */
export function pendingHandle<Outputs>(
  runId: string,
  open: (onOpen: (handle: RunHandle<Outputs>) => void) => Promise<void>,
  isJournalled = true,
): RunHandle<Outputs> {
  let openHandle: RunHandle<Outputs> | undefined;
  const queued: ((handle: RunHandle<Outputs>) => void)[] = [];
  const opened = new Promise<{ readonly handle: RunHandle<Outputs> }>((resolve, reject) => {
    open((handle) => {
      openHandle = handle;
      for (const call of queued.splice(0)) call(handle);
      resolve({ handle });
    }).catch(reject);
  });
  // A failure is reported by `result`; an unhandled rejection here would report it twice.
  opened.catch(() => {});
  const whenOpen = (call: (handle: RunHandle<Outputs>) => void) => {
    if (openHandle === undefined) queued.push(call);
    else call(openHandle);
  };
  /** Part of its start, when it comes before that. */
  const call = (method: (handle: RunHandle<Outputs>) => Promise<void>): Promise<void> =>
    new Promise<void>((resolve, reject) => {
      whenOpen((handle) => void method(handle).then(resolve, reject));
      opened.catch(reject);
    });
  /** Few callers wait for it. */
  const change: typeof call = (method) => {
    const changed = call(method);
    changed.catch(() => {});
    return changed;
  };
  const result = opened.then(({ handle }): Promise<PlanResult<Outputs>> => handle.result);
  result.catch(() => {});
  return {
    runId,
    result,
    orThrow: () => orThrow(result),
    // biome-ignore lint/suspicious/noThenProperty: a run is awaited for its result
    then: (onFulfilled, onRejected) => result.then(onFulfilled, onRejected),
    [Symbol.asyncIterator](): AsyncIterator<RunEvent> {
      // Created as soon as the run is open, so that no event is missed without a kept timeline.
      let events: AsyncIterator<RunEvent> | undefined;
      whenOpen((handle) => {
        events = handle[Symbol.asyncIterator]();
      });
      return follow(async () => {
        await opened;
        return events as AsyncIterator<RunEvent>;
      });
    },
    cancel: (reason) => whenOpen((handle) => handle.cancel(reason)),
    interrupt(options = {}) {
      new Interruption(runId, isJournalled).check(options);
      whenOpen((handle) => void handle.interrupt(options));
      return result;
    },
    openQuestions: () => openHandle?.openQuestions() ?? [],
    cancelTask: (taskId, reason) => call((handle) => handle.cancelTask(taskId, reason)),
    skipTask: (taskId, reason) => call((handle) => handle.skipTask(taskId, reason)),
    meetCriterion: async (name) => (await opened).handle.meetCriterion(name),
    pause: () => change((handle) => handle.pause()),
    resume: () => change((handle) => handle.resume()),
    setMaxParallel(maxParallel) {
      checkLimit('setMaxParallel()', 'maxParallel', maxParallel);
      return change((handle) => handle.setMaxParallel(maxParallel));
    },
    answer: async (taskId, answer) => (await opened).handle.answer(taskId, answer),
    approve: async (taskId, callId) => (await opened).handle.approve(taskId, callId),
    reject: async (taskId, reason, callId) => (await opened).handle.reject(taskId, reason, callId),
    addTasks(tasks) {
      if (openHandle !== undefined) openHandle.addTasks(tasks);
      else {
        const message = 'addTasks(): the run is still being opened; wait for one of its events';
        throw new StratagemError('run_not_open', message);
      }
    },
  };
}

async function* follow<T>(begin: () => Promise<AsyncIterator<T>>): AsyncGenerator<T> {
  const iterator = await begin();
  yield* { [Symbol.asyncIterator]: () => iterator };
}
