import type { ValueCodec } from '../contract/codec.js';
import type { RunEvent, TaskCompleted, TasksAdded } from '../contract/event.js';
import type { EventData, Json } from '../contract/journal.js';
import { isTemplate } from '../contract/task.js';
import type { Graph } from '../graph/graph.js';
import { attachedData, countTasks, type PlanData, planToData, tasksToData } from './plan.js';
import { toData, toDataLoosely } from './value.js';

/** Replaces the output of a group, a fan-out or a loop, which is made from the outputs of its children. */
const FROM_CHILDREN: Json = { $: 'children' };

/** What the encoding of an event depends on. */
export interface EncodeOptions {
  readonly graph: Graph;
  readonly codecs?: readonly ValueCodec[] | undefined;
  /** The plan of the run, if it has been encoded before. */
  readonly planData?: PlanData | undefined;
  /** The output of a completed task as data; it was checked when it arrived. */
  readonly outputOf: (event: TaskCompleted, index: number) => Json;
  /** The bytes with this hash, in base64; undefined when they have been written already. */
  readonly attachedOf?: ((sha256: string) => string | undefined) | undefined;
}

/**
 * Encodes an event for a journal. Nothing is written twice: the output of a group is made from its
 * children, and the tasks of a fan-out or a loop from its template.
 *
 * @param index The task of the event; -1 for none.
 */
export function encodeEvent(event: RunEvent, index: number, options: EncodeOptions): EventData {
  switch (event.type) {
    case 'run_started':
      return {
        ...fieldsOf(event, options.codecs),
        plan: options.planData ?? planToData(event.plan),
        taskCount: countTasks(event.plan.tasks),
      };
    case 'tasks_added':
      return { ...fieldsOf(event, options.codecs), ...additionOf(event, options) };
    case 'task_completed': {
      const isOwn = event.attempt > 0 || event.reused !== undefined;
      const isGroup = !isOwn && isMadeOfChildren(index, options.graph);
      const output = isGroup ? FROM_CHILDREN : options.outputOf(event, index);
      return { ...fieldsOf(event, options.codecs), output };
    }
    case 'task_output': {
      const attached = 'sha256' in event ? options.attachedOf?.(event.sha256 as string) : undefined;
      const fields = fieldsOf(event, options.codecs);
      return attached === undefined ? fields : { ...fields, data: attached };
    }
    default:
      return fieldsOf(event, options.codecs);
  }
}

function isMadeOfChildren(index: number, graph: Graph): boolean {
  // Those of a module may come from its inputs, which only its code can make again.
  const task = graph.taskOf(index);
  return isTemplate(task) || task.subtasks !== undefined;
}

function additionOf(
  { source, tasks, items }: TasksAdded,
  { codecs }: EncodeOptions,
): { readonly [field: string]: Json } {
  const taskCount = countTasks(tasks);
  if (source === 'repeat') return { tasks: [], elements: 1, taskCount };
  if (source !== 'for_each')
    return { tasks: tasksToData(tasks, []), taskCount, ...attachedData(tasks) };
  return {
    tasks: [],
    elements: tasks.length,
    taskCount,
    ...(items !== undefined && { items: toData(items, codecs) }),
  };
}

/** Fields with an encoding of their own. */
const OWN_FIELDS: Readonly<Partial<Record<RunEvent['type'], readonly string[]>>> = {
  run_started: ['plan'],
  task_completed: ['output'],
  tasks_added: ['tasks', 'items'],
};
const NONE: readonly string[] = [];

/**
 * Encodes all other fields. They may contain values of tools and servers, so a value that cannot be
 * encoded is described. Most events are plain data already, and stay the same objects.
 */
export function fieldsOf(event: RunEvent, codecs: readonly ValueCodec[] | undefined): EventData {
  const own = OWN_FIELDS[event.type] ?? NONE;
  const fields = event as unknown as Record<string, unknown>;
  let copy: Record<string, unknown> | undefined;
  for (const field of Object.keys(fields)) {
    const value = fields[field];
    const isPlain = typeof value === 'string' || (Number.isFinite(value) && !Object.is(value, -0));
    if (isPlain || own.includes(field)) continue;
    const data = value === undefined ? undefined : toDataLoosely(value, codecs);
    if (data === value && value !== undefined) continue;
    copy ??= { ...fields };
    if (value === undefined) delete copy[field];
    else copy[field] = data;
  }
  return (copy ?? fields) as unknown as EventData;
}
