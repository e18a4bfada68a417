import { fromData, toData, toDataLoosely } from './data.js';
import type { PlanEvent, TaskCompleted, TasksAdded } from './event.js';
import type { Graph } from './graph.js';
import type { EventData, Json } from './journal.js';
import { countTasks, type PlanData, planToData, tasksToData } from './plan-data.js';

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
const OWN_FIELDS = ['plan', 'tasks', 'items', 'output'];

/** The others may hold what tools and servers said: what cannot be written down is described. */
function fieldsOf(event: PlanEvent): EventData {
  const data: Record<string, Json> = {};
  const isPart = event.type === 'task_output';
  for (const [field, value] of Object.entries(event)) {
    if (value === undefined || (OWN_FIELDS.includes(field) && !isPart)) continue;
    data[field] = toDataLoosely(value);
  }
  return data as unknown as EventData;
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
  const { taskCount: _, elements, ...fields } = data;
  const event: Record<string, unknown> = {};
  for (const field of Object.keys(fields)) {
    const value = fields[field] as Json;
    event[field] = OWN_FIELDS.includes(field) ? value : fromData(value);
  }
  switch (data.type) {
    case 'plan_started':
      event.plan = standing.plan(data.plan as PlanData);
      break;
    case 'task_completed':
      event.output = isFromChildren(data.output)
        ? standing.outputOf(data.taskId as string)
        : fromData(data.output as Json);
      break;
    case 'tasks_added':
      if (data.source !== 'for_each') event.tasks = standing.addedTasks(data.tasks as Json);
      else {
        const items = data.items === undefined ? undefined : (fromData(data.items) as unknown[]);
        event.tasks = standing.elementsOf(data.taskId as string, elements as number, items);
        if (items !== undefined) event.items = items;
      }
      break;
    case 'task_output':
      if (data.output !== undefined) event.output = fromData(data.output);
      break;
  }
  return event as unknown as PlanEvent;
}

function isFromChildren(output: Json | undefined): boolean {
  return typeof output === 'object' && output !== null && (output as { $?: Json }).$ === 'children';
}
