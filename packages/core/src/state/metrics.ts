import type { RunEvent } from '../contract/event.js';
import type { TotalUsage } from '../contract/usage.js';
import { Graph } from '../graph/graph.js';
import { TaskKind } from '../graph/task-kind.js';
import { select } from '../util/select.js';
import { listOfEvents } from './check-events.js';
import { COMPLETED, COMPLETED_WITH_DETAILS, type EventLog, STARTED } from './event-log.js';
import { RunState } from './run-state.js';
import { Spending } from './spending.js';

/** The figures of a run. Durations are in milliseconds and include only attempts that have ended. */
export interface Metrics {
  /** All tasks of the plan, with groups, items of fan-outs and tasks that were added during the run. */
  readonly totalTasks: number;
  readonly completedTasks: number;
  /** Tasks without a successful attempt; a failed attempt that was repeated does not count. */
  readonly failedTasks: number;
  /** Tasks that never started: a dependency failed, a condition was false, or the run ended early. */
  readonly skippedTasks: number;
  /** Tasks that ended because the run or they themselves were canceled. */
  readonly canceledTasks: number;
  /** Number of started attempts. */
  readonly attempts: number;
  /** Completed tasks divided by all tasks, 0 to 1. */
  readonly successRate: number;
  /** From the first event to the last, without the downtime between a crash and its resumption. */
  readonly executionTimeMs: number;
  /** The average duration of an attempt. */
  readonly averageTaskDurationMs: number;
  /** The median duration of an attempt. */
  readonly p50TaskDurationMs: number;
  /** 95 % of the attempts took at most this long. */
  readonly p95TaskDurationMs: number;
  /** Average time between a task becoming ready and its start. */
  readonly averageQueueWaitMs: number;
  /** The longest such time. */
  readonly maxQueueWaitMs: number;
  /** Completed tasks per second. */
  readonly throughputPerSecond: number;
  /** The maximum number of attempts in flight at once. */
  readonly peakConcurrency: number;
  /** Sum of the durations of all attempts: the time of a sequential run. */
  readonly totalWorkMs: number;
  /**
   * The longest chain of dependent tasks by measured durations, human steps included: no schedule is
   * shorter.
   */
  readonly criticalPathMs: number;
  /** Time in which a human was asked and no attempt was in flight. */
  readonly humanWaitMs: number;
  /**
   * Total work divided by the execution time without `humanWaitMs`: how many times faster than
   * sequential.
   */
  readonly speedup: number;
  /**
   * The shortest possible time divided by the execution time, 0 to 1. The shortest possible time is the
   * critical path, or the total work divided by the cap if that is longer. So neither the dependencies of
   * the plan nor the time of humans lowers it; waiting for a place, for a server or for a retry does.
   */
  readonly parallelEfficiency: number;
  /** Number of rounds of re-planning. */
  readonly replanRounds: number;
  /** Reported tokens of all attempts and of re-planning. */
  readonly usage: TotalUsage;
  /** Cost of that usage in US dollars; null when the price of some tokens is unknown. */
  readonly costUsd: number | null;
}

/**
 * Computes the figures of a run from its log.
 *
 * @example
 * const { speedup } = computeMetrics(result.timeline);
 */
export function computeMetrics(events: Iterable<RunEvent>): Metrics {
  let state: RunState | undefined;
  for (const event of listOfEvents('computeMetrics()', events)) {
    // A changed plan that was accepted starts the run again in the middle of a log.
    if (event.type === 'run_started') state = new RunState(new Graph(event.plan.tasks));
    if (state === undefined) throw new TypeError('a log begins with run_started');
    state.apply(event);
  }
  return metricsOf(state ?? new RunState(new Graph([])));
}

/** The figures of a run so far; takes time proportional to its log. */
export function metricsOf({ log, graph, attempts }: RunState): Metrics {
  const fold = new MetricsFold(graph, attempts);
  for (let position = 0; position < log.length; position++) fold.add(log, position);
  return fold.metrics();
}

class MetricsFold {
  readonly #graph: Graph;
  /** Of the attempts that have ended. */
  readonly #durations: Float64Array;
  #ended = 0;
  /** For each task that has ended, the length of the longest chain that ends with it; -1 for others. */
  readonly #chains: Float64Array;
  /** For each group that has started, the length of the longest chain before it. */
  readonly #openings = new Map<number, number>();
  #startedAt = 0;
  #endedAt = 0;
  #maxParallel: number | null = null;
  #isInitialized = false;
  #running = 0;
  #peak = 0;
  #attempts = 0;
  #completed = 0;
  #failed = 0;
  #skipped = 0;
  #canceled = 0;
  #totalWait = 0;
  #maxWait = 0;
  #totalWork = 0;
  /** The human steps that wait for an answer. */
  readonly #questions = new Set<number>();
  #humanWait = 0;
  #criticalPath = 0;
  #replanRounds = 0;
  readonly #spending = new Spending();

  constructor(graph: Graph, attempts: number) {
    this.#graph = graph;
    this.#durations = new Float64Array(attempts);
    this.#chains = new Float64Array(graph.size).fill(-1);
  }

  add(log: EventLog, position: number): void {
    const now = log.timeAt(position);
    if (this.#running === 0 && this.#questions.size > 0) this.#humanWait += now - this.#endedAt;
    this.#endedAt = now;
    const index = log.indexAt(position);
    switch (log.kindAt(position)) {
      case STARTED:
        this.#addStart(log.numberAt(position));
        break;
      case COMPLETED_WITH_DETAILS: {
        const { usage, costUsd } = log.resultAt(position);
        this.#spending.add(usage, costUsd);
        this.#completed++;
        this.#endAttempt(index, log.numberAt(position), log.attemptAt(position));
        break;
      }
      case COMPLETED:
        this.#completed++;
        this.#endAttempt(index, log.numberAt(position), log.attemptAt(position));
        break;
      default: {
        const event: RunEvent | undefined = log.objectAt(position);
        // Streamed output that was published is dropped with `timeline: 'stream'`.
        if (event !== undefined) this.#addOther(event, index);
      }
    }
  }

  #addStart(waitMs: number): void {
    this.#attempts++;
    this.#running++;
    if (this.#running > this.#peak) this.#peak = this.#running;
    this.#totalWait += waitMs;
    if (waitMs > this.#maxWait) this.#maxWait = waitMs;
  }

  #addOther(event: RunEvent, index: number): void {
    switch (event.type) {
      case 'run_started':
        this.#startedAt = event.timestamp;
        if (event.spentBefore !== undefined) this.#spending.begin(event.spentBefore);
        break;
      case 'run_resumed':
        this.#startedAt += event.downtimeMs;
        if (this.#running === 0 && this.#questions.size > 0) this.#humanWait -= event.downtimeMs;
        for (const { was } of event.retried ?? []) {
          if (was === 'completed') this.#completed--;
          else if (was === 'failed') this.#failed--;
          else if (was === 'skipped') this.#skipped--;
          else this.#canceled--;
        }
        break;
      case 'strategy_initialized':
        // Occurs again after a resumption, possibly with another cap.
        this.#maxParallel = this.#isInitialized
          ? widerCap(this.#maxParallel, event.maxParallel)
          : event.maxParallel;
        this.#isInitialized = true;
        break;
      case 'max_parallel_changed':
        this.#maxParallel = widerCap(this.#maxParallel, event.maxParallel);
        break;
      case 'task_retrying':
        this.#endAttempt(index, event.durationMs, event.attempt);
        this.#spending.add(event.error.usage, event.error.costUsd);
        break;
      case 'task_failed':
        this.#failed++;
        this.#endAttempt(index, event.durationMs, event.attempt);
        this.#spending.add(event.error.usage, event.error.costUsd);
        break;
      case 'task_waiting':
        this.#questions.add(index);
        break;
      case 'replan_started':
        this.#replanRounds++;
        break;
      case 'replan_completed':
        this.#spending.add(event.usage, event.costUsd);
        break;
      case 'replan_failed':
        this.#spending.add(event.error.usage, event.error.costUsd);
        break;
      case 'task_skipped':
        this.#skipped++;
        this.#questions.delete(index);
        if (event.durationMs !== undefined)
          this.#endAttempt(index, event.durationMs, event.attempt ?? 0);
        this.#endSkipped(index, event.failedTaskId);
        break;
      case 'task_canceled':
        this.#canceled++;
        this.#questions.delete(index);
        if (event.durationMs !== undefined)
          this.#endAttempt(index, event.durationMs, event.attempt);
        break;
    }
  }

  metrics(): Metrics {
    const total = this.#graph.size;
    const elapsed = this.#endedAt - this.#startedAt;
    const durations = this.#durations.slice(0, this.#ended);
    const p50 = rankOf(durations, 0.5);
    const p50TaskDurationMs = durations.length === 0 ? 0 : select(durations, p50);
    const p95TaskDurationMs =
      durations.length === 0 ? 0 : select(durations, rankOf(durations, 0.95), p50);
    const speedup = ratio(this.#totalWork, elapsed - this.#humanWait);
    const workers = Math.min(this.#maxParallel ?? total, total);
    const shortest = Math.max(this.#criticalPath, ratio(this.#totalWork, workers));
    return {
      totalTasks: total,
      completedTasks: this.#completed,
      failedTasks: this.#failed,
      skippedTasks: this.#skipped,
      canceledTasks: this.#canceled,
      attempts: this.#attempts,
      successRate: ratio(this.#completed, total),
      executionTimeMs: elapsed,
      averageTaskDurationMs: ratio(this.#totalWork, durations.length),
      p50TaskDurationMs,
      p95TaskDurationMs,
      averageQueueWaitMs: ratio(this.#totalWait, this.#attempts),
      maxQueueWaitMs: this.#maxWait,
      throughputPerSecond: ratio(this.#completed * 1000, elapsed),
      peakConcurrency: this.#peak,
      totalWorkMs: this.#totalWork,
      criticalPathMs: this.#criticalPath,
      humanWaitMs: this.#humanWait,
      speedup,
      parallelEfficiency: ratio(shortest, elapsed),
      replanRounds: this.#replanRounds,
      usage: { ...this.#spending.usage },
      costUsd: this.#spending.costUsd,
    };
  }

  #endAttempt(index: number, durationMs: number, attempt: number): void {
    if (this.#questions.size > 0) this.#questions.delete(index);
    if (attempt > 0) {
      this.#running--;
      this.#durations[this.#ended++] = durationMs;
      this.#totalWork += durationMs;
    }
    // A retry extends the chain of the previous attempt.
    const earlier = this.#chains[index] as number;
    const isAgain = attempt > 1 && earlier >= 0;
    const before = Math.max(isAgain ? earlier : 0, this.#chainBefore(index));
    // The duration of a group is that of its children, and a stream may end without any.
    const isStream = (this.#graph.kindOf(index) & TaskKind.stream) !== 0;
    const isGroup = attempt === 0 && (isStream || this.#graph.childCount(index) > 0);
    const chain = before + (isGroup ? 0 : durationMs);
    this.#chains[index] = chain;
    if (chain > this.#criticalPath) this.#criticalPath = chain;
  }

  /** A task that was skipped for a failure ended with it: others may run after that. */
  #endSkipped(index: number, failedTaskId: string | undefined): void {
    const failed = failedTaskId === undefined ? undefined : this.#graph.indexOf(failedTaskId);
    if (failed === undefined) return;
    this.#chains[index] = Math.max(this.#chains[index] as number, this.#chains[failed] as number);
  }

  /** The longest chain that had to end before a task could start. */
  #chainBefore(index: number): number {
    const graph = this.#graph;
    const chains = this.#chains;
    const end = graph.firstDependencyEdge(index + 1);
    let before = 0;
    for (let edge = graph.firstDependencyEdge(index); edge < end; edge++) {
      const chain = chains[graph.dependencyAt(edge)] as number;
      if (chain > before) before = chain;
    }
    return graph.hasFamilies ? Math.max(before, this.#chainInFamily(index)) : before;
  }

  /** The longest chain of the children of a task, and of what its group waited for. */
  #chainInFamily(index: number): number {
    const graph = this.#graph;
    let before = 0;
    graph.eachChild(index, (child) => {
      before = Math.max(before, this.#chains[child] as number);
    });
    const parent = graph.parentOf(index);
    return parent === undefined ? before : Math.max(before, this.#chainBeforeChildren(parent));
  }

  /** The same for the children of a group; computed once per group. */
  #chainBeforeChildren(group: number): number {
    const known = this.#openings.get(group);
    if (known !== undefined) return known;
    let before = 0;
    this.#graph.eachDependency(group, (dependency) => {
      before = Math.max(before, this.#chains[dependency] ?? 0);
    });
    const parent = this.#graph.parentOf(group);
    if (parent !== undefined) before = Math.max(before, this.#chainBeforeChildren(parent));
    this.#openings.set(group, before);
    return before;
  }
}

/** The higher of two caps; null for none. */
function widerCap(a: number | null, b: number | null): number {
  return Math.max(a ?? Number.POSITIVE_INFINITY, b ?? Number.POSITIVE_INFINITY);
}

/** The position of a percentile in the sorted list: the nearest rank. */
function rankOf({ length }: Float64Array, share: number): number {
  return Math.max(0, Math.ceil(length * share) - 1);
}

function ratio(part: number, whole: number): number {
  return whole > 0 ? part / whole : 0;
}
