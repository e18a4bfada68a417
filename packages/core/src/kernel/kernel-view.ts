import type { TaskFailure } from '../contract/run-after.js';
import type { Graph } from '../graph/graph.js';
import { TaskKind } from '../graph/task-kind.js';
import type { EventLog } from '../state/event-log.js';
import type { FanOut } from '../state/fan-out.js';
import { type Inputs, inputNamesOf, inputsOf } from '../state/inputs.js';
import { promptOf } from '../state/prompt.js';
import type { RunState } from '../state/run-state.js';
import { failuresBefore } from '../state/task-failures.js';
import { attemptsLeft, idleTimeoutOf } from './attempts.js';
import type { Command } from './command.js';
import { isLoop } from './loop.js';
import { Machine } from './machine.js';
import type { KernelOptions } from './options.js';

/** What a driver reads of a kernel. Nothing here changes it. */
export class KernelView {
  /** Work for the driver, in order: to be done and removed after each input. */
  readonly commands: Command[];
  /** The tasks so far: those of the plan, their subtasks, and those that were added. */
  readonly graph: Graph;
  /** All that the run has come to. */
  readonly state: RunState;
  /** The events of the run, in order. */
  readonly log: EventLog;
  /** The lists of fan-outs, and what their items are named. */
  readonly fanOut: FanOut;
  protected readonly machine: Machine;

  constructor(options: KernelOptions) {
    this.machine = new Machine(options);
    this.commands = this.machine.commands;
    this.graph = this.machine.graph;
    this.state = this.machine.state;
    this.log = this.machine.log;
    this.fanOut = this.machine.fanOut;
  }

  /** When `wake` is to be called, as Unix time in milliseconds; Infinity for never. */
  get nextWake(): number {
    return this.machine.nextWake;
  }

  get ended(): boolean {
    return this.machine.hasEnded;
  }

  /** Attempts in flight; none before a recovered run is resumed. */
  get inFlight(): number {
    return this.machine.isUnderWay ? this.state.running : 0;
  }

  /** The outputs that a task is given. */
  inputsOf(index: number): Inputs {
    return inputsOf(index, this.state, this.fanOut);
  }

  /** The names that a task may refer to, in the order of the plan. */
  inputNamesOf(index: number): readonly string[] {
    return inputNamesOf(index, this.state, this.fanOut).names;
  }

  /** @throws {RunnerError} `invalid_input` when the inputs lack what the prompt asks for. */
  promptOf(index: number, inputs: Inputs): string {
    return promptOf(index, this.state, this.fanOut, inputs);
  }

  /** The failures that a task runs after. */
  failuresBefore(index: number): readonly TaskFailure[] {
    return failuresBefore(index, this.state, this.fanOut);
  }

  /** How many tries a task has left when this attempt begins, this one included. */
  attemptsLeft(index: number, attempt: number): number {
    return attemptsLeft(this.machine, index, attempt);
  }

  /** How long an attempt may go without output, in milliseconds; undefined without a limit. */
  idleLimitOf(index: number): number | undefined {
    return idleTimeoutOf(this.machine, index);
  }

  /** What an attempt at a task competes for. */
  resourceOf(index: number): string {
    return this.machine.strategy.resourceOf(index);
  }

  /** Whether this is the attempt in flight at a task. */
  isInFlight(index: number, attempt: number): boolean {
    return this.state.isInFlight(index, attempt);
  }

  /** Whether a human step has come up and has not been answered. */
  isWaiting(index: number): boolean {
    return this.state.questions.has(index);
  }

  /** Whether this is the id of a fan-out that may make an element with this number later. */
  isOpenFanOut(id: string, item: number): boolean {
    const { graph, state } = this.machine;
    const index = graph.indexOf(id);
    if (index === undefined || (graph.kindOf(index) & TaskKind.forEach) === 0) return false;
    if (!state.isPending(index)) return false;
    const count = graph.childCount(index);
    return count === 0 || (item >= count && state.groups.isReading(index));
  }

  /** Whether a fan-out may ask for further items of its stream. */
  mayReadOn(index: number): boolean {
    const { state, streamErrors } = this.machine;
    return state.isPending(index) && state.groups.isReading(index) && !streamErrors.has(index);
  }

  /** Whether this is the id of a loop that may have an iteration with this number later. */
  isOpenLoop(id: string, iteration: number): boolean {
    const { graph } = this.machine;
    const index = graph.indexOf(id);
    if (index === undefined || !isLoop(this.machine, index)) return false;
    return iteration > graph.childCount(index);
  }

  /** Whether the strategy observes the output of attempts. */
  get isObserved(): boolean {
    return this.machine.strategy.isListening;
  }

  /** Whether ready tasks wait for a larger loan. The run may still have no use for it. */
  get isHeldBack(): boolean {
    return this.machine.isHeldBack && this.machine.isUnderWay;
  }

  /** The number of attempts in flight at a resource; 0 for a run without caps and loans. */
  inFlightAt(resource: string): number {
    return this.machine.inFlight?.at(resource) ?? 0;
  }
}
