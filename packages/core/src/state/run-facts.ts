import type { StratagemError } from '../contract/errors.js';
import type { CancelReason } from '../contract/event.js';
import type { GoalProgress, GoalState } from '../contract/goal.js';
import type { InputValues } from '../contract/plan-inputs.js';
import type { PlanStatus } from '../contract/status.js';
import { localResourceOf, type Task } from '../contract/task.js';
import type { Graph } from '../graph/graph.js';
import { TaskKind } from '../graph/task-kind.js';
import { BudgetLedger } from './budget-ledger.js';
import { DependencyWaits } from './dependency-waits.js';
import { Downtimes } from './downtimes.js';
import { Failures } from './failures.js';
import { GoalTracker } from './goal-tracker.js';
import { GroupProgress } from './group-progress.js';
import type { InFlight } from './in-flight.js';
import { ReplanState } from './replan-state.js';
import { ResourceLedgers } from './resource-ledgers.js';
import { Spending } from './spending.js';
import { type TaskResult, taskResultOf } from './task-result.js';
import { TaskStates } from './task-states.js';
import { ToolApprovals } from './tool-approvals.js';
import { ToolCalls } from './tool-calls.js';
import { Tries } from './tries.js';

/** What a run is limited by, as far as its state depends on it. */
export interface StatePolicy {
  readonly failFast?: boolean | undefined;
  readonly goalState?: GoalState | undefined;
  /** Whether starts reserve a budget. */
  readonly hasBudget?: boolean | undefined;
  /** The resources whose attempts are accounted for by themselves. */
  readonly accounts?: Iterable<string> | 'all' | undefined;
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
 * Everything that a run has come to, and how to read it. Only its fold, `RunState`, changes it; nobody
 * else can know anything that the log does not say.
 */
export class RunFacts extends TaskStates {
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
  /** Failures that make the plan fail. */
  readonly failures: Failures;
  readonly replan = new ReplanState();
  readonly spending = new Spending();
  /** How far the goal was reached when it was last checked. */
  goalProgress: GoalProgress | undefined;
  /** Counts the outputs that the criteria of the goal are about. */
  readonly goal: GoalTracker | undefined;
  /** Completed tasks since the goal was last checked; Infinity for a check that is due in any case. */
  unchecked = 0;
  /** Whether the log has `goal_achieved`, and not only a check that found the goal achieved. */
  isGoalAnnounced = false;
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
  /** The same for single resources. */
  readonly ledgers: ResourceLedgers | undefined;
  /** What the first attempt competed for that was not at a function. */
  resource: string | undefined;
  /** Whether the strategy has let ready tasks wait that could have started. */
  strategyWaits = false;
  /** The task that the budget holds back until attempts in flight have ended. */
  budgetWaiting: number | undefined;
  /** For each resource whose own budget holds back a task, that task. */
  readonly budgetWaits = new Map<string, number>();
  /** For each resource whose server asked to wait. */
  readonly cooldowns = new Map<string, Cooldown>();
  /** For each task whose attempt will be repeated, when, as Unix time in milliseconds. */
  readonly retries = new Map<number, number>();
  readonly questions = new Map<number, WaitingQuestion>();
  readonly approvals = new ToolApprovals();
  readonly toolCalls = new ToolCalls();
  /** For each task in flight that added tasks, their ids. */
  readonly additions = new Map<number, Set<string>>();
  /** Started attempts that have not begun; always empty unless attempts begin later. */
  readonly notBegun = new Set<number>();
  /** When it started, in Unix milliseconds; later by the time that was spent down. */
  runStartedAt = 0;
  /** When deadlines and time budgets began to count. */
  limitsSince = 0;
  readonly waits: DependencyWaits;
  readonly groups: GroupProgress;

  protected readonly policy: StatePolicy;
  protected readonly tries = new Tries();
  protected readonly downtimes = new Downtimes();
  #planInputs: InputValues | undefined;

  constructor(graph: Graph, policy: StatePolicy = {}) {
    super(graph);
    this.policy = policy;
    this.waits = new DependencyWaits(this);
    this.groups = new GroupProgress(graph);
    this.failures = new Failures(this, this.groups);
    if (policy.hasBudget) this.budget = new BudgetLedger(this.spending);
    if (policy.accounts !== undefined) this.ledgers = new ResourceLedgers(policy.accounts);
    if (policy.goalState !== undefined) {
      this.goal = new GoalTracker(policy.goalState, (id) => graph.indexOf(id) !== undefined);
    }
  }

  // --- About the run ---

  /** All values of the plan's inputs, as tasks get them; undefined for a plan without inputs. */
  get planInputs(): InputValues | undefined {
    const { inputs } = this;
    const { secrets } = this.policy;
    if (secrets === undefined || inputs === undefined) return inputs;
    this.#planInputs ??= Object.freeze(Object.assign(Object.create(null), inputs, secrets));
    return this.#planInputs;
  }

  /** The time of an entry on the clock as it is now, which stood still while the run was down. */
  timeOf(position: number): number {
    return this.downtimes.shifted(this.log.timeAt(position));
  }

  /** A time on that clock. */
  shifted(at: number): number {
    return this.downtimes.shifted(at);
  }

  /** Whether tasks have no inputs but the outputs of their dependencies. */
  get hasPlainInputs(): boolean {
    const { graph } = this;
    if (graph.hasFamilies || graph.hasKind(TaskKind.repeat | TaskKind.module)) return false;
    return this.planInputs === undefined;
  }

  // --- About a task ---

  /** Attempts since the run began or, if a changed plan was accepted, since then. */
  attemptsUnderPlan(index: number): number {
    const attempts = this.attemptsOf(index);
    if (attempts === 0) return attempts;
    return attempts - this.tries.underEarlierPlans((this.graph.tasks[index] as Task).id);
  }

  /** Attempts since the task was last given a fresh start: those that its retry policy counts. */
  triesOf(index: number): number {
    return this.tries.countedOf(index, this.attemptsOf(index));
  }

  resultOf(index: number): TaskResult {
    return taskResultOf(index, this, this.endOf(index));
  }

  /** Whether nothing but its group keeps a pending task: no dependency, retry or open question. */
  isAdmissible(index: number): boolean {
    if (this.waits.isBlocked(index)) return false;
    return !this.retries.has(index) && !this.questions.has(index);
  }

  /** Position of the event that unblocked a task; orders tasks by how long they have been ready. */
  unblockedPosition(index: number): number {
    return this.groups.settledPosition(index) ?? this.waits.unblockedPosition(index);
  }

  /** When all that a task depends on had settled, its group included. */
  unblockedAt(index: number): number {
    const own = this.timeOf(this.waits.unblockedPosition(index));
    const parent = this.graph.hasFamilies ? this.graph.parentOf(index) : undefined;
    return parent === undefined ? own : Math.max(own, this.unblockedAt(parent));
  }

  /** When a human was asked. */
  askedAt(index: number): number {
    return this.timeOf((this.questions.get(index) as WaitingQuestion).position);
  }

  /** What an attempt competes for whose start does not say so: most runs have one resource. */
  usualResourceOf(index: number): string | undefined {
    return localResourceOf(this.graph.tasks[index] as Task) ?? this.resource;
  }
}
