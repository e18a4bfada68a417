import type { PlanEvent, TaskCompleted, TasksAdded } from '../contract/event.js';
import type { EventData, Json } from '../contract/journal.js';
import type { Graph } from '../graph/graph.js';
import { countTasks, type PlanData, planToData, tasksToData } from './plan.js';
import { fromData, toData, toDataLoosely } from './value.js';

/** Stands for the output of a group or a fan-out, which is put together from those of its children. */
const FROM_CHILDREN: Json = { $: 'children' };

/** What an event is written down with, besides itself. */
export interface EncodeOptions {
  readonly graph: Graph;
  /** The plan of the run, where it has been turned into data before. */
  readonly planData?: PlanData;
  /** The output of a completed task as data; it has been checked when it arrived. */
  readonly outputOf: (event: TaskCompleted, index: number) => Json;
}

/**
 * An event as a journal keeps it. Nothing is written twice: a group has the outputs of its children,
 * and the elements of a fan-out are made from its pattern again.
 *
 * @param index The task it is about; -1 for none.
 */
export function encodeEvent(event: PlanEvent, index: number, options: EncodeOptions): EventData {
  switch (event.type) {
    case 'plan_started':
      return {
        ...fieldsOf(event),
        plan: options.planData ?? planToData(event.plan),
        taskCount: countTasks(event.plan.tasks),
      };
    case 'tasks_added':
      return { ...fieldsOf(event), ...additionOf(event) };
    case 'task_completed': {
      const isOwn = event.attempt > 0 || event.reused !== undefined;
      const isGroup = !isOwn && isMadeOfChildren(index, options.graph);
      const output = isGroup ? FROM_CHILDREN : options.outputOf(event, index);
      return { ...fieldsOf(event), output };
    }
    default:
      return fieldsOf(event);
  }
}

function isMadeOfChildren(index: number, graph: Graph): boolean {
  const { forEach, subtasks } = graph.tasks[index] as { forEach?: unknown; subtasks?: unknown };
  return forEach !== undefined || subtasks !== undefined;
}

function additionOf({ source, tasks, items }: TasksAdded): { readonly [field: string]: Json } {
  const taskCount = countTasks(tasks);
  if (source !== 'for_each') return { tasks: tasksToData(tasks, []), taskCount };
  return {
    tasks: [],
    elements: tasks.length,
    taskCount,
    ...(items !== undefined && { items: toData(items) }),
  };
}

/** Fields that are written in a way of their own. */
const OWN_FIELDS: Readonly<Partial<Record<PlanEvent['type'], readonly string[]>>> = {
  plan_started: ['plan'],
  task_completed: ['output'],
  tasks_added: ['tasks', 'items'],
};
const NONE: readonly string[] = [];

/**
 * The others may hold what tools and servers said: what cannot be written down is described. Most
 * events are plain data already, and stay the very same objects.
 */
function fieldsOf(event: PlanEvent): EventData {
  const own = OWN_FIELDS[event.type] ?? NONE;
  const fields = event as unknown as Record<string, unknown>;
  let copy: Record<string, unknown> | undefined;
  for (const field of Object.keys(fields)) {
    const value = fields[field];
    if (typeof value === 'string' || own.includes(field)) continue;
    const data = value === undefined ? undefined : toDataLoosely(value);
    if (data === value && value !== undefined) continue;
    copy ??= { ...fields };
    if (value === undefined) delete copy[field];
    else copy[field] = data;
  }
  return (copy ?? fields) as unknown as EventData;
}

/** What stands in an event for something else than itself. */
export interface Standing {
  /** The output of a group, put together from those of its children. */
  readonly outputOf: (taskId: string) => unknown;
  /** The elements of a fan-out, of which there are so many. */
  readonly elementsOf: (
    taskId: string,
    count: number,
    items: readonly unknown[] | undefined,
  ) => TasksAdded['tasks'];
  /** The tasks that were added, as they are to be done. */
  readonly addedTasks: (data: Json) => TasksAdded['tasks'];
  /** The plan that was started. */
  readonly plan: (data: PlanData) => unknown;
}

/** The event that was written down as this. */
export function decodeEvent(data: EventData, standing: Standing): PlanEvent {
  switch (data.type) {
    case 'plan_started': {
      const { taskCount: _, plan, ...fields } = data;
      const known = fromData(fields as Json) as object;
      return { ...known, plan: standing.plan(plan as PlanData) } as PlanEvent;
    }
    case 'tasks_added': {
      const { taskCount: _, elements, tasks, items, ...fields } = data;
      if (data.source !== 'for_each') {
        return { ...fields, tasks: standing.addedTasks(tasks as Json) } as unknown as PlanEvent;
      }
      const list = items === undefined ? undefined : (fromData(items) as unknown[]);
      const made = standing.elementsOf(data.taskId as string, elements as number, list);
      return { ...fields, tasks: made, ...(list && { items: list }) } as unknown as PlanEvent;
    }
    case 'task_completed':
      if (!isFromChildren(data.output)) break;
      return { ...data, output: standing.outputOf(data.taskId as string) } as unknown as PlanEvent;
  }
  // Most are plain data, and stay the very same objects.
  return fromData(data as Json) as PlanEvent;
}

function isFromChildren(output: Json | undefined): boolean {
  return typeof output === 'object' && output !== null && (output as { $?: Json }).$ === 'children';
}
