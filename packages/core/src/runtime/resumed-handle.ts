import { StratagemError } from '../contract/errors.js';
import type { RunEvent } from '../contract/event.js';
import type { PlanResult } from '../state/result.js';
import type { RunHandle } from './handle.js';

/**
 * The handle of a run that is still being opened: what is done to it waits until it is. When it
 * cannot be, its result and its events reject with the reason.
 *
 * @param opening Opens it, and hands over its handle before anything of it has happened.
 */
export function handleOfOpening<Outputs>(
  runId: string,
  opening: (isOpen: (handle: RunHandle<Outputs>) => void) => Promise<void>,
): RunHandle<Outputs> {
  let open: RunHandle<Outputs> | undefined;
  const waiting: ((handle: RunHandle<Outputs>) => void)[] = [];
  const opened = new Promise<{ readonly handle: RunHandle<Outputs> }>((resolve, reject) => {
    opening((handle) => {
      open = handle;
      for (const act of waiting.splice(0)) act(handle);
      resolve({ handle });
    }).catch(reject);
  });
  // Whoever waits for the result hears of it; nobody need hear of it twice.
  opened.catch(() => {});
  const whenOpen = (act: (handle: RunHandle<Outputs>) => void) => {
    if (open === undefined) waiting.push(act);
    else act(open);
  };
  const result = opened.then(({ handle }): Promise<PlanResult<Outputs>> => handle.result);
  result.catch(() => {});
  return {
    runId,
    result,
    // biome-ignore lint/suspicious/noThenProperty: a run is awaited for its result
    then: (onFulfilled, onRejected) => result.then(onFulfilled, onRejected),
    [Symbol.asyncIterator](): AsyncIterator<RunEvent> {
      // From its first event on, also where nothing is kept.
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
    pause: () => whenOpen((handle) => handle.pause()),
    resume: () => whenOpen((handle) => handle.resume()),
    setMaxParallel: (maxParallel) => whenOpen((handle) => handle.setMaxParallel(maxParallel)),
    answer: async (taskId, answer) => (await opened).handle.answer(taskId, answer),
    approve: async (taskId) => (await opened).handle.approve(taskId),
    reject: async (taskId, reason) => (await opened).handle.reject(taskId, reason),
    addTasks(tasks) {
      if (open !== undefined) open.addTasks(tasks);
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
