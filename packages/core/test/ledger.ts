import type {
  BudgetWaiting,
  RunEvent,
  RunResumed,
  TaskCanceled,
  TaskCompleted,
  TaskFailed,
  TaskRetrying,
  TaskSkipped,
  TaskStarted,
  TasksAdded,
} from '../src/contract/event.js';
import { type ForEach, forEachOf } from '../src/contract/for-each.js';
import { doesOwnWork, isTemplate, type Task } from '../src/contract/task.js';
import type { PlanResult } from '../src/state/result.js';
import { Account, isInFanOut } from './account.js';
import { BudgetWatch } from './check-budget.js';
import { checkCriticalPath } from './check-critical-path.js';
import { checkEnding } from './check-ending.js';
import { checkFanOut } from './check-fan-out.js';
import { GoalWatch } from './check-goal.js';
import { checkTimedOut, endWait } from './check-human-steps.js';
import { checkGivenInputs } from './check-inputs.js';
import { checkFailedLoop, checkLoop, checkNextIteration } from './check-loops.js';
import { isRefused, PauseWatch } from './check-pauses.js';
import { PlaceWatch } from './check-places.js';
import { ReplanWatch } from './check-replan.js';
import { must } from './must.js';
import type { RandomRun } from './random-runs.js';
import { policyOf } from './retry-policy.js';

/**
 * An independent account of a run from its log alone, without the kernel's graph and state. Each event
 * is checked against the events before it.
 */
export class Ledger {
  readonly #run: RandomRun;
  readonly #accounts = new Map<string, Account>();
  readonly #goal: GoalWatch;
  readonly #budget: BudgetWatch;
  readonly #pauses: PauseWatch;
  readonly #replan: ReplanWatch;
  readonly #failFast: boolean;
  readonly #deadline: number;
  readonly #places: PlaceWatch;
  #entries = 0;
  #now = 0;
  #ended = false;
  #paused = false;
  /** Why no task may start. */
  #stopped: 'goal_achieved' | 'budget_exceeded' | 'fail_fast' | undefined;
  /** The task that the budget holds back. */
  #held: string | undefined;
  /** For each resource, the task that its own budget holds back. */
  readonly #heldAt = new Map<string, string>();
  /** A budget may be exceeded by tasks that run after failures. */
  #firstStop: 'goal_achieved' | 'budget_exceeded' | 'fail_fast' | undefined;
  #attempts = 0;
  #given = 0;

  constructor(run: RandomRun, cap: number) {
    const { plan, options } = run;
    this.#run = run;
    this.#goal = new GoalWatch(plan);
    this.#budget = new BudgetWatch(run);
    this.#pauses = new PauseWatch(options.resourceOf);
    this.#replan = new ReplanWatch(options.replan, run.situations);
    this.#places = new PlaceWatch(cap, options.resources, options.resourceOf);
    this.#failFast = options.failFast ?? false;
    this.#deadline = plan.deadlineMs ?? options.deadlineMs ?? Number.POSITIVE_INFINITY;
    this.#open(plan.tasks, undefined, false);
  }

  enter(event: RunEvent): void {
    must(event.sequence === this.#entries, 'events are numbered in order');
    must(event.timestamp >= this.#now, 'time does not go backwards');
    must((event.type === 'run_started') === (this.#entries === 0), 'a log begins with its plan');
    must(!this.#ended, 'nothing follows the end of the plan');
    this.#pauses.entering(event);
    if (event.timestamp > this.#now) this.#checkNothingIsLate(event.timestamp);
    this.#entries++;
    this.#now = event.timestamp;
    switch (event.type) {
      case 'strategy_initialized':
        must(event.maxParallel === orNull(this.#places.cap), 'the cap is that of the options');
        break;
      case 'run_resumed':
        this.#resumed(event);
        break;
      case 'max_parallel_changed':
        this.#places.cap = event.maxParallel ?? Number.POSITIVE_INFINITY;
        break;
      case 'run_paused':
      case 'run_unpaused':
        must(this.#paused === (event.type === 'run_unpaused'), 'pauses alternate with resumptions');
        this.#paused = event.type === 'run_paused';
        break;
      case 'tasks_added':
        this.#added(event);
        break;
      case 'task_waiting': {
        const account = this.#mayBegin(event.taskId);
        must(account.task.waitFor !== undefined, 'only human steps wait', event.taskId);
        must(account.waitingSince === undefined, 'a human is asked once', event.taskId);
        account.waitingSince = this.#now;
        break;
      }
      case 'task_started':
        this.#started(event);
        break;
      case 'task_retrying':
        this.#retrying(event);
        break;
      case 'task_completed':
        this.#completed(event);
        break;
      case 'task_failed':
        this.#failed(event);
        break;
      case 'task_skipped':
        this.#skipped(event);
        break;
      case 'task_canceled':
        this.#canceled(event);
        break;
      case 'replan_started':
        must(this.#isOver, 'a plan is revised when all of it has ended');
        must(this.#stopped === undefined, 'no round begins while a run winds down');
        must(!this.#paused, 'no round begins during a pause');
        must(!this.#goal.isAchieved, 'what is achieved needs no revision');
        must(this.#now < this.#deadline, 'no round begins at or after the deadline');
        this.#budget.revised(this.#now);
        this.#replan.started(event, [...this.#accounts.values()]);
        break;
      case 'replan_completed':
        this.#replan.completed(event, (id) => this.#get(id));
        this.#budget.spend(undefined, event.usage, event.costUsd);
        break;
      case 'replan_failed':
        this.#replan.failed(event);
        this.#budget.spend(undefined, event.error.usage, event.error.costUsd);
        break;
      case 'goal_checked':
        this.#goal.checked(event, this.#isOver);
        if (event.achieved) {
          this.#stopped ??= 'goal_achieved';
          this.#firstStop ??= 'goal_achieved';
        }
        break;
      case 'goal_achieved':
        this.#goal.achieved();
        break;
      case 'strategy_waiting':
        must(this.#run.patienceMs > 0, 'only a patient strategy waits');
        break;
      case 'budget_waiting':
        this.#budgetWaiting(event);
        break;
      case 'budget_exceeded':
        must(this.#stopped !== 'budget_exceeded', 'a budget is exceeded once');
        this.#budget.exceeded(event, this.#mayBegin(event.taskId), this.#now);
        this.#firstStop ??= 'budget_exceeded';
        this.#stopped = 'budget_exceeded';
        break;
      case 'run_completed':
      case 'run_failed':
      case 'run_canceled':
        this.#ended = true;
        break;
    }
  }

  /** Checks the whole log at its end. */
  close(result: PlanResult): void {
    must(this.#ended, 'a log ends with the end of the plan');
    must(this.#places.running === 0, 'no attempt outlives the run');
    must(this.#now <= this.#deadline, 'no run is longer than its deadline');
    must(this.#isOver, 'every task ends');
    must(result.tasks.length === this.#accounts.size, 'no task is forgotten');
    this.#replan.close();
    for (const { id, status, output, attempts, parentId } of result.tasks) {
      const account = this.#get(id);
      must(status === account.status, 'a status is that of the log', id);
      must(output === account.output, 'an output is that of the log', id);
      must(attempts === account.attempts, 'attempts are those of the log', id);
      must(parentId === account.parent?.task.id, 'a task belongs to its parent', id);
    }
    checkEnding(result, {
      plan: this.#run.plan,
      accounts: this.#accounts.values(),
      now: this.#now,
      deadline: this.#deadline,
      attempts: this.#attempts,
      firstStop: this.#firstStop,
      isGoalAchieved: this.#goal.isAchieved,
    });
    this.#budget.close(result.metrics);
    checkCriticalPath(this.#accounts.values(), result.metrics);
  }

  get #isOver(): boolean {
    for (const account of this.#accounts.values()) if (!account.isSettled) return false;
    return true;
  }

  #budgetWaiting({ taskId, resource }: BudgetWaiting): void {
    const { task } = this.#mayBegin(taskId);
    const held = resource === undefined ? this.#held : this.#heldAt.get(resource);
    must(held !== taskId, 'a wait for the budget is logged once', taskId);
    must(
      this.#places.running > 0 || this.#replan.isUnderWay,
      'only an attempt in flight reports what it uses',
    );
    const running = [...this.#accounts.values()].filter(({ status }) => status === 'running');
    this.#budget.waiting(
      resource,
      task,
      running.map((each) => each.task),
    );
    if (resource === undefined) this.#held = taskId;
    else this.#heldAt.set(resource, taskId);
  }

  // --- Tasks ---

  #get(id: string): Account {
    const account = this.#accounts.get(id);
    must(account !== undefined, 'events are about tasks that are there', id);
    return account;
  }

  #open(tasks: readonly Task[], parent: Account | undefined, isPattern: boolean): void {
    const opened: Account[] = [];
    const open = (list: readonly Task[], owner: Account | undefined) => {
      for (const task of list) {
        must(!this.#accounts.has(task.id), 'ids are unique', task.id);
        const account = new Account(task, owner, isPattern);
        owner?.children.push(account);
        this.#accounts.set(task.id, account);
        opened.push(account);
        if (!isTemplate(task)) open(task.subtasks ?? [], account);
      }
    };
    open(tasks, parent);
    for (const account of opened) {
      for (const id of account.task.dependencies ?? []) account.dependencies.push(this.#get(id));
    }
  }

  #added(event: TasksAdded): void {
    const { source, taskId, tasks } = event;
    if (source === 'replan') {
      const before = this.#accounts.size;
      this.#open(tasks, undefined, false);
      this.#replan.added(event, this.#accounts.size - before);
      return;
    }
    if (source === 'add_tasks') {
      if (taskId !== undefined) {
        must(this.#get(taskId).status === 'running', 'a task that adds others runs', taskId);
      }
      this.#open(tasks, undefined, false);
      return;
    }
    if (source === 'repeat') {
      const loop = this.#mayBegin(taskId as string);
      checkNextIteration(loop, tasks);
      this.#open(tasks, loop, true);
      return;
    }
    const fanOut = this.#mayBegin(taskId as string);
    must(fanOut.task.forEach !== undefined, 'only fan-outs have elements', taskId);
    const had = fanOut.children.length;
    must((event.stream !== undefined) === fanOut.isStream, 'only streams are read', taskId);
    must(fanOut.mayHaveMore, 'a fan-out has its elements once, or until its stream ends', taskId);
    fanOut.stream = event.stream;
    const { maxItems } = forEachOf(fanOut.task.forEach as ForEach);
    must(had + tasks.length <= maxItems, 'a fan-out has no more elements than maxItems', taskId);
    this.#open(tasks, fanOut, true);
    for (const [position, { id }] of tasks.entries()) {
      must(id === `${taskId}[${had + position}]`, 'elements are numbered', id);
    }
  }

  /** Whether a task may still begin or end by itself in a run that winds down. */
  #survives(account: Account): boolean {
    if (this.#stopped === undefined) return true;
    return this.#stopped !== 'budget_exceeded' && account.maySurvive;
  }

  /** Checks that a task may start now. */
  #mayBegin(id: string): Account {
    const account = this.#get(id);
    must(account.status === 'pending', 'what begins has not begun or ended', id);
    must(this.#survives(account), 'nothing begins while a run winds down', id);
    must(account.isOpen, 'what begins has settled dependencies and a parent that has begun', id);
    must(account.isWanted, 'what begins has no failed dependency, and one that was chosen', id);
    return account;
  }

  #started({ taskId, attempt, waitMs }: TaskStarted): void {
    const account = this.#mayBegin(taskId);
    const { task } = account;
    must(!this.#paused, 'nothing starts during a pause', taskId);
    must(!this.#pauses.isPaused(task, this.#now), 'a server is left alone as it asked', taskId);
    must(this.#now < this.#deadline, 'nothing starts at or after the deadline', taskId);
    must(account.hasAttempts, 'only what is done itself has attempts', taskId);
    must(
      account.children.every((child) => child.isSettled && !child.isFailure),
      'a group is done after its subtasks, if they went well',
      taskId,
    );
    must(attempt === account.attempts + 1, 'attempts are numbered by tries', taskId);
    const { maxAttempts } = policyOf(this.#run, task);
    must(account.tries < maxAttempts, 'there are no more than maxAttempts', taskId);
    must(
      this.#pauses.mayTry(task, this.#now),
      'a server that asked to wait is tried with few attempts',
      taskId,
    );
    must(this.#now >= account.notBefore, 'an attempt does not come before its delay', taskId);
    must(waitMs >= 0 && waitMs <= this.#now, 'a wait is no longer than the run', taskId);
    account.start(this.#now);
    this.#pauses.started(account);
    this.#attempts++;
    this.#held = undefined;
    this.#heldAt.delete((this.#run.options.resourceOf ?? (() => 'simulation'))(task));
    this.#places.start(account);
    must(this.#places.isKept(task), 'no more than the caps are in flight', taskId);

    this.#budget.started(account, this.#now);
    const given = this.#run.given[this.#given++];
    must(given?.taskId === taskId && given.attempt === attempt, 'a start is a command', taskId);
    checkGivenInputs(account, given.inputs);
  }

  /** Attempts in flight start again with the same inputs. The run has no downtime. */
  #resumed({ restarted, downtimeMs, timestamp }: RunResumed): void {
    this.#held = undefined;
    this.#heldAt.clear();
    must(downtimeMs === 0, 'a run that is checked is not down for any time');
    for (const id of restarted) {
      const account = this.#get(id);
      must(account.status === 'running', 'what begins again was in flight', id);
      account.startedAt = timestamp;
      this.#pauses.started(account);
      const given = this.#run.given[this.#given];
      // The step that the log ends in may abort it.
      if (given?.taskId !== id || given.attempt !== account.attempts) continue;
      this.#given++;
      checkGivenInputs(account, given.inputs);
    }
  }

  /** Checks the end of an attempt. */
  #endAttempt({ taskId, attempt, durationMs }: TaskCompleted | TaskFailed | TaskRetrying): Account {
    const account = this.#get(taskId);
    must(account.status === 'running', 'only what runs ends', taskId);
    must(attempt === account.attempts, 'an attempt ends under its number', taskId);
    must(durationMs === this.#now - account.startedAt, 'a duration is since the start', taskId);
    const { plan, options } = this.#run;
    const timeoutMs = account.task.timeoutMs ?? plan.timeoutMs ?? options.timeoutMs;
    must(durationMs <= (timeoutMs ?? durationMs), 'no attempt outlives its timeout', taskId);
    account.workMs += durationMs;
    this.#places.end(account);
    return account;
  }

  #retrying(event: TaskRetrying): void {
    const { taskId, error, delayMs } = event;
    const account = this.#endAttempt(event);
    account.attempts += (error.tries ?? 1) - 1;
    const policy = policyOf(this.#run, account.task);
    const { maxAttempts, on, factor, initialDelayMs, maxDelayMs, maxRetryAfterMs } = policy;
    this.#pauses.failed(event, account.task, this.#longestWait(maxRetryAfterMs));
    const { retryAfterMs = 0 } = error;
    must(this.#survives(account), 'nothing is repeated while a run winds down', taskId);
    const { tries } = account;
    const isCounted = maxAttempts === 1 || !isRefused(error);
    must(!isCounted || tries < maxAttempts, 'a try is left', taskId);
    must(on.includes(error.code), 'the policy says so', taskId);
    must(retryAfterMs <= maxRetryAfterMs, 'a server asks for no more than it may', taskId);
    if (!isCounted) account.refusals += error.tries ?? 1;
    must(delayMs >= retryAfterMs, 'a wait is what the server asked for, or longer', taskId);
    const backoff = Math.min(maxDelayMs, initialDelayMs * factor ** (tries - 1));
    must(delayMs <= Math.max(backoff, retryAfterMs), 'a wait is within the backoff', taskId);
    must(this.#now + delayMs < this.#deadline, 'what is repeated can still start', taskId);
    account.status = 'pending';
    account.notBefore = this.#now + delayMs;
    this.#budget.spend(account.task, error.usage, error.costUsd);
  }

  #completed(event: TaskCompleted): void {
    const { taskId, attempt, output, durationMs } = event;
    const account = attempt > 0 ? this.#endAttempt(event) : this.#get(taskId);
    const { task, children } = account;
    if (attempt > 0) this.#pauses.answered(task, this.#now);
    if (attempt === 0) {
      must(account.status === 'pending', 'what completes has not ended', taskId);
      must(account.attempts === 0, 'what has attempts completes by one', taskId);
      if (task.forEach !== undefined) checkFanOut(account, output);
      else if (account.isLoop) checkLoop(account, event);
      else if (task.waitFor !== undefined) {
        must(account.waitingSince !== undefined, 'what is answered was asked', taskId);
        endWait(account, this.#now, durationMs);
      } else {
        must(children.length > 0 && !doesOwnWork(task), 'groups complete by themselves', taskId);
        const done = children.filter((child) => child.status === 'completed');
        const names = Object.keys(output as object);
        must(
          isSame(
            names,
            done.map((child) => child.localId),
          ),
          'the output of a group is that of its subtasks',
          taskId,
        );
      }
    }
    must(
      task.forEach !== undefined || children.every((child) => child.isSettled && !child.isFailure),
      'a group completes when its subtasks have, unless they were not chosen',
      taskId,
    );
    account.status = 'completed';
    account.output = output;
    account.loop = event.loop;
    must((event.loop !== undefined) === account.isLoop, 'only loops say how they ended', taskId);
    if (this.#stopped === undefined) this.#goal.completed(output);
    this.#budget.spend(attempt > 0 ? task : undefined, event.usage, event.costUsd);
  }

  #longestWait(maxRetryAfterMs: number): number {
    return Math.min(maxRetryAfterMs, this.#deadline - this.#now);
  }

  #failed(event: TaskFailed): void {
    const { taskId, attempt, error, durationMs } = event;
    const account = attempt > 0 ? this.#endAttempt(event) : this.#get(taskId);
    const { task } = account;
    must(error.taskId === taskId, 'an error names its task', taskId);
    if (attempt > 0) {
      const { maxAttempts, on, maxRetryAfterMs } = policyOf(this.#run, task);
      account.attempts += (error.tries ?? 1) - 1;
      this.#pauses.failed(event, task, this.#longestWait(maxRetryAfterMs));
      const isOver = this.#stopped !== undefined || this.#deadline < Number.POSITIVE_INFINITY;
      must(
        isOver ||
          (account.tries >= maxAttempts && (maxAttempts === 1 || !isRefused(error))) ||
          !on.includes(error.code) ||
          (error.retryAfterMs ?? 0) > maxRetryAfterMs,
        'what the policy would repeat is repeated',
        taskId,
      );
    } else {
      must(account.status === 'pending', 'what fails has not ended', taskId);
      must(this.#survives(account), 'nothing is tried while a run winds down', taskId);
      must(account.isOpen && account.isWanted, 'what fails had begun', taskId);
      if (account.waitingSince !== undefined) {
        endWait(account, this.#now, durationMs);
        if (error.code === 'timeout') checkTimedOut(task, durationMs);
      }
      must(
        account.children.every((child) => child.isSettled || !child.hasBegun),
        'a group does not fail while its subtasks run',
        taskId,
      );
    }
    account.status = 'failed';
    if (account.isLoop) checkFailedLoop(account, error);
    this.#budget.spend(attempt > 0 ? task : undefined, error.usage, error.costUsd);
    if (!this.#failFast || isInFanOut(account)) return;
    this.#stopped ??= 'fail_fast';
    this.#firstStop ??= 'fail_fast';
  }

  #skipped({ taskId, reason, failedTaskId, sequence, attempt, durationMs }: TaskSkipped): void {
    const account = this.#get(taskId);
    const { task, parent, dependencies } = account;
    const isWithParent = reason === 'dependency_failed' && parent?.isFailure === true;
    if (account.status === 'running' && (reason === 'requested' || isWithParent)) {
      this.#pauses.ended(account.task, this.#now);
      must(durationMs === this.#now - account.startedAt, 'an aborted attempt has a length', taskId);
      must(attempt === account.attempts, 'an attempt is aborted under its number', taskId);
      this.#places.end(account);
      account.workMs += durationMs;
    } else {
      must(account.status === 'pending', 'what is skipped does not run and has not ended', taskId);
      must(durationMs === undefined, 'only what ran has a length', taskId);
    }
    account.status = 'skipped';
    account.reason = reason;
    if (reason === 'requested') return;
    if (reason === 'condition_false') {
      if (parent?.isNotChosen) return;
      must(
        account.runsAfterFailure || !dependencies.some((each) => each.isFailure),
        'a failure goes before a choice',
        taskId,
      );
      must(account.isOpen, 'what is not chosen could have begun', taskId);
      // A fan-out may be over one of several dependencies.
      const lacksItems =
        task.forEach !== undefined && dependencies.some((each) => each.status !== 'completed');
      const isOwn = task.when !== undefined || lacksItems;
      must(isOwn || !account.isWanted, 'something was not chosen', taskId);
    } else if (reason === 'nothing_failed') {
      must(account.isOpen, 'what waits for a failure waits for all', taskId);
      must(task.runAfter === 'failure' && !account.isWanted, 'nothing failed before it', taskId);
    } else if (reason === 'dependency_failed') {
      must(
        !account.runsAfterFailure || task.forEach !== undefined || parent?.isFailure === true,
        'what runs after failures is not skipped for them',
        taskId,
      );
      must(
        dependencies.some((each) => each.isFailure) || parent?.isFailure === true,
        'what is skipped for a failure depends on it',
        taskId,
      );
      const cause = this.#get(failedTaskId as string);
      must(
        cause.status === 'failed' || (cause.status === 'canceled' && cause.reason === 'requested'),
        'the failure that led to it is one',
        taskId,
      );
      account.cause = cause;
      if (this.#replan.hasBegun && !isInFanOut(account)) cause.missedAt = sequence;
    } else {
      must(this.#stopped === reason, 'a run winds down for the reason given', taskId);
      if (failedTaskId !== undefined) account.cause = this.#get(failedTaskId);
    }
  }

  #canceled({ taskId, reason, attempt, durationMs, error }: TaskCanceled): void {
    const account = this.#get(taskId);
    const { status } = account;
    must(status === 'pending' || status === 'running', 'what is canceled has not ended', taskId);
    must((durationMs !== undefined) === (status === 'running'), 'only what ran has one', taskId);
    must(attempt === account.attempts, 'an attempt is canceled under its number', taskId);
    this.#places.end(account);
    if (status === 'running') this.#pauses.ended(account.task, this.#now);
    account.workMs += durationMs ?? 0;
    account.status = 'canceled';
    account.reason = reason;
    if (reason === 'requested') {
      must(error?.taskId === taskId && error.code === 'canceled', 'it says why', taskId);
      if (account.isLoop) checkFailedLoop(account, error);
      if (!this.#failFast || isInFanOut(account)) return;
      this.#stopped ??= 'fail_fast';
      this.#firstStop ??= 'fail_fast';
    } else if (reason === 'fail_fast' || reason === 'goal_achieved') {
      must(this.#stopped === reason, 'a run winds down for the reason given', taskId);
      must(status === 'running', 'what does not run is skipped', taskId);
      must(!account.isCleanUp, 'what runs after failures is not aborted for them', taskId);
      must(reason === 'fail_fast' || this.#goal.aborts, 'a goal aborts if it says so', taskId);
    } else {
      must(
        reason === 'run_canceled' ||
          (reason === 'deadline_exceeded' && this.#now === this.#deadline),
        'a run is canceled for a reason of its own',
        taskId,
      );
    }
  }

  // --- The run as a whole ---

  /** Before time advances, every task that can start or end at this moment has done so. */
  #checkNothingIsLate(next: number): void {
    // A budget or a strategy may delay tasks.
    const isFree =
      !this.#paused &&
      next > this.#now + this.#run.patienceMs &&
      this.#run.plan.budget === undefined &&
      this.#run.options.budget === undefined;
    const accounts = [...this.#accounts.values()];
    const isLeft = accounts.some((each) => !each.isSettled && this.#survives(each));
    if (this.#stopped !== undefined && !isLeft) {
      must(this.#places.running > 0, 'a run that winds down ends with its last attempt');
      must(this.#stopped !== 'fail_fast', 'a failed run waits for nothing');
      // What runs after failures may end after an achieved goal, and a budget stops only what follows.
      const isBudget = this.#stopped === 'budget_exceeded';
      const isAborted = this.#goal.isAchieved && this.#goal.aborts && !isBudget;
      must(!isAborted, 'an aborted run waits for nothing');
    }
    must(
      !this.#isOver || this.#replan.isUnderWay || this.#paused,
      'a run that has nothing left to do has ended',
    );
    for (const account of accounts) {
      const { status, task, children, notBefore, waitingSince } = account;
      if (status !== 'pending') continue;
      must(this.#survives(account), 'a run that winds down leaves nothing behind', task.id);
      const isLost = account.dependencies.some((each) => each.isFailure);
      must(
        !(isLost && !account.runsAfterFailure) && account.parent?.isFailure !== true,
        'what cannot begin any more is skipped at once',
        task.id,
      );
      if (!account.isOpen || waitingSince !== undefined || notBefore > this.#now) continue;
      if (children.some((child) => !child.isSettled)) continue;
      // Its next items are on their way.
      const mayRead = this.#stopped === undefined || account.isCleanUp;
      if (account.isStream && account.mayHaveMore && mayRead) continue;
      const mustWait =
        !isFree ||
        !this.#places.isFree(task) ||
        this.#pauses.isPaused(task, this.#now) ||
        !this.#pauses.mustTry(task);
      must(account.hasAttempts && mustWait, 'what can begin begins at once', task.id);
    }
  }
}

function isSame(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((each) => b.includes(each));
}

/** JSON has no infinity. */
function orNull(limit: number): number | null {
  return Number.isFinite(limit) ? limit : null;
}
