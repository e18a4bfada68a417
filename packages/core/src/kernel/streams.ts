import { RunnerError, StrategyError } from '../contract/errors.js';
import type { StreamPosition } from '../contract/event.js';
import { type ForEach, forEachOf } from '../contract/for-each.js';
import { keep } from '../contract/value.js';
import { TaskKind } from '../graph/task-kind.js';
import { asData } from '../serialize/task.js';
import { requireFreeIds } from '../state/fan-out.js';
import { resultsOf } from '../state/group.js';
import type { Machine } from './machine.js';
import { completeTask, failTask } from './settlement.js';

/** A fan-out has room for at least so many unsettled items: each read is an event, and brings several. */
const MIN_WINDOW = 16;
/** For how many it has room in a run without a cap, or with those that wait. */
const MAX_WINDOW = 1_000;

/** Whether a task is a fan-out over a stream. */
export function isStream({ graph }: Machine, index: number): boolean {
  return (graph.kindOf(index) & TaskKind.stream) !== 0;
}

/** Reads more where the run has room, and ends a fan-out that has read all and whose items have settled. */
export function continueStream(machine: Machine, group: number): void {
  const { state, streamErrors } = machine;
  if (!state.isPending(group)) return;
  const mayRead = state.groups.isReading(group) && !isStopped(machine, group);
  if (mayRead && !streamErrors.has(group)) readMore(machine, group);
  else if (state.groups.unsettledChildrenOf(group) === 0) finishStream(machine, group);
}

/** Whether no further items begin: the run has stopped, and the fan-out does not run in spite of that. */
function isStopped({ graph, state }: Machine, group: number): boolean {
  if (state.stop === undefined) return false;
  if (state.stop.reason === 'budget_exceeded') return true;
  for (let at: number | undefined = group; at !== undefined; at = graph.parentOf(at)) {
    if (state.runsAfterFailure(at)) return false;
  }
  return true;
}

/** Twice what may run at once: the next items are there when the ones before have ended. */
function windowOf({ state }: Machine): number {
  const cap = state.maxParallel ?? Number.POSITIVE_INFINITY;
  return cap === Number.POSITIVE_INFINITY ? MAX_WINDOW : Math.max(MIN_WINDOW, 2 * cap);
}

function readMore(machine: Machine, group: number): void {
  const { graph, state, reading, commands } = machine;
  if (reading.has(group) || machine.isHalted) return;
  const window = windowOf(machine);
  const unsettled = state.groups.unsettledChildrenOf(group);
  // Those that wait for a retry or a person take no place: others run meanwhile.
  const busy = Math.max(0, unsettled - state.retries.size - state.questions.size);
  const room = Math.min(window - busy, Math.max(window, MAX_WINDOW) - unsettled);
  if (room < window / 2) return;
  const skip = graph.childCount(group);
  // One more than the limit shows that there are too many.
  const count = Math.min(room, Math.max(1, mostOf(machine, group) - skip));
  const hash = state.groups.streamPosition(group)?.hash;
  reading.add(group);
  commands.push({ type: 'read', index: group, skip, hash, count });
}

function mostOf(machine: Machine, group: number): number {
  return forEachOf(machine.task(group).forEach as ForEach).maxItems;
}

/** A fan-out has read its next items. */
export function addItems(
  machine: Machine,
  group: number,
  given: readonly unknown[],
  stream: StreamPosition,
): void {
  const { graph, state, fanOut, log, lastRead, options } = machine;
  machine.reading.delete(group);
  if (state.isPending(group) && !isStopped(machine, group)) {
    const first = graph.size;
    try {
      const task = machine.task(group);
      const from = graph.childCount(group);
      if (from + given.length > mostOf(machine, group)) {
        throw invalid(`has more than ${mostOf(machine, group)} items, which is maxItems`);
      }
      const items = fanOut.kept(given);
      options.requireStorable?.(items);
      const elements = fanOut.elementsOf(task, items, items.length, from);
      requireFreeIds(graph, elements);
      const event = { type: 'tasks_added', source: 'for_each', taskId: task.id } as const;
      machine.tell({ ...event, tasks: asData(elements), items, stream }, group);
    } catch (thrown) {
      failStream(machine, group, thrown);
      return;
    }
    // The event before was written before more was read.
    const before = lastRead.get(group);
    if (options.forgetsItems && before !== undefined) log.releaseItems(before);
    lastRead.set(group, log.length - 1);
    for (let index = first; index < graph.size; index++) {
      const isItem = graph.parentOf(index) === group;
      if (isItem && state.isAdmissible(index)) machine.unblocked.push(index);
    }
  }
  continueStream(machine, group);
}

/** A stream cannot be read further: its fan-out fails when the items that it has read have settled. */
export function failStream(machine: Machine, group: number, thrown: unknown): void {
  machine.reading.delete(group);
  machine.streamErrors.set(group, thrown);
  continueStream(machine, group);
}

/** A task waits for its next attempt or for a person: the fan-outs around it may have room for more. */
export function readMeanwhile(machine: Machine, index: number): void {
  const { graph, begunGroups } = machine;
  if (!graph.hasKind(TaskKind.stream)) return;
  for (let at = graph.parentOf(index); at !== undefined; at = graph.parentOf(at)) {
    if (isStream(machine, at) && begunGroups.has(at)) continueStream(machine, at);
  }
}

/** An item of a fan-out over a stream has settled: nobody needs it any more. */
export function settleItem(machine: Machine, group: number, index: number): void {
  if (machine.options.forgetsItems) forgetItem(machine, index);
  continueStream(machine, group);
}

/** Attempts at subtasks that are still in flight may be repeated, and need the item then. */
function forgetItem(machine: Machine, index: number): void {
  const { graph, state, fanOut } = machine;
  const below = [index];
  for (const each of below) {
    if (state.isRunning(each)) return;
    graph.eachChild(each, (child) => below.push(child));
  }
  for (const each of below) {
    fanOut.forget(machine.task(each));
    fanOut.moduleInputs.delete(each);
  }
}

/** Forgets the items that a recorded run has read and needs no more. */
export function forgetRecordedItems(machine: Machine): void {
  const { graph, state, log } = machine;
  for (let position = 0; position < log.length; position++) {
    if (log.typeAt(position) !== 'tasks_added' || !isStream(machine, log.indexAt(position)))
      continue;
    log.releaseItems(position);
  }
  for (let index = 0; index < graph.size; index++) {
    const parent = graph.parentOf(index);
    if (parent === undefined || !isStream(machine, parent)) continue;
    if (state.isSettled(index)) forgetItem(machine, index);
  }
}

function finishStream(machine: Machine, group: number): void {
  const { state, options } = machine;
  const since = state.unblockedAt(group);
  try {
    if (state.groups.isReading(group)) throw unfinished(machine, group);
    const output = keep(resultsOf(group, state), { codecs: options.codecs });
    completeTask(machine, group, output, since);
  } catch (thrown) {
    if (thrown instanceof StrategyError) throw thrown;
    failTask(machine, group, thrown, since);
  }
}

/** Why a stream was not read to its end. */
function unfinished({ streamErrors, state }: Machine, group: number): unknown {
  const why = `the run stopped before all of its items were read (${state.stop?.reason})`;
  return streamErrors.get(group) ?? new RunnerError('aborted', why);
}

function invalid(message: string): RunnerError {
  return new RunnerError('invalid_input', `its forEach ${message}`);
}
