import { describe, isStratagemError, StratagemError } from '../contract/errors.js';
import type { EventData } from '../contract/journal.js';
import type { ClaimedRun, RunQueue } from '../contract/run-queue.js';
import type { PendingRequest, RunReply } from '../contract/run-request.js';
import type { RunHandle } from '../runtime/handle.js';
import { decodeValue } from '../serialize/wire.js';
import { decidedSince, findEvidence } from './evidence.js';

/** A run that this process carries out. */
export interface ServedRun {
  readonly claimed: ClaimedRun;
  readonly handle: RunHandle;
  /** Whether it has begun: one that cannot begin here may do so elsewhere. */
  readonly isOpen: boolean;
}

const ENDS: ReadonlySet<string> = new Set(['run_completed', 'run_failed', 'run_canceled']);
/** This process has no part in the run any more: the next one replies. */
const ELSEWHERE = /^(run_interrupted|run_locked|journal_\w+)$/;
/** What was asked for may have been done before: by a process that died before it replied. */
const MAYBE_DONE: ReadonlySet<string> = new Set(['not_waiting', 'task_ended', 'run_ended']);

/**
 * Carries out what other processes ask of the runs of this one. A request may be met twice, when its
 * reply was lost: what it asks for is done already then, and the reply is the same.
 */
export class RequestDesk {
  readonly #queue: RunQueue;
  readonly #runs: () => ReadonlyMap<string, ServedRun>;
  readonly #onError: (error: unknown) => void;
  /** By the id of the request; whether its reply is stored. */
  readonly #underWay = new Map<string, Promise<boolean>>();
  /** Replies that may not be stored, by the id of the request: it is not carried out again. */
  readonly #replies = new WeakMap<ClaimedRun, Map<string, RunReply>>();
  #looking: Promise<void> | undefined;
  #mustLookAgain = false;

  /** @param runs The runs of this process, by their ids. */
  constructor(
    queue: RunQueue,
    runs: () => ReadonlyMap<string, ServedRun>,
    onError: (error: unknown) => void,
  ) {
    this.#queue = queue;
    this.#runs = runs;
    this.#onError = onError;
  }

  /** The requests that a run has before it begins here. */
  async before(runId: string): Promise<readonly PendingRequest[]> {
    return this.#queue.requests([runId]);
  }

  /** Begins to carry out requests of one run. */
  serve(pending: readonly PendingRequest[], run: ServedRun): void {
    this.#startAll(pending, () => run);
  }

  /** Looks for requests, and begins to carry them out. */
  look(): void {
    this.#mustLookAgain = true;
    this.#looking ??= this.#lookAll().finally(() => {
      this.#looking = undefined;
      if (this.#mustLookAgain) this.look();
    });
  }

  /** Replies to the last requests of a run that has ended. */
  async settle(runId: string, run: ServedRun): Promise<void> {
    const pending = await this.#queue.requests([runId]);
    await Promise.all(this.#startAll(pending, () => run));
  }

  async #lookAll(): Promise<void> {
    while (this.#mustLookAgain) {
      this.#mustLookAgain = false;
      const runs = this.#runs();
      if (runs.size === 0) continue;
      try {
        const pending = await this.#queue.requests([...runs.keys()]);
        this.#startAll(pending, ({ runId }) => runs.get(runId) as ServedRun);
      } catch (error) {
        this.#onError(error);
      }
    }
  }

  /** Carries out requests that are in order, those of each run in this order. */
  #startAll(
    pending: readonly PendingRequest[],
    runOf: (request: PendingRequest) => ServedRun,
  ): Promise<boolean>[] {
    const last = new Map<string, Promise<boolean>>();
    return pending.map((request) => {
      const work = this.#start(request, runOf(request), last.get(request.runId));
      last.set(request.runId, work);
      return work;
    });
  }

  /** @param before The request of the run before it. */
  #start(
    request: PendingRequest,
    run: ServedRun,
    before: Promise<boolean> | undefined,
  ): Promise<boolean> {
    const there = this.#underWay.get(request.id);
    if (there !== undefined) return there;
    const work = this.#carryOut(request, run, before)
      .catch((error) => {
        this.#onError(error);
        return false;
      })
      .finally(() => this.#underWay.delete(request.id));
    this.#underWay.set(request.id, work);
    return work;
  }

  async #carryOut(
    request: PendingRequest,
    run: ServedRun,
    before: Promise<boolean> | undefined,
  ): Promise<boolean> {
    const { claimed } = run;
    const replies = this.#replies.get(claimed) ?? new Map<string, RunReply>();
    this.#replies.set(claimed, replies);
    const reply = replies.get(request.id) ?? (await this.#replyOf(request, run));
    if (reply === undefined) return false;
    replies.set(request.id, reply);
    // If the process dies, the next one carries out all from the first one on that has no reply: it must not
    // pause a run again which this one has paused and resumed.
    if ((await before) === false) return false;
    await this.#queue.reply(request.id, reply);
    replies.delete(request.id);
    return true;
  }

  /** @returns undefined when it has to be tried again, here or in another process. */
  async #replyOf(request: PendingRequest, run: ServedRun): Promise<RunReply | undefined> {
    const { events } = run.claimed.opened;
    if (endedSince(events, request.position))
      return refusal('run_ended', 'the run had ended before');
    const decided = decidedSince(events, request);
    if (decided === true) return {};
    if (decided === false) {
      return refusal('not_waiting', 'its question was decided before, or is not asked any more');
    }
    try {
      await perform(run.handle, request);
      return {};
    } catch (error) {
      if (!run.isOpen) return undefined;
      const code = isStratagemError(error) ? error.code : 'invalid_option';
      if (ELSEWHERE.test(code)) return undefined;
      const { isDone, isTakenOver } = await findEvidence(this.#queue, request, events.length);
      if (isTakenOver) return undefined;
      if (MAYBE_DONE.has(code) && isDone) return {};
      return refusal(code, isStratagemError(error) ? error.message : describe(error));
    }
  }
}

/** Calls the method of the handle; resolves when its effect is durable. */
async function perform(handle: RunHandle, { action }: PendingRequest): Promise<void> {
  switch (action.control) {
    case 'cancel': {
      handle.cancel(action.reason);
      const { status, error } = await handle.result;
      if (isStratagemError(error) && ELSEWHERE.test(error.code)) throw error;
      if (status === 'canceled') return;
      throw new StratagemError('run_ended', `the run has ended: it is ${status}`);
    }
    case 'pause':
      return handle.pause();
    case 'resume':
      return handle.resume();
    case 'setMaxParallel':
      return handle.setMaxParallel(action.maxParallel ?? Number.POSITIVE_INFINITY);
    case 'answer':
      return handle.answer(action.taskId, decodeValue(action.answer));
    case 'approve':
      return handle.approve(action.taskId, action.callId);
    case 'reject':
      return handle.reject(action.taskId, action.reason, action.callId);
    case 'cancelTask':
      return handle.cancelTask(action.taskId, action.reason);
    case 'skipTask':
      return handle.skipTask(action.taskId, action.reason);
    default: {
      const { control } = action as { readonly control: string };
      throw new StratagemError(
        'invalid_option',
        `this coordinator does not know "${control}": update it`,
      );
    }
  }
}

/** Whether a run has ended and was opened again since it had so many events. */
function endedSince(events: readonly EventData[], position: number): boolean {
  return events.slice(position).some(({ type }) => ENDS.has(type));
}

function refusal(code: string, message: string): RunReply {
  return { error: { code, message } };
}
