import type { TaskError } from '../contract/errors.js';
import {
  isMadeFromTemplate,
  type RunEvent,
  type RunOrigin,
  type RunResumed,
  type RunStarted,
  type TaskCompleted,
  type TaskOutputReceived,
  type TaskStarted,
  type TasksAdded,
} from '../contract/event.js';
import { isAnswered, isRefusal } from '../contract/retry.js';
import { Graph } from '../graph/graph.js';
import { TaskKind } from '../graph/task-kind.js';
import { RunState } from '../state/run-state.js';
import { Queue } from '../util/queue.js';
import { Blocker, Blockers } from './blockers.js';
import { Prompts } from './prompts.js';
import { ResourceLanes } from './resource-lanes.js';
import { RunClock } from './run-clock.js';
import { noteOutput } from './streamed-output.js';
import type { AttemptRecord, Phase, PhaseKind, TaskRecord } from './task-record.js';
import type { ConcurrencyStep } from './types.js';

export interface RoundRecord {
  readonly startMs: number;
  endMs: number | undefined;
  /** The index of the task that had settled last; -1 for none. */
  readonly after: number;
}

/** The lives of the tasks of a run, from its events; one event takes constant time on average. */
export class RunFold {
  readonly state: RunState;
  readonly graph: Graph;
  readonly clock: RunClock;
  readonly goal: string;
  readonly forkedFrom: RunOrigin | undefined;
  readonly tasks: TaskRecord[] = [];
  readonly blockers: Blockers;
  readonly steps: ConcurrencyStep[] = [];
  readonly rounds: RoundRecord[] = [];
  /** The lists that functions gave to fan-outs, and what was read from streams, by index. */
  readonly lists = new Map<number, unknown[]>();
  readonly prompts: Prompts;
  strategy = '';
  /** The index of the task that settled last; -1 for none. */
  lastSettled = -1;
  readonly #unblocked = new Queue<number>();
  /** Groups whose children may start. */
  readonly #begun = new Set<number>();
  /** The time of the event that is added. */
  #timestamp = 0;
  #ready = 0;
  readonly #resources: ResourceLanes;

  constructor({ plan, timestamp, limits, forkedFrom }: RunStarted) {
    this.graph = new Graph(plan.tasks);
    this.state = new RunState(this.graph);
    this.state.waits.unblocked = this.#unblocked;
    this.clock = new RunClock(timestamp);
    this.goal = plan.goal;
    this.forkedFrom = forkedFrom;
    this.prompts = new Prompts(this.state, this.lists);
    const caps = limits?.resources ?? {};
    this.blockers = new Blockers(caps);
    this.#resources = new ResourceLanes(caps, this.blockers, this.clock);
    for (let index = 0; index < this.graph.size; index++) this.#addRecord(index, 0, -1, -1);
  }

  add(event: RunEvent): void {
    const { state, clock, graph } = this;
    if (event.type === 'run_resumed') clock.skip(event.downtimeMs);
    this.#resources.advance(event.timestamp);
    const now = clock.advance(event.timestamp);
    this.#timestamp = event.timestamp;
    const known = graph.size;
    state.apply(event);
    const index = state.log.indexAt(state.log.length - 1);
    if (event.type === 'tasks_added') this.#addTasks(event, index, known, now);
    else if (event.type === 'run_resumed') this.#resume(event, now);
    else if (index >= 0) this.#addToTask(event, this.tasks[index] as TaskRecord, now);
    else this.#addToRun(event, now);
    while (this.#unblocked.size > 0) this.#unblock(this.#unblocked.shift() as number, now, index);
    this.#noteFigures(now);
  }

  /** What a task competes for, as far as it is known. */
  resourceOf(index: number): string | undefined {
    return this.tasks[index]?.resource ?? this.state.usualResourceOf(index);
  }

  // --- Tasks ---

  #addRecord(index: number, bornMs: number, bornBy: number, bornIn: number): void {
    const blocked = phaseOf('blocked', bornMs);
    this.tasks.push({
      index,
      bornMs,
      bornBy,
      bornIn,
      phases: [blocked],
      attempts: undefined,
      endMs: undefined,
      settledAt: -1,
      resource: undefined,
    });
  }

  /** All that a task depends on has settled. */
  #unblock(index: number, now: number, by: number): void {
    const { graph, state } = this;
    if (!state.isPending(index)) return;
    const parent = graph.hasFamilies ? graph.parentOf(index) : undefined;
    if (parent !== undefined && !this.#begun.has(parent)) return;
    const record = this.tasks[index] as TaskRecord;
    const last = record.phases.at(-1) as Phase;
    if (last.kind !== 'blocked') return;
    last.by = by;
    if ((graph.kindOf(index) & (TaskKind.template | TaskKind.subtasks)) === 0) {
      this.#begin(record, phaseOf('ready', now));
      return;
    }
    this.#begun.add(index);
    this.#begin(record, phaseOf('children', now));
    graph.eachChild(index, (child) => {
      if (state.isAdmissible(child)) this.#unblock(child, now, by);
    });
  }

  #begin(record: TaskRecord, phase: Phase): void {
    if (record.phases.at(-1)?.kind === 'ready') this.#ready--;
    if (phase.kind === 'ready') this.#ready++;
    record.phases.push(phase);
  }

  #addTasks(event: TasksAdded, by: number, first: number, now: number): void {
    const round = event.source === 'replan' ? this.rounds.length - 1 : -1;
    for (let index = first; index < this.graph.size; index++) {
      this.#addRecord(index, now, by, round);
    }
    if (event.source === 'for_each') this.#noteItems(event, by);
    if (!isMadeFromTemplate(event) || !this.#begun.has(by)) return;
    const cause = (this.tasks[by] as TaskRecord).phases.findLast(({ kind }) => kind === 'blocked');
    for (let child = first; child < this.graph.size; child++) {
      if (this.graph.parentOf(child) !== by || !this.state.isAdmissible(child)) continue;
      // An iteration waited for the one before it.
      let after = cause?.by ?? -1;
      this.graph.eachDependency(child, (dependency) => {
        after = dependency;
      });
      this.#unblock(child, now, after);
    }
  }

  /** The items of a stream come in several events, and some of them may have been forgotten. */
  #noteItems({ items, tasks }: TasksAdded, by: number): void {
    if (items === undefined) {
      if (tasks.length > 0) this.lists.delete(by);
      return;
    }
    const before = this.graph.childCount(by) - tasks.length;
    const list = this.lists.get(by) ?? [];
    if (list.length !== before) return;
    for (const item of items) list.push(item);
    this.lists.set(by, list);
  }

  #addToTask(event: RunEvent, record: TaskRecord, now: number): void {
    switch (event.type) {
      case 'task_started':
        this.#start(record, event, now);
        break;
      case 'task_begun': {
        const attempt = record.attempts?.at(-1);
        if (attempt !== undefined) attempt.beginMs = now;
        break;
      }
      case 'task_output':
        noteOutput(record.attempts?.at(-1), event as TaskOutputReceived, now);
        break;
      case 'task_waiting':
        this.#begin(record, phaseOf('person', now));
        break;
      case 'task_retrying': {
        const { error, timestamp, delayMs } = event;
        const attempt = this.#endAttempt(record, 'retried', error, now);
        const untilMs = this.clock.rawAt(timestamp + delayMs);
        this.#begin(record, { ...phaseOf('backoff', now), attempt, untilMs });
        break;
      }
      case 'task_completed':
        noteResult(this.#endAttempt(record, 'completed', undefined, now), event);
        this.#settle(record, now);
        break;
      case 'task_failed':
        this.#endAttempt(record, 'failed', event.error, now);
        this.#settle(record, now);
        break;
      case 'task_canceled':
        this.#endAttempt(record, 'canceled', undefined, now);
        this.#settle(record, now);
        break;
      case 'task_skipped':
        this.#skip(record, event.failedTaskId);
        this.#settle(record, now);
        break;
    }
  }

  #start(record: TaskRecord, event: TaskStarted, now: number): void {
    const attempt: AttemptRecord = {
      attempt: event.attempt,
      startMs: now,
      beginMs: now,
      endMs: undefined,
      outcome: 'running',
      error: undefined,
      usage: undefined,
      costUsd: undefined,
      model: undefined,
      requestId: undefined,
      firstOutputMs: undefined,
      letters: 0,
      words: 0,
      isInWord: false,
      tools: undefined,
    };
    if (record.attempts === undefined) record.attempts = [attempt];
    else record.attempts.push(attempt);
    this.#begin(record, { ...phaseOf('attempt', now), attempt });
    const resource = event.resource ?? this.state.usualResourceOf(record.index);
    record.resource = resource;
    if (resource === undefined) return;
    this.#resources.started(resource, record.index, event.timestamp, now);
  }

  /** Ends the attempt in flight. @returns undefined when the task ended without one. */
  #endAttempt(
    { index, attempts, phases, resource }: TaskRecord,
    outcome: AttemptRecord['outcome'],
    error: TaskError | undefined,
    now: number,
  ): AttemptRecord | undefined {
    if (phases.at(-1)?.kind !== 'attempt') return undefined;
    const attempt = attempts?.at(-1) as AttemptRecord;
    attempt.endMs = now;
    attempt.outcome = outcome;
    attempt.error = error;
    if (error !== undefined) noteResult(attempt, error);
    if (resource !== undefined) {
      const hasAnswered = outcome === 'completed' || (error !== undefined && isAnswered(error));
      this.#resources.settled(resource, index, hasAnswered, this.#timestamp, now);
    }
    return attempt;
  }

  /** Whose end led to a skip: the failed task, or the last to settle among what it waited for. */
  #skip(record: TaskRecord, failedTaskId: string | undefined): void {
    const last = record.phases.at(-1) as Phase;
    if (last.kind !== 'blocked') return;
    let by = -1;
    let settledAt = -1;
    const consider = (index: number) => {
      const other = this.tasks[index] as TaskRecord;
      if (other.endMs === undefined || other.settledAt <= settledAt) return;
      by = index;
      settledAt = other.settledAt;
    };
    this.graph.eachDependency(record.index, consider);
    const parent = this.graph.hasFamilies ? this.graph.parentOf(record.index) : undefined;
    if (by < 0 && parent !== undefined) consider(parent);
    const failed = failedTaskId === undefined ? undefined : this.graph.indexOf(failedTaskId);
    if (by < 0 && failed !== undefined) consider(failed);
    last.by = by < 0 ? this.lastSettled : by;
  }

  #settle(record: TaskRecord, now: number): void {
    if (record.phases.at(-1)?.kind === 'ready') this.#ready--;
    record.endMs = now;
    record.settledAt = this.state.log.length - 1;
    this.lastSettled = record.index;
    const { graph, state } = this;
    if (!graph.hasFamilies) return;
    const parent = graph.parentOf(record.index);
    if (parent === undefined || !state.isPending(parent)) return;
    if (state.groups.unsettledChildrenOf(parent) > 0 || state.groups.isReading(parent)) return;
    const group = this.tasks[parent] as TaskRecord;
    if (group.phases.at(-1)?.kind === 'children') this.#begin(group, phaseOf('ready', now));
  }

  // --- The run ---

  #addToRun(event: RunEvent, now: number): void {
    switch (event.type) {
      case 'strategy_initialized':
        this.strategy = event.strategy;
        break;
      case 'resource_paused':
        this.#resources.pause(event, now);
        break;
      case 'replan_started':
        this.rounds.push({ startMs: now, endMs: undefined, after: this.lastSettled });
        break;
      case 'replan_completed':
      case 'replan_failed': {
        const round = this.rounds.at(-1);
        if (round !== undefined) round.endMs = now;
        break;
      }
    }
  }

  #resume({ retried = [], downtimeMs }: RunResumed, now: number): void {
    this.blockers.skip(now, downtimeMs);
    this.#resources.resume(this.state, (index) => this.resourceOf(index) ?? '', now);
    for (const { phases, endMs } of this.tasks) {
      const last = phases.at(-1) as Phase;
      if (endMs !== undefined || last.untilMs === undefined) continue;
      if (last.untilMs > now) last.untilMs = Math.max(now, last.untilMs - downtimeMs);
    }
    const again = retried.map(({ taskId }) => {
      return this.tasks[this.graph.indexOf(taskId) as number] as TaskRecord;
    });
    for (const record of again) {
      record.phases.push(phaseOf('settled', record.endMs ?? now), phaseOf('blocked', now));
      record.endMs = undefined;
      this.#begun.delete(record.index);
    }
    for (const { index } of again) {
      if (this.state.isAdmissible(index)) this.#unblock(index, now, -1);
    }
  }

  #noteFigures(now: number): void {
    const { state, steps } = this;
    this.#resources.noteBudgets(state.budgetWaits, now);
    const { running, maxParallel, isPaused } = state;
    const counted = running - this.#resources.separate;
    const isFull = maxParallel !== undefined && counted >= maxParallel;
    this.blockers.set(
      now,
      (isPaused ? Blocker.paused : 0) |
        (isFull ? Blocker.full : 0) |
        (state.budgetWaiting === undefined ? 0 : Blocker.budget) |
        (state.isWaitingForPlaces ? Blocker.places : 0) |
        (state.strategyWaits ? Blocker.strategy : 0),
    );
    const limit = maxParallel === undefined || maxParallel === Infinity ? null : maxParallel;
    const last = steps.at(-1);
    if (last?.running === running && last.ready === this.#ready && last.limit === limit) return;
    const step = { atMs: now, running, ready: this.#ready, limit };
    if (last?.atMs === now) steps[steps.length - 1] = step;
    else steps.push(step);
  }
}

function phaseOf(kind: PhaseKind, startMs: number): Phase {
  return { kind, startMs, attempt: undefined, untilMs: undefined, by: -1 };
}

/** What an attempt has used, and where. */
function noteResult(
  attempt: AttemptRecord | undefined,
  { usage, costUsd, model, requestId }: TaskCompleted | TaskError,
): void {
  if (attempt === undefined) return;
  attempt.usage = usage;
  attempt.costUsd = costUsd;
  attempt.model = model;
  attempt.requestId = requestId;
}

/** Whether a busy server refused the attempt and said when to come back. */
export function wasRefused(attempt: AttemptRecord | undefined): boolean {
  return attempt?.error !== undefined && isRefusal(attempt.error);
}
