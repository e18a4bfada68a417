import type { ValueCodec } from '../contract/codec.js';
import type { RunEvent } from '../contract/event.js';
import type { EventData } from '../contract/journal.js';
import { JournalError } from '../contract/journal-error.js';
import type { Plan } from '../contract/plan.js';
import type { Task } from '../contract/task.js';
import { TaskKind } from '../graph/task-kind.js';
import { type DecodeContext, decodeEvent } from '../serialize/decode-event.js';
import { tasksFromData } from '../serialize/decode-plan.js';
import type { TaskData } from '../serialize/plan.js';
import { asData } from '../serialize/task.js';
import { isEventType } from '../state/event-log.js';
import type { FanOut } from '../state/fan-out.js';
import { lastIteration, nextIteration, outputsOf, resultsOf } from '../state/group.js';
import { inputsOf } from '../state/inputs.js';
import type { RunState } from '../state/run-state.js';

/** What a recorded event is read against. */
export interface DecodeOptions {
  readonly codecs?: readonly ValueCodec[] | undefined;
  /** The run up to the event. */
  readonly state: RunState;
  readonly fanOut: FanOut;
  readonly plan: () => Plan;
  /** By id, tasks that were added while it ran and whose functions or schemas no log can keep. */
  readonly added: ReadonlyMap<string, Task>;
}

/**
 * The event that was recorded as this, and the index of its task. Fold it before the next is decoded:
 * what the log holds only once is taken from the state.
 *
 * @throws {JournalError} `journal_newer` for an event that a newer version wrote.
 * @throws {TypeError} when the log contradicts itself.
 */
export function decodeRecorded(
  data: EventData,
  options: DecodeOptions,
): { readonly event: RunEvent; readonly index: number } {
  if (!isEventType(data.type)) throw ofNewerVersion(data.type);
  const event = decodeEvent(data, contextOf(options));
  const { taskId } = event as { readonly taskId?: string };
  if (taskId === undefined && IS_ABOUT_TASK.test(data.type)) {
    throw new TypeError(`its event ${data.sequence} (${data.type}) names no task`);
  }
  return { event, index: taskId === undefined ? -1 : requireIndex(options.state, taskId) };
}

/** Types of events that are always about one task. */
const IS_ABOUT_TASK = /^(task|tool)_/;

function contextOf({ state, fanOut, plan, added, codecs }: DecodeOptions): DecodeContext {
  return {
    codecs,
    plan,
    outputOf(taskId) {
      const index = requireIndex(state, taskId);
      const kind = state.graph.kindOf(index);
      if ((kind & TaskKind.forEach) !== 0) return resultsOf(index, state);
      if ((kind & TaskKind.repeat) === 0) return outputsOf(index, state, fanOut);
      const last = lastIteration(index, state);
      return last === undefined ? undefined : state.outputOf(last);
    },
    elementsOf(taskId, count, items) {
      const index = requireIndex(state, taskId);
      const task = state.graph.tasks[index] as Task;
      const list = items ?? fanOut.itemsOf(task, inputsOf(index, state, fanOut));
      // A stream is read in parts.
      return asData(fanOut.elementsOf(task, list, count, state.graph.childCount(index)));
    },
    iterationOf: (taskId) => asData([nextIteration(requireIndex(state, taskId), state, fanOut)]),
    addedTasks(data, attached) {
      const tasks = tasksFromData(data as unknown as readonly TaskData[], attached);
      return asData(tasks.map((task) => added.get(task.id) ?? task));
    },
  };
}

function requireIndex({ graph }: RunState, taskId: string): number {
  const index = graph.indexOf(taskId);
  if (index === undefined) throw new TypeError(`there is no task "${taskId}"`);
  return index;
}

function ofNewerVersion(type: string): JournalError {
  const message = `it has events of the type "${type}", which a newer version writes`;
  return new JournalError('journal_newer', message);
}
