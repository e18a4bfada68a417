import type { PlanEvent } from './event.js';
import { Heap } from './heap.js';
import { Kernel } from './kernel.js';
import { MetricsFold } from './metrics.js';
import { capOf, checkOptions } from './options.js';
import type { Plan } from './plan.js';
import { createResult, type PlanResult } from './result.js';
import type { TaskOutput } from './runner.js';
import type { Strategy } from './strategy.js';
import type { Task } from './task.js';
import { graphOf } from './validate.js';

/** What becomes of one attempt in a simulation. */
export interface SimulatedAttempt extends Partial<TaskOutput> {
  /** Virtual milliseconds the attempt takes; Infinity for one that never ends by itself. */
  readonly durationMs: number;
  /** When given, the attempt fails with it. */
  readonly error?: unknown;
}

export interface SimulateOptions {
  readonly strategy: Strategy;
  /** As in `RunOptions`. */
  readonly maxParallel?: number;
  /** As in `RunOptions`. */
  readonly failFast?: boolean;
  /** As in `RunOptions`, in virtual time. */
  readonly timeoutMs?: number;
  /**
   * Says what becomes of an attempt; called when it starts.
   * @default the task's estimated duration, or 1,000 ms, and no output
   */
  readonly attempt?: (task: Task, attempt: number) => SimulatedAttempt;
}

const OPTIONS = ['strategy', 'maxParallel', 'failFast', 'timeoutMs', 'attempt'];

interface Ending {
  readonly at: number;
  readonly order: number;
  readonly index: number;
  readonly outcome: SimulatedAttempt;
}

/**
 * Runs a plan under a strategy in virtual time: the real kernel, no waiting, no task executed.
 * Time begins at 0; the same arguments give the same result, event for event.
 *
 * @throws {PlanError} when the plan cannot be run.
 *
 * @example
 * const { metrics } = simulate(plan, { strategy: parallel({ maxParallel: 8 }) });
 * console.log(`would take ${metrics.executionTimeMs} ms`);
 */
export function simulate<Outputs = Record<string, unknown>>(
  plan: Plan<Outputs>,
  options: SimulateOptions,
): PlanResult<Outputs> {
  checkOptions('simulate()', options, OPTIONS);
  const { strategy, maxParallel, failFast = false, timeoutMs = Number.POSITIVE_INFINITY } = options;
  const attemptOf = options.attempt ?? estimated;
  const graph = graphOf(plan as Plan<unknown>);
  const timeline: PlanEvent[] = [];
  const metrics = new MetricsFold(graph);
  const kernel = new Kernel(
    {
      plan: { ...plan, tasks: graph.tasks } as Plan,
      graph,
      strategy,
      maxParallel: capOf(strategy, maxParallel),
      failFast,
      timeoutMs,
      resourceOf: () => 'simulation',
    },
    (event, index) => {
      metrics.apply(event, index);
      timeline.push(event);
    },
  );

  const endings = new Heap<Ending>((a, b) => a.at - b.at || a.order - b.order);
  let order = 0;
  let now = 0;
  kernel.start(now);
  while (!kernel.ended) {
    for (const command of kernel.commands) {
      if (command.type === 'abort') continue; // The run has ended, or its ending is ignored below.
      const outcome = attemptOf(graph.tasks[command.index] as Task, command.attempt);
      endings.push({ at: now + outcome.durationMs, order: order++, index: command.index, outcome });
    }
    kernel.commands.length = 0;
    const ending = endings.peek();
    now = Math.min(ending?.at ?? Number.POSITIVE_INFINITY, kernel.nextWake);
    if (now === Number.POSITIVE_INFINITY) {
      throw new RangeError(
        'the simulation cannot go on: an attempt never ends and nothing limits it',
      );
    }
    if (ending === undefined || ending.at > now) kernel.wake(now);
    else {
      endings.pop();
      const { outcome } = ending;
      if ('error' in outcome) kernel.failed(ending.index, outcome.error, now);
      else kernel.completed(ending.index, { output: undefined, ...outcome }, now);
    }
  }
  return createResult({
    goal: plan.goal,
    strategy: strategy.name,
    state: kernel.state,
    metrics: metrics.metrics(),
    timeline,
  });
}

function estimated(task: Task): SimulatedAttempt {
  return { durationMs: task.estimate?.durationMs ?? 1_000 };
}
