import { type Budget, BudgetKeeper, type Excess, explainExcess } from './budget.js';
import { chosen } from './condition.js';
import { Dispatcher } from './dispatcher.js';
import { endingOf } from './ending.js';
import {
  describe,
  ReplanError,
  RunnerError,
  StratagemError,
  StrategyError,
  TaskError,
} from './errors.js';
import type { CancelReason, PlanEvent, RetriedTask, RunLimits, SkipReason } from './event.js';
import { FanOut, idsOf } from './fan-out.js';
import { isByFunction } from './for-each.js';
import { GoalTracker } from './goal.js';
import { type Graph, Trait } from './graph.js';
import { outputsOf, requireSubtasks, resultsOf } from './group.js';
import { type Inputs, inputNamesOf, inputsOf } from './inputs.js';
import type { EventData } from './journal.js';
import type { OutputPart } from './output-part.js';
import { Past } from './past.js';
import type { Plan } from './plan.js';
import { costOf, type PriceTable } from './price.js';
import { promptOf } from './prompt.js';
import { Readiness } from './readiness.js';
import { type Emit, type Ending, Recorder } from './recorder.js';
import { interruptedEnding, restoreWaiting, resumptionOf } from './recovery.js';
import type { ReplanLimits, Revision } from './replan.js';
import { type ReplanCommand, Replanning } from './replanning.js';
import { pauseAskedFor, ResourcePauses } from './resource-pauses.js';
import { maxAttemptsOf, type RetryPolicy, retryDelay } from './retry.js';
import { tasksToRetry } from './retry-failed.js';
import { RunState } from './run-state.js';
import { LiveRunView } from './run-view.js';
import type { AttemptResult } from './runner.js';
import type { Stop } from './stop.js';
import type { RunView, Strategy } from './strategy.js';
import { doesOwnWork, expectationOf, hasSubtasks, type Task } from './task.js';
import { Timers } from './timers.js';
import { waitOf } from './wait-for.js';

/** What the kernel is to run, and the limits it enforces. */
export interface KernelOptions {
  readonly plan: Plan;
  /** The graph of that plan; it grows with the run. */
  readonly graph: Graph;
  readonly strategy: Strategy;
  /** The most attempts in flight at once. */
  readonly maxParallel: number;
  /** Stop everything at the first failed task. */
  readonly failFast: boolean;
  /** The longest the run may take, in milliseconds; Infinity for no limit. */
  readonly deadlineMs: number;
  /** The longest an attempt may take when neither its task nor the plan says; Infinity for no limit. */
  readonly timeoutMs: number;
  /** How attempts are repeated when neither the task nor the plan says. */
  readonly retry: RetryPolicy | undefined;
  readonly budget: Budget | undefined;
  readonly prices: PriceTable;
  /** How far the plan may be revised while it runs; undefined for not at all. */
  readonly replan: Required<ReplanLimits> | undefined;
  /** What the waits between attempts are drawn with. */
  readonly seed: number;
  /** What an attempt at a task competes for; see `TaskView.resource`. */
  readonly resourceOf: (task: Task) => string;
  /** What `plan_started` says about the limits of the run. */
  readonly limits?: RunLimits | undefined;
}

/** How a recorded run is taken up again. */
export interface RecoverOptions {
  /** Do once more what failed, and what was skipped or canceled for it. */
  readonly retryFailed?: boolean;
  /**
   * Tasks that were added while it ran and that data alone cannot do, as they are to be done now, by
   * their ids.
   */
  readonly added?: ReadonlyMap<string, Task>;
}

/** What the driver is to do. Tasks are named by their index in the graph. */
export type Command =
  | {
      readonly type: 'start';
      readonly index: number;
      readonly attempt: number;
      /** When the attempt must be over, as Unix time in milliseconds; undefined without a limit. */
      readonly deadline: number | undefined;
    }
  | { readonly type: 'abort'; readonly index: number; readonly error: StratagemError }
  | ReplanCommand
  | { readonly type: 'abort_replan'; readonly error: StratagemError };

/** What makes a task more than a prompt or a function that starts when its dependencies are done. */
const SPECIAL = Trait.when | Trait.forEach | Trait.subtasks | Trait.waitFor;

/**
 * The scheduler proper: a deterministic state machine without I/O. Inputs (an attempt ended, time
 * passed, tasks were added, cancel) go in by its methods; events come out through `emit`, and
 * `commands` holds what the driver is to do. It reads no clock: every input brings the time.
 *
 * The same kernel runs in process, in virtual time and from a recorded log.
 */
export class Kernel {
  /** Work for the driver, in order: to be done and removed after each input. */
  readonly commands: Command[] = [];
  /** When `wake` is to be called, as Unix time in milliseconds; Infinity for never. */
  nextWake = Number.POSITIVE_INFINITY;
  readonly state: RunState;

  readonly #options: KernelOptions;
  readonly #graph: Graph;
  readonly #record: Recorder;
  readonly #readiness: Readiness;
  readonly #fanOut = new FanOut();
  readonly #goal: GoalTracker | undefined;
  readonly #budget: BudgetKeeper | undefined;
  readonly #replanning: Replanning | undefined;
  #dispatcher: Dispatcher | undefined;
  /** Of attempts at tasks that have none of their own. */
  readonly #timeoutMs: number;
  #deadline = Number.POSITIVE_INFINITY;
  #maxParallel: number;
  #paused = false;
  /** The time of the input that is worked on. */
  #now = 0;
  #stop: Stop | undefined;
  /** A task that the strategy chose and the budget holds back until attempts in flight have ended. */
  #held: number | undefined;
  /** How often tasks are about to be added. */
  #expected = 0;
  /** Completed tasks since the goal was last checked. */
  #unchecked = 0;

  /** For each task, when it became ready. */
  readonly #readyAt: number[];
  /** Servers that asked to wait. */
  readonly #pauses = new ResourcePauses();
  /** Human steps that have come up. */
  readonly #questions = new Set<number>();
  /** Ends of attempts, of waits between them, and of waits for humans. */
  readonly #timers = new Timers();
  /** Tasks that have settled, and tasks that are about to begin: worked off one by one. */
  readonly #settled: number[] = [];
  readonly #opening: number[] = [];

  /** What was recovered, until the run goes on. */
  #past: { readonly past: Past; readonly retried: readonly RetriedTask[] } | undefined;
  /** For attempts that were started again, the ids of tasks they had added before. */
  #additions: ReadonlyMap<number, readonly string[]> = new Map();

  constructor(options: KernelOptions, emit: Emit) {
    const { plan, graph, budget, replan } = options;
    this.#options = options;
    this.#graph = graph;
    this.#maxParallel = options.maxParallel;
    this.#timeoutMs = plan.timeoutMs ?? options.timeoutMs;
    this.state = new RunState(graph);
    this.#record = new Recorder(graph, this.state, emit);
    if (plan.goalState !== undefined) {
      this.#goal = new GoalTracker(plan.goalState, (id) => graph.indexOf(id) !== undefined);
    }
    if (budget !== undefined) this.#budget = new BudgetKeeper(budget, this.state.spending);
    if (replan !== undefined) {
      const { goal } = plan;
      this.#replanning = new Replanning(
        { goal, limits: replan, prices: options.prices },
        this.state,
        {
          record: this.#record,
          budget: this.#budget,
        },
      );
    }
    this.#readiness = new Readiness(graph, this.state, {
      arrived: (index, now) => this.#arrived(index, now),
      skip: (index, reason, failedTaskId, now) => this.#skip(index, reason, failedTaskId, now),
      childrenSettled: (index, now) => this.#finishGroup(index, now),
    });
    // A fraction makes it an array of doubles from the start.
    this.#readyAt = new Array(graph.size).fill(0.5);
  }

  get ended(): boolean {
    const { status } = this.state;
    return status !== 'created' && status !== 'running' && this.#past === undefined;
  }

  /** Whether `start` has been called. */
  get #isUnderWay(): boolean {
    return this.state.status === 'running' && this.#past === undefined;
  }

  /** The tasks so far: those of the plan, their subtasks, and what was added. */
  get graph(): Graph {
    return this.#graph;
  }

  /** What a task is given. */
  inputsOf(index: number): Inputs {
    return inputsOf(index, this.state, this.#fanOut);
  }

  /** The prompt of a task. */
  promptOf(index: number, inputs: Inputs): string {
    const task = this.#task(index);
    const names = inputNamesOf(index, this.state, this.#fanOut);
    return promptOf(task, inputs, names, this.#fanOut.originOf(task) !== undefined);
  }

  /** How many tries a task has left when this attempt begins, this one included. */
  attemptsLeft(index: number, attempt: number): number {
    const before = this.state.attemptsOf(index) - this.state.triesOf(index);
    return Math.max(1, maxAttemptsOf(this.#retryOf(index)) - (attempt - before) + 1);
  }

  /** Whether a human step has come up and has not been answered. */
  isWaiting(index: number): boolean {
    return this.#questions.has(index);
  }

  /** Whether this is the id of a fan-out that has yet to make its elements. */
  willFanOut(id: string): boolean {
    const index = this.#graph.indexOf(id);
    if (index === undefined || (this.#graph.traitsOf(index) & Trait.forEach) === 0) return false;
    return this.state.statusOf(index) === 'pending' && this.#graph.childCount(index) === 0;
  }

  /**
   * Takes in what is recorded of a run, so that `start` goes on with it: what has been reported
   * stands, what was in flight is started again as the same attempt, and everything else is where it
   * was. To be called once, before any input. The log may end anywhere.
   *
   * @returns The log as events. A run that had ended stays as it is, unless `retryFailed` finds
   * something to do.
   */
  recover(log: Iterable<EventData>, options: RecoverOptions = {}): readonly PlanEvent[] {
    const { plan, failFast, resourceOf } = this.#options;
    const { retryFailed = false, added = new Map() } = options;
    const parts = { state: this.state, fanOut: this.#fanOut, goal: this.#goal };
    const limits = { budget: this.#budget, pauses: this.#pauses, resourceOf, failFast };
    const past = new Past({ plan, added, ...parts, ...limits });
    const events = past.read(log);
    const retried = retryFailed ? tasksToRetry(this.state) : [];
    const hadEnded = this.ended;
    if (hadEnded && retried.length === 0) return events;
    this.#past = { past, retried };
    this.#record.continueAt(past.sequence + 1);
    // Whoever wants more of a run that is over does not want it to wait.
    this.#paused = past.paused && !hadEnded;
    this.#maxParallel = past.maxParallel ?? this.#maxParallel;
    this.#unchecked = past.unchecked;
    this.#additions = past.additions;
    this.#readiness.grow();
    const { size } = this.#graph;
    for (let index = this.#readyAt.length; index < size; index++) this.#readyAt.push(0.5);
    return events;
  }

  /** Begins the run, or goes on with one that was recovered; to be called once. */
  start(now: number): void {
    if (this.#past !== undefined) this.#goOn(this.#past.past, now);
    if (this.state.status !== 'created') return;
    const { plan, deadlineMs, seed, limits } = this.#options;
    this.#deadline = now + deadlineMs;
    this.#budget?.start(now);
    this.#record.planStarted(plan, seed, limits, now);
    this.#beginStrategy(now, () => {
      if (this.#paused) this.#record.paused(now);
      this.#readiness.start(now);
    });
  }

  #goOn(past: Past, now: number): void {
    this.#recordResumption(now);
    this.#deadline = past.startedAt + this.#options.deadlineMs;
    this.#budget?.start(past.startedAt);
    this.#beginStrategy(now, () => {
      if (this.#paused && !past.paused) this.#record.paused(now);
      if (!this.#paused && past.paused) this.#record.resumed(now);
      this.#takeUp(past, now);
    });
  }

  #recordResumption(now: number): void {
    if (this.#past === undefined) return;
    const { past, retried } = this.#past;
    this.#past = undefined;
    const resumption = resumptionOf(past, this.state, retried, now);
    this.#record.runResumed(resumption, now);
    past.resumed({ ...resumption, timestamp: now });
  }

  /** The ids of tasks that a started-again attempt had added before: they are there already. */
  addedBefore(index: number): readonly string[] {
    return this.#additions.get(index) ?? [];
  }

  #beginStrategy(now: number, work: () => void): void {
    const { strategy, resourceOf } = this.#options;
    this.#record.strategyInitialized(strategy.name, this.#maxParallel, now);
    this.#step(now, () => {
      this.#dispatcher = new Dispatcher(strategy, this.#graph, resourceOf);
      this.#dispatcher.begin(this.#runView());
      work();
    });
  }

  /** Completes the step that the log may end in, and puts every task where it was. */
  #takeUp(past: Past, now: number): void {
    const { canceling, stop } = past;
    if (canceling !== undefined) {
      const error = interruptedEnding(canceling);
      this.#cancelAll(canceling, error, now);
      const type = canceling === 'plan_canceled' ? 'plan_canceled' : 'plan_failed';
      this.#end({ type, error }, now);
      return;
    }
    if (stop !== undefined) this.#resumeStop(stop, past.goalAnnounced, now);
    else if (this.#unchecked >= this.#goalCheckInterval) this.#checkGoalNow(now);
    if (this.#stop === undefined) {
      restoreWaiting(past, now, {
        state: this.state,
        readiness: this.#readiness,
        timers: this.#timers,
        questions: this.#questions,
        readyAt: this.#readyAt,
        becomeReady: (index, at) => this.#becomeReady(index, at),
        finishGroup: (index) => this.#finishGroup(index, now),
      });
    }
    for (let index = 0; index < this.#graph.size; index++) {
      if (this.state.statusOf(index) === 'running') this.#launch(index, now);
    }
    if (this.state.replan.since !== undefined) this.#askAgain(now);
  }

  /** A round of re-planning was in flight. */
  #askAgain(now: number): void {
    if (this.#replanning !== undefined) {
      this.commands.push(this.#replanning.again(this.#deadline, now));
      return;
    }
    const error = new StratagemError('aborted', 'the run was resumed without re-planning');
    this.#record.replanFailed(new ReplanError(this.state.replan.rounds, error, {}), now);
  }

  #resumeStop(stop: Stop, isAnnounced: boolean, now: number): void {
    if (stop.reason === 'goal_achieved' && !isAnnounced) {
      this.#record.goalAchieved(this.state.goalProgress?.progress ?? 1, now);
    }
    this.#windDown(stop, now);
    if (stop.abort !== undefined) {
      this.#cancelRunning(stop.reason as CancelReason, stop.abort, now);
    }
  }

  /** The running attempt at a task brought its output. */
  completed(index: number, result: AttemptResult, now: number): void {
    const durationMs = now - this.state.startedAtOf(index);
    this.#attemptOver(index);
    this.#record.completed(index, this.#priced(result), now);
    this.#budget?.release(index);
    this.#now = now;
    // Without a closure, unlike rarer inputs: this is once a task.
    try {
      this.#dispatcher?.settled(index, durationMs, undefined, result);
      this.#settle(index, now);
      this.#proceed(now);
    } catch (error) {
      this.#breakOff(error, now);
    }
  }

  /** The running attempt at a task failed. */
  failed(index: number, thrown: unknown, now: number): void {
    this.#attemptOver(index);
    this.#step(now, () => this.#attemptFailed(index, thrown, now));
  }

  /** The running attempt at a task reported a part of its output. */
  output(index: number, part: OutputPart, now: number): void {
    this.#record.output(index, part, now);
  }

  /** A human answered; for an approval, `true` gives it and anything else refuses. */
  answered(index: number, answer: unknown, now: number): void {
    this.#step(now, () => {
      this.#takeAnswer(index, answer, now);
    });
  }

  /** A human refused to answer. */
  rejected(index: number, reason: unknown, now: number): void {
    this.#step(now, () => {
      this.#reject(index, reason, now);
    });
  }

  /** Tasks are about to be added: until they are, the run does not end for want of others. */
  expectTasks(): void {
    this.#expected++;
  }

  /**
   * The plan grows; the tasks have been checked.
   *
   * @param by The task that adds them; -1 for none.
   */
  addTasks(tasks: readonly Task[], by: number, now: number): void {
    if (this.#expected > 0) this.#expected--;
    this.#step(now, () => {
      const first = this.#graph.size;
      this.#record.tasksAdded('add_tasks', tasks, by, now);
      this.#admit(first, now);
    });
  }

  /** The round of re-planning under way has its answer; it has been checked. */
  replanned(revision: Revision, now: number): void {
    this.#step(now, () => {
      const first = this.#graph.size;
      this.#replanning?.completed(revision, now);
      if (this.#graph.size > first) this.#admit(first, now);
    });
  }

  /** The round of re-planning under way brought nothing that can be used. */
  replanFailed(thrown: unknown, now: number): void {
    this.#step(now, () => this.#replanning?.failed(thrown, now));
  }

  /** Nothing starts until `resume`; what runs goes on. Before the start, the run begins paused. */
  pause(now: number): void {
    if (this.#paused || this.ended) return;
    this.#paused = true;
    if (this.#isUnderWay) this.#record.paused(now);
  }

  resume(now: number): void {
    if (!this.#paused || this.ended) return;
    this.#paused = false;
    if (!this.#isUnderWay) return;
    this.#record.resumed(now);
    this.#step(now, () => {});
  }

  /** Attempts in flight above a lowered cap go on; none starts until there are fewer. */
  setMaxParallel(maxParallel: number, now: number): void {
    if (maxParallel === this.#maxParallel || this.ended) return;
    this.#maxParallel = maxParallel;
    if (!this.#isUnderWay) return;
    this.#record.maxParallelChanged(maxParallel, now);
    this.#step(now, () => {});
  }

  /** Time has passed; to be called at `nextWake`, harmless at any other time. */
  wake(now: number): void {
    if (this.ended) return;
    if (now >= this.#deadline) {
      const message = `The plan was stopped: it did not end within ${this.#options.deadlineMs} ms`;
      const error = new StratagemError('plan_timeout', message);
      this.#cancelAll('plan_timeout', error, now);
      this.#end({ type: 'plan_failed', error }, now);
      return;
    }
    this.#step(now, () => {
      for (let due = this.#timers.take(now); due !== undefined; due = this.#timers.take(now)) {
        this.#timeUp(due, now);
      }
    });
  }

  /**
   * Stops the run: what runs is aborted, nothing new starts. Before the start, it takes the place
   * of it; once the run has ended it has no effect.
   */
  cancel(cause: unknown, now: number): void {
    if (this.ended) return;
    const { plan, seed, limits } = this.#options;
    if (this.state.status === 'created') this.#record.planStarted(plan, seed, limits, now);
    else this.#recordResumption(now);
    const because = cause === undefined ? '' : `: ${describe(cause)}`;
    const error = new StratagemError('plan_canceled', `The plan was canceled${because}`, { cause });
    this.#cancelAll('plan_canceled', error, now);
    this.#end({ type: 'plan_canceled', error }, now);
  }

  #task(index: number): Task {
    return this.#graph.tasks[index] as Task;
  }

  /** Does one input's work, and what follows from it. */
  #step(now: number, work: () => void): void {
    if (this.ended) return;
    this.#now = now;
    try {
      work();
      // A run that was about to end when its process did has ended now.
      if (!this.ended) this.#proceed(now);
    } catch (error) {
      this.#breakOff(error, now);
    }
  }

  #proceed(now: number): void {
    this.#workOff(now);
    this.#dispatch(now);
  }

  /** A strategy that breaks its contract ends the run. */
  #breakOff(error: unknown, now: number): void {
    if (!(error instanceof StrategyError)) throw error;
    this.#cancelAll('invalid_strategy', error, now);
    this.#end({ type: 'plan_failed', error }, now);
  }

  // --- What a settled task means for others ---

  #settle(index: number, now: number): void {
    if (this.state.statusOf(index) === 'completed') this.#checkGoal(index, now);
    this.#settled.push(index);
  }

  /** Loops and no recursion: what follows from one task can be a million others. */
  #workOff(now: number): void {
    this.#spreadAll(now);
    while (this.#opening.length > 0) {
      // Not in the middle of spreading, because a fan-out changes the graph that is walked there.
      for (const index of this.#opening.splice(0)) {
        this.#open(index, now);
        this.#spreadAll(now);
      }
    }
  }

  #spreadAll(now: number): void {
    for (let index = this.#settled.pop(); index !== undefined; index = this.#settled.pop()) {
      this.#readiness.settled(index, now);
    }
  }

  #skip(index: number, reason: SkipReason, failedTaskId: string | undefined, now: number): void {
    if (this.state.statusOf(index) !== 'pending') return;
    this.#record.skipped(index, reason, failedTaskId, now);
    this.#settled.push(index);
  }

  /** All that a task waited for is settled. */
  #arrived(index: number, now: number): void {
    if ((this.#graph.traitsOf(index) & SPECIAL) === 0) this.#becomeReady(index, now);
    else this.#opening.push(index);
  }

  #becomeReady(index: number, now: number): void {
    this.#readyAt[index] = now;
    this.#dispatcher?.ready(index);
  }

  #checkGoal(completed: number, now: number): void {
    if (this.#goal === undefined || this.#stop !== undefined) return;
    this.#goal.completed(this.state.outputOf(completed));
    if (++this.#unchecked >= this.#goalCheckInterval) this.#checkGoalNow(now);
  }

  get #goalCheckInterval(): number {
    return this.#options.plan.goalCheckInterval ?? 1;
  }

  #checkGoalNow(now: number): void {
    if (this.#goal === undefined) return;
    this.#unchecked = 0;
    const progress = this.#goal.check(this.state, now);
    this.#record.goalChecked(progress, now);
    if (!progress.achieved) return;
    this.#record.goalAchieved(progress.progress, now);
    this.#windDown({ reason: 'goal_achieved', ending: { type: 'plan_completed' } }, now);
    if (this.#goal.whenAchieved === 'abort') {
      const error = new StratagemError('goal_achieved', 'The goal of the plan is achieved');
      this.#cancelRunning('goal_achieved', error, now);
    }
  }

  // --- Conditions, fan-outs, subtasks, human steps ---

  /** Begins a task that is more than one attempt. */
  #open(index: number, now: number): void {
    if (this.state.statusOf(index) !== 'pending') return;
    const task = this.#task(index);
    try {
      const inputs = this.inputsOf(index);
      if (task.when !== undefined && !chosen(task.when, inputs)) {
        this.#skip(index, 'not_chosen', undefined, now);
        return;
      }
      if (task.forEach !== undefined) this.#expand(index, task, inputs, now);
      else if (hasSubtasks(task)) this.#openChildren(index, now);
      else if (task.waitFor !== undefined) this.#ask(index, task, inputs, now);
      else this.#becomeReady(index, now);
    } catch (thrown) {
      // What a strategy does wrong is not the task's fault.
      if (thrown instanceof StrategyError) throw thrown;
      this.#fail(index, thrown, now);
    }
  }

  #expand(index: number, task: Task, inputs: Inputs, now: number): void {
    const first = this.#graph.size;
    const items = this.#fanOut.itemsOf(task, inputs);
    const elements = this.#fanOut.elementsOf(task, items, items.length);
    const taken = [...idsOf(elements)].find((id) => this.#graph.indexOf(id) !== undefined);
    if (taken !== undefined) {
      throw new RunnerError('invalid_input', `its forEach needs the id "${taken}", which is taken`);
    }
    const given = isByFunction(task) ? items : undefined;
    if (elements.length > 0) this.#record.tasksAdded('for_each', elements, index, now, given);
    this.#admit(first, now);
    this.#openChildren(index, now);
  }

  #openChildren(index: number, now: number): void {
    this.#readyAt[index] = now;
    this.#readiness.open(index, now);
  }

  /** Tasks have been added from `first` on. */
  #admit(first: number, now: number): void {
    this.#readiness.grow();
    const { size } = this.#graph;
    for (let index = first; index < size; index++) this.#readyAt.push(0.5);
    if (this.#stop === undefined) {
      this.#readiness.admit(first, now);
      return;
    }
    const { reason, failedTaskId } = this.#stop;
    for (let index = first; index < size; index++) this.#skip(index, reason, failedTaskId, now);
  }

  /** All children of a group are settled. */
  #finishGroup(index: number, now: number): void {
    if (this.state.statusOf(index) !== 'pending') return;
    const { state } = this;
    const task = this.#task(index);
    try {
      if (task.forEach !== undefined) this.#complete(index, resultsOf(index, state), now);
      else {
        requireSubtasks(index, state);
        if (doesOwnWork(task)) this.#becomeReady(index, now);
        else this.#complete(index, outputsOf(index, state, this.#fanOut), now);
      }
    } catch (thrown) {
      if (thrown instanceof StrategyError) throw thrown;
      this.#fail(index, thrown, now, this.#readyAt[index]);
    }
  }

  #ask(index: number, task: Task, inputs: Inputs, now: number): void {
    const { kind, timeoutMs } = waitOf(task.waitFor as NonNullable<Task['waitFor']>);
    const question = this.promptOf(index, inputs);
    this.#readyAt[index] = now;
    this.#questions.add(index);
    if (timeoutMs !== undefined) this.#timers.set(index, now + timeoutMs);
    this.#record.waiting(index, { kind, question, timeoutMs }, now);
  }

  #takeAnswer(index: number, answer: unknown, now: number): void {
    const { kind } = waitOf(this.#task(index).waitFor as NonNullable<Task['waitFor']>);
    if (kind === 'approval' && answer !== true) {
      this.#reject(index, undefined, now);
      return;
    }
    if (!this.#questions.delete(index)) return; // Answered, or timed out, a moment before.
    this.#timers.clear(index);
    this.#complete(index, answer, now);
  }

  #reject(index: number, reason: unknown, now: number): void {
    if (!this.#questions.delete(index)) return;
    this.#timers.clear(index);
    const because = reason === undefined ? '' : `: ${describe(reason)}`;
    const error = new RunnerError('rejected', `it was not approved${because}`);
    this.#fail(index, error, now, this.#readyAt[index]);
  }

  /** A task is complete without an attempt of its own. */
  #complete(index: number, output: unknown, now: number): void {
    this.#record.completed(index, { output }, now, this.#readyAt[index]);
    this.#settle(index, now);
  }

  /**
   * A task has failed without an attempt of its own.
   *
   * @param since When it began.
   */
  #fail(index: number, thrown: unknown, now: number, since = now): void {
    const error = new TaskError(this.#task(index).id, thrown);
    this.#record.failed(index, error, now, since);
    this.#afterFailure(index, error, now);
  }

  // --- Attempts ---

  /** The user's prices go before what a runner says. */
  #priced(result: AttemptResult): AttemptResult {
    const { usage, model } = result;
    const costUsd = usage && costOf(usage, model, this.#options.prices);
    return costUsd === undefined ? result : { ...result, costUsd };
  }

  /** Starts what the strategy chooses until it, or a limit, says stop; ends the run when all is done. */
  #dispatch(now: number): void {
    const dispatcher = this.#dispatcher as Dispatcher;
    let wait = Number.POSITIVE_INFINITY;
    if (this.#pauses.size > 0) this.#pauses.expire(now);
    // At the deadline there is nothing left but to wake and stop.
    while (this.state.running < this.#maxParallel && !this.#paused && now < this.#deadline) {
      let choice = this.#held ?? this.#pauses.unpark();
      if (choice === undefined) {
        if (!this.#hasReady(dispatcher)) break;
        const next = dispatcher.next(now);
        if (typeof next !== 'number') {
          wait = next?.until ?? wait;
          break;
        }
        choice = next;
      }
      if (this.#isPaused(choice, dispatcher)) continue;
      if (this.#budget !== undefined && !this.#affords(choice, now)) break;
      this.#begin(choice, now);
    }
    const timer = this.#timers.size === 0 ? wait : this.#timers.next;
    this.nextWake = Math.min(wait, this.#deadline, timer, this.#pauses.next);
    if (this.#expected > 0) return;
    if (this.state.settled === this.#graph.size) this.#finish(now);
    else if (this.#isStuck(wait, now)) throw dispatcher.stalled();
  }

  /** Nothing is under way that could ever make the strategy be asked again. */
  #isStuck(wait: number, now: number): boolean {
    return (
      now < this.#deadline &&
      this.state.running === 0 &&
      wait === Number.POSITIVE_INFINITY &&
      this.#timers.size === 0 &&
      this.#pauses.size === 0 &&
      this.#questions.size === 0 &&
      this.state.replan.since === undefined &&
      !this.#paused
    );
  }

  /** Whether a task is ready whose server has not asked to wait. */
  #hasReady(dispatcher: Dispatcher): boolean {
    return this.#pauses.size === 0
      ? dispatcher.readyCount > 0
      : dispatcher.hasReadyBeside(this.#pauses);
  }

  /** Whether a chosen task has to wait for its server, and then sees to it that it does. */
  #isPaused(index: number, dispatcher: Dispatcher): boolean {
    if (this.#pauses.size === 0) return false;
    const resource = dispatcher.resourceOf(index);
    if (!this.#pauses.has(resource)) return false;
    this.#held = undefined;
    this.#pauses.park(index, resource);
    return true;
  }

  /** A server that says when it has room again is left alone until then. */
  #heed(index: number, error: TaskError, now: number): void {
    const pauseMs = pauseAskedFor(this.#task(index), error);
    if (pauseMs === 0) return;
    const resource = this.#dispatcher?.resourceOf(index) ?? '';
    if (!this.#pauses.pause(resource, now + pauseMs)) return;
    this.#record.resourcePaused(resource, pauseMs, error.code, now);
  }

  #begin(index: number, now: number): void {
    const attempt = this.state.attemptsOf(index) + 1;
    this.#record.started(index, attempt, now - (this.#readyAt[index] as number), now);
    this.#launch(index, now);
  }

  /** The attempt that the state says is in flight. */
  #launch(index: number, now: number): void {
    const attempt = this.state.attemptsOf(index);
    const timeoutMs = this.#timeoutOf(index);
    if (timeoutMs !== Number.POSITIVE_INFINITY) this.#timers.set(index, now + timeoutMs);
    const until = Math.min(this.#deadline, now + timeoutMs);
    const deadline = until === Number.POSITIVE_INFINITY ? undefined : until;
    this.commands.push({ type: 'start', index, attempt, deadline });
  }

  #retryOf(index: number): RetryPolicy | undefined {
    return this.#task(index).retry ?? this.#options.plan.retry ?? this.#options.retry;
  }

  #timeoutOf(index: number): number {
    return this.#task(index).timeoutMs ?? this.#timeoutMs;
  }

  /** Whether the budget allows a start now; if it never will, the run stops. */
  #affords(index: number, now: number): boolean {
    const budget = this.#budget as BudgetKeeper;
    const estimate = expectationOf(this.#task(index));
    const isFirst = this.state.attemptsOf(index) === 0;
    const excess = budget.excess(estimate, isFirst, now);
    if (excess === undefined) {
      this.#held = undefined;
      budget.reserve(index, estimate, isFirst);
      return true;
    }
    this.#held = index;
    if (excess.reserved === 0) this.#exceed(index, excess, now);
    return false;
  }

  #exceed(index: number, excess: Excess, now: number): void {
    this.#record.budgetExceeded(index, excess, now);
    const error = new StratagemError(
      'budget_exceeded',
      explainExcess(excess, this.#task(index).id),
    );
    this.#windDown({ reason: 'budget_exceeded', ending: { type: 'plan_failed', error } }, now);
  }

  #attemptOver(index: number): void {
    if (this.#timers.size > 0) this.#timers.clear(index);
  }

  #attemptFailed(index: number, thrown: unknown, now: number): void {
    const error = new TaskError(this.#task(index).id, thrown, this.#options.prices);
    const durationMs = now - this.state.startedAtOf(index);
    const delayMs = this.#retryDelay(index, error, now);
    if (delayMs === undefined) this.#record.failed(index, error, now);
    else this.#record.retrying(index, error, delayMs, now);
    this.#budget?.release(index);
    this.#heed(index, error, now);
    this.#dispatcher?.settled(index, durationMs, error, error, delayMs);
    if (delayMs === undefined) this.#afterFailure(index, error, now);
    else this.#timers.set(index, now + delayMs);
  }

  /** How long until a failed attempt is repeated; undefined when it is not. */
  #retryDelay(index: number, error: TaskError, now: number): number | undefined {
    if (this.#stop !== undefined) return undefined;
    const { code, retryAfterMs, taskId, tries = 1 } = error;
    const attempt = this.state.triesOf(index) + tries - 1;
    const failed = { taskId, attempt, code, retryAfterMs };
    const delayMs = retryDelay(this.#retryOf(index), failed, this.#options.seed);
    // There is no point in waiting for an attempt that could not start any more.
    return delayMs === undefined || now + delayMs >= this.#deadline ? undefined : delayMs;
  }

  #afterFailure(index: number, error: TaskError, now: number): void {
    const isForFanOut = (this.#graph.traitsOf(index) & Trait.item) !== 0;
    if (this.#options.failFast && !isForFanOut && this.#stop === undefined) {
      this.#windDown({ reason: 'fail_fast', failedTaskId: error.taskId }, now, error);
    } else this.#settle(index, now);
  }

  /** A task's timer is due. */
  #timeUp(index: number, now: number): void {
    if (this.state.statusOf(index) === 'running') {
      const message = `no answer within its timeout of ${this.#timeoutOf(index)} ms`;
      const error = new RunnerError('timeout', message);
      this.commands.push({ type: 'abort', index, error });
      this.#attemptFailed(index, error, now);
    } else if (this.#questions.has(index)) {
      const wait = waitOf(this.#task(index).waitFor as NonNullable<Task['waitFor']>);
      if (wait.default !== undefined) this.#takeAnswer(index, wait.default, now);
      else {
        this.#questions.delete(index);
        const message = `nobody answered within ${wait.timeoutMs} ms`;
        this.#fail(index, new RunnerError('timeout', message), now, this.#readyAt[index]);
      }
    } else this.#becomeReady(index, now);
  }

  // --- Ends ---

  /**
   * Nothing starts any more: what has not started is skipped. What runs goes on to its end, unless
   * there is a failure to abort it for.
   */
  #windDown(stop: Stop, now: number, failure?: TaskError): void {
    this.#stop = stop;
    const why = `the run stopped before it had an answer (${stop.reason})`;
    this.#abortRound(new StratagemError('aborted', why), now);
    for (let index = 0; index < this.#graph.size; index++) {
      const status = this.state.statusOf(index);
      if (status === 'running' && failure !== undefined) {
        this.#cancelTask(index, 'fail_fast', failure, now);
      } else if (status === 'pending') {
        this.#record.skipped(index, stop.reason, stop.failedTaskId, now);
        this.#timers.clear(index);
      }
    }
    this.#forgetWaiting();
  }

  #cancelRunning(reason: CancelReason, error: StratagemError, now: number): void {
    for (let index = 0; index < this.#graph.size; index++) {
      if (this.state.statusOf(index) === 'running') this.#cancelTask(index, reason, error, now);
    }
  }

  /** Aborts what runs and cancels what has not started. */
  #cancelAll(reason: CancelReason, error: StratagemError, now: number): void {
    for (let index = 0; index < this.#graph.size; index++) {
      const status = this.state.statusOf(index);
      if (status === 'running' || status === 'pending') this.#cancelTask(index, reason, error, now);
    }
    this.#abortRound(error, now);
    this.#forgetWaiting();
  }

  #cancelTask(index: number, reason: CancelReason, error: StratagemError, now: number): void {
    const running = this.state.statusOf(index) === 'running';
    this.#record.canceled(index, reason, now);
    this.#timers.clear(index);
    this.#budget?.release(index);
    if (running) this.commands.push({ type: 'abort', index, error });
  }

  #forgetWaiting(): void {
    this.#dispatcher?.clear();
    this.#pauses.clear();
    this.#questions.clear();
    this.#opening.length = 0;
    this.#held = undefined;
  }

  #finish(now: number): void {
    const { state } = this;
    if (state.replan.since !== undefined) return;
    if (this.#stop?.ending !== undefined) {
      this.#end(this.#stop.ending, now);
      return;
    }
    const progress = this.#goal?.check(state, now);
    // Whoever asked to stop at the first failure has been heard.
    const replanning = this.#stop === undefined ? this.#replanning : undefined;
    const refusal = replanning?.refusal(this.#deadline, now);
    const ending = endingOf(state, progress, refusal);
    const isRevised =
      ending.type === 'plan_failed' && replanning !== undefined && refusal === undefined;
    if (isRevised && this.#paused) return;
    this.#unchecked = 0;
    if (progress !== undefined) this.#record.goalChecked(progress, now);
    if (progress?.achieved) this.#record.goalAchieved(progress.progress, now);
    if (isRevised) this.commands.push(replanning.begin(this.#deadline, now));
    else this.#end(ending, now);
  }

  /** Ends a round for whose answer there is no use any more. */
  #abortRound(error: StratagemError, now: number): void {
    if (this.state.replan.since === undefined) return;
    this.#replanning?.failed(error, now);
    this.commands.push({ type: 'abort_replan', error });
  }

  #end(ending: Ending, now: number): void {
    this.#record.planEnded(ending, now);
    this.nextWake = Number.POSITIVE_INFINITY;
  }

  #runView(): RunView {
    return new LiveRunView(this.#graph, this.state, {
      now: () => this.#now,
      maxParallel: () => this.#maxParallel,
      ready: () => this.#dispatcher?.readyCount ?? 0,
      report: (change) => {
        const accepted = (this.#dispatcher as Dispatcher).accept(change);
        this.#record.strategySwitched(accepted, this.#now);
      },
    });
  }
}
