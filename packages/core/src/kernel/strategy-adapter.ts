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
import type { Estimate, Task, TaskType } from '../contract/task.js';
import { enlarge } from '../graph/arrays.js';
import type { Graph } from '../graph/graph.js';
import { TaskKind } from '../graph/task-kind.js';
import { isLate } from '../util/promise.js';
import type { ResourceSet } from './cooldowns.js';
import type { KernelOptions } from './options.js';
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
  /** What the tasks compete for that have no resource of their own, where it is the same for all. */
  readonly #usualResource: string | undefined;
  /** For a strategy that observes attempts: the views of the tasks in flight, by index. */
  #observed: Map<number, TaskView> | undefined;
  /** The resource of the first task; with a single resource, nothing is counted. */
  #firstResource: string | undefined;
  /** The number of ready tasks per resource, once there are several resources. */
  #readyByResource: Map<string, number> | undefined;
  /** Marks the views of this run. */
  readonly #mark: object = {};
  /** By index: whether the task is ready, and the strategy may choose it. */
  #isReady: Uint8Array;
  /** Whether the strategy is being called. */
  #isAsked = false;

  constructor(
    strategy: Strategy,
    graph: Graph,
    { resourceOf, usualResource }: Pick<KernelOptions, 'resourceOf' | 'usualResource'>,
  ) {
    this.#strategy = strategy;
    this.#graph = graph;
    this.#resourceOf = resourceOf;
    this.#usualResource = usualResource;
    this.#isReady = new Uint8Array(graph.size);
  }

  /** Call it once, before any other method. */
  begin(run: RunView): void {
    this.#scheduler = this.#call('begin', () => this.#strategy.begin(run));
    const { ready, next, settled, output } = (this.#scheduler ?? {}) as Partial<Scheduler>;
    if (typeof ready !== 'function' || typeof next !== 'function') {
      throw this.#error('returned no scheduler from begin(): it must have ready() and next()');
    }
    if (settled !== undefined || output !== undefined) this.#observed = new Map();
  }

  ready(index: number): void {
    const graph = this.#graph;
    const task = graph.tasks[index] as Task;
    const isUsual = (graph.kindOf(index) & TaskKind.ownResource) === 0;
    const resource = (isUsual ? this.#usualResource : undefined) ?? this.#resourceOf(task);
    const view = new ReadyView(task, index, graph, resource, this.#mark);
    if (index >= this.#isReady.length) this.#isReady = enlarge(this.#isReady, 2 * index);
    this.#isReady[index] = 1;
    if (this.#firstResource !== resource || this.#readyByResource !== undefined) {
      this.#count(resource, 1);
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

  /** Asks for the next choice: the index of a task to start, a time to wait for, or undefined. */
  next(now: number): number | Wait | undefined {
    try {
      for (;;) {
        this.#isAsked = true;
        const choice = this.#scheduler.next(now);
        const index = ReadyView.choose(choice, this.#mark);
        if (index === undefined) return this.#waitOf(choice, now);
        this.#observed?.set(index, choice as TaskView);
        if (this.#isReady[index] === 1) {
          this.#isReady[index] = 0;
          this.readyCount--;
          if (this.#readyByResource !== undefined) this.#count(this.resourceOf(index), -1);
          return index;
        }
        // It was withdrawn while it waited: the strategy learns that it has ended.
        this.discarded(index);
      }
    } catch (thrown) {
      throw this.#failed('next', thrown);
    } finally {
      this.#isAsked = false;
    }
  }

  /** A ready task will not start: it was skipped or canceled. */
  withdraw(index: number): void {
    if (this.#isReady[index] !== 1) return;
    this.#isReady[index] = 0;
    this.readyCount--;
    if (this.#readyByResource !== undefined) this.#count(this.resourceOf(index), -1);
  }

  /** A chosen task does not start, or its attempt was aborted: that is no answer. */
  discarded(index: number, latencyMs = 0): void {
    this.settled(index, latencyMs, ABORTED, {}, undefined);
  }

  /** What a strategy says that chooses no ready task. */
  #waitOf(choice: TaskView | Wait | undefined, now: number): Wait | undefined {
    if (choice === undefined || choice === null) return undefined;
    if (typeof choice === 'object' && 'until' in choice) {
      const { until } = choice;
      if (typeof until === 'number' && until > now) return { until };
      throw this.#error(`asked to wait until ${show(until)}, which is not after now (${now})`);
    }
    requireSync(choice);
    throw this.#error(
      `chose ${choice.id === undefined ? 'something' : `"${show(choice.id)}"`} that is not ready; ` +
        'next() must return each task once, the same object that ready() received',
    );
  }

  /** The resource of all tasks that have become ready; undefined once there are several. */
  get onlyResource(): string | undefined {
    return this.#readyByResource === undefined ? this.#firstResource : undefined;
  }

  /** The resource that a task competes for. */
  resourceOf(index: number): string {
    return this.#resourceOf(this.#graph.tasks[index] as Task);
  }

  /** Whether a ready task competes for a resource that is not one of these. */
  hasReadyBeside(resources: ResourceSet): boolean {
    if (this.#readyByResource === undefined) {
      return this.readyCount > 0 && !resources.has(this.#firstResource as string);
    }
    for (const resource of this.#readyByResource.keys()) {
      if (!resources.has(resource)) return true;
    }
    return false;
  }

  #count(resource: string, change: 1 | -1): void {
    this.#firstResource ??= resource;
    if (this.#readyByResource === undefined) {
      if (resource === this.#firstResource) return;
      this.#readyByResource = new Map([[this.#firstResource, this.readyCount]]);
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
    const view = this.#observed?.get(index);
    // An attempt restarted after a crash was not chosen by this scheduler.
    if (view === undefined) return;
    this.#call('output', () => this.#scheduler.output?.(view, part));
  }

  /** Whether the strategy learns how attempts end, or observes their output. */
  get isObserving(): boolean {
    return this.#observed !== undefined;
  }

  /** Reports the end of an attempt to the strategy. */
  settled(
    index: number,
    latencyMs: number,
    error: Pick<TaskError, 'code' | 'retryAfterMs'> | undefined,
    { usage, rateLimits }: Pick<TaskOutput, 'usage' | 'rateLimits'>,
    retryDelayMs?: number,
  ): void {
    if (this.#observed === undefined) return;
    const view = this.#observed.get(index);
    this.#observed.delete(index);
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

  /** Drops the ready tasks: the run has ended. */
  clear(): void {
    this.#isReady.fill(0);
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

const ABORTED = { code: 'aborted', retryAfterMs: undefined } as const;

/** A view that knows whether it may be chosen. */
class ReadyView implements TaskView {
  readonly id: string;
  readonly index: number;
  readonly type: TaskType;
  readonly level: number;
  readonly priority: number;
  readonly estimate: Estimate | undefined;
  readonly criticalPath: number;
  readonly resource: string;
  /** As `index`, for a strategy that changes it. */
  readonly #ownIndex: number;
  #mark: object | undefined;

  constructor(task: Task, index: number, graph: Graph, resource: string, mark: object) {
    this.id = task.id;
    this.index = index;
    this.type = task.type ?? 'action';
    this.level = graph.levelOf(index);
    this.priority = task.priority ?? 0;
    this.estimate = task.estimate;
    this.criticalPath = graph.criticalPathOf(index);
    this.resource = resource;
    this.#ownIndex = index;
    this.#mark = mark;
  }

  /** The index of a choice that is a view with this mark. The view loses it: it is chosen once. */
  static choose(choice: unknown, mark: object): number | undefined {
    if (typeof choice !== 'object' || choice === null) return undefined;
    if (!(#mark in choice) || choice.#mark !== mark) return undefined;
    choice.#mark = undefined;
    return choice.#ownIndex;
  }
}

/** Rejects promises. */
function requireSync(answer: unknown): void {
  if (isLate(answer)) throw new TypeError('it is asynchronous and must be synchronous');
}
