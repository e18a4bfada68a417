import { chosen } from '../contract/condition.js';
import { RunnerError, StrategyError } from '../contract/errors.js';
import { isByFunction } from '../contract/for-each.js';
import { doesOwnWork, hasSubtasks, type Task } from '../contract/task.js';
import type { Graph } from '../graph/graph.js';
import { TaskKind } from '../graph/task-kind.js';
import { FanOut, idsOf } from '../state/fan-out.js';
import { outputsOf, requireSubtasks, resultsOf } from '../state/group.js';
import { type Inputs, inputNamesOf, inputsOf } from '../state/inputs.js';
import { promptOf } from '../state/prompt.js';
import type { RunState } from '../state/run-state.js';
import type { HumanSteps } from './human-input.js';
import type { KernelParts } from './kernel-parts.js';
import type { Recorder } from './recorder.js';
import type { Starts } from './scheduling.js';
import type { Settling } from './settling.js';
import type { RunEnd } from './termination.js';

/** The parts of a kernel that a task may go on in when it begins. */
export interface OpeningsHost {
  readonly end: RunEnd;
  readonly settling: Settling;
  readonly starts: Starts;
  readonly humanSteps: HumanSteps;
}

/**
 * Begins the tasks that are more than one attempt: those with a condition, fan-outs, groups and
 * human steps; and ends groups when their children have settled.
 */
export class Openings {
  readonly fanOut = new FanOut();

  readonly #graph: Graph;
  readonly #state: RunState;
  readonly #record: Recorder;
  readonly #readyAt: number[];
  readonly #host: OpeningsHost;

  constructor(parts: KernelParts, host: OpeningsHost) {
    this.#graph = parts.graph;
    this.#state = parts.state;
    this.#record = parts.record;
    this.#readyAt = parts.readyAt;
    this.#host = host;
  }

  inputsOf(index: number): Inputs {
    return inputsOf(index, this.#state, this.fanOut);
  }

  promptOf(index: number, inputs: Inputs): string {
    const task = this.#task(index);
    const names = inputNamesOf(index, this.#state, this.fanOut);
    return promptOf(task, inputs, names, this.fanOut.originOf(task) !== undefined);
  }

  /** Whether this is the id of a fan-out that has yet to make its elements. */
  willFanOut(id: string): boolean {
    const index = this.#graph.indexOf(id);
    if (index === undefined || (this.#graph.kindOf(index) & TaskKind.forEach) === 0) return false;
    return this.#state.statusOf(index) === 'pending' && this.#graph.childCount(index) === 0;
  }

  /** All that it waited for is settled. */
  open(index: number, now: number): void {
    if (this.#state.statusOf(index) !== 'pending') return;
    const { settling, starts, humanSteps } = this.#host;
    const task = this.#task(index);
    try {
      const inputs = this.inputsOf(index);
      if (task.when !== undefined && !chosen(task.when, inputs)) {
        settling.skip(index, 'not_chosen', undefined, now);
        return;
      }
      if (task.forEach !== undefined) this.#expand(index, task, inputs, now);
      else if (hasSubtasks(task)) this.#openChildren(index, now);
      else if (task.waitFor === undefined) starts.ready(index, now);
      else humanSteps.ask(index, this.promptOf(index, inputs), now);
    } catch (thrown) {
      // What a strategy does wrong is not the task's fault.
      if (thrown instanceof StrategyError) throw thrown;
      settling.fail(index, thrown, now);
    }
  }

  /** Tasks have been added from `first` on. */
  admit(first: number, now: number): void {
    const { end, settling } = this.#host;
    this.grow();
    if (end.stop === undefined) {
      settling.readiness.admit(first, now);
      return;
    }
    const { reason, failedTaskId } = end.stop;
    const { size } = this.#graph;
    for (let index = first; index < size; index++) settling.skip(index, reason, failedTaskId, now);
  }

  /** The graph has grown. */
  grow(): void {
    this.#host.settling.readiness.grow();
    const { size } = this.#graph;
    for (let index = this.#readyAt.length; index < size; index++) this.#readyAt.push(0.5);
  }

  /** All children of a group are settled. */
  finishGroup(index: number, now: number): void {
    const state = this.#state;
    if (state.statusOf(index) !== 'pending') return;
    const { settling, starts } = this.#host;
    const task = this.#task(index);
    try {
      if (task.forEach !== undefined) settling.complete(index, resultsOf(index, state), now);
      else {
        requireSubtasks(index, state);
        if (doesOwnWork(task)) starts.ready(index, now);
        else settling.complete(index, outputsOf(index, state, this.fanOut), now);
      }
    } catch (thrown) {
      if (thrown instanceof StrategyError) throw thrown;
      settling.fail(index, thrown, now, this.#readyAt[index]);
    }
  }

  #expand(index: number, task: Task, inputs: Inputs, now: number): void {
    const first = this.#graph.size;
    const items = this.fanOut.itemsOf(task, inputs);
    const elements = this.fanOut.elementsOf(task, items, items.length);
    const taken = [...idsOf(elements)].find((id) => this.#graph.indexOf(id) !== undefined);
    if (taken !== undefined) {
      throw new RunnerError('invalid_input', `its forEach needs the id "${taken}", which is taken`);
    }
    const given = isByFunction(task) ? items : undefined;
    if (elements.length > 0) this.#record.tasksAdded('for_each', elements, index, now, given);
    this.admit(first, now);
    this.#openChildren(index, now);
  }

  #openChildren(index: number, now: number): void {
    this.#readyAt[index] = now;
    this.#host.settling.readiness.open(index, now);
  }

  #task(index: number): Task {
    return this.#graph.tasks[index] as Task;
  }
}
