import { StratagemError } from '../contract/errors.js';
import type {
  CancelReason,
  PlanEvent,
  PlanEventType,
  RunResumed,
  TaskFailed,
  TaskRetrying,
} from '../contract/event.js';
import type { GoalTracker } from '../contract/goal.js';
import type { EventData } from '../contract/journal.js';
import { JournalError } from '../contract/journal-error.js';
import type { Plan } from '../contract/plan.js';
import type { Stop } from '../contract/stop.js';
import { estimateOf, type Task } from '../contract/task.js';
import { TaskKind } from '../graph/task-kind.js';
import { type DecodeContext, decodeEvent } from '../serialize/event.js';
import { type TaskData, tasksFromData } from '../serialize/plan.js';
import { asData } from '../serialize/task.js';
import type { FanOut } from '../state/fan-out.js';
import { outputsOf, resultsOf } from '../state/group.js';
import { inputsOf } from '../state/inputs.js';
import type { RunState } from '../state/run-state.js';
import type { BudgetKeeper } from './budget.js';
import { explainExcess } from './budget.js';
import { pauseAskedFor, type ResourcePauses } from './cooldowns.js';
import { ROUND } from './replan.js';

/** The parts of a kernel that a recorded run is read into. */
export interface PastParts {
  readonly plan: Plan;
  readonly state: RunState;
  readonly fanOut: FanOut;
  readonly goal: GoalTracker | undefined;
  readonly budget: BudgetKeeper | undefined;
  readonly pauses: ResourcePauses;
  readonly resourceOf: (task: Task) => string;
  readonly failFast: boolean;
  /** Tasks that were added while it ran, as they are to be done now, by id. */
  readonly added: ReadonlyMap<string, Task>;
}

/** A human step that came up and has not been answered. */
export interface OpenQuestion {
  readonly askedAt: number;
  readonly timeoutMs: number | undefined;
}

/**
 * What a recorded run has come to. Its events are folded into the parts of the kernel, one after the
 * other, and what else is to be known of them is kept here. Nothing is decided and nothing happens:
 * the log may end anywhere, in the middle of a step, and what is missing is for the kernel to do.
 */
export class Past {
  readonly #parts: PastParts;
  readonly #standing: DecodeContext;
  /** The last sequence number, and the time of the last event. */
  sequence = -1;
  lastAt = 0;
  /** When what limits the run by time began to count; later than it was by what was spent down. */
  startedAt = 0;
  paused = false;
  /** The cap that was last in force. */
  maxParallel: number | undefined;
  stop: Stop | undefined;
  /** Whether the log says that the goal is achieved, and not only a check. */
  goalAnnounced = false;
  /** Completed tasks since the goal was last checked. */
  unchecked = 0;
  /** Why everything was being canceled. */
  canceling: CancelReason | undefined;
  /** Tasks in the order in which they settled. */
  readonly settled: number[] = [];
  /** For each task whose attempt is to be repeated, when. */
  readonly retries = new Map<number, number>();
  readonly questions = new Map<number, OpenQuestion>();
  /** For each task in flight, the ids of those it has added. */
  readonly additions = new Map<number, string[]>();
  readonly #settledAt: number[] = [];
  /** When tasks were added; by index, and only those that were. */
  readonly #addedAt: number[] = [];
  #begunAt = 0;
  readonly #resumptions: { readonly at: number; readonly downMs: number }[] = [];

  constructor(parts: PastParts) {
    this.#parts = parts;
    this.#standing = {
      plan: () => parts.plan,
      outputOf: (taskId) => this.#groupOutput(taskId),
      elementsOf: (taskId, count, items) => this.#elements(taskId, count, items),
      addedTasks: (data) => this.#addedTasks(data as readonly TaskData[]),
    };
  }

  /** Takes in a log from its first event on, and gives it back as events. */
  read(log: Iterable<EventData>): PlanEvent[] {
    const { state } = this.#parts;
    const events: PlanEvent[] = [];
    for (const data of log) {
      if (!Object.hasOwn(FOLLOW, data.type)) throw ofNewerVersion(data.type);
      const event = decodeEvent(data, this.#standing);
      const { taskId } = event as { readonly taskId?: string };
      const index = taskId === undefined ? -1 : state.graph.indexOf(taskId);
      if (index === undefined) throw new TypeError(`there is no task "${taskId}"`);
      this.sequence = event.sequence;
      this.lastAt = event.timestamp;
      // Which of them there is, is known by its type alone.
      (FOLLOW[event.type] as Follow<PlanEvent>)(this, event, index, this.#parts);
      events.push(event);
    }
    return events;
  }

  /** A moment of the past as it is on the clock now, which stood still while nothing ran. */
  shifted(at: number): number {
    let shifted = at;
    for (const { at: resumedAt, downMs } of this.#resumptions)
      if (resumedAt > at) shifted += downMs;
    return shifted;
  }

  /** When a settled task settled, on the clock as it is now. */
  settledAt(index: number): number {
    return this.shifted(this.#settledAt[index] as number);
  }

  /**
   * When a task that waits for nothing came to that, on the clock as it is now: with the last of
   * what it depends on, its parent's beginning, or its own addition.
   */
  readyAt(index: number): number {
    const { graph } = this.#parts.state;
    let at = this.shifted(this.#addedAt[index] ?? this.#begunAt);
    graph.eachDependency(index, (dependency) => {
      at = Math.max(at, this.settledAt(dependency));
    });
    const parent = graph.parentOf(index);
    return parent === undefined ? at : Math.max(at, this.readyAt(parent));
  }

  /** When the last child of a group settled. */
  childrenSettledAt(group: number): number {
    let at = 0;
    this.#parts.state.graph.eachChild(group, (child) => {
      at = Math.max(at, this.settledAt(child));
    });
    return at;
  }

  begun(at: number): void {
    this.startedAt = at;
    this.#begunAt = at;
  }

  /** Tasks have been added from this index on. */
  added(first: number, at: number): void {
    const { size } = this.#parts.state.graph;
    for (let index = first; index < size; index++) this.#addedAt[index] = at;
  }

  /** The run goes on. */
  resumed({ downMs, timestamp, retried }: Omit<RunResumed, 'type' | 'sequence'>): void {
    this.#resumptions.push({ at: timestamp, downMs });
    this.startedAt += downMs;
    if (retried === undefined) return;
    // A fresh start, for the limits as well.
    this.startedAt = timestamp;
    this.stop = undefined;
    this.canceling = undefined;
    this.goalAnnounced = false;
    this.retries.clear();
    const indexes = new Set(retried.map(({ taskId }) => this.#indexOf(taskId)));
    const left = this.settled.filter((index) => !indexes.has(index));
    this.settled.splice(0, this.settled.length, ...left);
  }

  settle(index: number, at: number): void {
    this.settled.push(index);
    this.#settledAt[index] = at;
    this.retries.delete(index);
    this.questions.delete(index);
    this.additions.delete(index);
  }

  #indexOf(taskId: string): number {
    const index = this.#parts.state.graph.indexOf(taskId);
    if (index === undefined) throw new TypeError(`there is no task "${taskId}"`);
    return index;
  }

  #groupOutput(taskId: string): unknown {
    const { state, fanOut } = this.#parts;
    const index = this.#indexOf(taskId);
    return (state.graph.kindOf(index) & TaskKind.forEach) !== 0
      ? resultsOf(index, state)
      : outputsOf(index, state, fanOut);
  }

  #elements(taskId: string, count: number, items: readonly unknown[] | undefined): Task[] {
    const { state, fanOut } = this.#parts;
    const index = this.#indexOf(taskId);
    const task = state.graph.tasks[index] as Task;
    const list = items ?? fanOut.itemsOf(task, inputsOf(index, state, fanOut));
    return asData(fanOut.elementsOf(task, list, count));
  }

  #addedTasks(data: readonly TaskData[]): Task[] {
    const { added } = this.#parts;
    return asData(tasksFromData(data).map((task) => added.get(task.id) ?? task));
  }
}

function ofNewerVersion(type: string): JournalError {
  const message = `it has events of the type "${type}", which a newer version writes`;
  return new JournalError('journal_newer', message);
}

/** What is to be known of an event besides what the state knows; `apply` is among it, in its place. */
type Follow<Event extends PlanEvent> = (
  past: Past,
  event: Event,
  index: number,
  parts: PastParts,
) => void;

const justApply: Follow<PlanEvent> = (_, event, index, { state }) => state.apply(event, index);

/** What a server asked for goes by the clock on the wall, whether anybody waits or not. */
function heed(
  { error, timestamp }: TaskFailed | TaskRetrying,
  index: number,
  { state, pauses, resourceOf }: PastParts,
): void {
  const task = state.graph.tasks[index] as Task;
  const pauseMs = pauseAskedFor(task, error);
  if (pauseMs > 0) pauses.pause(resourceOf(task), timestamp + pauseMs);
}

/** Every type of event has its line: a new one that is forgotten here does not compile. */
const FOLLOW: { [Type in PlanEventType]: Follow<Extract<PlanEvent, { type: Type }>> } = {
  plan_started(past, event, index, { state, budget }) {
    past.begun(event.timestamp);
    budget?.start(event.timestamp);
    state.apply(event, index);
  },
  strategy_initialized(past, event, index, { state }) {
    past.maxParallel = event.maxParallel ?? Number.POSITIVE_INFINITY;
    state.apply(event, index);
  },
  strategy_switched: justApply,
  task_started(past, event, index, { state, budget }) {
    const isFirst = state.attemptsOf(index) === 0;
    budget?.reserve(index, estimateOf(state.graph.tasks[index] as Task), isFirst);
    past.retries.delete(index);
    state.apply(event, index);
  },
  task_output: justApply,
  task_completed(past, event, index, { state, goal, budget }) {
    state.apply(event, index);
    budget?.release(index);
    past.settle(index, event.timestamp);
    if (goal === undefined || past.stop !== undefined) return;
    goal.completed(event.output);
    past.unchecked++;
  },
  task_retrying(past, event, index, parts) {
    parts.state.apply(event, index);
    parts.budget?.release(index);
    heed(event, index, parts);
    past.additions.delete(index);
    past.retries.set(index, event.timestamp + event.delayMs);
  },
  task_failed(past, event, index, parts) {
    const { state, budget, failFast } = parts;
    state.apply(event, index);
    budget?.release(index);
    if (event.attempt > 0) heed(event, index, parts);
    past.settle(index, event.timestamp);
    const isForFanOut = (state.graph.kindOf(index) & TaskKind.item) !== 0;
    if (!failFast || isForFanOut || past.stop !== undefined) return;
    past.stop = { reason: 'fail_fast', failedTaskId: event.taskId, abort: event.error };
  },
  task_waiting(past, event, index, { state }) {
    state.apply(event, index);
    const { timestamp: askedAt, timeoutMs } = event;
    past.questions.set(index, { askedAt, timeoutMs });
  },
  task_skipped(past, event, index, { state }) {
    state.apply(event, index);
    past.settle(index, event.timestamp);
    if (event.reason !== 'fail_fast' || past.stop !== undefined) return;
    const { failedTaskId = '' } = event;
    const failed = state.errorOf(state.graph.indexOf(failedTaskId) ?? -1);
    past.stop = { reason: 'fail_fast', failedTaskId, ...(failed && { abort: failed }) };
  },
  task_canceled(past, event, index, { state, budget }) {
    state.apply(event, index);
    budget?.release(index);
    past.settle(index, event.timestamp);
    const { reason } = event;
    if (reason !== 'fail_fast' && reason !== 'goal_achieved') past.canceling = reason;
  },
  tasks_added(past, event, index, { state }) {
    const first = state.graph.size;
    state.apply(event, index);
    past.added(first, event.timestamp);
    if (event.source === 'for_each' || index < 0) return;
    const ids = past.additions.get(index) ?? [];
    past.additions.set(index, ids.concat(event.tasks.map(({ id }) => id)));
  },
  goal_checked(past, event, index, { state, goal }) {
    state.apply(event, index);
    past.unchecked = 0;
    if (!event.achieved) return;
    // Also after a failure has stopped the run: the goal was checked when all had ended, and decides.
    const isAbort = goal?.whenAchieved === 'abort';
    past.stop = {
      reason: 'goal_achieved',
      ending: { type: 'plan_completed' },
      ...(isAbort && {
        abort: new StratagemError('goal_achieved', 'The goal of the plan is achieved'),
      }),
    };
  },
  goal_achieved(past, event, index, { state }) {
    past.goalAnnounced = true;
    state.apply(event, index);
  },
  budget_exceeded(past, event, index, { state }) {
    state.apply(event, index);
    const error = new StratagemError('budget_exceeded', explainExcess(event, event.taskId));
    past.stop = { reason: 'budget_exceeded', ending: { type: 'plan_failed', error } };
  },
  replan_started(past, event, index, { state, budget }) {
    past.unchecked = 0;
    budget?.reserve(ROUND, undefined, false);
    state.apply(event, index);
  },
  replan_completed(_, event, index, { state, budget }) {
    state.apply(event, index);
    budget?.release(ROUND);
  },
  replan_failed(_, event, index, { state, budget }) {
    state.apply(event, index);
    budget?.release(ROUND);
  },
  plan_paused(past, event, index, { state }) {
    past.paused = true;
    state.apply(event, index);
  },
  plan_resumed(past, event, index, { state }) {
    past.paused = false;
    state.apply(event, index);
  },
  max_parallel_changed(past, event, index, { state }) {
    past.maxParallel = event.maxParallel ?? Number.POSITIVE_INFINITY;
    state.apply(event, index);
  },
  // That follows from the failure before it, which is in the log if this one is not.
  resource_paused: justApply,
  run_resumed(past, event, index, { state, budget }) {
    state.apply(event, index);
    past.resumed(event);
    budget?.start(past.startedAt);
  },
  plan_completed: justApply,
  plan_failed: justApply,
  plan_canceled: justApply,
};
