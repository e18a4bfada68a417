import { isMet } from '../contract/condition.js';
import { RunnerError, StrategyError } from '../contract/errors.js';
import { type LoopResult, type Repeat, repeatOf } from '../contract/repeat.js';
import type { Task } from '../contract/task.js';
import { keep } from '../contract/value.js';
import { TaskKind } from '../graph/task-kind.js';
import { asData } from '../serialize/task.js';
import { idsOf } from '../state/fan-out.js';
import { lastIteration, nextIteration, requireIterations } from '../state/group.js';
import { inputsOf } from '../state/inputs.js';
import type { Machine } from './machine.js';
import { completeTask, failTask, skipTask } from './settlement.js';

/** Whether the children of a task are the iterations of a loop. */
export function isLoop({ graph }: Machine, index: number): boolean {
  return (graph.kindOf(index) & TaskKind.repeat) !== 0;
}

/** Begins a loop with its first iteration, or continues one that has iterations already. */
export function beginLoop(machine: Machine, loop: number): void {
  const { graph, state } = machine;
  machine.begunGroups.add(loop);
  const last = graph.lastChild(loop);
  if (last === undefined) {
    addIteration(machine, loop);
    return;
  }
  graph.eachChild(loop, (child) => {
    if (state.isAdmissible(child)) machine.unblocked.push(child);
  });
  // The log may end before the iteration that settled last had its consequences.
  const completed = lastIteration(loop, state);
  if (completed !== undefined && mayBeReached(machine, loop, completed)) {
    endIteration(machine, loop, completed);
  } else if (state.groups.unsettledChildrenOf(loop) === 0) endIteration(machine, loop, last);
}

/** An iteration has settled: the loop ends, or its next iteration begins. */
export function endIteration(machine: Machine, loop: number, iteration: number): void {
  const { state } = machine;
  if (!state.isPending(loop)) return;
  try {
    const isDone = state.isCompleted(iteration);
    if (isDone && isReached(machine, loop, iteration)) {
      skipAfter(machine, loop, iteration);
      completeLoop(machine, loop, iteration, 'reached');
      return;
    }
    // A loop that runs again has further iterations already, which wait for this one.
    if (state.groups.unsettledChildrenOf(loop) > 0) return;
    if (!isDone) requireIterations(loop, state);
    repeatOrExhaust(machine, loop);
  } catch (thrown) {
    if (thrown instanceof StrategyError) throw thrown;
    failTask(machine, loop, thrown, state.unblockedAt(loop));
  }
}

/** Its condition does not hold: there is another iteration, or the loop is exhausted. */
function repeatOrExhaust(machine: Machine, loop: number): void {
  const { graph, state } = machine;
  const { maxIterations, onExhausted } = repeatOf(machine.task(loop).repeat as Repeat);
  const last = lastIteration(loop, state);
  if (graph.childCount(loop) < maxIterations) addIteration(machine, loop);
  // Somebody skipped all iterations: the plan does without the loop.
  else if (last === undefined) skipTask(machine, loop, 'requested', undefined);
  else if (onExhausted === 'complete') completeLoop(machine, loop, last, 'exhausted');
  else throw exhausted(maxIterations);
}

function isReached(machine: Machine, loop: number, iteration: number): boolean {
  const { state, fanOut } = machine;
  const task = machine.task(loop);
  const given = inputsOf(iteration, state, fanOut);
  const inputs = Object.assign(Object.create(null), given);
  inputs[fanOut.namesOf(task)?.localId ?? task.id] = state.outputOf(iteration);
  return isMet('until', (task.repeat as Repeat).until, inputs);
}

function completeLoop(
  machine: Machine,
  loop: number,
  iteration: number,
  ending: LoopResult['ending'],
): void {
  const { state, options } = machine;
  const output = keep(state.outputOf(iteration), { codecs: options.codecs });
  const result = { ending, iterations: numberOf(machine, loop, iteration) };
  completeTask(machine, loop, output, state.unblockedAt(loop), result);
}

function addIteration(machine: Machine, loop: number): void {
  const { graph, state, fanOut } = machine;
  const tasks = [nextIteration(loop, state, fanOut)];
  for (const id of idsOf(tasks)) {
    if (graph.indexOf(id) === undefined) continue;
    throw new RunnerError('invalid_input', `its repeat needs the id "${id}", which is taken`);
  }
  const event = { type: 'tasks_added', source: 'repeat', tasks: asData(tasks) } as const;
  machine.tell({ ...event, taskId: machine.task(loop).id }, loop);
  const added = graph.indexOf((tasks[0] as Task).id) as number;
  if (state.isAdmissible(added)) machine.unblocked.push(added);
}

/** Whether the iteration after this one has not begun, although it could, or has just been skipped. */
function mayBeReached(machine: Machine, loop: number, iteration: number): boolean {
  const { graph, state } = machine;
  let next: number | undefined;
  graph.eachChild(loop, (child) => {
    if (child > iteration) next ??= child;
  });
  if (next === undefined) return false;
  if (state.reasonOf(next) === 'condition_false') return true;
  return state.isPending(next) && !hasBegunAgain(machine, next);
}

/** Whether a task or a part of it has begun since it was last given a fresh start. */
function hasBegunAgain(machine: Machine, index: number): boolean {
  const { graph, state } = machine;
  if (!state.isPending(index) || state.triesOf(index) > 0 || state.questions.has(index))
    return true;
  let found = false;
  graph.eachChild(index, (child) => {
    found ||= hasBegunAgain(machine, child);
  });
  return found;
}

/** The loop needs no further iterations; there are some when it runs again. */
function skipAfter(machine: Machine, loop: number, iteration: number): void {
  const { graph, state } = machine;
  if (state.groups.unsettledChildrenOf(loop) === 0) return;
  graph.eachChild(loop, (child) => {
    if (child > iteration) skipTask(machine, child, 'condition_false', undefined);
  });
}

/** Iterations are numbered from 1. */
function numberOf({ graph }: Machine, loop: number, iteration: number): number {
  if (iteration === graph.lastChild(loop)) return graph.childCount(loop);
  let number = 0;
  graph.eachChild(loop, (child) => {
    if (child <= iteration) number++;
  });
  return number;
}

function exhausted(maxIterations: number): RunnerError {
  const count = maxIterations === 1 ? '1 iteration' : `${maxIterations} iterations`;
  const message = `its until does not hold after ${count}, and onExhausted is "fail"; raise maxIterations, or change the condition`;
  return new RunnerError('loop_exhausted', message);
}
