import { describe, StrategyError, type TaskError } from './errors.js';
import type { Graph } from './graph.js';
import type { RunView, Scheduler, Strategy, TaskView, Wait } from './strategy.js';
import type { Task } from './task.js';
import type { Usage } from './usage.js';

/**
 * The kernel's side of the strategy contract: hands ready tasks to the scheduler, takes its
 * choices, and checks every answer. Each method throws a `StrategyError` when the strategy threw
 * or broke the contract.
 */
export class Dispatcher {
  /** Tasks that are ready and have not been chosen. */
  readyCount = 0;

  readonly #strategy: Strategy;
  readonly #scheduler: Scheduler;
  readonly #graph: Graph;
  readonly #resourceOf: (task: Task) => string;
  readonly #views: (TaskView | undefined)[];
  /** 1 while a task is ready and has not been chosen. */
  readonly #selectable: Uint8Array;

  constructor(strategy: Strategy, run: RunView, graph: Graph, resourceOf: (task: Task) => string) {
    this.#strategy = strategy;
    this.#graph = graph;
    this.#resourceOf = resourceOf;
    this.#views = new Array(graph.size).fill(undefined);
    this.#selectable = new Uint8Array(graph.size);
    try {
      this.#scheduler = strategy.begin(run);
    } catch (thrown) {
      throw this.#threw('begin', thrown);
    }
  }

  ready(index: number): void {
    const task = this.#graph.tasks[index] as Task;
    const view: TaskView = {
      id: task.id,
      index,
      type: task.type ?? 'action',
      level: this.#graph.levels[index] as number,
      priority: task.priority ?? 0,
      estimate: task.estimate,
      criticalPath: this.#graph.criticalPaths[index] as number,
      resource: this.#resourceOf(task),
    };
    this.#views[index] = view;
    this.#selectable[index] = 1;
    this.readyCount++;
    try {
      this.#scheduler.ready(view);
    } catch (thrown) {
      throw this.#threw('ready', thrown);
    }
  }

  /** The index of the task to start, a time to wait for, or undefined. */
  next(now: number): number | Wait | undefined {
    let choice: TaskView | Wait | undefined;
    try {
      choice = this.#scheduler.next(now);
    } catch (thrown) {
      throw this.#threw('next', thrown);
    }
    if (choice === undefined || choice === null) return undefined;
    if (typeof choice === 'object' && 'until' in choice) {
      if (choice.until > now) return choice;
      throw this.#wrong(`asked to wait until ${choice.until}, which is not after now (${now})`);
    }
    const { index } = choice;
    if (this.#views[index] === choice && this.#selectable[index] === 1) {
      this.#selectable[index] = 0;
      this.readyCount--;
      return index;
    }
    throw this.#wrong(
      `chose ${choice.id === undefined ? 'something' : `"${choice.id}"`} that is not ready; ` +
        'next() must give each task once, as it came to ready()',
    );
  }

  /** The attempt at a chosen task has ended. */
  settled(index: number, latencyMs: number, error?: TaskError, usage?: Usage): void {
    const view = this.#views[index] as TaskView;
    this.#views[index] = undefined;
    if (this.#scheduler.settled === undefined) return;
    try {
      this.#scheduler.settled(view, {
        ok: error === undefined,
        latencyMs,
        errorCode: error?.code,
        retryAfterMs: error?.retryAfterMs,
        usage,
      });
    } catch (thrown) {
      throw this.#threw('settled', thrown);
    }
  }

  /** Nothing that is ready may be chosen any more. */
  clear(): void {
    this.#selectable.fill(0);
    this.readyCount = 0;
  }

  /** The error for a strategy that starts nothing while nothing runs: the plan would never end. */
  stalled(): StrategyError {
    const ready = this.readyCount === 1 ? '1 task is' : `${this.readyCount} tasks are`;
    return this.#wrong(
      `started nothing although nothing is running and ${ready} ready; ` +
        'next() must give a task or a time to wait for',
    );
  }

  #threw(method: string, thrown: unknown): StrategyError {
    const message = `threw in ${method}(): ${describe(thrown)}`;
    return new StrategyError(this.#strategy.name, message, { cause: thrown });
  }

  #wrong(message: string): StrategyError {
    return new StrategyError(this.#strategy.name, message);
  }
}
