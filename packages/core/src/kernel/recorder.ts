import type {
  AttemptErrorCode,
  ReplanError,
  StratagemError,
  TaskError,
} from '../contract/errors.js';
import type {
  CancelReason,
  PlanEvent,
  RunLimits,
  RunResumed,
  SkipReason,
  TasksAdded,
} from '../contract/event.js';
import type { GoalProgress } from '../contract/goal.js';
import type { OutputPart } from '../contract/output-part.js';
import type { Plan } from '../contract/plan.js';
import type { ReplanReason, Revision } from '../contract/replan.js';
import type { AttemptResult } from '../contract/runner.js';
import type { StrategySwitch } from '../contract/strategy.js';
import type { Task } from '../contract/task.js';
import type { WaitKind } from '../contract/wait-for.js';
import type { Graph } from '../graph/graph.js';
import { asData } from '../serialize/task.js';
import type { RunState } from '../state/run-state.js';
import type { Excess } from './budget.js';

/** Receives every event, with the index of the task it is about (-1 for the plan). */
export type Emit = (event: PlanEvent, index: number) => void;

/** How a plan ends. */
export type Ending =
  | { readonly type: 'plan_completed' }
  | { readonly type: 'plan_failed' | 'plan_canceled'; readonly error: StratagemError };

/** How a run goes on after its process ended. */
export type Resumption = Pick<RunResumed, 'downMs' | 'restarted' | 'retried'>;

/**
 * Turns what the kernel decides into events: numbers and stamps them, folds each into the state,
 * and passes it on. Nothing else makes events, so the state cannot know what the log does not say.
 */
export class Recorder {
  readonly #graph: Graph;
  readonly #state: RunState;
  readonly #emit: Emit;
  #sequence = 0;

  constructor(graph: Graph, state: RunState, emit: Emit) {
    this.#graph = graph;
    this.#state = state;
    this.#emit = emit;
  }

  /** The log goes on behind what is recorded. */
  continueAt(sequence: number): void {
    this.#sequence = sequence;
  }

  planStarted(plan: Plan, seed: number, limits: RunLimits | undefined, now: number): void {
    const given = limits === undefined ? {} : { limits };
    this.#record({ type: 'plan_started', ...this.#stamp(now), plan, seed, ...given });
  }

  runResumed(resumption: Resumption, now: number): void {
    this.#record({ type: 'run_resumed', ...this.#stamp(now), ...resumption });
  }

  strategyInitialized(strategy: string, maxParallel: number, now: number): void {
    this.#record({
      type: 'strategy_initialized',
      ...this.#stamp(now),
      strategy,
      maxParallel: orNull(maxParallel),
    });
  }

  strategySwitched(change: StrategySwitch, now: number): void {
    this.#record({ type: 'strategy_switched', ...this.#stamp(now), ...change });
  }

  planEnded(ending: Ending, now: number): void {
    this.#record({ ...ending, ...this.#stamp(now), durationMs: now - this.#state.planStartedAt });
  }

  paused(now: number): void {
    this.#record({ type: 'plan_paused', ...this.#stamp(now) });
  }

  resumed(now: number): void {
    this.#record({ type: 'plan_resumed', ...this.#stamp(now) });
  }

  maxParallelChanged(maxParallel: number, now: number): void {
    const event = { type: 'max_parallel_changed', maxParallel: orNull(maxParallel) } as const;
    this.#record({ ...event, ...this.#stamp(now) });
  }

  resourcePaused(resource: string, pauseMs: number, code: AttemptErrorCode, now: number): void {
    this.#record({ type: 'resource_paused', ...this.#stamp(now), resource, pauseMs, code });
  }

  /**
   * @param index The fan-out or the task that adds them; -1 for none.
   * @param items The list that a function gave.
   */
  tasksAdded(
    source: TasksAdded['source'],
    tasks: readonly Task[],
    index: number,
    now: number,
    items?: readonly unknown[],
  ): void {
    const by = index < 0 ? {} : { taskId: this.#id(index) };
    const event = { type: 'tasks_added', source, tasks: asData(tasks) } as const;
    const from = items === undefined ? {} : { items };
    this.#record({ ...event, ...this.#stamp(now), ...by, ...from }, index);
  }

  goalChecked(progress: GoalProgress, now: number): void {
    this.#record({ type: 'goal_checked', ...this.#stamp(now), ...progress });
  }

  goalAchieved(progress: number, now: number): void {
    this.#record({ type: 'goal_achieved', ...this.#stamp(now), progress });
  }

  budgetExceeded(index: number, excess: Excess, now: number): void {
    const taskId = this.#id(index);
    this.#record({ type: 'budget_exceeded', ...this.#stamp(now), taskId, ...excess }, index);
  }

  replanStarted(
    round: number,
    about: {
      reason: ReplanReason;
      failedTaskIds: readonly string[];
      droppedTasks: number;
    },
    now: number,
  ): void {
    this.#record({ type: 'replan_started', ...this.#stamp(now), round, ...about });
  }

  replanCompleted({ tasks, replaces = [], ...spent }: Revision, now: number): void {
    const { usage, costUsd, model, requestId } = spent;
    this.#record({
      type: 'replan_completed',
      ...this.#round(now),
      tasks: tasks.length,
      replaces,
      ...(usage !== undefined && { usage }),
      ...(costUsd !== undefined && { costUsd }),
      ...(model !== undefined && { model }),
      ...(requestId !== undefined && { requestId }),
    });
  }

  replanFailed(error: ReplanError, now: number): void {
    this.#record({ type: 'replan_failed', ...this.#round(now), error });
  }

  waiting(
    index: number,
    wait: { kind: WaitKind; question: string; timeoutMs: number | undefined },
    now: number,
  ): void {
    const { attempt: _, ...task } = this.#attempt(index, now);
    const { kind, question, timeoutMs } = wait;
    this.#record(
      {
        type: 'task_waiting',
        ...task,
        kind,
        question,
        ...(timeoutMs !== undefined && { timeoutMs }),
      },
      index,
    );
  }

  started(index: number, attempt: number, waitMs: number, now: number): void {
    this.#record(
      {
        type: 'task_started',
        sequence: this.#sequence++,
        timestamp: now,
        taskId: this.#id(index),
        level: this.#graph.levelOf(index),
        attempt,
        waitMs,
      },
      index,
    );
  }

  output(index: number, part: OutputPart, now: number): void {
    this.#record({ type: 'task_output', ...this.#attempt(index, now), ...part }, index);
  }

  /** @param since When it began, for what has no attempts. */
  completed(
    index: number,
    result: AttemptResult,
    now: number,
    since: number = this.#state.startedAtOf(index),
  ): void {
    const { output, usage, costUsd, model, requestId, rateLimits, contentKey, reused } = result;
    const event = {
      type: 'task_completed' as const,
      sequence: this.#sequence++,
      timestamp: now,
      taskId: this.#id(index),
      level: this.#graph.levelOf(index),
      attempt: this.#state.attemptsOf(index),
      durationMs: now - since,
      output,
    };
    // Most outputs of functions come alone, and a copy for nothing costs a tenth of a whole run.
    const alone =
      usage === undefined &&
      costUsd === undefined &&
      model === undefined &&
      requestId === undefined &&
      rateLimits === undefined &&
      contentKey === undefined;
    if (alone) {
      this.#record(event, index);
      return;
    }
    this.#record(
      {
        ...event,
        ...(usage !== undefined && { usage }),
        ...(costUsd !== undefined && { costUsd }),
        ...(model !== undefined && { model }),
        ...(requestId !== undefined && { requestId }),
        ...(rateLimits !== undefined && { rateLimits }),
        ...(contentKey !== undefined && { contentKey }),
        ...(reused !== undefined && { reused }),
      },
      index,
    );
  }

  /** @param since When it began, for what has no attempts. */
  failed(
    index: number,
    error: TaskError,
    now: number,
    since: number = this.#state.startedAtOf(index),
  ): void {
    const durationMs = now - since;
    this.#record({ type: 'task_failed', ...this.#attempt(index, now), durationMs, error }, index);
  }

  retrying(index: number, error: TaskError, delayMs: number, now: number): void {
    const durationMs = now - this.#state.startedAtOf(index);
    const attempt = this.#attempt(index, now);
    this.#record({ type: 'task_retrying', ...attempt, durationMs, error, delayMs }, index);
  }

  skipped(index: number, reason: SkipReason, failedTaskId: string | undefined, now: number): void {
    const { attempt: _, ...task } = this.#attempt(index, now);
    const because = failedTaskId === undefined ? { reason } : { reason, failedTaskId };
    this.#record({ type: 'task_skipped', ...task, ...because }, index);
  }

  canceled(index: number, reason: CancelReason, now: number): void {
    const running = this.#state.statusOf(index) === 'running';
    const durationMs = now - this.#state.startedAtOf(index);
    this.#record(
      {
        type: 'task_canceled',
        ...this.#attempt(index, now),
        reason,
        ...(running && { durationMs }),
      },
      index,
    );
  }

  #id(index: number): string {
    return (this.#graph.tasks[index] as { id: string }).id;
  }

  #stamp(timestamp: number) {
    return { sequence: this.#sequence++, timestamp };
  }

  /** Of the round that ends now. */
  #round(now: number) {
    const { rounds: round, since = now } = this.#state.replan;
    return { ...this.#stamp(now), round, durationMs: now - since };
  }

  #attempt(index: number, timestamp: number) {
    return {
      sequence: this.#sequence++,
      timestamp,
      taskId: this.#id(index),
      level: this.#graph.levelOf(index),
      attempt: this.#state.attemptsOf(index),
    };
  }

  #record(event: PlanEvent, index = -1): void {
    this.#state.apply(event, index);
    this.#emit(event, index);
  }
}

/** JSON has no infinity. */
function orNull(limit: number): number | null {
  return Number.isFinite(limit) ? limit : null;
}
