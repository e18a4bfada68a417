import { isStratagemError, StratagemError } from '../contract/errors.js';
import type { RunObserver, TraceContext } from '../contract/instrumentation.js';
import type { InterruptOptions } from '../contract/interrupt.js';
import type { RunJournal } from '../contract/journal.js';
import type { OpenQuestion } from '../contract/open-question.js';
import type { OutputPart } from '../contract/output-part.js';
import type { Task } from '../contract/task.js';
import { wrapCorruptLog } from '../journal/corrupt-log.js';
import { journalFailure, WriteAheadLog } from '../journal/write-ahead-log.js';
import type { Command } from '../kernel/command.js';
import { Kernel } from '../kernel/kernel.js';
import type { RecordedRun } from '../kernel/recorded-run.js';
import { createResult, type PlanResult } from '../state/result.js';
import { empty } from '../util/array.js';
import { Acknowledgements } from './acknowledgements.js';
import { ActiveAttempts } from './active-attempts.js';
import { HumanAnswers } from './answers.js';
import { applyInput, applyInputWithin, type RunParts } from './apply-input.js';
import type { Attempt } from './attempt.js';
import type { AttemptInbox } from './attempt-facts.js';
import { dropAborted } from './commands.js';
import { takeEarlyStarts } from './early-starts.js';
import type { EventStream } from './event-stream.js';
import { type Input, inOrderOfStart } from './input.js';
import { Interruption } from './interruption.js';
import { Listeners } from './listeners.js';
import type { OutputRelease } from './output-release.js';
import { ProcessCarrier } from './process-carrier.js';
import { durableState, settleAborted } from './run-end.js';
import type { RunRecord, RunSettings } from './settings.js';
import { Borrower } from './shared-places.js';
import { TaskAdditions } from './task-additions.js';
import { TaskControl } from './task-control.js';
import { WorkLoop } from './work-loop.js';

/**
 * Drives a kernel in this process: gives it the time and the reports of attempts, carries out its
 * commands, and publishes its events.
 */
export class Run<Outputs> extends WorkLoop implements AttemptInbox {
  /** Never rejects: how the run ended is in the result. */
  readonly result: Promise<PlanResult<Outputs>>;

  readonly #settings: RunSettings;
  readonly #kernel: Kernel;
  readonly #listeners: Listeners;
  /** The carrier, where attempts run in this process. */
  readonly #own: ProcessCarrier | undefined;
  readonly #attempts: ActiveAttempts;
  readonly #additions: TaskAdditions;
  readonly #acknowledgements: Acknowledgements;
  readonly #answers: HumanAnswers;
  readonly #control: TaskControl;
  readonly #interruption: Interruption;
  /** In a run that shares places with others. */
  readonly #borrower: Borrower | undefined;
  /** In a run that keeps the final outputs alone. */
  #release: OutputRelease | undefined;
  #releaseLoaded: Promise<void> | undefined;
  /** The same, for the input that is applied. */
  readonly #parts: RunParts;
  readonly #onAbort = () => this.cancel(this.#settings.signal?.reason);
  #journal: RunJournal | undefined;
  #resolve!: (result: PlanResult<Outputs>) => void;
  /** Tasks with a lower index are in the journal, where there is one. */
  #durableTasks = 0;
  /** Set at once, so that nothing starts before the kernel hears of the cancellation. */
  #isCanceling = false;

  /**
   * The run begins after the caller's own turn, so that the caller can listen and cancel first.
   *
   * @throws {JournalError} when its recorded log cannot be understood.
   */
  constructor(settings: RunSettings) {
    super();
    const { runners, signal, record } = settings;
    this.#settings = settings;
    const { places } = settings;
    const observer = observerOf(settings);
    this.#borrower = places && new Borrower(places, () => this.takeFromOutside({ type: 'turn' }));
    this.#kernel = new Kernel({
      ...settings,
      trace: observer?.trace,
      loan: this.#borrower?.loan(false),
      beginsLater: settings.carrier?.beginsLater,
      onSettled: record === undefined ? () => this.#listeners.publish() : undefined,
      resourceOf: runners.resourceOf,
      usualResource: runners.usualResource,
      serverOf: runners.serverOf,
      isLeft: () => this.isOver,
    });
    const { log, state } = this.#kernel;
    this.#listeners = new Listeners(log, settings, observer);
    const { runId, codecs, attachments } = settings;
    this.ahead =
      record &&
      new WriteAheadLog(
        { ...record, runId, codecs, attachments, goalState: settings.plan.goalState },
        state,
      );
    this.#own = settings.carrier === undefined ? this.#processCarrier() : undefined;
    this.#attempts = new ActiveAttempts(settings, this.#kernel, this.#own, this, observer);
    const takeFromOutside = (input: Input) => this.takeFromOutside(input);
    this.#additions = new TaskAdditions(settings, this.#kernel, takeFromOutside);
    this.#acknowledgements = new Acknowledgements(record !== undefined);
    this.#answers = new HumanAnswers(
      this.#kernel,
      this.ahead,
      this.#acknowledgements,
      takeFromOutside,
      settings,
    );
    this.#interruption = new Interruption(runId, record !== undefined);
    this.#control = new TaskControl(this.#kernel, this.#acknowledgements, takeFromOutside);
    this.#parts = {
      kernel: this.#kernel,
      attempts: this.#attempts,
      additions: this.#additions,
      answers: this.#answers,
      control: this.#control,
      interruption: this.#interruption,
      ahead: this.ahead,
    };
    this.result = new Promise((resolve) => {
      this.#resolve = resolve;
    });
    if (signal?.aborted) this.takeFromOutside({ type: 'cancel', reason: signal.reason });
    else signal?.addEventListener('abort', this.#onAbort, { once: true });
    if (settings.outputs === 'final') this.#releaseLoaded = this.#loadRelease();
    void this.prepare();
    if (record === undefined) queueMicrotask(() => this.#begin());
    else {
      if (record.past !== undefined) this.#recover(record.past);
      this.#open(record);
    }
  }

  get runId(): string {
    return this.#settings.runId;
  }

  get events(): EventStream {
    return this.#listeners.stream;
  }

  #processCarrier(): ProcessCarrier {
    const { runners, toolbox, instrumentation } = this.#settings;
    return new ProcessCarrier(runners, toolbox, instrumentation);
  }

  /** Loaded when it is needed: most runs keep their outputs. It starts at the beginning of the log. */
  async #loadRelease(): Promise<void> {
    const { OutputRelease } = await import('./output-release.js');
    this.#release = new OutputRelease(this.#kernel.state, this.#settings.plan);
    // Events that are not in the journal yet need their outputs.
    if (this.isOver || this.ahead === undefined) this.#release.follow();
  }

  async #open({ open, redact }: RunRecord): Promise<void> {
    // A redacted output is no answer to any request.
    if (redact === undefined) this.#attempts.loadKeys();
    try {
      this.#journal = await open();
    } catch (thrown) {
      this.fail(isStratagemError(thrown) ? thrown : journalFailure(this.runId, thrown));
      return;
    }
    const opening = this.ahead?.openTo(this.#journal);
    if (opening !== undefined) await opening;
    if (this.#kernel.ended) this.#finish();
    else this.#begin();
  }

  #begin(): void {
    this.start((inputs) => inOrderOfStart(inputs, this.#interruption));
  }

  /** Recorded events were published by another process; the result has them all the same. */
  #recover({ log, fold, isNew = false, ...options }: RecordedRun): void {
    this.clock.notBefore(log.at(-1)?.timestamp ?? 0);
    wrapCorruptLog(this.runId, () => this.#kernel.recoverWith(fold, log, options));
    this.ahead?.continueAt(this.#kernel.log.length);
    if (!isNew) this.#listeners.continueAt(this.#kernel.log.length);
  }

  #continueAt(position: number): void {
    this.ahead?.continueAt(position);
    this.#listeners.continueAt(position);
  }

  // --- What the handle and attempts ask for ---

  cancel(reason?: unknown): void {
    this.#isCanceling = true;
    this.takeFromOutside({ type: 'cancel', reason });
  }

  pause(): Promise<void> {
    return this.#control.change({ type: 'pause' });
  }

  resume(): Promise<void> {
    return this.#control.change({ type: 'resume' });
  }

  setMaxParallel(maxParallel: number): Promise<void> {
    return this.#control.change({ type: 'maxParallel', maxParallel });
  }

  answer(taskId: string, answer: unknown, callId?: string): Promise<void> {
    return this.#answers.answer(taskId, answer, callId);
  }

  reject(taskId: string, reason?: unknown, callId?: string): Promise<void> {
    return this.#answers.reject(taskId, reason, callId);
  }

  /** @throws {OptionError} when an option is invalid, or the run could not be resumed. */
  interrupt(options: InterruptOptions = {}): Promise<PlanResult<Outputs>> {
    this.#interruption.check(options);
    const { drain = false, timeoutMs } = options;
    if (!drain) this.#isCanceling = true;
    if (this.isOver) return this.result;
    this.takeFromOutside({ type: 'interrupt', isDraining: drain });
    if (timeoutMs !== undefined) this.#interruption.endAfter(timeoutMs, () => this.interrupt());
    return this.result;
  }

  openQuestions(): OpenQuestion[] {
    return this.failure === undefined ? this.#answers.openQuestions() : [];
  }

  cancelTask(taskId: string, reason?: unknown): Promise<void> {
    return this.#control.end('cancelTask', taskId, reason, this.hasStarted);
  }

  skipTask(taskId: string, reason?: unknown): Promise<void> {
    return this.#control.end('skipTask', taskId, reason, this.hasStarted);
  }

  meetCriterion(name: string): Promise<void> {
    return this.#control.meetCriterion(name);
  }

  /** @param attempt The attempt that adds them, if one does. */
  addTasks(attempt: Attempt | undefined, tasks: readonly Task[]): void {
    const isOver = this.isOver || this.#kernel.ended || this.#isCanceling;
    if (attempt?.isOver || isOver) {
      const message = 'addTasks(): it is over, nothing can be added any more';
      throw new StratagemError('run_ended', message);
    }
    this.#additions.add(tasks, attempt?.index ?? -1, attempt?.attempt ?? 0);
  }

  get hasListeners(): boolean {
    const { onEvent, wantsText } = this.#settings;
    return (onEvent !== undefined && wantsText) || this.events.hasReaders;
  }

  takeOutput(attempt: Attempt, part: OutputPart): Promise<void> | undefined {
    this.takeFromOutside({ type: 'output', attempt, part });
    return this.backpressure() ?? this.events.pressure();
  }

  now(): number {
    return this.clock.now();
  }

  // --- Steps ---

  protected get nextWake(): number {
    return this.#kernel.nextWake;
  }

  protected apply(input: Input, now: number): void {
    if (this.#borrower !== undefined) applyInputWithin(this.#borrower, this.#parts, input, now);
    else if (input.type !== 'completed' || this.ahead?.mustPrepare(input.result.output)) {
      applyInput(this.#parts, input, now);
    } else {
      const { attempt, result } = input;
      const isTaken = this.#kernel.completed(attempt.index, attempt.attempt, result, now);
      if (isTaken) this.#attempts.leave(attempt);
    }
  }

  protected startEarly(): void {
    // A journal may say so late, after its append has failed and ended the run.
    if (this.isOver) return;
    // An instrumentation sees the start of an attempt before its work.
    if (this.#own === undefined || this.#isCanceling || this.#settings.instrumentation) return;
    for (const command of takeEarlyStarts(this.#kernel, this.#durableTasks)) {
      this.#attempts.launch(command, this.clock.lastTime);
    }
  }

  protected carryOut(): void {
    this.#durableTasks = this.#kernel.graph.size;
    if (this.#acknowledgements.hasPending) this.#acknowledgements.flush();
    // Only several inputs that were written together can both start an attempt and abort it.
    if (this.#kernel.commands.length > 1 && this.ahead !== undefined) {
      dropAborted(this.#kernel.commands);
    }
    if (this.#listeners.areSilent) this.events.published = this.#kernel.log.length;
    else this.#listeners.publish();
    this.#release?.follow();
    if (this.#attempts.hasSettled) this.#attempts.forgetSettled();
    if (this.#kernel.commands.length > 0) this.#runCommands();
    if (this.#settings.timeline === 'stream' && this.#kernel.dropPublishedOutput()) {
      this.#continueAt(this.#kernel.log.length);
      this.#release?.continueAt(this.#kernel.log.length);
    }
    if (this.#kernel.ended) this.#finish();
    else if (this.#interruption.hasBegun && this.#interruption.isDue(this.#attempts)) {
      this.fail(this.#interruption.error());
    }
  }

  #runCommands(): void {
    const { commands } = this.#kernel;
    for (let position = 0; position < commands.length; position++) {
      const command = commands[position] as Command;
      switch (command.type) {
        case 'abort':
          this.#attempts.cancel(command.index, command.attempt, command.error);
          break;
        case 'decide':
          this.#attempts.decide(command.index, command.attempt, command.key, command.decision);
          break;
        case 'abort_replan':
          this.#additions.abortRound(command.error);
          break;
        case 'replan':
          if (!this.#isCanceling && !this.#interruption.hasBegun) {
            this.#additions.beginRound(command);
          }
          break;
        case 'start':
          if (!this.#isCanceling) this.#attempts.launch(command, this.clock.lastTime);
      }
    }
    empty(commands);
  }

  // --- The end ---

  /**
   * The journal failed: events that were not written have not happened, and nothing more will. Or this
   * process ends its part in the run: all that has happened is written.
   */
  protected fail(failure: StratagemError): void {
    this.refuseInputs(failure);
    this.#attempts.detachAll(failure);
    this.#additions.abortRound(failure);
    this.#acknowledgements.flush(failure);
    this.#finish();
  }

  #finish(): void {
    if (this.isOver) return;
    this.stop();
    this.#listeners.end();
    const { plan, strategy, signal, timeline } = this.#settings;
    this.#borrower?.leave();
    signal?.removeEventListener('abort', this.#onAbort);
    const result = createResult<Outputs>({
      runId: this.runId,
      goal: plan.goal,
      strategy: strategy.name,
      planOutputs: plan.outputs,
      state:
        this.failure === undefined
          ? this.#kernel.state
          : durableState(plan, this.#kernel.log, this.ahead?.durable),
      timeline: timeline === 'keep' ? undefined : [],
      listenerErrors: this.#listeners.errors,
      failure: this.failure,
      failureStatus: this.failure?.code === 'run_interrupted' ? 'interrupted' : 'failed',
    });
    this.#interruption.stop();
    const end = () => {
      this.events.end();
      this.#resolve(result);
    };
    // The caller closes a carrier of its own.
    this.#attempts.close();
    const isWaiting = this.#own?.hasAborted ?? false;
    // The caller may resume the run as soon as it has the result.
    if (isWaiting) this.#endAfterAborted().then(end);
    else if (this.#settings.record !== undefined) this.#closeJournal().then(end);
    else if (this.#releaseLoaded !== undefined) this.#releaseLoaded.then(end);
    else end();
  }

  /** The lease is kept until aborted work has ended: it must not run twice at once. */
  async #endAfterAborted(): Promise<void> {
    await settleAborted(this.#own as ProcessCarrier, this.#settings, this.#listeners.errors);
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

/** Lets the instrumentation of a run know that it begins here. */
function observerOf(settings: RunSettings): RunObserver | undefined {
  const { instrumentation, runId, plan, strategy, record } = settings;
  const past = record?.past;
  return instrumentation?.beginRun({
    ...{ runId, plan, strategy: strategy.name },
    trace: past?.log[0]?.trace as TraceContext | undefined,
    isResumed: past !== undefined,
  });
}
