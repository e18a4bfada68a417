import type { RunLimits } from '../contract/event.js';
import type { EventData, Json } from '../contract/journal.js';
import type { Task } from '../contract/task.js';
import { Graph } from '../graph/graph.js';
import { isInCompleteTask } from '../kernel/retry-failed.js';
import { countTasks, type PlanData, planFromData, type TaskData } from '../serialize/plan.js';
import { diffPlans } from '../serialize/plan-diff.js';
import type { RunState } from '../state/run-state.js';
import { type Changes, remainsOf } from './invalidation.js';
import { LogReader } from './read-run.js';

/** How a changed plan takes the place of the one that a run was started with. */
export interface Adoption {
  readonly runId: string;
  /** The run so far, from the start of the plan that it had. */
  readonly log: readonly EventData[];
  readonly planData: PlanData;
  readonly limits: RunLimits;
  /** As Unix time in milliseconds. */
  readonly now: number;
}

/**
 * The events with which a run goes on under a changed plan: it starts anew, and what was complete and
 * has not changed is complete again, with nothing spent. A task has changed when it, or anything that
 * it depends on or belongs to, has.
 */
export function adoptedLog({ runId, log, planData, limits, now }: Adoption): EventData[] {
  const reader = new LogReader();
  for (const event of log) reader.read(event);
  const state = reader.state as RunState;
  const [started] = log as [EventData];
  const after = new Graph(planFromData(planData).tasks);
  const changes = changesOf(started.plan as PlanData, planData, after);
  const { there, kept } = remainsOf(log, state, after, changes);
  let sequence = (log.at(-1) as EventData).sequence;
  const stamp = () => ({ sequence: ++sequence, timestamp: now });
  const events: EventData[] = [
    {
      type: 'run_started',
      ...stamp(),
      plan: planData,
      taskCount: countTasks(planData.tasks as unknown as readonly Task[]),
      seed: started.seed as Json,
      limits: limits as Json,
      spentBefore: state.spending.data as unknown as Json,
    },
  ];
  for (const event of log) {
    const isKept = event.taskId !== undefined && kept.has(event.taskId);
    if (event.type === 'tasks_added') {
      const addition = event.source === 'for_each' ? isKept && event : withoutTasks(event, there);
      if (addition) events.push({ ...addition, ...stamp() });
    } else if (isKept && stays(event, state)) {
      events.push({ ...withoutCost(event, runId), ...stamp() });
    }
  }
  return events;
}

/** The addition of those tasks that are there; undefined when none is. */
function withoutTasks(event: EventData, there: ReadonlySet<string>): EventData | undefined {
  const added = event.tasks as unknown as readonly Task[];
  const tasks = added.filter(({ id }) => there.has(id));
  if (tasks.length === 0) return undefined;
  return { ...event, tasks: tasks as unknown as Json, taskCount: countTasks(tasks) };
}

/** Whether what became of a task that is kept stays so: what failed is done again. */
function stays({ type, taskId, reason }: EventData, state: RunState): boolean {
  if (type === 'task_completed') return true;
  if (type === 'task_skipped' && reason === 'condition_false') return true;
  // What is complete has put up with what failed in it.
  const isEnd = type === 'task_failed' || type === 'task_skipped';
  return isEnd && isInCompleteTask(state, state.graph.indexOf(taskId as string) as number);
}

/** The end of a task once more, for which nothing has been spent. */
function withoutCost(event: EventData, runId: string): EventData {
  const { usage: _, costUsd: __, rateLimits: ___, ...end } = event;
  if (event.type === 'task_skipped') return event;
  const again = { ...end, attempt: 0, durationMs: 0 } as unknown as EventData;
  if (event.type === 'task_completed') return { ...again, reused: event.reused ?? { runId } };
  const { usage: ____, costUsd: _____, tries: ______, ...error } = event.error as Fields;
  return { ...again, error };
}

type Fields = { readonly [field: string]: Json };

function changesOf(before: PlanData, planData: PlanData, after: Graph): Changes {
  const beginnings = new Set<number>();
  const outcomes = new Set<number>();
  const stack: number[] = [];
  const begin = (index: number) => {
    if (beginnings.has(index)) return;
    beginnings.add(index);
    stack.push(index);
  };
  const come = (index: number) => {
    if (outcomes.has(index)) return;
    outcomes.add(index);
    stack.push(index);
  };
  const parents = parentsIn(before);
  for (const { taskId, kind } of diffPlans(before, planData).tasks) {
    const index = after.indexOf(taskId);
    if (index !== undefined) begin(index);
    // A group without one of its tasks comes to something else.
    const parent = kind === 'removed' ? after.indexOf(parents.get(taskId) ?? '') : undefined;
    if (parent !== undefined) come(parent);
  }
  for (let index = stack.pop(); index !== undefined; index = stack.pop()) {
    if (beginnings.has(index)) after.eachChild(index, begin);
    after.eachDependent(index, begin);
    const parent = after.parentOf(index);
    if (parent !== undefined) come(parent);
  }
  return { beginnings, outcomes };
}

function parentsIn({ tasks }: PlanData): ReadonlyMap<string, string> {
  const parents = new Map<string, string>();
  const visit = (list: readonly TaskData[], parent: string | undefined) => {
    for (const { id, subtasks } of list) {
      if (parent !== undefined) parents.set(id, parent);
      visit((subtasks ?? []) as readonly TaskData[], id);
    }
  };
  visit(tasks, undefined);
  return parents;
}
