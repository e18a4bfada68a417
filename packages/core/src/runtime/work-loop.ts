import type { StratagemError } from '../contract/errors.js';
import type { WriteAheadLog } from '../journal/write-ahead-log.js';
import type { Command } from '../kernel/command.js';
import { Floodgate } from '../util/gate.js';
import { Queue } from '../util/queue.js';
import { runEnded } from './acknowledgements.js';
import { applyInput, applyInputWithin } from './apply-input.js';
import { RunClock } from './clock.js';
import { dropAborted } from './commands.js';
import { takeEarlyStarts } from './early-starts.js';
import type { Input } from './input.js';
import type { OutputRelease } from './output-release.js';
import type { RunParts } from './run-parts.js';
import type { RunSettings } from './settings.js';

/** With more inputs than this waiting, attempts that report are asked to wait. */
const MAX_WAITING = 50;

/**
 * The loop of a run: takes inputs into a queue and applies them one by one, so that a runner or
 * listener that calls back in the middle of a step does no harm. A step is: input, commit to the
 * journal, publish, commands.
 */
export abstract class WorkLoop {
  protected readonly clock = new RunClock(() => this.take({ type: 'wake' }));
  protected abstract readonly settings: RunSettings;
  protected abstract readonly parts: RunParts;
  /** In a run that keeps the final outputs alone. */
  protected release: OutputRelease | undefined;
  /** Why the run cannot continue in this process. */
  protected failure: StratagemError | undefined;
  isOver = false;
  /** Set at once, so that nothing starts before the kernel processes the cancellation. */
  protected isCanceling = false;
  /** Whether inputs are applied. Until then, they only gather. */
  protected hasStarted = false;

  readonly #inbox = new Queue<Input>();
  /** Whether the loop runs, or is about to. */
  #isWorking = true;
  /** Inputs were applied that are committed in the next turn of the event loop. */
  #isCommitDue = false;
  #wake!: () => void;
  /** Tasks with a lower index are in the journal, where there is one. */
  #durableTasks = 0;
  readonly #onWritten = () => this.#startEarly();
  /** Holds back attempts that report faster than the run can take it. */
  readonly #gate = new Floodgate();

  /** Ends the part of this process in the run, before the run has ended. */
  protected abstract fail(failure: StratagemError): void;

  /** The run has ended. */
  protected abstract finish(): void;

  /**
   * Takes an input from code that runs in the run's own asynchronous context.
   *
   * @param isFromOutside Whether any other code may have called. Then the loop that began with the run is
   * woken: tasks and listeners must not run in the asynchronous context, such as the tenant or the
   * trace, of the code that approves or pauses.
   */
  take(input: Input, isFromOutside = false): void {
    if (this.failure !== undefined || this.isOver) {
      if ('acknowledge' in input) input.acknowledge(this.failure ?? runEnded());
      return;
    }
    this.#inbox.push(input);
    if (this.#isWorking) return;
    this.#isWorking = true;
    if (isFromOutside) this.#wake();
    else if (this.parts.ahead === undefined) this.#work();
    else this.#startWork();
  }

  /** Takes an input from code that may run in another asynchronous context. */
  takeFromOutside(input: Input): void {
    this.take(input, true);
  }

  /** @returns A promise while more inputs wait than the run can take. */
  protected backpressure(): Promise<void> | undefined {
    return this.#inbox.size > MAX_WAITING ? this.#gate.close() : undefined;
  }

  /** Until `start`, inputs only gather. To be called in the asynchronous context of the run. */
  protected async prepare(): Promise<void> {
    // An asynchronous function continues in the context in which it was called.
    while (!this.isOver) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      this.#startWork();
    }
  }

  /** Applies the inputs that have gathered, put in this order. */
  protected start(inOrder: (inputs: readonly Input[]) => readonly Input[]): void {
    this.hasStarted = true;
    for (const input of inOrder(this.#takeInbox())) this.#inbox.push(input);
    this.#work();
  }

  /** Nothing is applied any more: callers that wait for an input learn why. */
  protected refuseInputs(failure: StratagemError): void {
    this.failure = failure;
    for (const input of this.#takeInbox()) {
      if ('acknowledge' in input) input.acknowledge(failure);
    }
  }

  protected stop(): void {
    this.isOver = true;
    this.#gate.open();
    this.clock.stop();
  }

  #takeInbox(): Input[] {
    const inputs: Input[] = [];
    while (this.#inbox.size > 0) inputs.push(this.#inbox.shift() as Input);
    return inputs;
  }

  #startWork(): void {
    if (this.parts.ahead === undefined) this.#work();
    // Inputs of the same turn of the event loop become one append, where it is the appends that cost.
    else if (this.parts.ahead.isInMemory) queueMicrotask(this.#work);
    else this.#workLater();
  }

  /**
   * Applies inputs until there are none. Without a journal each input is a step of its own; with one,
   * the events of all waiting inputs become one append, and further inputs gather while that takes its
   * time.
   */
  readonly #work = (): void => {
    const { clock } = this;
    const { kernel, ahead } = this.parts;
    for (let isTurnOver = false; this.#inbox.size > 0 || this.#isCommitDue; ) {
      while (this.#inbox.size > 0 && !this.#isCommitDue) {
        const now = clock.now();
        isTurnOver = clock.isTurnLong && clock.isTurnOver(now);
        if (isTurnOver) break;
        this.#apply(this.#inbox.shift() as Input, now);
        if (ahead === undefined) this.#carryOut();
      }
      if (ahead !== undefined) {
        // To encode a large output and to append it may each take all the time that a turn has.
        if (!this.#isCommitDue) clock.now();
        if (!this.#isCommitDue && clock.isTurnLong) {
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
    const isAwaited = this.failure === undefined && !this.isOver;
    const wakesAt = isAwaited ? kernel.nextWake : Number.POSITIVE_INFINITY;
    if (wakesAt !== clock.wakesAt) clock.wakeAt(wakesAt);
  };

  /** @returns Whether the work can continue at once; otherwise it continues when the append is done. */
  #commit(ahead: WriteAheadLog, isTurnOver: boolean): boolean {
    try {
      const committed = ahead.commit(this.#onWritten);
      if (committed === undefined) {
        this.#carryOut();
        return true;
      }
      committed.then(
        () => {
          this.#carryOut();
          this.#releaseBackpressure();
          if (isTurnOver) this.#workLater();
          else this.#work();
        },
        (failure) => this.fail(failure),
      );
    } catch (failure) {
      this.fail(failure as StratagemError);
    }
    return false;
  }

  /** Gives one input to the kernel, at this time. */
  #apply(input: Input, now: number): void {
    const { parts } = this;
    const { kernel, attempts, ahead, borrower } = parts;
    if (borrower !== undefined) applyInputWithin(borrower, parts, input, now);
    else if (input.type !== 'completed' || ahead?.mustPrepare(input.result.output)) {
      applyInput(parts, input, now);
    } else {
      const { attempt, result } = input;
      const isTaken = kernel.completed(attempt.index, attempt.attempt, result, now);
      if (isTaken) attempts.leave(attempt);
    }
  }

  /** The events of a step are written, but not durable yet: carries out what need not wait for that. */
  #startEarly(): void {
    // A journal may say so late, after its append has failed and ended the run.
    if (this.isOver) return;
    const { own, kernel, attempts } = this.parts;
    // An instrumentation sees the start of an attempt before its work.
    if (own === undefined || this.isCanceling || this.settings.instrumentation) return;
    for (const command of takeEarlyStarts(kernel, this.#durableTasks)) {
      attempts.launch(command, this.clock.lastTime);
    }
  }

  /**
   * Publishes the events of a step, and carries out its commands. Where the run has a journal, they are
   * durable, and the callers of the inputs may learn it.
   */
  #carryOut(): void {
    const { kernel, attempts, listeners, acknowledgements, interruption, ahead } = this.parts;
    const { log, commands } = kernel;
    this.#durableTasks = kernel.graph.size;
    if (acknowledgements.hasPending) acknowledgements.flush();
    // Only several inputs that were written together can both start an attempt and abort it.
    if (commands.length > 1 && ahead !== undefined) dropAborted(commands);
    if (listeners.areSilent) listeners.stream.published = log.length;
    else listeners.publish();
    this.release?.follow();
    if (attempts.hasSettled) attempts.forgetSettled();
    if (commands.length > 0) this.#runCommands(commands);
    if (this.settings.timeline === 'stream' && kernel.dropPublishedOutput()) {
      for (const reader of [ahead, listeners, this.release]) reader?.continueAt(log.length);
    }
    if (kernel.ended) this.finish();
    else if (interruption.hasBegun && interruption.isDue(kernel.inFlight)) {
      this.fail(interruption.error());
    }
  }

  #runCommands(commands: Command[]): void {
    const { attempts, additions, items, interruption } = this.parts;
    for (let position = 0; position < commands.length; position++) {
      const command = commands[position] as Command;
      switch (command.type) {
        case 'abort':
          attempts.cancel(command.index, command.attempt, command.error);
          break;
        case 'decide':
          attempts.decide(command.index, command.attempt, command.key, command.decision);
          break;
        case 'abort_replan':
          additions.abortRound(command.error);
          break;
        case 'replan':
          if (!this.isCanceling && !interruption.hasBegun) additions.beginRound(command);
          break;
        case 'read':
          void items.read(command);
          break;
        case 'start':
          if (!this.isCanceling) attempts.launch(command, this.clock.lastTime);
      }
    }
    // To set its length would free its memory, and the next task allocate it again.
    while (commands.length > 0) commands.pop();
  }

  #releaseBackpressure(): void {
    if (this.#inbox.size <= MAX_WAITING) this.#gate.open();
  }

  #workLater(): void {
    this.clock.afterOtherWork(this.#work);
  }
}
