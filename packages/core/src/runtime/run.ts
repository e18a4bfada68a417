import type { AttemptCarrier } from '../contract/carrier.js';
import { isStratagemError, OptionError, StratagemError } from '../contract/errors.js';
import type { TaskWaiting } from '../contract/event.js';
import { checkInterrupt, type InterruptOptions } from '../contract/interrupt.js';
import type { RunJournal } from '../contract/journal.js';
import type { OpenQuestion } from '../contract/open-question.js';
import type { OutputPart } from '../contract/output-part.js';
import type { Task } from '../contract/task.js';
import { Graph } from '../graph/graph.js';
import { wrapCorruptLog } from '../journal/corrupt-log.js';
import { journalFailure, WriteAheadLog } from '../journal/write-ahead-log.js';
import type { Command } from '../kernel/command.js';
import { Kernel } from '../kernel/kernel.js';
import type { RecordedRun } from '../kernel/recorded-run.js';
import { createResult, type PlanResult } from '../state/result.js';
import { RunState } from '../state/run-state.js';
import { empty } from '../util/array.js';
import { Floodgate } from '../util/gate.js';
import { Queue } from '../util/queue.js';
import { MAX_TIMER_MS } from '../util/timer.js';
import { Acknowledgements } from './acknowledgements.js';
import { ActiveAttempts, type AttemptInbox } from './active-attempts.js';
import { HumanAnswers } from './answers.js';
import { applyInputWithin, type RunParts } from './apply-input.js';
import type { Attempt } from './attempt.js';
import { RunClock } from './clock.js';
import { dropAborted } from './commands.js';
import type { EventStream } from './event-stream.js';
import { type Input, inOrderOfStart } from './input.js';
import { Listeners } from './listeners.js';
import type { OutputRelease } from './output-release.js';
import { ProcessCarrier } from './process-carrier.js';
import type { RunRecord, RunSettings } from './settings.js';
import { Borrower } from './shared-places.js';
import { TaskAdditions } from './task-additions.js';
import { TaskControl } from './task-control.js';
import { Worker } from './worker.js';

/** With more inputs than this waiting, attempts that report are asked to wait. */
const MAX_WAITING = 50;

/**
 * Drives a kernel in this process: gives it the time and the reports of attempts, carries out its
 * commands, and publishes its events. Inputs are queued and applied one by one, so that a runner or
 * listener that calls back in the middle of a step does no harm.
 */
export class Run<Outputs> implements AttemptInbox {
  /** Never rejects: how the run ended is in the result. */
  readonly result: Promise<PlanResult<Outputs>>;

  readonly #settings: RunSettings;
  readonly #kernel: Kernel;
  readonly #clock: RunClock;
  readonly #listeners: Listeners;
  readonly #carrier: AttemptCarrier;
  /** The carrier, where attempts run in this process. */
  readonly #own: ProcessCarrier | undefined;
  readonly #attempts: ActiveAttempts;
  readonly #additions: TaskAdditions;
  readonly #acknowledgements: Acknowledgements;
  readonly #answers: HumanAnswers;
  readonly #control: TaskControl;
  /** In a run that shares places with others. */
  readonly #borrower: Borrower | undefined;
  /** In a run that keeps the final outputs alone. */
  #release: OutputRelease | undefined;
  #releaseLoaded: Promise<void> | undefined;
  /** The same, for the input that is applied. */
  readonly #parts: RunParts;
  readonly #onAbort = () => this.cancel(this.#settings.signal?.reason);
  /** In a run with a journal. */
  readonly #ahead: WriteAheadLog | undefined;
  #journal: RunJournal | undefined;
  /** Why the run cannot go on in this process. */
  #failure: StratagemError | undefined;
  /** Set once this process ends its part in the run; true while attempts in flight may finish. */
  #isDraining: boolean | undefined;
  #drainTimer: ReturnType<typeof setTimeout> | undefined;
  #resolve!: (result: PlanResult<Outputs>) => void;
  readonly #inbox = new Queue<Input>();
  #isWorking = false;
  /** Inputs were applied that are committed in the next turn of the event loop. */
  #isCommitDue = false;
  #wakeLoop!: () => void;
  /** Holds back attempts that report faster than the run can take it. */
  readonly #gate = new Floodgate();
  /** Set at once, so that nothing starts before the kernel hears of the cancellation. */
  #isCanceling = false;
  #isOver = false;

  /**
   * The run begins after the caller's own turn, so that the caller can listen and cancel first.
   *
   * @throws {JournalError} when its recorded log cannot be understood.
   */
  constructor(settings: RunSettings) {
    const { runners, signal, record } = settings;
    this.#settings = settings;
    this.#clock = new RunClock(() => this.take({ type: 'wake' }));
    const { places } = settings;
    this.#borrower = places && new Borrower(places, () => this.takeFromOutside({ type: 'turn' }));
    this.#kernel = new Kernel({
      ...settings,
      loan: this.#borrower?.loan(false),
      beginsLater: settings.carrier?.beginsLater,
      onSettled: record === undefined ? () => this.#listeners.publish() : undefined,
      resourceOf: (task) => runners.resourceOf(task),
    });
    const { log, state } = this.#kernel;
    this.#listeners = new Listeners(log, settings.timeline === 'keep', settings.onEvent);
    const { runId, codecs } = settings;
    this.#ahead =
      record &&
      new WriteAheadLog({ ...record, runId, codecs, goalState: settings.plan.goalState }, state);
    this.#own = settings.carrier === undefined ? this.#processCarrier() : undefined;
    this.#carrier = settings.carrier ?? (this.#own as ProcessCarrier);
    this.#attempts = new ActiveAttempts(settings, this.#kernel, this.#carrier, this);
    const takeFromOutside = (input: Input) => this.takeFromOutside(input);
    this.#additions = new TaskAdditions(settings, this.#kernel, takeFromOutside);
    this.#acknowledgements = new Acknowledgements(record !== undefined);
    this.#answers = new HumanAnswers(
      this.#kernel,
      this.#ahead,
      this.#acknowledgements,
      takeFromOutside,
      settings,
    );
    this.#control = new TaskControl(this.#kernel, this.#acknowledgements, takeFromOutside);
    this.#parts = {
      kernel: this.#kernel,
      attempts: this.#attempts,
      additions: this.#additions,
      answers: this.#answers,
      control: this.#control,
      ahead: this.#ahead,
    };
    this.result = new Promise((resolve) => {
      this.#resolve = resolve;
    });
    if (signal?.aborted) this.#inbox.push({ type: 'cancel', reason: signal.reason });
    else signal?.addEventListener('abort', this.#onAbort, { once: true });
    if (settings.outputs === 'final') this.#releaseLoaded = this.#loadRelease();
    this.#isWorking = true;
    void this.#workWhenWoken();
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
    const { runners, toolbox } = this.#settings;
    return new ProcessCarrier(new Worker(runners, toolbox), (call) => call as Attempt);
  }

  #begin(): void {
    for (const input of inOrderOfStart(this.#takeInbox())) this.#inbox.push(input);
    this.#work();
  }

  /** Loaded when it is needed: most runs keep their outputs. It starts at the beginning of the log. */
  async #loadRelease(): Promise<void> {
    const { OutputRelease } = await import('./output-release.js');
    this.#release = new OutputRelease(this.#kernel.state, this.#settings.plan);
    // Events that are not in the journal yet need their outputs.
    if (this.#isOver || this.#ahead === undefined) this.#release.follow();
  }

  async #open({ open }: RunRecord): Promise<void> {
    try {
      this.#journal = await open();
    } catch (thrown) {
      this.#fail(isStratagemError(thrown) ? thrown : journalFailure(this.runId, thrown));
      return;
    }
    const opening = this.#ahead?.openTo(this.#journal);
    if (opening !== undefined) await opening;
    if (this.#kernel.ended) this.#finish();
    else this.#begin();
  }

  /** Recorded events were published by another process; the result has them all the same. */
  #recover({ log, fold, ...options }: RecordedRun): void {
    this.#clock.notBefore(log.at(-1)?.timestamp ?? 0);
    wrapCorruptLog(this.runId, () => this.#kernel.recoverWith(fold, log, options));
    this.#continueAt(this.#kernel.log.length);
  }

  #continueAt(position: number): void {
    this.#ahead?.continueAt(position);
    this.#listeners.continueAt(position);
  }

  // --- What the handle and attempts ask for ---

  cancel(reason?: unknown): void {
    this.#isCanceling = true;
    this.takeFromOutside({ type: 'cancel', reason });
  }

  pause(): void {
    this.takeFromOutside({ type: 'pause' });
  }

  resume(): void {
    this.takeFromOutside({ type: 'resume' });
  }

  setMaxParallel(maxParallel: number): void {
    this.takeFromOutside({ type: 'maxParallel', maxParallel });
  }

  answer(taskId: string, answer: unknown): Promise<void> {
    return this.#answers.answer(taskId, answer);
  }

  reject(taskId: string, reason?: unknown): Promise<void> {
    return this.#answers.reject(taskId, reason);
  }

  /** @throws {OptionError} when an option is invalid, or the run could not be resumed. */
  interrupt(options: InterruptOptions = {}): Promise<PlanResult<Outputs>> {
    checkInterrupt(options);
    if (this.#settings.record === undefined) {
      const message =
        'interrupt() needs a journal from which the run can be resumed; without one, use cancel()';
      throw new OptionError(message);
    }
    const { drain = false, timeoutMs } = options;
    if (!drain) this.#isCanceling = true;
    if (this.#isOver) return this.result;
    this.takeFromOutside({ type: 'interrupt', isDraining: drain });
    if (timeoutMs !== undefined) {
      clearTimeout(this.#drainTimer);
      this.#drainTimer = setTimeout(() => void this.interrupt(), Math.min(timeoutMs, MAX_TIMER_MS));
    }
    return this.result;
  }

  /** The human steps that wait, as far as the journal has them. */
  openQuestions(): OpenQuestion[] {
    const { state, log, ended } = this.#kernel;
    const durable = this.#ahead?.durable ?? log.length;
    if (ended || this.#failure !== undefined) return [];
    const open = [...state.questions.values()].filter(({ position }) => position < durable);
    return open.map(({ position }) => {
      const { taskId, question, kind, timestamp, timeoutMs } = log.objectAt(
        position,
      ) as TaskWaiting;
      const limit = timeoutMs === undefined ? {} : { timeoutMs };
      return { taskId, question, kind, since: timestamp, ...limit };
    });
  }

  cancelTask(taskId: string, reason?: unknown): Promise<void> {
    return this.#control.end('cancelTask', taskId, reason);
  }

  skipTask(taskId: string, reason?: unknown): Promise<void> {
    return this.#control.end('skipTask', taskId, reason);
  }

  /** @param attempt The attempt that adds them, if one does. */
  addTasks(attempt: Attempt | undefined, tasks: readonly Task[]): void {
    if (attempt?.isOver || this.#kernel.ended || this.#isCanceling) {
      const message = 'addTasks(): it is over, nothing can be added any more';
      throw new StratagemError('run_ended', message);
    }
    this.#additions.add(tasks, attempt?.index ?? -1, attempt?.attempt ?? 0);
  }

  get hasListeners(): boolean {
    return this.#settings.onEvent !== undefined || this.events.hasReaders;
  }

  takeOutput(attempt: Attempt, part: OutputPart): Promise<void> | undefined {
    this.takeFromOutside({ type: 'output', attempt, part });
    return this.#inbox.size > MAX_WAITING ? this.#gate.close() : this.events.pressure();
  }

  now(): number {
    return this.#clock.now();
  }

  // --- The work loop ---

  /** Takes an input from code that runs in the run's own asynchronous context. */
  take(input: Input): void {
    if (this.#enqueue(input)) this.#startWork();
  }

  /**
   * Takes an input from any other code. Only wakes the loop that began with the run: tasks and
   * listeners must not run in the asynchronous context, such as the tenant or the trace, of whoever
   * approves or pauses.
   */
  takeFromOutside(input: Input): void {
    if (this.#enqueue(input)) this.#wakeLoop();
  }

  /** @returns Whether the work has to be started. */
  #enqueue(input: Input): boolean {
    if (this.#failure !== undefined) {
      if ('acknowledge' in input) input.acknowledge(this.#failure);
      return false;
    }
    this.#inbox.push(input);
    if (this.#isWorking) return false;
    this.#isWorking = true;
    return true;
  }

  #startWork(): void {
    if (this.#ahead === undefined) this.#work();
    // Inputs of the same turn of the event loop become one append, where it is the appends that cost.
    else if (this.#ahead.isInMemory) queueMicrotask(() => this.#work());
    else this.#workLater();
  }

  /** An asynchronous function continues in the context in which it was called. */
  async #workWhenWoken(): Promise<void> {
    while (!this.#isOver) {
      await new Promise<void>((resolve) => {
        this.#wakeLoop = resolve;
      });
      this.#startWork();
    }
  }

  /**
   * Applies inputs until there are none: input, commit, publish, commands. Without a journal each
   * input is a step of its own; with one, the events of all waiting inputs become one append, and
   * further inputs gather while that takes its time.
   */
  #work(): void {
    const ahead = this.#ahead;
    for (let isTurnOver = false; this.#inbox.size > 0 || this.#isCommitDue; ) {
      while (this.#inbox.size > 0 && !this.#isCommitDue) {
        const now = this.#clock.now();
        isTurnOver = this.#clock.isTurnOver(now);
        if (isTurnOver) break;
        const input = this.#inbox.shift() as Input;
        if (input.type === 'interrupt') this.#noteInterrupt(input.isDraining);
        applyInputWithin(this.#borrower, this.#parts, input, now);
        if (ahead === undefined) this.#carryOut();
      }
      if (ahead !== undefined) {
        // To encode a large output and to append it may each take all the time that a turn has.
        if (!this.#isCommitDue && this.#clock.isTurnLong()) {
          this.#isCommitDue = true;
          this.#workLater();
          return;
        }
        this.#isCommitDue = false;
        if (!this.#commit(ahead, isTurnOver)) return;
      }
      if (this.#gate.isClosed) this.#releaseBackpressure();
      if (isTurnOver) {
        this.#workLater();
        return;
      }
    }
    this.#isWorking = false;
    this.#setTimer();
  }

  /** The first end at once counts, whatever is asked for later. */
  #noteInterrupt(isDraining: boolean): void {
    this.#isDraining = isDraining && this.#isDraining !== false;
  }

  #takeInbox(): Input[] {
    const inputs: Input[] = [];
    while (this.#inbox.size > 0) inputs.push(this.#inbox.shift() as Input);
    return inputs;
  }

  /** @returns Whether the work can go on at once; otherwise it goes on when the append is done. */
  #commit(ahead: WriteAheadLog, isTurnOver: boolean): boolean {
    try {
      const committed = ahead.commit();
      if (committed === undefined) {
        this.#afterCommit();
        return true;
      }
      committed.then(
        () => {
          this.#afterCommit();
          this.#releaseBackpressure();
          if (isTurnOver) this.#workLater();
          else this.#work();
        },
        (failure) => this.#fail(failure),
      );
    } catch (failure) {
      this.#fail(failure as StratagemError);
    }
    return false;
  }

  #afterCommit(): void {
    this.#acknowledgements.flush();
    dropAborted(this.#kernel.commands);
    this.#carryOut();
  }

  /** Publishes the events of a step, and carries out its commands. */
  #carryOut(): void {
    this.#listeners.publish();
    this.#release?.follow();
    if (this.#attempts.hasSettled) this.#attempts.forgetSettled();
    this.#runCommands();
    if (this.#settings.timeline === 'stream' && this.#kernel.dropPublishedOutput()) {
      this.#continueAt(this.#kernel.log.length);
      this.#release?.continueAt(this.#kernel.log.length);
    }
    if (this.#kernel.ended) this.#finish();
    else if (this.#isInterrupted) this.#fail(interruption(this.runId));
  }

  /** Whether nothing keeps this process from ending its part in the run. */
  get #isInterrupted(): boolean {
    if (this.#isDraining === undefined) return false;
    return !this.#isDraining || this.#attempts.isEmpty;
  }

  #runCommands(): void {
    const { commands } = this.#kernel;
    for (let position = 0; position < commands.length; position++) {
      const command = commands[position] as Command;
      switch (command.type) {
        case 'abort':
          this.#attempts.cancel(command.index, command.attempt, command.error);
          break;
        case 'abort_replan':
          this.#additions.abortRound(command.error);
          break;
        case 'replan':
          if (!this.#isCanceling && this.#isDraining === undefined) {
            this.#additions.beginRound(command);
          }
          break;
        case 'start':
          if (!this.#isCanceling) this.#attempts.launch(command, this.#clock.lastTime);
      }
    }
    empty(commands);
  }

  #releaseBackpressure(): void {
    if (this.#inbox.size <= MAX_WAITING) this.#gate.open();
  }

  #workLater(): void {
    this.#clock.afterOtherWork(() => this.#work());
  }

  /** Wakes up when the kernel wants to be woken. */
  #setTimer(): void {
    const isAwaited = this.#failure === undefined && !this.#isOver;
    this.#clock.wakeAt(isAwaited ? this.#kernel.nextWake : Number.POSITIVE_INFINITY);
  }

  // --- The end ---

  /**
   * The journal failed: events that were not written have not happened, and nothing more will. Or this
   * process ends its part in the run: all that has happened is written.
   */
  #fail(failure: StratagemError): void {
    this.#failure = failure;
    this.#attempts.detachAll(failure);
    this.#additions.abortRound(failure);
    for (const input of this.#takeInbox()) {
      if ('acknowledge' in input) input.acknowledge(failure);
    }
    this.#acknowledgements.flush(failure);
    this.#finish();
  }

  #finish(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#gate.open();
    const { plan, strategy, signal, timeline } = this.#settings;
    this.#clock.stop();
    this.#borrower?.leave();
    signal?.removeEventListener('abort', this.#onAbort);
    const result = createResult<Outputs>({
      goal: plan.goal,
      strategy: strategy.name,
      planOutputs: plan.outputs,
      state: this.#failure === undefined ? this.#kernel.state : this.#durableState(),
      timeline: timeline === 'keep' ? undefined : [],
      listenerErrors: this.#listeners.errors,
      failure: this.#failure,
      failureStatus: this.#failure?.code === 'run_interrupted' ? 'interrupted' : 'failed',
    });
    clearTimeout(this.#drainTimer);
    const end = () => {
      this.events.end();
      this.#resolve(result);
    };
    // The caller closes a carrier of its own.
    this.#own?.close();
    const isWaiting = this.#own?.hasAborted ?? false;
    // The caller may resume the run as soon as it has the result.
    if (isWaiting) this.#endAfterAborted().then(end);
    else if (this.#settings.record !== undefined) this.#closeJournal().then(end);
    else if (this.#releaseLoaded !== undefined) this.#releaseLoaded.then(end);
    else end();
  }

  /** The lease is kept until aborted work has ended: it must not run twice at once. */
  async #endAfterAborted(): Promise<void> {
    const { abortGraceMs, onAbandoned } = this.#settings;
    const own = this.#own as ProcessCarrier;
    await own.settle(abortGraceMs);
    for (const [{ taskId, attempt }, abortedMs] of own.abandoned()) {
      try {
        onAbandoned?.({ runId: this.runId, taskId, attempt, abortedMs });
      } catch (thrown) {
        this.#listeners.errors.push(thrown);
      }
    }
    await this.#closeJournal();
  }

  /** The run as far as its journal has it. */
  #durableState(): RunState {
    const { log } = this.#kernel;
    const state = new RunState(new Graph(this.#settings.plan.tasks));
    for (const event of log.events(0, this.#ahead?.durable)) {
      // Streamed output may have been released, and says nothing about the state.
      if (event !== undefined) state.apply(event);
    }
    return state;
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

function interruption(runId: string): StratagemError {
  const message = `The run was interrupted in this process; resume it by its id "${runId}"`;
  return new StratagemError('run_interrupted', message);
}
