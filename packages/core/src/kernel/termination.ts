import { describe, ReplanError, StratagemError, type TaskError } from '../contract/errors.js';
import type { CancelReason } from '../contract/event.js';
import { GoalTracker } from '../contract/goal.js';
import type { Revision } from '../contract/replan.js';
import type { Stop } from '../contract/stop.js';
import type { Task } from '../contract/task.js';
import type { Graph } from '../graph/graph.js';
import { endingOf } from '../state/outcome.js';
import type { RunState } from '../state/run-state.js';
import { type BudgetKeeper, type Excess, explainExcess } from './budget.js';
import type { Command } from './command.js';
import type { KernelParts } from './kernel-parts.js';
import type { KernelOptions } from './options.js';
import type { Past } from './past.js';
import type { Ending, Recorder } from './recorder.js';
import { interruptedEnding } from './recovery.js';
import { Replanning } from './replan.js';
import type { Timers } from './timers.js';

/** What the end of a run means for the rest of the kernel. */
export interface RunEndHost {
  /** Whatever waits to start or to be answered does so no more. */
  forgetWaiting(): void;
  /** The plan has ended. */
  ended(): void;
}

/**
 * How a run comes to its end: its goal is reached, a failure or a limit stops it, it is canceled, or
 * all its tasks are settled. In place of the last, its plan may be revised.
 */
export class RunEnd {
  /** When the run must be over, as Unix time in milliseconds; Infinity for no limit. */
  deadline = Number.POSITIVE_INFINITY;
  readonly goal: GoalTracker | undefined;

  readonly #options: KernelOptions;
  readonly #graph: Graph;
  readonly #state: RunState;
  readonly #record: Recorder;
  readonly #budget: BudgetKeeper | undefined;
  readonly #timers: Timers;
  readonly #commands: Command[];
  readonly #host: RunEndHost;
  readonly #replanning: Replanning | undefined;
  #stop: Stop | undefined;
  /** Completed tasks since the goal was last checked. */
  #unchecked = 0;

  constructor(parts: KernelParts, host: RunEndHost) {
    const { options, graph, state, record, budget } = parts;
    const { plan, replan, prices } = options;
    this.#options = options;
    this.#graph = graph;
    this.#state = state;
    this.#record = record;
    this.#budget = budget;
    this.#timers = parts.timers;
    this.#commands = parts.commands;
    this.#host = host;
    if (plan.goalState !== undefined) {
      this.goal = new GoalTracker(plan.goalState, (id) => graph.indexOf(id) !== undefined);
    }
    if (replan !== undefined) {
      const settings = { goal: plan.goal, limits: replan, prices };
      this.#replanning = new Replanning(settings, state, { record, budget });
    }
  }

  /** Why nothing starts any more. */
  get stop(): Stop | undefined {
    return this.#stop;
  }

  // --- The goal ---

  /** A task has completed. */
  completed(index: number, now: number): void {
    if (this.goal === undefined || this.#stop !== undefined) return;
    this.goal.completed(this.#state.outputOf(index));
    this.#unchecked++;
    if (this.#isCheckDue) this.#checkGoal(this.goal, now);
  }

  get #isCheckDue(): boolean {
    return this.#unchecked >= (this.#options.plan.goalCheckInterval ?? 1);
  }

  #checkGoal(goal: GoalTracker, now: number): void {
    this.#unchecked = 0;
    const progress = goal.check(this.#state, now);
    this.#record.goalChecked(progress, now);
    if (!progress.achieved) return;
    this.#record.goalAchieved(progress.progress, now);
    this.#windDown({ reason: 'goal_achieved', ending: { type: 'plan_completed' } }, now);
    if (goal.whenAchieved === 'abort') {
      const error = new StratagemError('goal_achieved', 'The goal of the plan is achieved');
      this.#cancelRunning('goal_achieved', error, now);
    }
  }

  // --- Stops ---

  /** The first task has failed of a run that stops for that. */
  failFast(failure: TaskError, now: number): void {
    this.#windDown({ reason: 'fail_fast', failedTaskId: failure.taskId }, now, failure);
  }

  /** Its budget allows a task no more. */
  exceed(index: number, excess: Excess, now: number): void {
    this.#record.budgetExceeded(index, excess, now);
    const { id } = this.#graph.tasks[index] as Task;
    const error = new StratagemError('budget_exceeded', explainExcess(excess, id));
    this.#windDown({ reason: 'budget_exceeded', ending: { type: 'plan_failed', error } }, now);
  }

  timeUp(now: number): void {
    const message = `The plan was stopped: it did not end within ${this.#options.deadlineMs} ms`;
    this.#breakOff('plan_timeout', new StratagemError('plan_timeout', message), now);
  }

  cancel(cause: unknown, now: number): void {
    const because = cause === undefined ? '' : `: ${describe(cause)}`;
    const message = `The plan was canceled${because}`;
    this.#breakOff('plan_canceled', new StratagemError('plan_canceled', message, { cause }), now);
  }

  /** A strategy that breaks its contract ends the run. */
  strategyFailed(error: StratagemError, now: number): void {
    this.#breakOff('invalid_strategy', error, now);
  }

  #breakOff(reason: CancelReason, error: StratagemError, now: number): void {
    this.#cancelAll(reason, error, now);
    const type = reason === 'plan_canceled' ? 'plan_canceled' : 'plan_failed';
    this.#endWith({ type, error }, now);
  }

  /**
   * Nothing starts any more: what has not started is skipped. What runs goes on to its end, unless
   * there is a failure to abort it for.
   */
  #windDown(stop: Stop, now: number, failure?: TaskError): void {
    this.#stop = stop;
    const why = `the run stopped before it had an answer (${stop.reason})`;
    this.#abortRound(new StratagemError('aborted', why), now);
    for (let index = 0; index < this.#graph.size; index++) {
      const status = this.#state.statusOf(index);
      if (status === 'running' && failure !== undefined) {
        this.#cancelTask(index, 'fail_fast', failure, now);
      } else if (status === 'pending') {
        this.#record.skipped(index, stop.reason, stop.failedTaskId, now);
        this.#timers.clear(index);
      }
    }
    this.#host.forgetWaiting();
  }

  #cancelRunning(reason: CancelReason, error: StratagemError, now: number): void {
    for (let index = 0; index < this.#graph.size; index++) {
      if (this.#state.statusOf(index) === 'running') this.#cancelTask(index, reason, error, now);
    }
  }

  /** Aborts what runs and cancels what has not started. */
  #cancelAll(reason: CancelReason, error: StratagemError, now: number): void {
    for (let index = 0; index < this.#graph.size; index++) {
      const status = this.#state.statusOf(index);
      if (status === 'running' || status === 'pending') this.#cancelTask(index, reason, error, now);
    }
    this.#abortRound(error, now);
    this.#host.forgetWaiting();
  }

  #cancelTask(index: number, reason: CancelReason, error: StratagemError, now: number): void {
    const running = this.#state.statusOf(index) === 'running';
    this.#record.canceled(index, reason, now);
    this.#timers.clear(index);
    this.#budget?.release(index);
    if (running) this.#commands.push({ type: 'abort', index, error });
  }

  // --- All tasks are settled ---

  /** @param isPaused Whether no round of re-planning may begin now. */
  finish(isPaused: boolean, now: number): void {
    const state = this.#state;
    if (state.replan.since !== undefined) return;
    if (this.#stop?.ending !== undefined) {
      this.#endWith(this.#stop.ending, now);
      return;
    }
    const progress = this.goal?.check(state, now);
    // Whoever asked to stop at the first failure has been heard.
    const replanning = this.#stop === undefined ? this.#replanning : undefined;
    const refusal = replanning?.refusal(this.deadline, now);
    const ending = endingOf(state, progress, refusal);
    const isRevised =
      ending.type === 'plan_failed' && replanning !== undefined && refusal === undefined;
    if (isRevised && isPaused) return;
    this.#unchecked = 0;
    if (progress !== undefined) this.#record.goalChecked(progress, now);
    if (progress?.achieved) this.#record.goalAchieved(progress.progress, now);
    if (isRevised) this.#commands.push(replanning.begin(this.deadline, now));
    else this.#endWith(ending, now);
  }

  /** The round of re-planning under way has its answer. */
  replanned(revision: Revision, now: number): void {
    this.#replanning?.completed(revision, now);
  }

  /** The round of re-planning under way brought nothing that can be used. */
  replanFailed(thrown: unknown, now: number): void {
    this.#replanning?.failed(thrown, now);
  }

  /** Ends a round for whose answer there is no use any more. */
  #abortRound(error: StratagemError, now: number): void {
    if (this.#state.replan.since === undefined) return;
    this.#replanning?.failed(error, now);
    this.#commands.push({ type: 'abort_replan', error });
  }

  #endWith(ending: Ending, now: number): void {
    this.#record.planEnded(ending, now);
    this.#host.ended();
  }

  // --- Runs that were interrupted ---

  /** What is recorded of the way to the end. */
  recover({ unchecked }: Past): void {
    this.#unchecked = unchecked;
  }

  /** Everything was being canceled when the process ended. */
  cancelAgain(reason: CancelReason, now: number): void {
    this.#breakOff(reason, interruptedEnding(reason), now);
  }

  /** Completes a stop that the log may end in the middle of, or a check that was due. */
  takeUp({ stop, goalAnnounced }: Past, now: number): void {
    if (stop === undefined) {
      if (this.goal !== undefined && this.#isCheckDue) this.#checkGoal(this.goal, now);
      return;
    }
    if (stop.reason === 'goal_achieved' && !goalAnnounced) {
      this.#record.goalAchieved(this.#state.goalProgress?.progress ?? 1, now);
    }
    this.#windDown(stop, now);
    if (stop.abort !== undefined) this.#cancelRunning(stop.reason as CancelReason, stop.abort, now);
  }

  /** Asks once more for what a round of re-planning was to bring, if one was in flight. */
  askAgain(now: number): void {
    if (this.#state.replan.since === undefined) return;
    if (this.#replanning !== undefined) {
      this.#commands.push(this.#replanning.again(this.deadline, now));
      return;
    }
    const error = new StratagemError('aborted', 'the run was resumed without re-planning');
    this.#record.replanFailed(new ReplanError(this.#state.replan.rounds, error, {}), now);
  }
}
