import type { TaskError } from '../contract/errors.js';
import type {
  CancelReason,
  RunEvent,
  SkipReason,
  TaskCanceled,
  TaskFailed,
  TaskSkipped,
} from '../contract/event.js';
import type { LoopResult } from '../contract/repeat.js';
import { isNotChosenFor } from '../contract/skip-reason.js';
import type { TaskStatus } from '../contract/status.js';
import type { Stop } from '../contract/stop.js';
import { Columns, enlarge, NONE } from '../graph/arrays.js';
import type { Graph } from '../graph/graph.js';
import { TaskKind } from '../graph/task-kind.js';
import { EventLog } from './event-log.js';

export const PENDING = 0;
export const RUNNING = 1;
/** The first of the final statuses. */
export const DONE = 2;
export const FAILED = 3;
export const SKIPPED = 4;
export const CANCELED = 5;
const STATUSES: readonly TaskStatus[] = [
  'pending',
  'running',
  'completed',
  'failed',
  'skipped',
  'canceled',
];

/**
 * What became of each task, by its index: columns of numbers, and how to read them together with the
 * log. `RunState`, the fold of the log, fills them.
 */
export class TaskStates {
  readonly graph: Graph;
  readonly log: EventLog;
  /** Why no task starts any more. */
  stop: Stop | undefined;

  protected statuses: Uint8Array;
  protected attemptCounts: Int32Array;
  protected startTimes: Float64Array;
  /** Positions of the events that ended tasks. */
  protected ends: Int32Array;

  constructor(graph: Graph) {
    const { size } = graph;
    this.graph = graph;
    this.log = new EventLog(graph);
    const columns = new Columns(size, 17);
    this.startTimes = columns.float64();
    this.attemptCounts = columns.int32();
    this.ends = columns.int32().fill(NONE);
    this.statuses = columns.uint8();
  }

  statusOf(index: number): TaskStatus {
    return STATUSES[this.statuses[index] as number] as TaskStatus;
  }

  isPending(index: number): boolean {
    return this.statuses[index] === PENDING;
  }

  /** Whether this is the attempt in flight at a task. */
  isInFlight(index: number, attempt: number): boolean {
    return this.statuses[index] === RUNNING && this.attemptCounts[index] === attempt;
  }

  isRunning(index: number): boolean {
    return this.statuses[index] === RUNNING;
  }

  isSettled(index: number): boolean {
    return (this.statuses[index] as number) >= DONE;
  }

  /** How a loop ended; undefined for other tasks, and for a loop that did not end by itself. */
  loopOf(index: number): LoopResult | undefined {
    const { graph, log } = this;
    if ((graph.kindOf(index) & TaskKind.repeat) === 0) return undefined;
    if (this.isCompleted(index)) return log.loopAt(this.ends[index] as number);
    const error = this.errorOf(index);
    if (error === undefined) return undefined;
    const ending = error.code === 'loop_exhausted' ? 'exhausted' : 'failed';
    return { ending, iterations: graph.childCount(index) };
  }

  isCompleted(index: number): boolean {
    return this.statuses[index] === DONE;
  }

  attemptsOf(index: number): number {
    return this.attemptCounts[index] as number;
  }

  /** When the last attempt began. */
  startedAtOf(index: number): number {
    return this.startTimes[index] as number;
  }

  outputOf(index: number): unknown {
    if (this.statuses[index] !== DONE) return undefined;
    return this.log.outputAt(this.ends[index] as number);
  }

  /** Position of the event that ended a task which has settled. */
  endPositionOf(index: number): number {
    return this.ends[index] as number;
  }

  /** Whether a completed task's output was dropped from memory. */
  isReleased(index: number): boolean {
    return this.statuses[index] === DONE && this.log.isReleased(this.ends[index] as number);
  }

  /** Why a task was skipped or canceled. */
  reasonOf(index: number): SkipReason | CancelReason | undefined {
    const status = this.statuses[index];
    if (status !== SKIPPED && status !== CANCELED) return undefined;
    return (this.#objectOf(index) as TaskSkipped | TaskCanceled).reason;
  }

  /** Whether a task ended without an output, and not because it was not chosen. */
  isLost(index: number): boolean {
    return (this.statuses[index] as number) > DONE && !this.isNotChosen(index);
  }

  isNotChosen(index: number): boolean {
    return this.statuses[index] === SKIPPED && isNotChosenFor(this.reasonOf(index));
  }

  /** Whether a task failed, or did not run or end because another one failed. */
  isFailure(index: number): boolean {
    if (this.statuses[index] === FAILED) return true;
    const reason = this.reasonOf(index);
    if (this.statuses[index] === CANCELED && reason === 'requested') return true;
    return reason === 'dependency_failed' || reason === 'fail_fast';
  }

  /** Whether the task runs once its dependencies have settled, also if they failed. */
  runsAfterFailure(index: number): boolean {
    return (this.graph.kindOf(index) & TaskKind.afterAny) !== 0;
  }

  /** The task whose failure a failed, skipped or canceled task goes back to. */
  failedTaskIdOf(index: number): string | undefined {
    const status = this.statuses[index];
    if (status === FAILED) return this.graph.taskOf(index).id;
    if (status === CANCELED) {
      const isOwn = this.reasonOf(index) === 'requested';
      return isOwn ? this.graph.taskOf(index).id : this.stop?.failedTaskId;
    }
    return status === SKIPPED ? (this.#objectOf(index) as TaskSkipped).failedTaskId : undefined;
  }

  /** Why a task failed, or was canceled alone. */
  errorOf(index: number): TaskError | undefined {
    const status = this.statuses[index];
    if (status !== FAILED && status !== CANCELED) return undefined;
    return (this.#objectOf(index) as TaskFailed | TaskCanceled).error;
  }

  /** The event that ended a task; undefined before that. */
  protected endOf(index: number): RunEvent | undefined {
    const end = this.ends[index] as number;
    return end === NONE ? undefined : this.log.eventAt(end);
  }

  /** Makes room for tasks that are added. */
  protected enlargeTo(size: number): void {
    const had = this.statuses.length;
    if (size <= had) return;
    const capacity = Math.max(size, 2 * had);
    this.statuses = enlarge(this.statuses, capacity);
    this.attemptCounts = enlarge(this.attemptCounts, capacity);
    this.startTimes = enlarge(this.startTimes, capacity);
    this.ends = enlarge(this.ends, capacity).fill(NONE, had);
  }

  /** A task that had settled runs once more. */
  protected reopen(index: number): void {
    this.statuses[index] = PENDING;
    this.ends[index] = NONE;
  }

  /** The run was down. Attempts in flight began later, but for those whose carrier worked on. */
  protected shiftStarts(downtimeMs: number, attached: ReadonlySet<string>): void {
    for (let index = 0; index < this.graph.size; index++) {
      if (this.statuses[index] !== RUNNING || attached.has(this.graph.taskOf(index).id)) continue;
      this.startTimes[index] = (this.startTimes[index] as number) + downtimeMs;
    }
  }

  #objectOf(index: number): RunEvent {
    return this.log.objectAt(this.ends[index] as number);
  }
}
