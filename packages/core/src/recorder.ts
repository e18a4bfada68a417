import type { StratagemError, TaskError } from './errors.js';
import type { CancelReason, PlanEvent, SkipReason } from './event.js';
import type { Graph } from './graph.js';
import type { Plan } from './plan.js';
import type { RunState } from './run-state.js';
import type { TaskOutput } from './runner.js';

/** Receives every event, with the index of the task it is about (-1 for the plan). */
export type Emit = (event: PlanEvent, index: number) => void;

/** How a plan ends. */
export type Ending =
  | { readonly type: 'plan_completed' }
  | { readonly type: 'plan_failed' | 'plan_canceled'; readonly error: StratagemError };

/**
 * Turns what the kernel decides into events: numbers and stamps them, folds each into the state,
 * and passes it on. Nothing else makes events, so the state cannot know what the log does not say.
 */
export class Recorder {
  readonly #graph: Graph;
  readonly #state: RunState;
  readonly #emit: Emit;
  #sequence = 0;
  #startedAt = 0;

  constructor(graph: Graph, state: RunState, emit: Emit) {
    this.#graph = graph;
    this.#state = state;
    this.#emit = emit;
  }

  planStarted(plan: Plan, now: number): void {
    this.#startedAt = now;
    this.#record({ type: 'plan_started', sequence: this.#sequence++, timestamp: now, plan });
  }

  strategyInitialized(strategy: string, maxParallel: number, now: number): void {
    this.#record({
      type: 'strategy_initialized',
      sequence: this.#sequence++,
      timestamp: now,
      strategy,
      maxParallel: Number.isFinite(maxParallel) ? maxParallel : null,
    });
  }

  planEnded(ending: Ending, now: number): void {
    const stamp = { sequence: this.#sequence++, timestamp: now, durationMs: now - this.#startedAt };
    this.#record({ ...ending, ...stamp });
  }

  started(index: number, attempt: number, waitMs: number, now: number): void {
    this.#record(
      {
        type: 'task_started',
        sequence: this.#sequence++,
        timestamp: now,
        taskId: this.#id(index),
        level: this.#graph.levels[index] as number,
        attempt,
        waitMs,
      },
      index,
    );
  }

  output(index: number, text: string, now: number): void {
    this.#record({ type: 'task_output', ...this.#attempt(index, now), text }, index);
  }

  completed(index: number, result: TaskOutput, now: number): void {
    const { output, usage, costUsd, model, requestId } = result;
    const event = {
      type: 'task_completed' as const,
      sequence: this.#sequence++,
      timestamp: now,
      taskId: this.#id(index),
      level: this.#graph.levels[index] as number,
      attempt: this.#state.attemptsOf(index),
      durationMs: now - this.#state.startedAtOf(index),
      output,
    };
    // Most outputs of functions come alone, and a copy for nothing costs a tenth of a whole run.
    const alone =
      usage === undefined &&
      costUsd === undefined &&
      model === undefined &&
      requestId === undefined;
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
      },
      index,
    );
  }

  failed(index: number, error: TaskError, now: number): void {
    const durationMs = now - this.#state.startedAtOf(index);
    this.#record({ type: 'task_failed', ...this.#attempt(index, now), durationMs, error }, index);
  }

  skipped(index: number, reason: SkipReason, failedTaskId: string, now: number): void {
    const { attempt: _, ...task } = this.#attempt(index, now);
    this.#record({ type: 'task_skipped', ...task, reason, failedTaskId }, index);
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

  #attempt(index: number, timestamp: number) {
    return {
      sequence: this.#sequence++,
      timestamp,
      taskId: this.#id(index),
      level: this.#graph.levels[index] as number,
      attempt: this.#state.attemptsOf(index),
    };
  }

  #record(event: PlanEvent, index = -1): void {
    this.#state.apply(event, index);
    this.#emit(event, index);
  }
}
