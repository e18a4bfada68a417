import { StratagemError, type TaskError } from '../contract/errors.js';
import type {
  BudgetExceeded,
  CancelReason,
  EarlierAttempts,
  GoalChecked,
  RetriedTask,
  RunEvent,
  RunResumed,
  SkipReason,
  TaskCanceled,
  TaskFailed,
  TaskRetrying,
  TaskSkipped,
  TasksAdded,
} from '../contract/event.js';
import type { GoalMetric, GoalProgress, GoalState } from '../contract/goal.js';
import type { InputValues } from '../contract/plan-inputs.js';
import { isRefusal } from '../contract/retry.js';
import type { AttemptResult } from '../contract/runner.js';
import { isNotChosenFor } from '../contract/skip-reason.js';
import type { PlanStatus, TaskStatus } from '../contract/status.js';
import type { Stop } from '../contract/stop.js';
import { estimateOf, type Task } from '../contract/task.js';
import type { Usage } from '../contract/usage.js';
import { enlarge, NONE } from '../graph/arrays.js';
import type { Graph } from '../graph/graph.js';
import { TaskKind } from '../graph/task-kind.js';
import type { Queue } from '../util/queue.js';
import { explainExcess } from './budget-excess.js';
import { BudgetLedger } from './budget-ledger.js';
import { COMPLETED, COMPLETED_WITH_DETAILS, EventLog, STARTED } from './event-log.js';
import { Failures } from './failures.js';
import { GoalTracker } from './goal-tracker.js';
import type { InFlight } from './in-flight.js';
import { ReplanState } from './replan-state.js';
import { Spending } from './spending.js';
import { type TaskResult, taskResultOf } from './task-result.js';

const PENDING = 0;
const RUNNING = 1;
const DONE = 2;
const FAILED = 3;
const SKIPPED = 4;
const CANCELED = 5;
const STATUSES: readonly TaskStatus[] = [
  'pending',
  'running',
  'completed',
  'failed',
  'skipped',
  'canceled',
];

/** The key under which a round of re-planning reserves its budget, among the indexes of tasks. */
const REPLAN_ROUND = -1;

/** What a run is limited by, as far as its state depends on it. */
export interface StatePolicy {
  readonly failFast?: boolean | undefined;
  readonly goalState?: GoalState | undefined;
  /** Whether starts reserve a budget. */
  readonly hasBudget?: boolean | undefined;
  /** Whether an attempt begins later than it is started, and says so. */
  readonly beginsLater?: boolean | undefined;
  /** Counts the attempts in flight by resource, for a run that limits them. */
  readonly inFlight?: InFlight | undefined;
  /** Values of inputs that no log has. */
  readonly secrets?: InputValues | undefined;
}

/** A human step that has come up and has not been answered. */
export interface WaitingQuestion {
  /** Position of its `task_waiting` event. */
  readonly position: number;
  readonly timeoutMs: number | undefined;
}

/** The last time that a server asked clients to wait. */
export interface Cooldown {
  /** As Unix time in milliseconds. */
  readonly until: number;
  readonly pauseMs: number;
}

/**
 * Everything that a run has come to: a fold of its log. `fold` is the only way to change it, live,
 * on resume, in a report and in a test, so it cannot know anything that the log does not say.
 */
export class RunState {
  readonly graph: Graph;
  readonly log: EventLog;
  status: PlanStatus = 'created';
  /** Why the run did not complete. */
  error: StratagemError | undefined;
  /** Tasks in a final status. */
  settled = 0;
  /** Attempts in flight. */
  running = 0;
  completed = 0;
  failed = 0;
  skipped = 0;
  /** Attempts that were started. */
  attempts = 0;
  /** Failures that make the plan fail: those that no fan-out, parent or re-planning answers for. */
  readonly failures = new Failures();
  readonly replan = new ReplanState();
  readonly spending = new Spending();
  /** How far the goal was reached when it was last checked. */
  goalProgress: GoalProgress | undefined;
  /** Counts the outputs that the criteria of the goal are about. */
  readonly goal: GoalTracker | undefined;
  /** Completed tasks since the goal was last checked. */
  unchecked = 0;
  /** Whether the log has `goal_achieved`, and not only a check that found the goal achieved. */
  isGoalAnnounced = false;
  /** Why no task starts any more. */
  stop: Stop | undefined;
  /** Why all tasks are being canceled. */
  canceling: CancelReason | undefined;
  isPaused = false;
  /** Whether other runs of its executor hold the places that it waits for. */
  isWaitingForPlaces = false;
  /** The values of the plan's inputs, without secret ones; undefined for a plan without inputs. */
  inputs: InputValues | undefined;
  /** The cap in force; undefined before a strategy began. */
  maxParallel: number | undefined;
  readonly budget: BudgetLedger | undefined;
  /** What the first attempt competed for that was not at a function. */
  resource: string | undefined;
  /** Whether the strategy has let ready tasks wait that could have started. */
  strategyWaits = false;
  /** The task that the budget holds back until attempts in flight have ended. */
  budgetWaiting: number | undefined;
  /** For each resource whose server asked to wait. */
  readonly cooldowns = new Map<string, Cooldown>();
  /** For each task whose attempt will be repeated, when, as Unix time in milliseconds. */
  readonly retries = new Map<number, number>();
  readonly questions = new Map<number, WaitingQuestion>();
  /** For each task in flight that added tasks, their ids. */
  readonly additions = new Map<number, Set<string>>();
  /** Started attempts that have not begun; always empty unless attempts begin later. */
  readonly notBegun = new Set<number>();
  /** When it started, in Unix milliseconds; later by the time that was spent down. */
  runStartedAt = 0;
  /** When deadlines and time budgets began to count. */
  limitsSince = 0;
  /**
   * Tasks whose last dependency has just settled, in order; the kernel takes them out. Undefined for
   * a reader that does not need them.
   */
  unblocked: Queue<number> | undefined;

  readonly #policy: StatePolicy;
  #status: Uint8Array;
  #attempts: Int32Array;
  #startedAt: Float64Array;
  /** Position of the event that ended the task. */
  #last: Int32Array;
  /**
   * Dependencies that have neither completed nor been skipped as not chosen; for a task that runs after
   * failures, those that have not settled.
   */
  #waits: Int32Array;
  /** Position of the event that unblocked the task: it waits for nothing since then. */
  #unblockedAt: Int32Array;
  /** For some tasks, how many of their dependencies were not chosen. */
  readonly #notChosen = new Map<number, number>();
  /** Groups and fan-outs that had begun and begin again, because their inputs may be others. */
  readonly beginsAgain = new Set<number>();
  /** For each group, how many of its children have not settled. */
  readonly #unsettledChildren = new Map<number, number>();
  /** For groups whose children have all settled, the position of the event that settled the last. */
  readonly #childrenSettledAt = new Map<number, number>();
  /**
   * Attempts that the retry policy does not count: refused ones, and those before a fresh start or under
   * an earlier plan.
   */
  readonly #triesBefore = new Map<number, number>();
  /** Attempts under earlier plans, by the id of the task, which may have yet to be added. */
  #attemptsBefore: ReadonlyMap<string, EarlierAttempts> = new Map();
  readonly #resumptions: { readonly at: number; readonly downtimeMs: number }[] = [];
  #planInputs: InputValues | undefined;
  /** The position that is being folded. */
  #position = 0;

  constructor(graph: Graph, policy: StatePolicy = {}) {
    const { size } = graph;
    this.graph = graph;
    this.log = new EventLog(graph);
    this.#policy = policy;
    if (policy.hasBudget) this.budget = new BudgetLedger(this.spending);
    if (policy.goalState !== undefined) {
      this.goal = new GoalTracker(policy.goalState, (id) => graph.indexOf(id) !== undefined);
    }
    this.#status = new Uint8Array(size);
    this.#attempts = new Int32Array(size);
    this.#startedAt = new Float64Array(size);
    this.#last = new Int32Array(size).fill(NONE);
    this.#waits = new Int32Array(size);
    this.#unblockedAt = new Int32Array(size);
    for (let index = 0; index < size; index++) this.#waits[index] = graph.dependencyCount(index);
    if (graph.hasFamilies) this.#countChildren(0);
  }

  // --- Reading ---

  /** All values of the plan's inputs, as tasks get them; undefined for a plan without inputs. */
  get planInputs(): InputValues | undefined {
    const { inputs } = this;
    const { secrets } = this.#policy;
    if (secrets === undefined || inputs === undefined) return inputs;
    this.#planInputs ??= Object.freeze(Object.assign(Object.create(null), inputs, secrets));
    return this.#planInputs;
  }

  statusOf(index: number): TaskStatus {
    return STATUSES[this.#status[index] as number] as TaskStatus;
  }

  isPending(index: number): boolean {
    return this.#status[index] === PENDING;
  }

  /** Whether this is the attempt in flight at a task. */
  isInFlight(index: number, attempt: number): boolean {
    return this.#status[index] === RUNNING && this.#attempts[index] === attempt;
  }

  isRunning(index: number): boolean {
    return this.#status[index] === RUNNING;
  }

  isSettled(index: number): boolean {
    return (this.#status[index] as number) >= DONE;
  }

  isCompleted(index: number): boolean {
    return this.#status[index] === DONE;
  }

  attemptsOf(index: number): number {
    return this.#attempts[index] as number;
  }

  /** Attempts since the run began or, if a changed plan was accepted, since then. */
  attemptsUnderPlan(index: number): number {
    const attempts = this.#attempts[index] as number;
    if (attempts === 0 || this.#attemptsBefore.size === 0) return attempts;
    return attempts - this.#attemptsBeforeOf(index);
  }

  /** Attempts under earlier plans that are not repeated. */
  #attemptsBeforeOf(index: number): number {
    const earlier = this.#attemptsBefore.get((this.graph.tasks[index] as Task).id);
    if (earlier === undefined) return 0;
    const [, attempts, isRepeated] = earlier;
    return isRepeated ? attempts - 1 : attempts;
  }

  /** Attempts since the task was last given a fresh start: those that its retry policy counts. */
  triesOf(index: number): number {
    const before = this.#triesBefore.size === 0 ? 0 : (this.#triesBefore.get(index) ?? 0);
    return this.attemptsOf(index) - before;
  }

  /** When the last attempt began. */
  startedAtOf(index: number): number {
    return this.#startedAt[index] as number;
  }

  outputOf(index: number): unknown {
    if (this.#status[index] !== DONE) return undefined;
    return this.log.outputAt(this.#last[index] as number);
  }

  /** Whether a completed task's output was dropped from memory. */
  isReleased(index: number): boolean {
    return this.#status[index] === DONE && this.log.isReleased(this.#last[index] as number);
  }

  /** Why a task was skipped or canceled. */
  reasonOf(index: number): SkipReason | CancelReason | undefined {
    const status = this.#status[index];
    if (status !== SKIPPED && status !== CANCELED) return undefined;
    return (this.#lastEvent(index) as TaskSkipped | TaskCanceled).reason;
  }

  /** Whether a task ended without an output, and not because it was not chosen. */
  isLost(index: number): boolean {
    return (this.#status[index] as number) > DONE && !this.isNotChosen(index);
  }

  isNotChosen(index: number): boolean {
    return this.#status[index] === SKIPPED && isNotChosenFor(this.reasonOf(index));
  }

  /** Whether a task failed, or did not run or end because another one failed. */
  isFailure(index: number): boolean {
    if (this.#status[index] === FAILED) return true;
    const reason = this.reasonOf(index);
    if (this.#status[index] === CANCELED && reason === 'requested') return true;
    return reason === 'dependency_failed' || reason === 'fail_fast';
  }

  /** Whether the task runs once its dependencies have settled, also if they failed. */
  runsAfterFailure(index: number): boolean {
    return (this.graph.kindOf(index) & TaskKind.afterAny) !== 0;
  }

  /** The task whose failure a failed, skipped or canceled task goes back to. */
  failedTaskIdOf(index: number): string | undefined {
    const status = this.#status[index];
    if (status === FAILED) return (this.graph.tasks[index] as Task).id;
    if (status === CANCELED) {
      const isOwn = this.reasonOf(index) === 'requested';
      return isOwn ? (this.graph.tasks[index] as Task).id : this.stop?.failedTaskId;
    }
    return status === SKIPPED ? (this.#lastEvent(index) as TaskSkipped).failedTaskId : undefined;
  }

  /** Why a task failed, or was canceled alone. */
  errorOf(index: number): TaskError | undefined {
    const status = this.#status[index];
    if (status !== FAILED && status !== CANCELED) return undefined;
    return (this.#lastEvent(index) as TaskFailed | TaskCanceled).error;
  }

  resultOf(index: number): TaskResult {
    const last = this.#last[index] as number;
    return taskResultOf(index, this, last === NONE ? undefined : this.log.eventAt(last));
  }

  /** Whether nothing but its group keeps a pending task: no dependency, retry or open question. */
  isAdmissible(index: number): boolean {
    if (this.#waits[index] !== 0) return false;
    return !this.retries.has(index) && !this.questions.has(index);
  }

  /** Whether the task has dependencies, and none of them was chosen. */
  hasOnlyUnchosenDependencies(index: number): boolean {
    if (this.#notChosen.size === 0) return false;
    return this.#notChosen.get(index) === this.graph.dependencyCount(index);
  }

  /** Position of the event that unblocked a task; orders tasks by how long they have been ready. */
  unblockedPosition(index: number): number {
    return this.#childrenSettledAt.get(index) ?? (this.#unblockedAt[index] as number);
  }

  /** When all that a task depends on had settled, its group included. */
  unblockedAt(index: number): number {
    const own = this.timeOf(this.#unblockedAt[index] as number);
    const parent = this.graph.hasFamilies ? this.graph.parentOf(index) : undefined;
    return parent === undefined ? own : Math.max(own, this.unblockedAt(parent));
  }

  /** When the next attempt at a pending task could start, at the earliest. */
  readyAt(index: number): number {
    if (this.retries.size > 0) {
      const dueAt = this.retries.get(index);
      if (dueAt !== undefined) return this.shifted(dueAt);
    }
    if (!this.graph.hasFamilies && this.#resumptions.length === 0) {
      return this.log.timeAt(this.#unblockedAt[index] as number);
    }
    const children = this.#childrenSettledAt.get(index);
    return children === undefined ? this.unblockedAt(index) : this.timeOf(children);
  }

  /** When a human was asked. */
  askedAt(index: number): number {
    return this.timeOf((this.questions.get(index) as WaitingQuestion).position);
  }

  /** Position of the event that settled the last child of a group; undefined before that. */
  childrenSettledPosition(group: number): number | undefined {
    return this.#childrenSettledAt.get(group);
  }

  unsettledChildrenOf(group: number): number {
    return this.#unsettledChildren.get(group) ?? 0;
  }

  /** The time of an entry on the clock as it is now, which stood still while the run was down. */
  timeOf(position: number): number {
    return this.shifted(this.log.timeAt(position));
  }

  shifted(at: number): number {
    let shifted = at;
    for (const resumption of this.#resumptions) {
      if (resumption.at > at) shifted += resumption.downtimeMs;
    }
    return shifted;
  }

  /** A figure that the criteria of a goal may use; undefined for a cost that is unknown. */
  figure(metric: GoalMetric, now: number): number | undefined {
    switch (metric) {
      case 'completedTasks':
        return this.completed;
      case 'failedTasks':
        return this.failed;
      case 'skippedTasks':
        return this.skipped;
      case 'totalTasks':
        return this.graph.size;
      case 'attempts':
        return this.attempts;
      case 'inputTokens':
        return this.spending.usage.inputTokens;
      case 'outputTokens':
        return this.spending.usage.outputTokens;
      case 'totalTokens':
        return this.spending.totalTokens;
      case 'costUsd':
        return this.spending.costUsd ?? undefined;
      case 'executionTimeMs':
        return now - this.runStartedAt;
      case 'successRate':
        return this.graph.size === 0 ? 0 : this.completed / this.graph.size;
    }
  }

  /** What the state keeps to itself, for tests that compare two states. */
  get internals(): Readonly<Record<string, unknown>> {
    return {
      status: this.#status,
      attempts: this.#attempts,
      startedAt: this.#startedAt,
      last: this.#last,
      waits: this.#waits,
      unblockedAt: this.#unblockedAt,
      notChosen: this.#notChosen,
      unsettledChildren: this.#unsettledChildren,
      childrenSettledAt: this.#childrenSettledAt,
      triesBefore: this.#triesBefore,
      attemptsBefore: this.#attemptsBefore,
      resumptions: this.#resumptions,
    };
  }

  /** What an attempt competes for whose start does not say so: most runs have one resource. */
  usualResourceOf(index: number): string | undefined {
    return (this.graph.tasks[index] as Task).run === undefined ? this.resource : 'function';
  }

  // --- Folding ---

  /**
   * Appends the start of the next attempt at a task, and folds it.
   *
   * @param resource What it competes for.
   */
  recordStart(index: number, waitMs: number, now: number, resource: string): void {
    const attempt = (this.#attempts[index] as number) + 1;
    const named = resource === this.usualResourceOf(index) ? undefined : resource;
    this.#position = this.log.appendStarted(index, attempt, waitMs, now, named);
    this.#foldStarted(index, attempt, now, named);
  }

  /** Appends the completion of a task, and folds it. */
  recordCompletion(index: number, durationMs: number, result: AttemptResult, now: number): void {
    const attempt = this.#attempts[index] as number;
    this.#position = this.log.appendCompleted(index, attempt, durationMs, result, now);
    if (result.usage !== undefined || result.costUsd !== undefined) {
      this.spending.add(result.usage, result.costUsd);
    }
    this.#foldCompleted(index);
  }

  /** Appends a recorded event and folds it. */
  apply(event: RunEvent, index = this.#indexOf(event)): void {
    this.fold(this.log.append(event, index));
  }

  /** Takes one entry of the log into account; entries are folded once, in order. */
  fold(position: number): void {
    const { log } = this;
    const index = log.indexAt(position);
    this.#position = position;
    switch (log.kindAt(position)) {
      case STARTED:
        this.#foldStarted(
          index,
          log.attemptAt(position),
          log.timeAt(position),
          log.resourceAt(position),
        );
        break;
      case COMPLETED_WITH_DETAILS: {
        const { usage, costUsd } = log.resultAt(position);
        this.spending.add(usage, costUsd);
        this.#foldCompleted(index);
        break;
      }
      case COMPLETED:
        this.#foldCompleted(index);
        break;
      default:
        this.#foldOther(log.objectAt(position), index);
    }
  }

  #foldStarted(index: number, attempt: number, at: number, resource: string | undefined): void {
    if (this.resource === undefined && resource !== undefined) this.#foldResource(index, resource);
    if (this.budgetWaiting !== undefined) this.budgetWaiting = undefined;
    if (this.budget !== undefined) {
      const estimate = estimateOf(this.graph.tasks[index] as Task);
      this.budget.reserve(index, estimate, this.attemptsUnderPlan(index) === 0);
    }
    this.#status[index] = RUNNING;
    this.#attempts[index] = attempt;
    this.#startedAt[index] = at;
    this.running++;
    this.#policy.inFlight?.start(index);
    this.attempts++;
    if (this.retries.size > 0) this.retries.delete(index);
    if (this.#policy.beginsLater) this.notBegun.add(index);
  }

  #foldResource(index: number, resource: string): void {
    if ((this.graph.tasks[index] as Task).run === undefined) this.resource = resource;
  }

  #foldCompleted(index: number): void {
    if (this.#status[index] === RUNNING) this.#leave(index);
    this.completed++;
    this.#settle(index, DONE);
    if (this.goal !== undefined && this.stop === undefined) {
      this.goal.completed(this.outputOf(index));
      this.unchecked++;
    }
    this.graph.eachDependent(index, this.#unblock);
  }

  #foldOther(event: RunEvent, index: number): void {
    switch (event.type) {
      case 'run_started':
        this.status = 'running';
        this.inputs = event.inputs;
        this.runStartedAt = this.limitsSince = event.timestamp;
        if (event.spentBefore !== undefined) this.spending.begin(event.spentBefore);
        if (event.attemptsBefore !== undefined) {
          this.#attemptsBefore = new Map(event.attemptsBefore.map((each) => [each[0], each]));
          this.#countEarlierAttempts(0);
        }
        this.#unblockRoots();
        break;
      case 'strategy_waiting':
        this.strategyWaits = true;
        break;
      case 'strategy_initialized':
        this.strategyWaits = false;
        this.maxParallel = event.maxParallel ?? Number.POSITIVE_INFINITY;
        break;
      case 'max_parallel_changed':
        this.maxParallel = event.maxParallel ?? Number.POSITIVE_INFINITY;
        break;
      case 'task_begun':
        this.#startedAt[index] = event.timestamp;
        this.notBegun.delete(index);
        break;
      case 'task_retrying':
        this.#foldRetrying(event, index);
        break;
      case 'task_failed':
        this.#foldFailed(event, index);
        break;
      case 'task_waiting': {
        const { timeoutMs } = event;
        this.questions.set(index, { position: this.#position, timeoutMs });
        break;
      }
      case 'task_skipped':
        this.#foldSkipped(event, index);
        break;
      case 'task_canceled':
        if (this.#status[index] === RUNNING) this.#leave(index);
        this.#settle(index, CANCELED);
        if (event.reason === 'requested') this.#foldCanceled(event, index);
        else if (event.reason !== 'fail_fast' && event.reason !== 'goal_achieved') {
          this.canceling = event.reason;
        }
        break;
      case 'tasks_added':
        this.#foldAddition(event, index);
        break;
      case 'goal_checked':
        this.#foldGoalCheck(event);
        break;
      case 'goal_achieved':
        this.isGoalAnnounced = true;
        break;
      case 'budget_waiting':
        this.budgetWaiting = index;
        break;
      case 'budget_exceeded':
        this.#foldBudgetExceeded(event);
        break;
      case 'replan_started':
        this.unchecked = 0;
        this.budget?.reserve(REPLAN_ROUND, undefined, false);
        this.replan.apply(event);
        break;
      case 'replan_completed':
        this.#foldRound(event, event.usage, event.costUsd);
        break;
      case 'replan_failed':
        this.#foldRound(event, event.error.usage, event.error.costUsd);
        break;
      case 'run_paused':
        this.isPaused = true;
        break;
      case 'run_unpaused':
        this.isPaused = false;
        break;
      case 'places_waiting':
        this.isWaitingForPlaces = event.isWaiting;
        break;
      case 'resource_paused': {
        const until = event.timestamp + event.pauseMs;
        const before = this.cooldowns.get(event.resource);
        if (before !== undefined && before.until >= until) break;
        this.cooldowns.set(event.resource, { until, pauseMs: event.pauseMs });
        break;
      }
      case 'run_resumed':
        this.#foldResumption(event);
        break;
      case 'run_completed':
        this.status = 'completed';
        break;
      case 'run_failed':
        this.status = 'failed';
        this.error = event.error;
        break;
      case 'run_canceled':
        this.status = 'canceled';
        this.error = event.error;
        break;
    }
  }

  /** A run that had stopped before ends as it would have, without the tasks that were still to run. */
  #foldBudgetExceeded(event: BudgetExceeded): void {
    const { failedTaskId, ending } = this.stop ?? { ending: budgetEnding(event) };
    this.stop = { reason: 'budget_exceeded', failedTaskId, ending };
  }

  /** An attempt is no longer in flight. */
  #leave(index: number): void {
    this.running--;
    this.#policy.inFlight?.end(index);
  }

  #foldRetrying({ attempt, error, timestamp, delayMs }: TaskRetrying, index: number): void {
    this.#leave(index);
    this.spending.add(error.usage, error.costUsd);
    this.budget?.release(index, false);
    this.additions.delete(index);
    this.notBegun.delete(index);
    this.#status[index] = PENDING;
    this.#attempts[index] = attempt + furtherTries(error);
    if (isRefusal(error)) {
      const before = this.attemptsOf(index) - this.triesOf(index);
      this.#triesBefore.set(index, before + 1 + furtherTries(error));
    }
    this.retries.set(index, timestamp + delayMs);
  }

  #foldFailed(event: TaskFailed, index: number): void {
    const { attempt, error, taskId } = event;
    if (this.#status[index] === RUNNING) this.#leave(index);
    this.failed++;
    this.#countFailure(index, event);
    this.spending.add(error.usage, error.costUsd);
    this.#attempts[index] = attempt + furtherTries(error);
    this.#settle(index, FAILED);
    this.#stopAtFailure(index, taskId, error);
  }

  /** A task that was canceled alone counts as failed. */
  #foldCanceled({ taskId, error, attempt }: TaskCanceled, index: number): void {
    if (error === undefined) return;
    this.#countFailure(index, { attempt, error });
    this.#stopAtFailure(index, taskId, error);
  }

  #stopAtFailure(index: number, failedTaskId: string, abort: TaskError): void {
    const isForFanOut = (this.graph.kindOf(index) & TaskKind.item) !== 0;
    if (!this.#policy.failFast || isForFanOut || this.stop !== undefined) return;
    this.stop = { reason: 'fail_fast', failedTaskId, abort };
  }

  #foldSkipped(event: TaskSkipped, index: number): void {
    this.skipped++;
    if (this.#status[index] === RUNNING) this.#leave(index);
    if (event.reason === 'dependency_failed') this.#countDropped(index, event);
    this.#settle(index, SKIPPED);
    if (isNotChosenFor(event.reason)) this.graph.eachDependent(index, this.#unblockNotChosen);
    if (event.reason !== 'fail_fast' || this.stop !== undefined) return;
    const { failedTaskId = '' } = event;
    const failed = this.errorOf(this.graph.indexOf(failedTaskId) ?? NONE);
    this.stop = { reason: 'fail_fast', failedTaskId, ...(failed && { abort: failed }) };
  }

  #foldGoalCheck({ progress, achieved, criteria }: GoalChecked): void {
    this.goalProgress = { progress, achieved, criteria };
    this.unchecked = 0;
    if (!achieved) return;
    const abort =
      this.#policy.goalState?.whenAchieved === 'abort'
        ? { abort: new StratagemError('goal_achieved', 'The goal of the plan is achieved') }
        : {};
    this.stop = { reason: 'goal_achieved', ending: { type: 'run_completed' }, ...abort };
  }

  #foldRound(event: RunEvent, usage: Usage | undefined, costUsd: number | undefined): void {
    this.replan.apply(event);
    this.spending.add(usage, costUsd);
    this.budget?.release(REPLAN_ROUND, false);
  }

  #foldAddition(event: TasksAdded, index: number): void {
    const { source, tasks } = event;
    const fansOut = source === 'for_each';
    const first = this.graph.add(tasks, fansOut ? index : undefined, fansOut ? TaskKind.item : 0);
    if (source === 'replan') this.#replaceFailures(first);
    this.#grow(first);
    if (fansOut || index < 0) return;
    const ids = this.additions.get(index) ?? new Set();
    for (const { id } of tasks) ids.add(id);
    this.additions.set(index, ids);
  }

  #countEarlierAttempts(first: number): void {
    if (this.#attemptsBefore.size === 0) return;
    for (let index = first; index < this.graph.size; index++) {
      const before = this.#attemptsBeforeOf(index);
      if (before === 0) continue;
      this.#attempts[index] = before;
      this.#triesBefore.set(index, before);
    }
  }

  /** The time that was spent down is no part of anything that was under way. */
  #foldResumption(event: RunResumed): void {
    const { downtimeMs, restarted, attached = [], retried, timestamp } = event;
    // Their carrier worked on while this process was down.
    const wentOn = new Set(attached);
    this.isWaitingForPlaces = false;
    this.replan.apply(event);
    this.replan.replaces = [];
    // The strategy chooses again.
    this.budgetWaiting = undefined;
    this.runStartedAt += downtimeMs;
    this.limitsSince += downtimeMs;
    for (let index = 0; index < this.graph.size; index++) {
      if (this.#status[index] !== RUNNING || wentOn.has((this.graph.tasks[index] as Task).id))
        continue;
      this.#startedAt[index] = (this.#startedAt[index] as number) + downtimeMs;
    }
    this.#resumptions.push({ at: timestamp, downtimeMs });
    for (const id of restarted) {
      const index = this.graph.indexOf(id) as number;
      this.#startedAt[index] = timestamp;
      if (this.#policy.beginsLater) this.notBegun.add(index);
    }
    if (retried !== undefined) this.#foldSecondChance(retried, timestamp);
  }

  /** Some tasks are done once more, with a fresh start for the limits as well. */
  #foldSecondChance(retried: readonly RetriedTask[], timestamp: number): void {
    this.status = 'running';
    this.error = undefined;
    this.stop = undefined;
    this.canceling = undefined;
    this.isGoalAnnounced = false;
    this.limitsSince = timestamp;
    this.retries.clear();
    this.failures.clear();
    const indexes = retried.map(({ taskId }) => this.graph.indexOf(taskId) as number);
    this.#noteGroupsToBeginAgain(indexes);
    for (const [position, { was }] of retried.entries()) {
      this.#reset(indexes[position] as number, was);
    }
    if (!retried.some(({ was }) => was === 'completed')) return;
    this.goal?.reset();
    for (let index = 0; this.goal !== undefined && index < this.graph.size; index++) {
      if (this.#status[index] === DONE) this.goal.completed(this.outputOf(index));
    }
  }

  #noteGroupsToBeginAgain(retried: readonly number[]): void {
    const again = new Set(retried);
    for (const index of retried) {
      if (this.graph.childCount(index) === 0) continue;
      this.graph.eachDependency(index, (dependency) => {
        if (again.has(dependency)) this.beginsAgain.add(index);
      });
    }
  }

  #reset(index: number, was: RetriedTask['was']): void {
    if (was === 'completed') this.completed--;
    else if (was === 'failed') this.failed--;
    else if (was === 'skipped') this.skipped--;
    this.settled--;
    this.#blockDependents(index, was);
    this.#status[index] = PENDING;
    this.#last[index] = NONE;
    this.#triesBefore.set(index, this.attemptsOf(index));
    const parent = this.graph.parentOf(index);
    if (parent === undefined) return;
    this.#unsettledChildren.set(parent, this.unsettledChildrenOf(parent) + 1);
    this.#childrenSettledAt.delete(parent);
  }

  /** The dependents of a task that runs again wait for it again. */
  #blockDependents(index: number, was: RetriedTask['was']): void {
    const isNotChosen = this.isNotChosen(index);
    const unblockedAll = was === 'completed' || isNotChosen;
    if (!unblockedAll && !this.graph.hasKind(TaskKind.afterAny)) return;
    this.graph.eachDependent(index, (dependent) => {
      if (!unblockedAll && !this.runsAfterFailure(dependent)) return;
      this.#waits[dependent] = (this.#waits[dependent] as number) + 1;
      this.questions.delete(dependent);
      if (!isNotChosen) return;
      const left = (this.#notChosen.get(dependent) as number) - 1;
      if (left === 0) this.#notChosen.delete(dependent);
      else this.#notChosen.set(dependent, left);
    });
  }

  #settle(index: number, status: number): void {
    this.#status[index] = status;
    this.#last[index] = this.#position;
    this.settled++;
    if (status > DONE && this.graph.hasKind(TaskKind.afterAny) && !this.isNotChosen(index)) {
      this.graph.eachDependent(index, this.#unblockAfterFailure);
    }
    this.budget?.release(index, status === DONE);
    // Deleting from an empty map costs more than looking at its size, and this is once a task.
    if (this.retries.size > 0) this.retries.delete(index);
    if (this.budgetWaiting === index) this.budgetWaiting = undefined;
    if (this.questions.size > 0) this.questions.delete(index);
    if (this.additions.size > 0) this.additions.delete(index);
    if (this.notBegun.size > 0) this.notBegun.delete(index);
    if (!this.graph.hasFamilies) return;
    const parent = this.graph.parentOf(index);
    if (parent === undefined) return;
    const left = this.unsettledChildrenOf(parent) - 1;
    this.#unsettledChildren.set(parent, left);
    if (left === 0) this.#childrenSettledAt.set(parent, this.#position);
  }

  /** Made once: a closure for each completed task would cost a twentieth of a run. */
  readonly #unblock = (index: number): void => {
    const left = (this.#waits[index] as number) - 1;
    this.#waits[index] = left;
    if (left > 0) return;
    this.#unblockedAt[index] = this.#position;
    this.unblocked?.push(index);
  };

  /** A dependency ended without an output, and not because it was not chosen. */
  readonly #unblockAfterFailure = (index: number): void => {
    if (this.runsAfterFailure(index)) this.#unblock(index);
  };

  /** A dependency was not chosen: it counts as settled but provides no output. */
  readonly #unblockNotChosen = (index: number): void => {
    this.#notChosen.set(index, (this.#notChosen.get(index) ?? 0) + 1);
    this.#unblock(index);
  };

  #unblockRoots(): void {
    const { unblocked } = this;
    if (unblocked === undefined) return;
    for (let index = 0; index < this.graph.size; index++) {
      if (this.#waits[index] === 0) unblocked.push(index);
    }
  }

  /** Makes room for tasks from `first` on, which may depend on tasks that settled long ago. */
  #grow(first: number): void {
    const { size } = this.graph;
    if (size > this.#status.length) this.#enlarge(size);
    const countDone = (dependency: number): void => {
      if (dependency >= first) return;
      if (this.#status[dependency] === DONE) waits--;
      else if (this.isNotChosen(dependency)) {
        waits--;
        notChosen++;
      } else if (runsAfterFailure && (this.#status[dependency] as number) > DONE) waits--;
    };
    let waits = 0;
    let notChosen = 0;
    let runsAfterFailure = false;
    for (let index = first; index < size; index++) {
      waits = this.graph.dependencyCount(index);
      notChosen = 0;
      runsAfterFailure = this.runsAfterFailure(index);
      this.graph.eachDependency(index, countDone);
      this.#waits[index] = waits;
      if (notChosen > 0) this.#notChosen.set(index, notChosen);
      this.#unblockedAt[index] = this.#position;
      // Children begin with their group.
      if (waits === 0 && this.graph.parentOf(index) === undefined) this.unblocked?.push(index);
    }
    if (this.graph.hasFamilies) this.#countChildren(first);
    this.#countEarlierAttempts(first);
  }

  #enlarge(size: number): void {
    const capacity = Math.max(size, 2 * this.#status.length);
    const had = this.#status.length;
    this.#status = enlarge(this.#status, capacity);
    this.#attempts = enlarge(this.#attempts, capacity);
    this.#startedAt = enlarge(this.#startedAt, capacity);
    this.#last = enlarge(this.#last, capacity).fill(NONE, had);
    this.#waits = enlarge(this.#waits, capacity);
    this.#unblockedAt = enlarge(this.#unblockedAt, capacity);
  }

  #countChildren(first: number): void {
    for (let index = first; index < this.graph.size; index++) {
      const parent = this.graph.parentOf(index);
      if (parent === undefined) continue;
      this.#unsettledChildren.set(parent, this.unsettledChildrenOf(parent) + 1);
    }
  }

  /** Only now that the tasks are there which replace them: a log may end before. */
  #replaceFailures(first: number): void {
    const { replan, graph, failures } = this;
    replan.tasks += graph.size - first;
    for (const id of replan.replaces) failures.replace(graph.indexOf(id) as number, replan.rounds);
    replan.replaces = [];
  }

  #countFailure(index: number, { attempt, error }: Pick<TaskFailed, 'attempt' | 'error'>): void {
    const traits = this.graph.kindOf(index);
    if ((traits & TaskKind.item) !== 0) return;
    const isGroup = (traits & TaskKind.subtasks) !== 0 && (traits & TaskKind.forEach) === 0;
    // A parent that fails for its subtasks: the failure has been counted where it happened. An
    // attempt may end with the same code, and so may a group that could not even begin.
    if (error.code === 'subtasks_failed' && isGroup && attempt === 0) {
      if (this.unsettledChildrenOf(index) === 0) return;
    }
    this.failures.add(index, error);
  }

  /**
   * A fan-out answers for a failed element with those that succeeded, but not for a task outside
   * of it that needed that very element: without it, the plan has not done what it says. Nor has
   * it when a task needs a failed one that a round of re-planning may have replaced.
   */
  #countDropped(index: number, { failedTaskId }: TaskSkipped): void {
    if ((this.graph.kindOf(index) & TaskKind.item) !== 0 || failedTaskId === undefined) return;
    const failed = this.graph.indexOf(failedTaskId) as number;
    const isElement = (this.graph.kindOf(failed) & TaskKind.item) !== 0;
    if (!isElement && this.replan.rounds === 0) return;
    if (!this.failures.has(failed)) this.failures.add(failed, this.errorOf(failed) as TaskError);
  }

  #lastEvent(index: number): RunEvent {
    return this.log.objectAt(this.#last[index] as number);
  }

  #indexOf(event: RunEvent): number {
    const { taskId } = event as { taskId?: string };
    return taskId === undefined ? -1 : (this.graph.indexOf(taskId) ?? -1);
  }
}

/** What an attempt counts for besides itself, where its runner tried more than once. */
function furtherTries({ tries = 1 }: TaskError): number {
  return tries - 1;
}

function budgetEnding(event: BudgetExceeded): NonNullable<Stop['ending']> {
  const error = new StratagemError('budget_exceeded', explainExcess(event, event.taskId));
  return { type: 'run_failed', error };
}
