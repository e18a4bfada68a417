import { describe, StrategyError, show, type TaskError } from '../contract/errors.js';
import type { OutputPart } from '../contract/output-part.js';
import type { TaskOutput } from '../contract/runner.js';
import type {
  RunView,
  Scheduler,
  Strategy,
  StrategySwitch,
  TaskView,
  Wait,
} from '../contract/strategy.js';
import type { Task } from '../contract/task.js';
import type { Graph } from '../graph/graph.js';
import { isLate } from '../util/promise.js';
import { checkSwitch } from './strategy-switch.js';

/**
 * The kernel's side of the strategy contract: passes ready tasks to the scheduler, asks for its choices
 * and checks every answer. Each method throws a `StrategyError` when the strategy throws or breaks the
 * contract.
 */
export class StrategyAdapter {
  /** Tasks that are ready and have not been chosen. */
  readyCount = 0;

  readonly #strategy: Strategy;
  #scheduler!: Scheduler;
  readonly #graph: Graph;
  readonly #resourceOf: (task: Task) => string;
  readonly #views: (TaskView | undefined)[];
  /** The resource of the first task; with a single resource, nothing is counted. */
  #onlyResource: string | undefined;
  /** The number of ready tasks per resource, once there are several resources. */
  #readyByResource: Map<string, number> | undefined;
  /** 1 while a task is ready and has not been chosen. */
  #selectable: Uint8Array;
  /** Whether the strategy is being called. */
  #isAsked = false;

  constructor(strategy: Strategy, graph: Graph, resourceOf: (task: Task) => string) {
    this.#strategy = strategy;
    this.#graph = graph;
    this.#resourceOf = resourceOf;
    this.#views = new Array(graph.size).fill(undefined);
    this.#selectable = new Uint8Array(graph.size);
  }

  /** Call it once, before any other method. */
  begin(run: RunView): void {
    this.#scheduler = this.#call('begin', () => this.#strategy.begin(run));
    const { ready, next } = (this.#scheduler ?? {}) as Partial<Scheduler>;
    if (typeof ready !== 'function' || typeof next !== 'function') {
      throw this.#error('returned no scheduler from begin(): it must have ready() and next()');
    }
  }

  ready(index: number): void {
    const task = this.#graph.tasks[index] as Task;
    const view: TaskView = {
      id: task.id,
      index,
      type: task.type ?? 'action',
      level: this.#graph.levelOf(index),
      priority: task.priority ?? 0,
      estimate: task.estimate,
      criticalPath: this.#graph.criticalPathOf(index),
      resource: this.#resourceOf(task),
    };
    if (index >= this.#selectable.length) this.#grow();
    this.#views[index] = view;
    this.#selectable[index] = 1;
    if (this.#onlyResource !== view.resource || this.#readyByResource !== undefined) {
      this.#count(view.resource, 1);
    }
    this.readyCount++;
    // No closure here and in `next`, unlike `begin`: closures per task took 5% of a run's time.
    this.#isAsked = true;
    try {
      const answer: unknown = this.#scheduler.ready(view);
      if (answer !== undefined) requireSync(answer);
    } catch (thrown) {
      throw this.#failed('ready', thrown);
    } finally {
      this.#isAsked = false;
    }
  }

  /** Makes room for added tasks. */
  #grow(): void {
    const larger = new Uint8Array(2 * this.#graph.size);
    larger.set(this.#selectable);
    this.#selectable = larger;
    for (let index = this.#views.length; index < larger.length; index++)
      this.#views.push(undefined);
  }

  /** Asks for the next choice: the index of a task to start, a time to wait for, or undefined. */
  next(now: number): number | Wait | undefined {
    this.#isAsked = true;
    try {
      return this.#accept(this.#scheduler.next(now), now);
    } catch (thrown) {
      throw this.#failed('next', thrown);
    } finally {
      this.#isAsked = false;
    }
  }

  #accept(choice: TaskView | Wait | undefined, now: number): number | Wait | undefined {
    if (choice === undefined || choice === null) return undefined;
    if (typeof choice === 'object' && 'until' in choice) {
      const { until } = choice;
      if (typeof until === 'number' && until > now) return { until };
      throw this.#error(`asked to wait until ${show(until)}, which is not after now (${now})`);
    }
    const { index } = choice;
    if (this.#views[index] === choice && this.#selectable[index] === 1) {
      this.#selectable[index] = 0;
      this.readyCount--;
      if (this.#readyByResource !== undefined) this.#count(choice.resource, -1);
      return index;
    }
    requireSync(choice);
    throw this.#error(
      `chose ${choice.id === undefined ? 'something' : `"${show(choice.id)}"`} that is not ready; ` +
        'next() must return each task once, the same object that ready() received',
    );
  }

  /** The resource that a task competes for. */
  resourceOf(index: number): string {
    return this.#views[index]?.resource ?? this.#resourceOf(this.#graph.tasks[index] as Task);
  }

  /** Whether a ready task competes for a resource that is not one of these. */
  hasReadyBeside(resources: { has(resource: string): boolean }): boolean {
    if (this.#readyByResource === undefined) {
      return this.readyCount > 0 && !resources.has(this.#onlyResource as string);
    }
    for (const resource of this.#readyByResource.keys()) {
      if (!resources.has(resource)) return true;
    }
    return false;
  }

  #count(resource: string, change: 1 | -1): void {
    this.#onlyResource ??= resource;
    if (this.#readyByResource === undefined) {
      if (resource === this.#onlyResource) return;
      this.#readyByResource = new Map([[this.#onlyResource, this.readyCount]]);
    }
    const counts = this.#readyByResource;
    const count = (counts.get(resource) ?? 0) + change;
    // `hasReadyBeside` must not scan resources without ready tasks.
    if (count === 0) counts.delete(resource);
    else counts.set(resource, count);
  }

  /** Whether the strategy observes the output of attempts. */
  get isListening(): boolean {
    return this.#scheduler.output !== undefined;
  }

  /** Reports a part of the output of an attempt to the strategy. */
  output(index: number, part: OutputPart): void {
    const view = this.#views[index];
    // An attempt restarted after a crash was not chosen by this scheduler.
    if (view === undefined) return;
    this.#call('output', () => this.#scheduler.output?.(view, part));
  }

  /** Reports the end of an attempt to the strategy. */
  settled(
    index: number,
    latencyMs: number,
    error: TaskError | undefined,
    { usage, rateLimits }: Pick<TaskOutput, 'usage' | 'rateLimits'>,
    retryDelayMs?: number,
  ): void {
    const view = this.#views[index];
    this.#views[index] = undefined;
    // As in `output`.
    if (this.#scheduler.settled === undefined || view === undefined) return;
    const outcome = {
      ok: error === undefined,
      latencyMs,
      errorCode: error?.code,
      retryAfterMs: error?.retryAfterMs,
      usage,
      rateLimits,
      retryDelayMs,
    };
    this.#call('settled', () => this.#scheduler.settled?.(view, outcome));
  }

  /** Checks a switch that the strategy reported, for the log. */
  accept(change: StrategySwitch): StrategySwitch {
    if (!this.#isAsked) throw this.#error('reported a switch outside a call');
    try {
      return checkSwitch(change);
    } catch (error) {
      throw this.#error(`reported a switch that cannot be logged: ${describe(error)}`);
    }
  }

  /** Drops the ready tasks: the run has stopped. */
  clear(): void {
    this.#selectable.fill(0);
    this.#readyByResource?.clear();
    this.readyCount = 0;
  }

  /** The error of a strategy that starts nothing while nothing runs, so that the plan would never end. */
  stalled(): StrategyError {
    const ready = this.readyCount === 1 ? '1 task is' : `${this.readyCount} tasks are`;
    return this.#error(
      `started nothing although nothing is running and ${ready} ready; ` +
        'next() must return a task or a time to wait for',
    );
  }

  /** Calls the strategy; every error becomes a `StrategyError`. */
  #call<T>(method: string, call: () => T): T {
    this.#isAsked = true;
    try {
      const answer = call();
      if (answer !== undefined) requireSync(answer);
      return answer;
    } catch (thrown) {
      throw this.#failed(method, thrown);
    } finally {
      this.#isAsked = false;
    }
  }

  #failed(method: string, thrown: unknown): StrategyError {
    if (thrown instanceof StrategyError) return thrown;
    const message = `threw in ${method}(): ${describe(thrown)}`;
    return new StrategyError(this.#strategy.name, message, { cause: thrown });
  }

  #error(message: string): StrategyError {
    return new StrategyError(this.#strategy.name, message);
  }
}

/** Rejects promises. */
function requireSync(answer: unknown): void {
  if (isLate(answer)) throw new TypeError('it is asynchronous and must be synchronous');
}
