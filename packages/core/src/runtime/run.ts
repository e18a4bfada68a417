import { isStratagemError, StratagemError } from '../contract/errors.js';
import type { InterruptOptions } from '../contract/interrupt.js';
import type { RunJournal } from '../contract/journal.js';
import type { OpenQuestion } from '../contract/open-question.js';
import type { OutputPart } from '../contract/output-part.js';
import type { Task } from '../contract/task.js';
import { wrapCorruptLog } from '../journal/corrupt-log.js';
import { journalFailure } from '../journal/write-ahead-log.js';
import type { RecordedRun } from '../kernel/recorded-run.js';
import { createResult, type PlanResult } from '../state/result.js';
import type { Attempt } from './attempt.js';
import type { AttemptInbox } from './attempt-facts.js';
import type { EventStream } from './event-stream.js';
import { inOrderOfStart } from './input.js';
import type { ProcessCarrier } from './process-carrier.js';
import { durableState, settleAborted } from './run-end.js';
import { createParts, type RunParts } from './run-parts.js';
import type { RunRecord, RunSettings } from './settings.js';
import { WorkLoop } from './work-loop.js';

/**
 * Drives a kernel in this process. How it begins, what its handle and its attempts may ask of it, and how
 * it ends are here; its steps are those of the loop.
 */
export class Run<Outputs> extends WorkLoop implements AttemptInbox {
  /** Never rejects: how the run ended is in the result. */
  readonly result: Promise<PlanResult<Outputs>>;

  protected readonly settings: RunSettings;
  protected readonly parts: RunParts;
  #releaseLoaded: Promise<void> | undefined;
  readonly #onAbort = () => this.cancel(this.settings.signal?.reason);
  #journal: RunJournal | undefined;
  #resolve!: (result: PlanResult<Outputs>) => void;

  /**
   * The run begins after the caller's own turn, so that the caller can listen and cancel first.
   *
   * @param past What is recorded of a run that is resumed. It is not kept: it takes as much memory as the log itself.
   * @throws {JournalError} when its recorded log cannot be understood.
   */
  constructor(settings: RunSettings, past?: RecordedRun) {
    super();
    const { signal, record } = settings;
    this.settings = settings;
    this.parts = createParts(settings, this, past);
    this.result = new Promise((resolve) => {
      this.#resolve = resolve;
    });
    if (signal?.aborted) this.takeFromOutside({ type: 'cancel', reason: signal.reason });
    else signal?.addEventListener('abort', this.#onAbort, { once: true });
    if (settings.outputs === 'final') this.#releaseLoaded = this.#loadRelease();
    void this.prepare();
    if (record === undefined) queueMicrotask(() => this.#begin());
    else {
      if (past !== undefined) this.#recover(past);
      this.#open(record);
    }
  }

  get runId(): string {
    return this.settings.runId;
  }

  get events(): EventStream {
    return this.parts.listeners.stream;
  }

  /** Loaded when it is needed: most runs keep their outputs. It starts at the beginning of the log. */
  async #loadRelease(): Promise<void> {
    const { OutputRelease } = await import('./output-release.js');
    this.release = new OutputRelease(this.parts.kernel.state, this.settings.plan);
    // Events that are not in the journal yet need their outputs.
    if (this.isOver || this.parts.ahead === undefined) this.release.follow();
  }

  async #open({ open, redact }: RunRecord): Promise<void> {
    // A redacted output is no answer to any request.
    if (redact === undefined) this.parts.attempts.loadKeys();
    try {
      this.#journal = await open();
    } catch (thrown) {
      this.fail(isStratagemError(thrown) ? thrown : journalFailure(this.runId, thrown));
      return;
    }
    const opening = this.parts.ahead?.openTo(this.#journal);
    if (opening !== undefined) await opening;
    if (this.parts.kernel.ended) this.finish();
    else this.#begin();
  }

  #begin(): void {
    // The past of a fork, before the rows in it are forgotten.
    this.parts.listeners.publish();
    this.start((inputs) => inOrderOfStart(inputs, this.parts.interruption));
  }

  /** Recorded events were published by another process; the result has them all the same. */
  #recover({ log, fold, isNew = false, ...options }: RecordedRun): void {
    this.clock.notBefore(log.at(-1)?.timestamp ?? 0);
    wrapCorruptLog(this.runId, () => this.parts.kernel.recoverWith(fold, log, options));
    this.parts.ahead?.continueAt(this.parts.kernel.log.length);
    if (!isNew) this.parts.listeners.continueAt(this.parts.kernel.log.length);
  }

  // --- What the handle and attempts ask for ---

  cancel(reason?: unknown): void {
    this.isCanceling = true;
    this.takeFromOutside({ type: 'cancel', reason });
  }

  pause(): Promise<void> {
    return this.parts.control.change({ type: 'pause' });
  }

  resume(): Promise<void> {
    return this.parts.control.change({ type: 'resume' });
  }

  setMaxParallel(maxParallel: number): Promise<void> {
    return this.parts.control.change({ type: 'maxParallel', maxParallel });
  }

  answer(taskId: string, answer: unknown, callId?: string): Promise<void> {
    return this.parts.answers.answer(taskId, answer, callId);
  }

  reject(taskId: string, reason?: unknown, callId?: string): Promise<void> {
    return this.parts.answers.reject(taskId, reason, callId);
  }

  /** @throws {OptionError} when an option is invalid, or the run could not be resumed. */
  interrupt(options: InterruptOptions = {}): Promise<PlanResult<Outputs>> {
    this.parts.interruption.check(options);
    const { drain = false, timeoutMs } = options;
    if (!drain) this.isCanceling = true;
    if (this.isOver) return this.result;
    this.takeFromOutside({ type: 'interrupt', isDraining: drain });
    if (timeoutMs !== undefined)
      this.parts.interruption.endAfter(timeoutMs, () => this.interrupt());
    return this.result;
  }

  openQuestions(): OpenQuestion[] {
    return this.failure === undefined ? this.parts.answers.openQuestions() : [];
  }

  cancelTask(taskId: string, reason?: unknown): Promise<void> {
    return this.parts.control.end('cancelTask', taskId, reason, this.hasStarted);
  }

  skipTask(taskId: string, reason?: unknown): Promise<void> {
    return this.parts.control.end('skipTask', taskId, reason, this.hasStarted);
  }

  meetCriterion(name: string): Promise<void> {
    return this.parts.control.meetCriterion(name);
  }

  /** @param attempt The attempt that adds them, if one does. */
  addTasks(attempt: Attempt | undefined, tasks: readonly Task[]): void {
    const isOver = this.isOver || this.parts.kernel.ended || this.isCanceling;
    if (attempt?.isOver || isOver) {
      const message = 'addTasks(): it is over, nothing can be added any more';
      throw new StratagemError('run_ended', message);
    }
    this.parts.additions.add(tasks, attempt?.index ?? -1, attempt?.attempt ?? 0);
  }

  get hasListeners(): boolean {
    const { onEvent, wantsText } = this.settings;
    return (onEvent !== undefined && wantsText) || this.events.hasReaders;
  }

  takeOutput(attempt: Attempt, part: OutputPart): Promise<void> | undefined {
    this.takeFromOutside({ type: 'output', attempt, part });
    return this.backpressure() ?? this.events.pressure();
  }

  now(): number {
    return this.clock.now();
  }

  // --- The end ---

  /**
   * The journal failed: events that were not written have not happened, and nothing more will. Or this
   * process ends its part in the run: all that has happened is written.
   */
  protected fail(failure: StratagemError): void {
    this.refuseInputs(failure);
    this.parts.attempts.detachAll(failure);
    this.parts.additions.abortRound(failure);
    this.parts.acknowledgements.flush(failure);
    this.finish();
  }

  protected finish(): void {
    if (this.isOver) return;
    this.stop();
    this.parts.listeners.end();
    const { plan, strategy, signal, timeline } = this.settings;
    this.parts.borrower?.leave();
    signal?.removeEventListener('abort', this.#onAbort);
    const result = createResult<Outputs>({
      runId: this.runId,
      goal: plan.goal,
      strategy: strategy.name,
      planOutputs: plan.outputs,
      state:
        this.failure === undefined
          ? this.parts.kernel.state
          : durableState(plan, this.parts.kernel.log, this.parts.ahead?.durable),
      timeline: timeline === 'keep' ? undefined : [],
      listenerErrors: this.parts.listeners.errors,
      failure: this.failure,
      failureStatus: this.failure?.code === 'run_interrupted' ? 'interrupted' : 'failed',
    });
    this.parts.interruption.stop();
    void this.parts.items.close();
    const end = () => {
      this.events.end();
      this.#resolve(result);
    };
    // The caller closes a carrier of its own.
    this.parts.attempts.close();
    const isWaiting = this.parts.own?.hasAborted ?? false;
    // The caller may resume the run as soon as it has the result.
    if (isWaiting) this.#endAfterAborted().then(end);
    else if (this.settings.record !== undefined) this.#closeJournal().then(end);
    else if (this.#releaseLoaded !== undefined) this.#releaseLoaded.then(end);
    else end();
  }

  /** The lease is kept until aborted work has ended: it must not run twice at once. */
  async #endAfterAborted(): Promise<void> {
    await settleAborted(
      this.parts.own as ProcessCarrier,
      this.settings,
      this.parts.listeners.errors,
    );
    await this.#closeJournal();
  }

  async #closeJournal(): Promise<void> {
    await this.#releaseLoaded;
    try {
      await this.#journal?.close();
    } catch {
      // Everything is written; a lease that cannot be given back expires.
    }
  }
}
