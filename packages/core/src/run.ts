import { eachTask, requireNoRunner, requireStorable, structuralCopy } from './added-tasks.js';
import { Asker } from './asker.js';
import { Attempt, type AttemptHost } from './attempt.js';
import type { Command } from './command.js';
import {
  describe,
  isStratagemError,
  OptionError,
  type RunnerError,
  StratagemError,
} from './errors.js';
import type { PlanEvent } from './event.js';
import { EventStream } from './event-stream.js';
import type { EventData, RunJournal } from './journal.js';
import { Kernel } from './kernel.js';
import type { KernelOptions, RecoverOptions } from './kernel-options.js';
import { understood } from './log-reader.js';
import { MetricsFold } from './metrics.js';
import type { OutputPart } from './output-part.js';
import type { PlanData } from './plan-data.js';
import { PlanError } from './problem.js';
import type { Replan, Revision } from './replan.js';
import { ReplanRound } from './replan-round.js';
import type { ReplanCommand } from './replanning.js';
import { createResult, type PlanResult } from './result.js';
import type { Reuse } from './reuse.js';
import { atItsCost, revisionProblems } from './revision.js';
import { type AttemptResult, resourceOf, type TaskRunner } from './runner.js';
import { formatIssues } from './schema.js';
import type { Task } from './task.js';
import { isThenable } from './thenable.js';
import type { Toolbox } from './toolbox.js';
import { additionProblems } from './validate.js';
import { validateOutput } from './validate-output.js';
import { waitOf } from './wait-for.js';
import { journalFailure, type Redact, WriteAhead } from './write-ahead.js';

/** Everything one run needs, with every default filled in. */
export interface RunSettings extends Omit<KernelOptions, 'resourceOf'> {
  readonly runId: string;
  /** Where the run is written before anything of it is heard of or done. */
  readonly record: RunRecord | undefined;
  readonly runner: TaskRunner | undefined;
  readonly toolbox: Toolbox;
  readonly maxDepth: number;
  /** What is asked for a revision of the plan. */
  readonly planner: Pick<Replan, 'revise'> | undefined;
  readonly timeline: 'keep' | 'stream';
  readonly signal: AbortSignal | undefined;
  readonly onEvent: ((event: PlanEvent) => void) | undefined;
}

/** How a run is kept. */
export interface RunRecord {
  readonly planData: PlanData;
  readonly redact: Redact | undefined;
  /** Where outputs of earlier runs are looked for. */
  readonly reuse: Reuse | undefined;
  /** Takes the lease. */
  readonly open: () => Promise<RunJournal>;
  /** What is recorded already, of a run that is resumed. */
  readonly past?: ({ readonly log: readonly EventData[] } & RecoverOptions) | undefined;
}

/** How long the run may keep the event loop to itself before timers and signals get a turn. */
const TURN_MS = 50;
/** The longest delay a timer takes; past it we wake up early and wait again. */
const MAX_TIMER_MS = 2 ** 31 - 1;
const MAX_LISTENER_ERRORS = 100;

type Input =
  | { readonly type: 'start' | 'wake' | 'pause' | 'resume' }
  | { readonly type: 'maxParallel'; readonly maxParallel: number }
  | { readonly type: 'addTasks'; readonly tasks: readonly Task[]; readonly by: number }
  | ({ readonly type: 'answered'; readonly index: number; readonly answer: unknown } & Acknowledged)
  | ({ readonly type: 'rejected'; readonly index: number; readonly reason: unknown } & Acknowledged)
  | { readonly type: 'cancel'; readonly reason: unknown }
  | { readonly type: 'replanned'; readonly round: ReplanRound; readonly revision: Revision }
  | { readonly type: 'replanFailed'; readonly round: ReplanRound; readonly thrown: unknown }
  | { readonly type: 'completed'; readonly attempt: Attempt; readonly result: AttemptResult }
  | { readonly type: 'failed'; readonly attempt: Attempt; readonly thrown: unknown }
  | { readonly type: 'output'; readonly attempt: Attempt; readonly part: OutputPart };

/** Somebody waits until the input counts. */
interface Acknowledged {
  readonly acknowledge: (failure?: StratagemError) => void;
}

/**
 * Drives a kernel in this process: gives it the time and what came of each attempt, starts and
 * aborts attempts for it, and hands its events to those who listen. Inputs are queued and taken
 * one by one, so that a runner or listener that calls back in the middle of a step does no harm.
 */
export class Run<Outputs> implements AttemptHost {
  readonly events: EventStream;
  /** Never rejects: how the run ended is in the result. */
  readonly result: Promise<PlanResult<Outputs>>;

  readonly #settings: RunSettings;
  readonly #kernel: Kernel;
  readonly #asker: Asker;
  readonly #metrics: MetricsFold;
  readonly #active = new Map<number, Attempt>();
  /** The round of re-planning under way. */
  #round: ReplanRound | undefined;
  readonly #listenerErrors: unknown[] = [];
  readonly #onAbort = () => this.cancel(this.#settings.signal?.reason);
  /** Human steps that have been answered, of which the kernel may not have heard yet. */
  readonly #answered = new Set<number>();
  /** By id, the tasks that are to be added as soon as the kernel takes them. */
  readonly #coming = new Map<string, Task>();
  /** In a run with a journal: what is on its way there. */
  #ahead: WriteAhead | undefined;
  #journal: RunJournal | undefined;
  /** Why the run cannot go on. */
  #failure: StratagemError | undefined;
  #unacknowledged: Acknowledged[] = [];
  /** How far the clock of a resumed run is ahead of this machine's: time never goes backwards. */
  #clockAhead = 0;
  #resolve!: (result: PlanResult<Outputs>) => void;
  #inbox: Input[] = [];
  #working = false;
  /** Set at once, so that what was about to start is left alone until the kernel hears of it. */
  #canceling = false;
  #isOver = false;
  #turnBegan = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #timerAt = Number.POSITIVE_INFINITY;

  /**
   * The run begins after the caller's own turn, so that it can listen and cancel first.
   *
   * @throws {JournalError} when what is recorded of it cannot be understood.
   */
  constructor(settings: RunSettings) {
    const { runner, signal } = settings;
    this.#settings = settings;
    this.events = new EventStream(settings.timeline === 'keep');
    this.#metrics = new MetricsFold(settings.graph);
    this.#kernel = new Kernel(
      {
        ...settings,
        resourceOf: (task) =>
          runner === undefined || task.run !== undefined ? 'function' : resourceOf(runner, task),
      },
      (event, index) => this.#deliver(event, index),
    );
    this.#asker = new Asker(settings, this.#kernel, () => this.#now());
    this.result = new Promise((resolve) => {
      this.#resolve = resolve;
    });
    if (signal?.aborted) this.#inbox.push({ type: 'cancel', reason: signal.reason });
    else signal?.addEventListener('abort', this.#onAbort, { once: true });
    this.#working = true;
    const { record, plan, runId } = settings;
    if (record === undefined) queueMicrotask(() => this.#begin());
    else {
      this.#ahead = new WriteAhead({ ...record, plan, runId });
      if (record.past !== undefined) this.#recover(record.past.log, record.past);
      this.#open(record, this.#ahead);
    }
  }

  get runId(): string {
    return this.#settings.runId;
  }

  #begin(): void {
    this.#turnBegan = this.#now();
    this.#inbox = inOrderOfStart(this.#inbox);
    this.#work();
  }

  async #open({ open }: RunRecord, ahead: WriteAhead): Promise<void> {
    try {
      this.#journal = await open();
    } catch (thrown) {
      this.#breakDown(isStratagemError(thrown) ? thrown : journalFailure(this.runId, thrown));
      return;
    }
    ahead.openTo(this.#journal);
    if (this.#kernel.ended) this.#finish();
    else this.#begin();
  }

  /** What is recorded has been told before, and is in the result all the same. */
  #recover(log: readonly EventData[], options: RecoverOptions): void {
    const last = log.at(-1)?.timestamp ?? 0;
    this.#clockAhead = Math.max(0, last - now());
    const { graph } = this.#settings;
    const events = understood(this.runId, () => this.#kernel.recover(log, options));
    for (const event of events) {
      const { taskId } = event as { readonly taskId?: string };
      this.#ahead?.tell(event, taskId === undefined ? -1 : (graph.indexOf(taskId) as number));
      if (this.#settings.timeline === 'keep') this.events.push(event);
    }
  }

  #now(): number {
    return now() + this.#clockAhead;
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

  async answer(taskId: string, answer: unknown): Promise<void> {
    const index = this.#waitingTask(taskId);
    const { waitFor, outputSchema } = this.#task(index);
    const isApproval = waitFor !== undefined && waitOf(waitFor).kind === 'approval';
    if (isApproval && typeof answer !== 'boolean') {
      const message = `task "${taskId}" waits for an approval: the answer must be true or false`;
      throw new OptionError(`answer(): ${message}`);
    }
    let value = answer;
    if (outputSchema !== undefined) {
      const result = await outputSchema['~standard'].validate(answer);
      if (result.issues !== undefined) {
        const issues = formatIssues(result.issues);
        throw new OptionError(`answer(): task "${taskId}" needs another answer: ${issues}`);
      }
      value = result.value;
    }
    this.#waitingTask(taskId); // Time may have passed.
    if (this.#ahead !== undefined) this.#requireStorable(index, value);
    this.#answered.add(index);
    await this.#acknowledged((acknowledge) => {
      this.#take({ type: 'answered', index, answer: value, acknowledge });
    });
  }

  async reject(taskId: string, reason?: unknown): Promise<void> {
    const index = this.#waitingTask(taskId);
    this.#answered.add(index);
    await this.#acknowledged((acknowledge) => {
      this.#take({ type: 'rejected', index, reason, acknowledge });
    });
  }

  /** With a journal, what a human said counts when it is durable. */
  #acknowledged(take: (acknowledge: Acknowledged['acknowledge']) => void): Promise<void> | void {
    if (this.#ahead === undefined) {
      take(() => {});
      return undefined;
    }
    return new Promise((resolve, reject) => {
      take((failure) => (failure === undefined ? resolve() : reject(failure)));
    });
  }

  #requireStorable(index: number, answer: unknown): void {
    try {
      this.#ahead?.prepare(index, this.#task(index), answer);
    } catch (thrown) {
      const why = describe(thrown).replace('its output', 'it');
      throw new OptionError(
        `answer(): task "${this.#task(index).id}" needs another answer: ${why}`,
      );
    }
  }

  /** @param attempt The attempt that adds them, if one does. */
  addTasks(attempt: Attempt | undefined, given: readonly Task[]): void {
    if (attempt?.over || this.#kernel.ended || this.#canceling) {
      throw new StratagemError(
        'run_ended',
        'addTasks(): it is over, nothing can be added any more',
      );
    }
    // The same attempt had added some before its process ended.
    const before = attempt === undefined ? [] : this.#kernel.addedBefore(attempt.index);
    const tasks = before.length === 0 ? given : given.filter(({ id }) => !before.includes(id));
    this.#requireFit(tasks);
    if (tasks.length === 0) return;
    const added = structuralCopy(tasks);
    eachTask(added, (task) => this.#coming.set(task.id, task));
    this.#kernel.expectTasks();
    this.#take({ type: 'addTasks', tasks: added, by: attempt?.index ?? -1 });
  }

  /** @throws {StratagemError} unless the tasks can be added now; a PlanError says all that is wrong. */
  #requireFit(tasks: readonly Task[]): void {
    const { graph, runner, maxDepth } = this.#settings;
    const there = {
      isTaken: (id: string) => graph.indexOf(id) !== undefined || this.#coming.has(id),
      willFanOut: (id: string) =>
        this.#kernel.willFanOut(id) || this.#coming.get(id)?.forEach !== undefined,
    };
    const problems = additionProblems(tasks, there, maxDepth);
    if (problems.length > 0) throw new PlanError(problems);
    if (runner === undefined) requireNoRunner(tasks);
    this.#settings.toolbox.require(tasks, runner);
    if (this.#settings.record !== undefined) requireStorable(tasks);
  }

  /** The same for a revision of the plan. */
  #requireRevision(revision: Revision, maxTasks: number): void {
    this.#requireFit(revision.tasks);
    const problems = revisionProblems(revision, this.#kernel.state, maxTasks);
    if (problems.length > 0) throw new PlanError(problems);
  }

  report(attempt: Attempt, part: OutputPart): Promise<void> | undefined {
    if (attempt.over) return undefined;
    this.#take({ type: 'output', attempt, part });
    return this.events.pressure();
  }

  attemptsLeft({ index, attempt }: Attempt): number {
    return this.#kernel.attemptsLeft(index, attempt);
  }

  #task(index: number): Task {
    return this.#settings.graph.tasks[index] as Task;
  }

  /** The index of a human step that can be answered. */
  #waitingTask(taskId: string): number {
    const index = this.#settings.graph.indexOf(taskId);
    const isWaiting = index !== undefined && this.#kernel.isWaiting(index);
    if (isWaiting && !this.#answered.has(index)) return index;
    const why = index === undefined ? 'there is no such task' : 'it is not waiting for an answer';
    throw new StratagemError('not_waiting', `Task "${taskId}" cannot be answered: ${why}`);
  }

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
      this.#inbox = [];
      for (let position = 0; position < inputs.length; position++) {
        const time = this.#now();
        if (time - this.#turnBegan > TURN_MS) {
          this.#inbox = inputs.slice(position).concat(this.#inbox);
          this.#pause();
          return;
        }
        this.#step(inputs[position] as Input, time);
        this.#obey();
        if (this.#kernel.ended) this.#finish();
      }
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
        const time = this.#now();
        if (time - this.#turnBegan > TURN_MS) break;
        this.#step(inputs[position] as Input, time);
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
        this.#turnBegan = this.#now();
        this.#afterCommit(ahead);
        this.#work();
      },
      (failure) => this.#breakDown(failure),
    );
  }

  #afterCommit(ahead: WriteAhead): void {
    for (const { event } of ahead.take()) this.#tell(event);
    this.#acknowledgeAll();
    dropAborted(this.#kernel.commands);
    this.#obey();
    if (this.#kernel.ended) this.#finish();
  }

  #acknowledgeAll(failure?: StratagemError): void {
    for (const { acknowledge } of this.#unacknowledged.splice(0)) acknowledge(failure);
  }

  /** The journal failed: what was not written has not happened, and nothing more will. */
  #breakDown(failure: StratagemError): void {
    this.#failure = failure;
    for (const attempt of this.#active.values()) attempt.abort(failure);
    this.#active.clear();
    this.#abortRound(failure);
    for (const input of this.#inbox.splice(0)) {
      if ('acknowledge' in input) this.#unacknowledged.push(input);
    }
    this.#acknowledgeAll(failure);
    this.#finish();
  }

  #pause(): void {
    afterOtherWork(() => {
      this.#turnBegan = this.#now();
      this.#work();
    });
  }

  #step(input: Input, time: number): void {
    const kernel = this.#kernel;
    if ('acknowledge' in input) this.#unacknowledged.push(input);
    if (kernel.ended) return;
    switch (input.type) {
      case 'completed':
        if (this.#leave(input.attempt)) this.#complete(input.attempt.index, input.result, time);
        break;
      case 'failed':
        if (this.#leave(input.attempt)) {
          kernel.failed(input.attempt.index, input.thrown, time);
        }
        break;
      case 'output':
        if (this.#active.get(input.attempt.index) === input.attempt) {
          kernel.output(input.attempt.index, input.part, time);
        }
        break;
      case 'addTasks':
        eachTask(input.tasks, ({ id }) => this.#coming.delete(id));
        kernel.addTasks(input.tasks, input.by, time);
        break;
      case 'replanned':
        eachTask(input.revision.tasks, ({ id }) => this.#coming.delete(id));
        if (this.#leaveRound(input.round)) kernel.replanned(input.revision, time);
        break;
      case 'replanFailed':
        if (this.#leaveRound(input.round)) kernel.replanFailed(input.thrown, time);
        break;
      case 'answered':
        kernel.answered(input.index, input.answer, time);
        break;
      case 'rejected':
        kernel.rejected(input.index, input.reason, time);
        break;
      case 'pause':
        kernel.pause(time);
        break;
      case 'resume':
        kernel.resume(time);
        break;
      case 'maxParallel':
        kernel.setMaxParallel(input.maxParallel, time);
        break;
      case 'start':
        kernel.start(time);
        break;
      case 'wake':
        kernel.wake(time);
        break;
      case 'cancel':
        kernel.cancel(input.reason, time);
        break;
    }
  }

  #complete(index: number, result: AttemptResult, time: number): void {
    try {
      this.#ahead?.prepare(index, this.#task(index), result.output);
    } catch (thrown) {
      const { usage, costUsd, model, requestId, rateLimits } = result;
      const details = { usage, costUsd, model, requestId, rateLimits };
      this.#kernel.failed(index, Object.assign(thrown as RunnerError, details), time);
      return;
    }
    this.#kernel.completed(index, result, time);
  }

  /** Whether this attempt is still in flight; the end of one that was aborted comes too late. */
  #leave(attempt: Attempt): boolean {
    return !attempt.aborted && this.#active.delete(attempt.index);
  }

  /** Carries out what the kernel commands. */
  #obey(): void {
    const { commands } = this.#kernel;
    for (let position = 0; position < commands.length; position++) {
      const command = commands[position] as Command;
      if (command.type === 'abort') this.#abort(command.index, command.error);
      else if (command.type === 'abort_replan') this.#abortRound(command.error);
      else if (this.#canceling) continue;
      else if (command.type === 'replan') this.#beginRound(command);
      else this.#launch(command);
    }
    commands.length = 0;
  }

  #launch(command: Extract<Command, { type: 'start' }>): void {
    const { index } = command;
    const task = this.#task(index);
    const attempt = new Attempt(task.id, command, this);
    this.#active.set(index, attempt);
    try {
      const inputs = this.#kernel.inputsOf(index);
      if (task.run === undefined) {
        this.#asker.ask(task, inputs, attempt).then(
          (result) => this.#onEnd(attempt, { type: 'completed', attempt, result }),
          (thrown) => this.#onEnd(attempt, { type: 'failed', attempt, thrown }),
        );
        return;
      }
      const value = task.run(inputs, attempt);
      const { outputSchema } = task;
      if (isThenable(value) || outputSchema !== undefined) {
        const given = Promise.resolve(value);
        const checked =
          outputSchema === undefined
            ? given
            : given.then((output) => validateOutput(outputSchema, output));
        checked.then(
          (output) => this.#onEnd(attempt, { type: 'completed', attempt, result: { output } }),
          (thrown) => this.#onEnd(attempt, { type: 'failed', attempt, thrown }),
        );
      } else this.#onEnd(attempt, { type: 'completed', attempt, result: { output: value } });
    } catch (thrown) {
      this.#onEnd(attempt, { type: 'failed', attempt, thrown });
    }
  }

  #onEnd(attempt: Attempt, input: Input): void {
    if (attempt.over) return;
    attempt.over = true;
    this.#take(input);
  }

  #abort(index: number, reason: unknown): void {
    const attempt = this.#active.get(index);
    this.#active.delete(index);
    attempt?.abort(reason);
  }

  #beginRound(command: ReplanCommand): void {
    const { tasks: maxTasks } = command.situation.remaining;
    const round = new ReplanRound(command, (revision) => this.#requireRevision(revision, maxTasks));
    this.#round = round;
    round
      .ask(this.#settings.planner as Pick<Replan, 'revise'>)
      .then((revision) => {
        if (this.#round !== round) return;
        try {
          this.#requireRevision(revision, maxTasks);
        } catch (thrown) {
          throw atItsCost(thrown, revision);
        }
        const tasks = structuralCopy(revision.tasks);
        eachTask(tasks, (task) => this.#coming.set(task.id, task));
        this.#take({ type: 'replanned', round, revision: { ...revision, tasks } });
      })
      .catch((thrown) => this.#take({ type: 'replanFailed', round, thrown }));
  }

  /** Whether the answer of this round is still wanted. */
  #leaveRound(round: ReplanRound): boolean {
    const isWanted = this.#round === round;
    if (isWanted) this.#round = undefined;
    return isWanted;
  }

  #abortRound(reason: unknown): void {
    this.#round?.abort(reason);
    this.#round = undefined;
  }

  #deliver(event: PlanEvent, index: number): void {
    if (this.#ahead !== undefined) {
      this.#ahead.add(event, index);
      return;
    }
    this.#metrics.apply(event, index);
    this.#tell(event);
  }

  #tell(event: PlanEvent): void {
    this.events.push(event);
    const { onEvent } = this.#settings;
    if (onEvent === undefined) return;
    try {
      const returned: unknown = onEvent(event);
      if (isThenable(returned)) {
        Promise.resolve(returned).catch((error) => this.#listenerThrew(error));
      }
    } catch (error) {
      this.#listenerThrew(error);
    }
  }

  #listenerThrew(error: unknown): void {
    if (this.#listenerErrors.length < MAX_LISTENER_ERRORS) this.#listenerErrors.push(error);
  }

  #finish(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    const { plan, strategy, signal } = this.#settings;
    clearTimeout(this.#timer);
    signal?.removeEventListener('abort', this.#onAbort);
    const result = createResult<Outputs>({
      goal: plan.goal,
      strategy: strategy.name,
      state: this.#ahead?.state ?? this.#kernel.state,
      metrics: (this.#ahead?.metrics ?? this.#metrics).metrics(),
      timeline: this.events.kept,
      listenerErrors: this.#listenerErrors,
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

  #setTimer(): void {
    const at = this.#failure === undefined ? this.#kernel.nextWake : Number.POSITIVE_INFINITY;
    if (at === this.#timerAt) return;
    clearTimeout(this.#timer);
    this.#timerAt = at;
    if (at === Number.POSITIVE_INFINITY) return;
    const delay = Math.min(Math.max(0, Math.ceil(at - this.#now())), MAX_TIMER_MS);
    this.#timer = setTimeout(() => {
      this.#timerAt = Number.POSITIVE_INFINITY;
      this.#take({ type: 'wake' });
    }, delay);
  }
}

/**
 * What the caller did to the run before it began, with the start among it: a run that was paused at
 * once begins paused, and a cancellation takes the place of the start.
 */
function inOrderOfStart(inputs: readonly Input[]): Input[] {
  const canceled = inputs.find(({ type }) => type === 'cancel');
  if (canceled !== undefined) return [canceled];
  const isSetting = ({ type }: Input) => ['pause', 'resume', 'maxParallel'].includes(type);
  return [
    ...inputs.filter(isSetting),
    { type: 'start' },
    ...inputs.filter((input) => !isSetting(input)),
  ];
}

/** Unix time in milliseconds that never goes backwards. */
function now(): number {
  return performance.timeOrigin + performance.now();
}

function afterOtherWork(resume: () => void): void {
  if (typeof setImmediate === 'function') setImmediate(resume);
  else setTimeout(resume, 0);
}

/**
 * Leaves out attempts that are to be aborted when they are only about to start: what a journal took
 * its time to write was decided one after the other.
 */
function dropAborted(commands: Command[]): void {
  const aborted = new Map<number, number>();
  let lastRound = -1;
  for (const [position, command] of commands.entries()) {
    if (command.type === 'abort') aborted.set(command.index, position);
    if (command.type === 'abort_replan') lastRound = position;
  }
  if (aborted.size === 0 && lastRound < 0) return;
  const left = commands.filter((command, position) => {
    if (command.type === 'start') return position > (aborted.get(command.index) ?? -1);
    return command.type !== 'replan' || position > lastRound;
  });
  commands.splice(0, commands.length, ...left);
}
