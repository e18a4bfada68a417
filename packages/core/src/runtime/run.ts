import { isStratagemError, StratagemError } from '../contract/errors.js';
import type { PlanEvent } from '../contract/event.js';
import type { EventData, RunJournal } from '../contract/journal.js';
import type { OutputPart } from '../contract/output-part.js';
import { resourceOf } from '../contract/runner.js';
import type { Task } from '../contract/task.js';
import { understood } from '../journal/read-run.js';
import { journalFailure, WriteAhead } from '../journal/write-ahead-log.js';
import type { Command } from '../kernel/command.js';
import { Kernel } from '../kernel/kernel.js';
import type { RecoverOptions } from '../kernel/options.js';
import { MetricsFold } from '../state/metrics.js';
import { createResult, type PlanResult } from '../state/result.js';
import { empty } from '../util/array.js';
import { Floodgate } from '../util/gate.js';
import { dropAborted, InFlight } from './active-attempts.js';
import { HumanAnswers } from './answers.js';
import type { Attempt, AttemptHost } from './attempt.js';
import { RunClock } from './clock.js';
import type { EventStream } from './event-stream.js';
import { type Input, inOrderOfStart } from './input.js';
import { Asker } from './invoke-runner.js';
import { Listeners } from './listeners.js';
import type { RunRecord, RunSettings } from './settings.js';
import { type RunParts, takeInto } from './take-input.js';
import { Growth } from './task-additions.js';

/** More inputs than this that have not been taken, and those who report are asked to wait. */
const MOST_WAITING = 50;

/**
 * Drives a kernel in this process: gives it the time and what came of each attempt, starts and
 * aborts attempts for it, and hands its events to those who listen. Inputs are queued and taken
 * one by one, so that a runner or listener that calls back in the middle of a step does no harm.
 */
export class Run<Outputs> implements AttemptHost {
  /** Never rejects: how the run ended is in the result. */
  readonly result: Promise<PlanResult<Outputs>>;

  readonly #settings: RunSettings;
  readonly #kernel: Kernel;
  readonly #clock: RunClock;
  readonly #metrics: MetricsFold;
  readonly #listeners: Listeners;
  readonly #inFlight: InFlight;
  readonly #growth: Growth;
  readonly #answers: HumanAnswers;
  /** The same, for what an input is about. */
  readonly #parts: RunParts;
  readonly #onAbort = () => this.cancel(this.#settings.signal?.reason);
  /** In a run with a journal: what is on its way there. */
  readonly #ahead: WriteAhead | undefined;
  #journal: RunJournal | undefined;
  /** Why the run cannot go on. */
  #failure: StratagemError | undefined;
  #resolve!: (result: PlanResult<Outputs>) => void;
  #inbox: Input[] = [];
  /** The next one, empty: the two take turns, as a new one for each input asks for room each time. */
  #nextInbox: Input[] = [];
  #working = false;
  /** For those who report faster than that is taken: in one turn, they might never let it be. */
  readonly #gate = new Floodgate();
  /** Set at once, so that what was about to start is left alone until the kernel hears of it. */
  #canceling = false;
  #isOver = false;

  /**
   * The run begins after the caller's own turn, so that it can listen and cancel first.
   *
   * @throws {JournalError} when what is recorded of it cannot be understood.
   */
  constructor(settings: RunSettings) {
    const { runner, signal, record, plan, runId } = settings;
    const take = (input: Input) => this.#take(input);
    this.#settings = settings;
    this.#clock = new RunClock(() => this.#take({ type: 'wake' }));
    this.#metrics = new MetricsFold(settings.graph);
    this.#listeners = new Listeners(settings.timeline === 'keep', settings.onEvent);
    this.#ahead = record && new WriteAhead({ ...record, plan, runId });
    this.#kernel = new Kernel(
      {
        ...settings,
        resourceOf: (task) =>
          runner === undefined || task.run !== undefined ? 'function' : resourceOf(runner, task),
      },
      (event, index) => this.#deliver(event, index),
    );
    const asker = new Asker(settings, this.#kernel, () => this.#clock.now());
    this.#inFlight = new InFlight(this.#kernel, asker, this, take);
    this.#growth = new Growth(settings, this.#kernel, take);
    this.#answers = new HumanAnswers(this.#kernel, this.#ahead, take);
    this.#parts = {
      kernel: this.#kernel,
      inFlight: this.#inFlight,
      growth: this.#growth,
      answers: this.#answers,
      ahead: this.#ahead,
    };
    this.result = new Promise((resolve) => {
      this.#resolve = resolve;
    });
    if (signal?.aborted) this.#inbox.push({ type: 'cancel', reason: signal.reason });
    else signal?.addEventListener('abort', this.#onAbort, { once: true });
    this.#working = true;
    if (record === undefined) queueMicrotask(() => this.#begin());
    else {
      if (record.past !== undefined) this.#recover(record.past.log, record.past);
      this.#open(record);
    }
  }

  get runId(): string {
    return this.#settings.runId;
  }

  get events(): EventStream {
    return this.#listeners.stream;
  }

  #begin(): void {
    this.#clock.beginTurn();
    this.#inbox = inOrderOfStart(this.#inbox);
    this.#work();
  }

  async #open({ open }: RunRecord): Promise<void> {
    try {
      this.#journal = await open();
    } catch (thrown) {
      this.#breakDown(isStratagemError(thrown) ? thrown : journalFailure(this.runId, thrown));
      return;
    }
    this.#ahead?.openTo(this.#journal);
    if (this.#kernel.ended) this.#finish();
    else this.#begin();
  }

  /** What is recorded has been told before, and is in the result all the same. */
  #recover(log: readonly EventData[], options: RecoverOptions): void {
    this.#clock.notBefore(log.at(-1)?.timestamp ?? 0);
    const { graph } = this.#settings;
    const events = understood(this.runId, () => this.#kernel.recover(log, options));
    for (const event of events) {
      const { taskId } = event as { readonly taskId?: string };
      this.#ahead?.tell(event, taskId === undefined ? -1 : (graph.indexOf(taskId) as number));
      if (this.#settings.timeline === 'keep') this.events.push(event);
    }
  }

  cancel(reason?: unknown): void {
    this.#canceling = true;
    this.#take({ type: 'cancel', reason });
  }

  pause(): void {
    this.#take({ type: 'pause' });
  }

  resume(): void {
    this.#take({ type: 'resume' });
  }

  setMaxParallel(maxParallel: number): void {
    this.#take({ type: 'maxParallel', maxParallel });
  }

  answer(taskId: string, answer: unknown): Promise<void> {
    return this.#answers.answer(taskId, answer);
  }

  reject(taskId: string, reason?: unknown): Promise<void> {
    return this.#answers.reject(taskId, reason);
  }

  /** @param attempt The attempt that adds them, if one does. */
  addTasks(attempt: Attempt | undefined, tasks: readonly Task[]): void {
    if (attempt?.over || this.#kernel.ended || this.#canceling) {
      throw new StratagemError(
        'run_ended',
        'addTasks(): it is over, nothing can be added any more',
      );
    }
    this.#growth.add(tasks, attempt?.index ?? -1);
  }

  report(attempt: Attempt, part: OutputPart): Promise<void> | undefined {
    if (attempt.over) return undefined;
    this.#take({ type: 'output', attempt, part });
    return this.#inbox.length > MOST_WAITING ? this.#gate.close() : this.events.pressure();
  }

  attemptsLeft({ index, attempt }: Attempt): number {
    return this.#kernel.attemptsLeft(index, attempt);
  }

  // --- Inputs ---

  #take(input: Input): void {
    if (this.#failure !== undefined) return;
    this.#inbox.push(input);
    if (this.#working) return;
    this.#working = true;
    // What comes in the same turn of the event loop, such as attempts that end together, becomes one
    // append: it is the appends that cost.
    if (this.#ahead !== undefined) this.#pause();
    else this.#work();
  }

  /** Takes inputs until there are none, with a pause for the event loop when that takes long. */
  #work(): void {
    if (this.#ahead !== undefined) {
      this.#workAhead(this.#ahead);
      return;
    }
    while (this.#inbox.length > 0) {
      const inputs = this.#inbox;
      this.#inbox = this.#nextInbox;
      for (let position = 0; position < inputs.length; position++) {
        const time = this.#clock.now();
        if (this.#clock.isTurnOver(time)) {
          this.#inbox = inputs.slice(position).concat(this.#inbox);
          this.#nextInbox = [];
          this.#pause();
          return;
        }
        takeInto(this.#parts, inputs[position] as Input, time);
        this.#obey();
        if (this.#kernel.ended) this.#finish();
      }
      empty(inputs);
      this.#nextInbox = inputs;
      this.#letIn();
    }
    this.#working = false;
    this.#setTimer();
  }

  /**
   * The same with a journal: what the inputs lead to is written with one append, and only then told
   * and done. While that takes its time, further inputs gather.
   */
  #workAhead(ahead: WriteAhead): void {
    while (this.#inbox.length > 0) {
      const inputs = this.#inbox;
      this.#inbox = [];
      let position = 0;
      for (; position < inputs.length; position++) {
        const time = this.#clock.now();
        if (this.#clock.isTurnOver(time)) break;
        takeInto(this.#parts, inputs[position] as Input, time);
      }
      const isLate = position < inputs.length;
      if (isLate) this.#inbox = inputs.slice(position).concat(this.#inbox);
      try {
        const committed = ahead.commit(this.#settings.graph);
        if (committed !== undefined) {
          this.#goOnAfter(committed, ahead);
          return;
        }
      } catch (failure) {
        this.#breakDown(failure as StratagemError);
        return;
      }
      this.#afterCommit(ahead);
      if (isLate) {
        this.#pause();
        return;
      }
    }
    this.#working = false;
    this.#setTimer();
  }

  #goOnAfter(committed: Promise<void>, ahead: WriteAhead): void {
    committed.then(
      () => {
        this.#clock.beginTurn();
        this.#afterCommit(ahead);
        this.#work();
      },
      (failure) => this.#breakDown(failure),
    );
  }

  #afterCommit(ahead: WriteAhead): void {
    for (const { event } of ahead.take()) this.#listeners.tell(event);
    this.#answers.acknowledge();
    dropAborted(this.#kernel.commands);
    this.#obey();
    this.#letIn();
    if (this.#kernel.ended) this.#finish();
  }

  /** Those who wait to report more may go on. */
  #letIn(): void {
    if (this.#inbox.length <= MOST_WAITING) this.#gate.open();
  }

  /** The journal failed: what was not written has not happened, and nothing more will. */
  #breakDown(failure: StratagemError): void {
    this.#failure = failure;
    this.#inFlight.abortAll(failure);
    this.#growth.abortRound(failure);
    for (const input of this.#inbox.splice(0)) {
      if ('acknowledge' in input) this.#answers.taken(input);
    }
    this.#answers.acknowledge(failure);
    this.#finish();
  }

  #pause(): void {
    this.#clock.afterOtherWork(() => this.#work());
  }

  /** Wakes up when the kernel wants to be. */
  #setTimer(): void {
    this.#clock.wakeAt(
      this.#failure === undefined ? this.#kernel.nextWake : Number.POSITIVE_INFINITY,
    );
  }

  // --- Commands and events ---

  /** Carries out what the kernel commands. */
  #obey(): void {
    const { commands } = this.#kernel;
    for (let position = 0; position < commands.length; position++) {
      const command = commands[position] as Command;
      if (command.type === 'abort') this.#inFlight.abort(command.index, command.error);
      else if (command.type === 'abort_replan') this.#growth.abortRound(command.error);
      else if (this.#canceling) continue;
      else if (command.type === 'replan') this.#growth.beginRound(command);
      else this.#inFlight.launch(command);
    }
    empty(commands);
  }

  #deliver(event: PlanEvent, index: number): void {
    if (this.#ahead !== undefined) {
      this.#ahead.add(event, index);
      return;
    }
    this.#metrics.apply(event, index);
    this.#listeners.tell(event);
  }

  #finish(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#gate.open();
    const { plan, strategy, signal } = this.#settings;
    this.#clock.stop();
    signal?.removeEventListener('abort', this.#onAbort);
    const result = createResult<Outputs>({
      goal: plan.goal,
      strategy: strategy.name,
      state: this.#ahead?.state ?? this.#kernel.state,
      metrics: (this.#ahead?.metrics ?? this.#metrics).metrics(),
      timeline: this.events.kept,
      listenerErrors: this.#listeners.errors,
      failure: this.#failure,
    });
    const end = () => {
      this.events.end();
      this.#resolve(result);
    };
    // Whoever has the result may resume the run at once.
    const closed = this.#settings.record === undefined ? undefined : this.#closeJournal();
    if (closed === undefined) end();
    else closed.then(end);
  }

  async #closeJournal(): Promise<void> {
    try {
      await this.#journal?.close();
    } catch {
      // Everything is written; a lease that cannot be given back expires.
    }
  }
}
