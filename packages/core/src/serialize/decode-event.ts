import type { ValueCodec } from '../contract/codec.js';
import type { RunEvent, TasksAdded } from '../contract/event.js';
import type { EventData, Json } from '../contract/journal.js';
import type { InputValues } from '../contract/plan-inputs.js';
import { keep } from '../contract/value.js';
import { ATTACHED, type AttachedData, type PlanData } from './plan.js';
import { fromData } from './value.js';

/** What the decoding of events depends on. */
export interface DecodeContext {
  /** Undefined for a reader that has none. */
  readonly codecs?: readonly ValueCodec[] | undefined;
  /** The output of a group, made from the outputs of its children. */
  readonly outputOf: (taskId: string) => unknown;
  /** The tasks of the items of a fan-out. */
  readonly elementsOf: (
    taskId: string,
    count: number,
    items: readonly unknown[] | undefined,
  ) => TasksAdded['tasks'];
  /** The tasks of the next iteration of a loop. */
  readonly iterationOf: (taskId: string) => TasksAdded['tasks'];
  /** Tasks that were added, with their functions. */
  readonly addedTasks: (data: Json, attached: AttachedData | undefined) => TasksAdded['tasks'];
  /** The plan of the run, with its functions. */
  readonly plan: (data: PlanData) => unknown;
}

/** Decodes an event of a journal. */
export function decodeEvent(data: EventData, context: DecodeContext): RunEvent {
  const { codecs } = context;
  switch (data.type) {
    case 'run_started': {
      const { taskCount: _, plan, ...fields } = data;
      const known = fromData(fields as Json, codecs) as { readonly inputs?: InputValues };
      const inputs = known.inputs && keep(known.inputs, { codecs });
      return {
        ...known,
        ...(inputs !== undefined && { inputs }),
        plan: context.plan(plan as PlanData),
      } as RunEvent;
    }
    case 'tasks_added': {
      const { taskCount: _, elements, tasks, items, [ATTACHED]: attached, ...fields } = data;
      if (data.source === 'repeat') {
        return {
          ...fields,
          tasks: context.iterationOf(data.taskId as string),
        } as unknown as RunEvent;
      }
      if (data.source !== 'for_each') {
        const added = context.addedTasks(tasks as Json, attached as AttachedData | undefined);
        return { ...fields, tasks: added } as unknown as RunEvent;
      }
      const list = items === undefined ? undefined : (fromData(items, codecs) as unknown[]);
      const made = context.elementsOf(data.taskId as string, elements as number, list);
      return { ...fields, tasks: made, ...(list && { items: list }) } as unknown as RunEvent;
    }
    case 'task_completed': {
      const output = isFromChildren(data.output)
        ? context.outputOf(data.taskId as string)
        : fromData(data.output as Json, codecs);
      const kept = keep(output, { codecs });
      return (kept === data.output ? data : { ...data, output: kept }) as unknown as RunEvent;
    }
  }
  if (data.type === 'task_output' && data.kind === 'attachment' && data.data !== undefined) {
    // The bytes are for resumed runs alone.
    const { data: _, ...shown } = data;
    return fromData(shown as Json, codecs) as RunEvent;
  }
  // Most are plain data, and stay the same objects.
  return fromData(data as Json, codecs) as RunEvent;
}

function isFromChildren(output: Json | undefined): boolean {
  return typeof output === 'object' && output !== null && (output as { $?: Json }).$ === 'children';
}
