import { isMet } from '../contract/condition.js';
import { RunnerError, StrategyError } from '../contract/errors.js';
import { isByFunction } from '../contract/for-each.js';
import type { Json } from '../contract/journal.js';
import { doesOwnWork, hasSubtasks, isTemplate, type Task } from '../contract/task.js';
import { keep } from '../contract/value.js';
import { TaskKind } from '../graph/task-kind.js';
import { canonical } from '../serialize/canonical.js';
import { asData } from '../serialize/task.js';
import { toData } from '../serialize/value.js';
import { requireFewItems, requireFreeIds } from '../state/fan-out.js';
import { outputsOf, requireSubtasks, resultsOf } from '../state/group.js';
import { bindModule, type Inputs, inputNamesOf, inputsOf } from '../state/inputs.js';
import { moduleOutputsOf } from '../state/plan-outputs.js';
import { promptOf } from '../state/prompt.js';
import { watchMissing, withoutItem } from './fan-out-inputs.js';
import { askHuman } from './human-input.js';
import { beginLoop, isLoop } from './loop.js';
import type { Machine } from './machine.js';
import { completeTask, failTask, skipFor, skipTask } from './settlement.js';
import { continueStream, isStream } from './streams.js';

/** What makes a task more than one attempt. */
const SPECIAL = TaskKind.when | TaskKind.template | TaskKind.subtasks | TaskKind.waitFor;

/**
 * Admits a task that is more than one attempt, or belongs to a group, or may have to be skipped, once all that it
 * depends on has settled: it may begin when its group has.
 */
export function admitSpecial(machine: Machine, index: number): void {
  const { graph, state } = machine;
  const kind = graph.kindOf(index);
  const parent = graph.hasFamilies ? graph.parentOf(index) : undefined;
  if (parent !== undefined && !machine.begunGroups.has(parent)) return;
  if ((kind & TaskKind.afterFailure) !== 0 && !hasFailedDependency(machine, index)) {
    skipTask(machine, index, 'nothing_failed', undefined);
  } else if ((kind & TaskKind.afterAny) === 0 && state.waits.hasOnlyUnchosen(index)) {
    skipTask(machine, index, 'condition_false', undefined);
  } else if ((kind & SPECIAL) === 0) machine.strategy.ready(index);
  else machine.openings.push(index);
}

function hasFailedDependency({ graph, state }: Machine, index: number): boolean {
  let found = false;
  graph.eachDependency(index, (dependency) => {
    found ||= state.isFailure(dependency);
  });
  return found;
}

/** Begins a task that is more than one attempt: a condition, a fan-out, a loop, a group, a human step. */
export function open(machine: Machine, index: number): void {
  const { state, fanOut } = machine;
  if (!state.isPending(index)) return;
  const task = machine.task(index);
  try {
    const beginsAgain = state.groups.beginsAgain.has(index);
    if (!beginsAgain && hasBegun(machine, index, task)) {
      beginGroup(machine, index);
      return;
    }
    const inputs = inputsOf(index, state, fanOut);
    const isFanOut = task.forEach !== undefined;
    if (
      task.when !== undefined &&
      !isMet('when', task.when, isFanOut ? withoutItem(inputs) : inputs)
    ) {
      skipTask(machine, index, 'condition_false', undefined);
    } else if (isFanOut && beginsAgain) {
      // A stream does not depend on inputs.
      if (!isStream(machine, index)) requireSameItems(machine, index, task, inputs);
      beginGroup(machine, index);
    } else if (isStream(machine, index)) beginGroup(machine, index);
    else if (isFanOut) expand(machine, index, task, inputs);
    else if (task.repeat !== undefined) beginGroup(machine, index);
    else if (hasSubtasks(task)) {
      if (task.plan !== undefined) bindModule(index, state, fanOut);
      beginGroup(machine, index);
    } else if (task.waitFor === undefined) machine.strategy.ready(index);
    else {
      const question = promptOf(index, state, fanOut, inputs);
      askHuman(machine, index, machine.options.secretTexts?.text(question) ?? question);
    }
  } catch (thrown) {
    // What a strategy does wrong is not the task's fault.
    if (thrown instanceof StrategyError) throw thrown;
    failTask(machine, index, thrown);
  }
}

/** Whether a group had begun before its process ended. No event says so; its children do. */
function hasBegun({ graph, state }: Machine, index: number, task: Task): boolean {
  if (graph.childCount(index) === 0) return false;
  // A fan-out has its elements from its beginning on, and a loop its first iteration.
  if (isTemplate(task)) return true;
  let found = false;
  if (task.when !== undefined) {
    graph.eachChild(index, (child) => {
      found ||=
        state.attemptsUnderPlan(child) > 0 ||
        state.isCompleted(child) ||
        state.questions.has(child);
    });
  }
  return found;
}

/**
 * Tasks cannot leave a run: a fan-out that runs again needs the items that its elements were made for.
 *
 * @throws {RunnerError} `invalid_input` when its list is another one now.
 */
function requireSameItems(
  { graph, fanOut }: Machine,
  index: number,
  task: Task,
  inputs: Inputs,
): void {
  const items = fanOut.itemsOf(task, inputs);
  const before: unknown[] = [];
  graph.eachChild(index, (child) => {
    before.push(fanOut.originOf(graph.tasks[child] as Task)?.element?.item);
  });
  if (canonical(toData(items) as Json) === canonical(toData(before) as Json)) return;
  const message =
    'its forEach has other items than before, and their tasks cannot be replaced in the same run; start a new run';
  throw new RunnerError('invalid_input', message);
}

/** The children of a group may start from now on. */
function beginGroup(machine: Machine, group: number): void {
  const { graph, state } = machine;
  if (isLoop(machine, group)) {
    beginLoop(machine, group);
    return;
  }
  machine.begunGroups.add(group);
  graph.eachChild(group, (child) => {
    if (state.isAdmissible(child)) machine.unblocked.push(child);
  });
  if (isStream(machine, group)) continueStream(machine, group);
  else if (state.groups.unsettledChildrenOf(group) === 0) finishGroup(machine, group);
}

/** Ends a group whose children have all settled, or lets it do its own work with their outputs. */
export function finishGroup(machine: Machine, index: number): void {
  const { state, fanOut } = machine;
  if (!state.isPending(index)) return;
  const task = machine.task(index);
  const since = state.unblockedAt(index);
  try {
    const { codecs } = machine.options;
    const complete = (output: unknown) =>
      completeTask(machine, index, keep(output, { codecs }), since);
    if (task.forEach !== undefined) complete(resultsOf(index, state));
    else {
      requireSubtasks(index, state);
      if (task.plan !== undefined) complete(moduleOutputsOf(index, state, fanOut));
      else if (doesOwnWork(task)) machine.strategy.ready(index);
      else complete(outputsOf(index, state, fanOut));
    }
  } catch (thrown) {
    if (thrown instanceof StrategyError) throw thrown;
    failTask(machine, index, thrown, since);
  }
}

/** Skips a fan-out whose list would have come from a task that was not chosen, or failed. */
function skipWithoutItems(machine: Machine, index: number, missing: string): void {
  const { graph, state, fanOut } = machine;
  const { names } = inputNamesOf(index, state, fanOut);
  let failed: number | undefined;
  let position = 0;
  graph.eachDependency(index, (dependency) => {
    if (names[position++] === missing && state.isLost(dependency)) failed = dependency;
  });
  if (failed === undefined) skipTask(machine, index, 'condition_false', undefined);
  else skipFor(machine, index, failed);
}

function expand(machine: Machine, index: number, task: Task, inputs: Inputs): void {
  const { graph, state, fanOut } = machine;
  const watched = watchMissing(inputs, inputNamesOf(index, state, fanOut).names);
  let items: readonly unknown[];
  try {
    items = fanOut.itemsOf(task, watched.inputs);
  } catch (thrown) {
    // The list would have come from a task that has no output.
    const { missing } = watched;
    if (missing === undefined) throw thrown;
    skipWithoutItems(machine, index, missing);
    return;
  }
  requireFewItems(task, items);
  const { recordsItems, requireStorable } = machine.options;
  // What the function of a module made of its inputs is not recorded, nor what a schema made of them.
  const isRecorded = isByFunction(task) || graph.moduleOf(index) !== undefined;
  if (isRecorded) requireStorable?.(items);
  const elements = fanOut.elementsOf(task, items, items.length);
  requireFreeIds(graph, elements);
  if (elements.length > 0) {
    const given = recordsItems || isRecorded ? { items } : {};
    const { taskId } = machine.about(index);
    const tasks = asData(elements);
    machine.tell({ type: 'tasks_added', source: 'for_each', tasks, taskId, ...given }, index);
  }
  beginGroup(machine, index);
}
