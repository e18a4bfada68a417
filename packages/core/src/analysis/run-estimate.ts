import type { RunEvent } from '../contract/event.js';
import type { Task, TaskType } from '../contract/task.js';
import { Graph } from '../graph/graph.js';

/** A new estimate takes at most this share of the time. */
const COST_SHARE = 1 / 500;
/** The parallelism counts older times less and less. */
const WINDOW_MS = 20_000;
/** So many tasks must have completed before anything is said. */
const MIN_COMPLETED = 3;

/** Sums of durations, for an average. */
interface Sum {
  count: number;
  ms: number;
}

/**
 * How long a run under way will still take: the work that is left, at the parallelism that it had lately, but not
 * less than the longest chain of tasks that is left. A task counts with its estimate, corrected by how
 * right the estimates of finished tasks were; without one, with the average of its type.
 *
 * @example
 * const estimate = new RunEstimate();
 * for await (const event of run) {
 *   estimate.apply(event);
 *   console.log(estimate.leftAt(event.timestamp));
 * }
 */
export class RunEstimate {
  #graph: Graph | undefined;
  #tasks: readonly Task[] = [];
  /** Fan-outs over streams that have not been read to their ends. */
  readonly #reading = new Set<string>();
  readonly #started = new Map<string, number>();
  readonly #byType = new Map<TaskType, Sum>();
  #all: Sum = { count: 0, ms: 0 };
  /** Of tasks with an estimate: how long they took, and should have taken. */
  #real = { ms: 0, estimatedMs: 0 };
  #isUnderWay = false;
  #isPaused = false;
  #running = 0;
  /** Attempts in flight times milliseconds, of the last while. */
  #area = 0;
  #areaMs = 0;
  /** The time of the latest event; undefined before the first. */
  #at: number | undefined;
  #nextAt = 0;
  #leftMs: number | undefined;
  #computedAt = 0;
  /** Tasks that had not settled at the latest estimate. */
  #openThen = 0;
  readonly #settled = new Set<string>();

  /** Takes the next event of the run. */
  apply(event: RunEvent): void {
    switch (event.type) {
      case 'run_started':
        this.#begin(event.plan.tasks);
        this.#at = event.timestamp;
        break;
      case 'run_resumed':
        this.#isUnderWay = true;
        this.#at = event.timestamp;
        for (const id of event.restarted) this.#started.set(id, event.timestamp);
        for (const { taskId } of event.retried ?? []) this.#settled.delete(taskId);
        break;
      case 'run_paused':
      case 'run_unpaused':
        this.#pass(event.timestamp);
        this.#isPaused = event.type === 'run_paused';
        break;
      case 'run_completed':
      case 'run_failed':
      case 'run_canceled':
        this.#isUnderWay = false;
        break;
      case 'tasks_added':
        this.#graphNow().add(event.tasks);
        if (event.stream?.isEnd === false) this.#reading.add(event.taskId as string);
        else if (event.stream !== undefined) this.#reading.delete(event.taskId as string);
        break;
      case 'task_started':
        this.#pass(event.timestamp);
        this.#running++;
        this.#started.set(event.taskId, event.timestamp);
        break;
      case 'task_retrying':
        this.#pass(event.timestamp);
        this.#running--;
        this.#started.delete(event.taskId);
        break;
      case 'task_completed':
        if (event.attempt > 0) {
          this.#pass(event.timestamp);
          this.#running--;
          this.#learn(event.taskId, event.durationMs);
        }
        this.#settle(event.taskId);
        break;
      case 'task_failed':
        this.#pass(event.timestamp);
        if (event.attempt > 0) this.#running--;
        this.#settle(event.taskId);
        break;
      case 'task_canceled':
      case 'task_skipped':
        this.#pass(event.timestamp);
        if (event.durationMs !== undefined) this.#running--;
        this.#settle(event.taskId);
        break;
    }
  }

  /**
   * @param now Unix time in milliseconds, as in events.
   * @returns Milliseconds; undefined before enough tasks have completed, during a pause, while nobody knows
   * how many items a stream has, and at the end.
   */
  leftAt(now: number): number | undefined {
    this.#pass(now);
    if (!this.#isUnderWay || this.#isPaused || this.#all.count < MIN_COMPLETED) return undefined;
    if (this.#reading.size > 0) return undefined;
    const cpuBefore = performance.now();
    if (cpuBefore >= this.#nextAt) {
      this.#leftMs = this.#compute(now);
      const cost = performance.now() - cpuBefore;
      this.#nextAt = cpuBefore + Math.max(2_000, cost / COST_SHARE);
      this.#computedAt = now;
      this.#openThen = this.#open();
    }
    if (this.#leftMs === undefined) return undefined;
    // Between two estimates, time passes and tasks settle; whichever of them got further counts.
    const byTime = this.#leftMs - (now - this.#computedAt);
    const byTasks = this.#openThen === 0 ? 0 : this.#leftMs * (this.#open() / this.#openThen);
    return Math.max(0, Math.min(byTime, byTasks));
  }

  /** A run with a changed plan that was accepted starts again in its log. */
  #begin(tasks: readonly Task[]): void {
    this.#graph = undefined;
    this.#tasks = tasks;
    this.#reading.clear();
    this.#started.clear();
    this.#settled.clear();
    this.#byType.clear();
    this.#all = { count: 0, ms: 0 };
    this.#real = { ms: 0, estimatedMs: 0 };
    this.#running = this.#area = this.#areaMs = this.#nextAt = 0;
    this.#isUnderWay = true;
    this.#isPaused = false;
  }

  #open(): number {
    return this.#graphNow().size - this.#settled.size;
  }

  #settle(id: string): void {
    this.#started.delete(id);
    this.#reading.delete(id);
    this.#settled.add(id);
  }

  #learn(id: string, durationMs: number): void {
    this.#all.count++;
    this.#all.ms += durationMs;
    const graph = this.#graphNow();
    const task = graph.tasks[graph.indexOf(id) ?? -1];
    if (task === undefined) return;
    const type = task.type ?? 'action';
    const sum = this.#byType.get(type) ?? { count: 0, ms: 0 };
    this.#byType.set(type, sum);
    sum.count++;
    sum.ms += durationMs;
    if (task.estimate?.durationMs === undefined) return;
    this.#real.ms += durationMs;
    this.#real.estimatedMs += task.estimate.durationMs;
  }

  /** The parallelism of the last while; older times count less and less. */
  #pass(now: number): void {
    if (this.#at === undefined || now <= this.#at) return;
    const ms = now - this.#at;
    this.#at = now;
    // Nothing starts during a pause, which says nothing about the parallelism.
    if (this.#isPaused) return;
    this.#area += this.#running * ms;
    this.#areaMs += ms;
    if (this.#areaMs > WINDOW_MS) {
      this.#area /= 2;
      this.#areaMs /= 2;
    }
  }

  #compute(now: number): number | undefined {
    const graph = this.#graphNow();
    const { ms, estimatedMs } = this.#real;
    const correction = estimatedMs > 0 ? ms / estimatedMs : 1;
    const usual = (type: TaskType) => {
      const { count, ms } = this.#byType.get(type) ?? this.#all;
      return count === 0 ? this.#all.ms / this.#all.count : ms / count;
    };
    const workOf = ({ estimate, type = 'action', waitFor }: Task) => {
      if (waitFor !== undefined) return 0;
      return estimate?.durationMs === undefined ? usual(type) : estimate.durationMs * correction;
    };
    let work = 0;
    let longest = 0;
    const paths = graph.criticalPathsBy(usual);
    for (let index = 0; index < graph.size; index++) {
      const task = graph.tasks[index] as Task;
      if (this.#settled.has(task.id) || graph.childCount(index) > 0) continue;
      const since = this.#started.get(task.id);
      const elapsed = since === undefined ? 0 : now - since;
      work += Math.max(0, workOf(task) - elapsed);
      longest = Math.max(longest, (paths[index] as number) * correction - elapsed);
    }
    const parallelism = Math.max(1, this.#areaMs === 0 ? this.#running : this.#area / this.#areaMs);
    return Math.max(work / parallelism, longest, 0);
  }

  #graphNow(): Graph {
    this.#graph ??= new Graph(this.#tasks);
    return this.#graph;
  }
}
