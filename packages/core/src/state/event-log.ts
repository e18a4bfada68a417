import type { RunEvent, RunEventType, TasksAdded } from '../contract/event.js';
import type { LoopResult } from '../contract/repeat.js';
import type { AttemptResult } from '../contract/runner.js';
import { freezeTasks } from '../contract/snapshot.js';
import type { Task } from '../contract/task.js';
import { handOn, keep } from '../contract/value.js';
import { Columns, enlarge } from '../graph/arrays.js';
import type { Graph } from '../graph/graph.js';

/** The kind of an entry, as a number: the event type, with completions of two shapes. */
export const STARTED = 0;
/** A completion that has an output and nothing else. */
export const COMPLETED = 1;
/** A completion with usage, model or other details; its value is the whole `AttemptResult`. */
export const COMPLETED_WITH_DETAILS = 2;
/** Entries of these kinds are stored as event objects. */
const KIND_OF = {
  run_started: 3,
  strategy_initialized: 4,
  strategy_switched: 5,
  task_output: 6,
  task_failed: 7,
  task_retrying: 8,
  task_waiting: 9,
  task_skipped: 10,
  task_canceled: 11,
  tasks_added: 12,
  goal_checked: 13,
  goal_achieved: 14,
  budget_exceeded: 15,
  replan_started: 16,
  replan_completed: 17,
  replan_failed: 18,
  run_paused: 19,
  run_unpaused: 20,
  max_parallel_changed: 21,
  resource_paused: 22,
  run_resumed: 23,
  run_completed: 24,
  run_failed: 25,
  run_canceled: 26,
  task_begun: 27,
  budget_waiting: 28,
  places_waiting: 29,
  strategy_waiting: 30,
  tool_approval_requested: 31,
  tool_approval_decided: 32,
  criterion_met: 33,
} satisfies Record<Exclude<RunEventType, 'task_started' | 'task_completed'>, number>;

const TYPE_OF: RunEventType[] = ['task_started', 'task_completed', 'task_completed'];
for (const [type, kind] of Object.entries(KIND_OF)) TYPE_OF[kind] = type as RunEventType;

export function isEventType(type: string): type is RunEventType {
  return TYPE_OF.includes(type as RunEventType);
}

/** The engine stores longer arrays than this as hash tables, unless they grow. */
const MAX_PREPARED = 2 ** 24;

/** An event that has not been numbered and stamped. */
export type UnstampedEvent = RunEvent extends infer Each
  ? Each extends RunEvent
    ? Omit<Each, 'sequence' | 'timestamp'>
    : never
  : never;

/**
 * The log of a run as columns of numbers. A started or completed attempt, which is nearly every
 * entry, takes 29 bytes and no object; its event object is made when somebody reads it.
 */
export class EventLog {
  /** Number of entries. */
  length = 0;
  readonly #graph: Graph;
  #kinds: Uint8Array;
  #indexes: Int32Array;
  #times: Float64Array;
  /** Undefined while each start and completion is of a first attempt, and other entries are of none. */
  #attempts: Int32Array | undefined;
  /** `waitMs` of a start, `durationMs` of a completion. */
  #numbers: Float64Array;
  /** The resource of a start, the output of a completion or its result with details, or the event. */
  readonly #values: unknown[];
  /** Streamed output before this position has been released. */
  #released = 0;
  /** Where sequence numbers skip: from this position on, they are higher by `offset`. */
  readonly #gaps: { from: number; offset: number }[] = [];

  constructor(graph: Graph) {
    this.#graph = graph;
    // A start and a completion for each task, and what opens and ends a run.
    const capacity = 2 * graph.size + 8;
    const columns = new Columns(capacity, 21);
    this.#times = columns.float64();
    this.#numbers = columns.float64();
    this.#indexes = columns.int32();
    this.#kinds = columns.uint8();
    this.#values = new Array(Math.min(capacity, MAX_PREPARED));
  }

  /**
   * Appends an entry, and returns its position. The columns are those of its kind.
   *
   * @param number `waitMs` of a start, `durationMs` of a completion.
   * @param value The resource of a start if it is an unusual one, the output of a completion, its whole
   * result if it has details, or the event.
   */
  push(
    kind: number,
    index: number,
    time: number,
    attempt: number,
    number: number,
    value: unknown,
  ): number {
    const position = this.length++;
    if (position >= this.#kinds.length) this.#grow();
    this.#kinds[position] = kind;
    this.#indexes[position] = index;
    this.#times[position] = time;
    if (this.#attempts !== undefined) this.#attempts[position] = attempt;
    else if (attempt !== usualAttempt(kind)) this.#storeAttempts(position, attempt);
    this.#numbers[position] = number;
    this.#values[position] = value;
    return position;
  }

  /** Appends an event that the kernel decided, with the next sequence number. */
  appendNew(event: UnstampedEvent, index: number, now: number): number {
    const { type, ...fields } = event;
    // Last as well: a part of a runner's output may bring fields of these names.
    const stamp = { sequence: this.#nextSequence, timestamp: now };
    const stamped = { type, ...stamp, ...fields, ...stamp };
    return this.append(stamped as unknown as RunEvent, index);
  }

  /** Appends a recorded event, which keeps its sequence number. */
  append(event: RunEvent, index: number): number {
    const missing = event.sequence - this.#nextSequence;
    if (missing !== 0) this.#skip(missing);
    const { timestamp } = event;
    switch (event.type) {
      case 'task_started':
        return this.push(STARTED, index, timestamp, event.attempt, event.waitMs, event.resource);
      case 'task_completed': {
        const { attempt, durationMs } = event;
        return hasDetails(event)
          ? this.push(COMPLETED_WITH_DETAILS, index, timestamp, attempt, durationMs, event)
          : this.push(COMPLETED, index, timestamp, attempt, durationMs, event.output);
      }
      default: {
        const { attempt = 0 } = event as { readonly attempt?: number };
        return this.push(KIND_OF[event.type], index, timestamp, attempt, 0, unchangeable(event));
      }
    }
  }

  kindAt(position: number): number {
    return this.#kinds[position] as number;
  }

  typeAt(position: number): RunEventType {
    return TYPE_OF[this.#kinds[position] as number] as RunEventType;
  }

  /** The index of the task that an entry is about; -1 for the run. */
  indexAt(position: number): number {
    return this.#indexes[position] as number;
  }

  timeAt(position: number): number {
    return this.#times[position] as number;
  }

  attemptAt(position: number): number {
    if (this.#attempts === undefined) return usualAttempt(this.#kinds[position] as number);
    return this.#attempts[position] as number;
  }

  #storeAttempts(position: number, attempt: number): void {
    const attempts = new Int32Array(this.#kinds.length);
    for (let before = 0; before < position; before++) {
      attempts[before] = usualAttempt(this.#kinds[before] as number);
    }
    attempts[position] = attempt;
    this.#attempts = attempts;
  }

  /** The resource that a start names. */
  resourceAt(position: number): string | undefined {
    return this.#values[position] as string | undefined;
  }

  /** `waitMs` of a start, `durationMs` of a completion. */
  numberAt(position: number): number {
    return this.#numbers[position] as number;
  }

  /** The output of a completion. */
  outputAt(position: number): unknown {
    const value = this.#values[position];
    const output = this.#kinds[position] === COMPLETED ? value : (value as AttemptResult).output;
    // Most are texts or numbers, which nobody can change.
    return typeof output === 'object' || output === RELEASED ? outputFor(output) : output;
  }

  /** Drops the output of a completion; everything else about it stays. */
  releaseOutput(position: number): void {
    const value = this.#values[position];
    this.#values[position] =
      this.#kinds[position] === COMPLETED
        ? RELEASED
        : { ...(value as AttemptResult), output: RELEASED };
  }

  /** Drops the items of a fan-out that were read from a stream. */
  releaseItems(position: number): void {
    const { items: _, ...event } = this.#values[position] as TasksAdded;
    this.#values[position] = Object.freeze(event);
  }

  /** Whether the output of a completion was dropped. */
  isReleased(position: number): boolean {
    const value = this.#values[position];
    return value === RELEASED || (value as AttemptResult | undefined)?.output === RELEASED;
  }

  /** The result of a completion that has details. */
  resultAt(position: number): AttemptResult {
    return this.#values[position] as AttemptResult;
  }

  /** How a completed loop ended. */
  loopAt(position: number): LoopResult | undefined {
    const hasDetails = this.#kinds[position] === COMPLETED_WITH_DETAILS;
    return hasDetails ? this.resultAt(position).loop : undefined;
  }

  /** The event of an entry that is stored as an object. */
  objectAt(position: number): RunEvent {
    return this.#values[position] as RunEvent;
  }

  /** The event at a position; made now when it is stored in columns. */
  eventAt(position: number): RunEvent {
    const kind = this.#kinds[position] as number;
    if (kind > COMPLETED_WITH_DETAILS) {
      const event = this.#values[position] as RunEvent | undefined;
      // Streamed output that everybody has read is released.
      return (event && withFrozenTasks(event)) as RunEvent;
    }
    const index = this.#indexes[position] as number;
    const sequence = this.#gaps.length === 0 ? position : this.#sequenceAt(position);
    const timestamp = this.#times[position] as number;
    const taskId = (this.#graph.tasks[index] as Task).id;
    const level = this.#graph.levelOf(index);
    const attempt = this.attemptAt(position);
    if (kind === STARTED) {
      const waitMs = this.#numbers[position] as number;
      const resource = this.#values[position] as string | undefined;
      const named = resource === undefined ? undefined : { resource };
      return {
        type: 'task_started',
        sequence,
        timestamp,
        taskId,
        level,
        attempt,
        waitMs,
        ...named,
      };
    }
    const durationMs = this.#numbers[position] as number;
    const value = this.#values[position];
    const own = kind === COMPLETED ? value : (value as AttemptResult).output;
    const output = typeof own === 'object' || own === RELEASED ? outputFor(own) : own;
    return {
      type: 'task_completed',
      sequence,
      timestamp,
      taskId,
      level,
      attempt,
      durationMs,
      output,
      ...(kind === COMPLETED_WITH_DETAILS && detailsOf(value as AttemptResult)),
    };
  }

  /** The events from one position up to another. */
  events(from = 0, to = this.length): RunEvent[] {
    const events: RunEvent[] = new Array(to - from);
    for (let position = from; position < to; position++) {
      events[position - from] = this.eventAt(position);
    }
    return events;
  }

  /** Releases streamed output that everybody has read; true if the end of the log was dropped. */
  dropReadOutput(): boolean {
    // Output between other events keeps its place, and gives up its value.
    for (; this.#released < this.length; this.#released++) {
      const position = this.#released;
      if (this.#kinds[position] === KIND_OF.task_output) this.#values[position] = undefined;
    }
    let dropped = 0;
    while (this.length > 0 && this.#kinds[this.length - 1] === KIND_OF.task_output) {
      this.length--;
      dropped++;
    }
    this.#released = this.length;
    if (dropped > 0) this.#skip(dropped);
    return dropped > 0;
  }

  #grow(): void {
    const capacity = 2 * this.#kinds.length;
    this.#kinds = enlarge(this.#kinds, capacity);
    this.#indexes = enlarge(this.#indexes, capacity);
    this.#times = enlarge(this.#times, capacity);
    if (this.#attempts !== undefined) this.#attempts = enlarge(this.#attempts, capacity);
    this.#numbers = enlarge(this.#numbers, capacity);
  }

  get #nextSequence(): number {
    return this.length + (this.#gaps.at(-1)?.offset ?? 0);
  }

  #skip(missing: number): void {
    const last = this.#gaps.at(-1);
    const offset = (last?.offset ?? 0) + missing;
    if (last?.from === this.length) last.offset = offset;
    else this.#gaps.push({ from: this.length, offset });
  }

  #sequenceAt(position: number): number {
    const gaps = this.#gaps;
    let low = 0;
    for (let high = gaps.length; low < high; ) {
      const middle = (low + high) >> 1;
      if ((gaps[middle] as { from: number }).from <= position) low = middle + 1;
      else high = middle;
    }
    return position + (low === 0 ? 0 : (gaps[low - 1] as { offset: number }).offset);
  }
}

/** Most starts and completions are of a first attempt; other events have one of their own, or none. */
function usualAttempt(kind: number): number {
  return kind <= COMPLETED_WITH_DETAILS ? 1 : 0;
}

/** An event that no listener can change; its tasks are frozen when it is read. */
function unchangeable(event: RunEvent): RunEvent {
  const isKept = !['run_started', 'tasks_added', 'task_output'].includes(event.type);
  return isKept ? (keep(event) as RunEvent) : Object.freeze(event);
}

/** The tasks of a plan that is not frozen belong to the caller of the kernel. */
function withFrozenTasks(event: RunEvent): RunEvent {
  if (event.type === 'tasks_added') freezeTasks(event.tasks);
  else if (event.type === 'run_started' && Object.isFrozen(event.plan)) {
    freezeTasks(event.plan.tasks);
  }
  return event;
}

/** Takes the place of an output that was dropped. */
const RELEASED = Symbol('released');

/** An output for one more reader. */
function outputFor(output: unknown): unknown {
  if (output === RELEASED) return undefined;
  return typeof output === 'object' ? handOn(output) : output;
}

/** Whether a result has more than an output. */
export function hasDetails(result: AttemptResult): boolean {
  return (
    result.loop !== undefined ||
    result.usage !== undefined ||
    result.costUsd !== undefined ||
    result.model !== undefined ||
    result.requestId !== undefined ||
    result.rateLimits !== undefined ||
    result.contentKey !== undefined ||
    result.reused !== undefined ||
    result.cached !== undefined ||
    result.savedTo !== undefined ||
    result.citations !== undefined ||
    result.serverToolCalls !== undefined
  );
}

const DETAILS = [
  'usage',
  'costUsd',
  'model',
  'requestId',
  'rateLimits',
  'contentKey',
  'reused',
  'cached',
  'savedTo',
  'citations',
  'serverToolCalls',
  'loop',
] as const satisfies readonly (keyof AttemptResult)[];

/** The fields of a completion beside its output, without those that are undefined. */
function detailsOf(result: AttemptResult): Omit<AttemptResult, 'output'> {
  const details: Record<string, unknown> = {};
  for (const name of DETAILS) if (result[name] !== undefined) details[name] = result[name];
  return details;
}
