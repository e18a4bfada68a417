import { checkDuration, checkLimit, checkOptions } from '../contract/check-options.js';
import { OptionError, StratagemError, show } from '../contract/errors.js';
import { newRunId } from '../contract/run-id.js';
import type { RunQueue } from '../contract/run-queue.js';
import type { RunAction, RunReply } from '../contract/run-request.js';
import { encodeValue } from '../serialize/wire.js';

export interface ControlRunOptions {
  /**
   * How long to wait until a coordinator has done what is asked for, in milliseconds.
   * @default 10_000
   */
  readonly waitMs?: number | undefined;
}

/**
 * What has become of something that was asked for: it is `done`, durably, or it is `stored`, because no
 * coordinator has replied in time: none carries the run out now, or it is slow. The next one carries this out,
 * too, unless the run refuses it then: nobody hears of that.
 */
export type Delivery = 'done' | 'stored';

/**
 * Changes a run that another process carries out. Each method does what the one of a `RunHandle` does,
 * and rejects with the same codes; also with `run_not_found`, `run_not_queued` and `run_ended`. What is
 * done already stays done: asking twice is no error.
 */
export interface RunControl {
  readonly runId: string;
  cancel(reason?: string): Promise<Delivery>;
  pause(): Promise<Delivery>;
  resume(): Promise<Delivery>;
  setMaxParallel(maxParallel: number): Promise<Delivery>;
  answer(taskId: string, answer: unknown): Promise<Delivery>;
  approve(taskId: string, callId?: string): Promise<Delivery>;
  reject(taskId: string, reason?: string, callId?: string): Promise<Delivery>;
  cancelTask(taskId: string, reason?: string): Promise<Delivery>;
  skipTask(taskId: string, reason?: string): Promise<Delivery>;
}

const WAIT_MS = 10_000;
/** How often to look for a reply that nobody has announced. */
const POLL_MS = 500;

/**
 * Controls a submitted run from any process, through its queue: the coordinator that carries the run out
 * does what it is asked for, within about a second.
 *
 * @throws {OptionError} when an option is unknown or out of range.
 *
 * @example
 * const run = controlRun(postgresJournal({ url }), runId);
 * await run.approve('publish');
 * await run.pause();
 */
export function controlRun(
  queue: RunQueue,
  runId: string,
  options: ControlRunOptions = {},
): RunControl {
  const owner = 'controlRun()';
  checkOptions(owner, options, ['waitMs']);
  const { waitMs = WAIT_MS } = options;
  checkDuration(owner, 'waitMs', waitMs);
  if (typeof queue?.request !== 'function') {
    throw new OptionError(`${owner}: queue must be a queue of runs, such as postgresJournal()`);
  }
  if (typeof runId !== 'string') {
    throw new OptionError(`${owner}: the id of a run must be a string; it is ${show(runId)}`);
  }
  const ask = async (action: RunAction): Promise<Delivery> => {
    const id = newRunId();
    await queue.request({ id, runId, action: withoutUndefined(action) });
    const reply = await replyWithin(queue, id, waitMs);
    if (reply === undefined) return 'stored';
    if (reply.error === undefined) return 'done';
    const { code, message } = reply.error;
    throw new StratagemError(code as StratagemError['code'], message);
  };
  return {
    runId,
    cancel: (reason) => ask({ control: 'cancel', reason }),
    pause: () => ask({ control: 'pause' }),
    resume: () => ask({ control: 'resume' }),
    async setMaxParallel(maxParallel) {
      checkLimit('setMaxParallel()', 'maxParallel', maxParallel);
      const limit = maxParallel === Number.POSITIVE_INFINITY ? null : maxParallel;
      return ask({ control: 'setMaxParallel', maxParallel: limit });
    },
    answer: async (taskId, answer) =>
      ask({ control: 'answer', taskId, answer: encodeValue(answer) }),
    approve: (taskId, callId) => ask({ control: 'approve', taskId, callId }),
    reject: (taskId, reason, callId) => ask({ control: 'reject', taskId, reason, callId }),
    cancelTask: (taskId, reason) => ask({ control: 'cancelTask', taskId, reason }),
    skipTask: (taskId, reason) => ask({ control: 'skipTask', taskId, reason }),
  };
}

async function replyWithin(
  queue: RunQueue,
  requestId: string,
  waitMs: number,
): Promise<RunReply | undefined> {
  let wake = () => {};
  let isWoken = false;
  const end = queue.onRequest(() => {
    isWoken = true;
    wake();
  });
  try {
    for (const until = performance.now() + waitMs; ; ) {
      isWoken = false;
      const reply = await queue.replyTo(requestId);
      const leftMs = until - performance.now();
      if (reply !== undefined || leftMs <= 0) return reply;
      if (isWoken) continue;
      let timer: ReturnType<typeof setTimeout> | undefined;
      await new Promise<void>((resolve) => {
        wake = resolve;
        timer = setTimeout(resolve, Math.min(POLL_MS, leftMs));
      });
      clearTimeout(timer);
    }
  } finally {
    end();
  }
}

/** Plain JSON. */
function withoutUndefined(action: RunAction): RunAction {
  return JSON.parse(JSON.stringify(action)) as RunAction;
}
