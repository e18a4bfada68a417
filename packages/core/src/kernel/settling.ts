import { TaskError } from '../contract/errors.js';
import type { SkipReason } from '../contract/event.js';
import type { Task } from '../contract/task.js';
import type { Graph } from '../graph/graph.js';
import { TaskKind } from '../graph/task-kind.js';
import type { RunState } from '../state/run-state.js';
import type { KernelParts } from './kernel-parts.js';
import { Readiness } from './readiness.js';
import type { Recorder } from './recorder.js';
import type { Starts } from './scheduling.js';
import type { RunEnd } from './termination.js';

/** What makes a task more than a prompt or a function that starts when its dependencies are done. */
const SPECIAL = TaskKind.when | TaskKind.forEach | TaskKind.subtasks | TaskKind.waitFor;

/** What follows from settled tasks, for the kernel to do. */
export interface SettlingHost {
  /** A task begins that is more than one attempt. */
  open(index: number, now: number): void;
  /** All children of a group that has begun are settled. */
  finishGroup(index: number, now: number): void;
}

/** Settles tasks, and follows what that means for others. */
export class Settling {
  readonly readiness: Readiness;

  readonly #graph: Graph;
  readonly #state: RunState;
  readonly #record: Recorder;
  readonly #failFast: boolean;
  readonly #readyAt: readonly number[];
  readonly #end: RunEnd;
  readonly #starts: Starts;
  readonly #host: SettlingHost;
  /** Tasks that have settled, and tasks that are about to begin: worked off one by one. */
  readonly #settled: number[] = [];
  readonly #opening: number[] = [];

  constructor(parts: KernelParts, end: RunEnd, starts: Starts, host: SettlingHost) {
    this.#graph = parts.graph;
    this.#state = parts.state;
    this.#record = parts.record;
    this.#failFast = parts.options.failFast;
    this.#readyAt = parts.readyAt;
    this.#end = end;
    this.#starts = starts;
    this.#host = host;
    this.readiness = new Readiness(parts.graph, parts.state, {
      arrived: (index, now) => this.#arrived(index, now),
      skip: (index, reason, failedTaskId, now) => this.skip(index, reason, failedTaskId, now),
      childrenSettled: (index, now) => host.finishGroup(index, now),
    });
  }

  /** A task is complete without an attempt of its own. */
  complete(index: number, output: unknown, now: number): void {
    this.#record.completed(index, { output }, now, this.#readyAt[index]);
    this.completed(index, now);
  }

  /**
   * A task has failed without an attempt of its own.
   *
   * @param since When it began.
   */
  fail(index: number, thrown: unknown, now: number, since = now): void {
    const error = new TaskError((this.#graph.tasks[index] as Task).id, thrown);
    this.#record.failed(index, error, now, since);
    this.failed(index, error, now);
  }

  skip(index: number, reason: SkipReason, failedTaskId: string | undefined, now: number): void {
    if (this.#state.statusOf(index) !== 'pending') return;
    this.#record.skipped(index, reason, failedTaskId, now);
    this.#settled.push(index);
  }

  /** A task is complete, as the log says. */
  completed(index: number, now: number): void {
    this.#end.completed(index, now);
    this.#settled.push(index);
  }

  /** A task has failed for good, as the log says. */
  failed(index: number, error: TaskError, now: number): void {
    const isForFanOut = (this.#graph.kindOf(index) & TaskKind.item) !== 0;
    if (this.#failFast && !isForFanOut && this.#end.stop === undefined) {
      this.#end.failFast(error, now);
    } else this.#settled.push(index);
  }

  /** Loops and no recursion: what follows from one task can be a million others. */
  workOff(now: number): void {
    this.#spreadAll(now);
    while (this.#opening.length > 0) {
      // Not in the middle of spreading, because a fan-out changes the graph that is walked there.
      for (const index of this.#opening.splice(0)) {
        this.#host.open(index, now);
        this.#spreadAll(now);
      }
    }
  }

  /** Nothing that is about to begin does. */
  clear(): void {
    this.#opening.length = 0;
  }

  #spreadAll(now: number): void {
    for (let index = this.#settled.pop(); index !== undefined; index = this.#settled.pop()) {
      this.readiness.settled(index, now);
    }
  }

  /** All that a task waited for is settled. */
  #arrived(index: number, now: number): void {
    if ((this.#graph.kindOf(index) & SPECIAL) === 0) this.#starts.ready(index, now);
    else this.#opening.push(index);
  }
}
