import type { RunView } from '../contract/strategy.js';
import type { Graph } from '../graph/graph.js';
import type { RunState } from '../state/run-state.js';

/** Figures that only the kernel has. */
interface KernelFigures extends Pick<RunView, 'report' | 'cappedResources' | 'isFull'> {
  now(): number;
  ready(): number;
  isOver(): boolean;
  serverOf(index: number): object | undefined;
}

/** A read-only view of the run for its strategy, with live figures. */
export class LiveRunView implements RunView {
  declare readonly now: number;
  declare readonly maxParallel: number;
  declare readonly totalTasks: number;
  declare readonly running: number;
  declare readonly ready: number;
  declare readonly remaining: number;
  declare readonly isOver: boolean;
  declare readonly cappedResources: ReadonlySet<string>;

  readonly #graph: Graph;
  readonly #state: RunState;
  readonly #kernel: KernelFigures;

  constructor(graph: Graph, state: RunState, kernel: KernelFigures) {
    this.#graph = graph;
    this.#state = state;
    this.#kernel = kernel;
    Object.defineProperties(this, LiveRunView.#figures);
  }

  readonly criticalPaths: RunView['criticalPaths'] = (usualMs) => {
    const paths = this.#graph.criticalPathsBy(usualMs);
    return ({ index, estimate, type }) => paths[index] ?? estimate?.durationMs ?? usualMs(type);
  };

  readonly report: RunView['report'] = (change) => this.#kernel.report(change);

  readonly serverOf: RunView['serverOf'] = ({ index }) => this.#kernel.serverOf(index) ?? this;

  readonly isFull: RunView['isFull'] = (resource) => this.#kernel.isFull(resource);

  /**
   * Own properties, so that a spread copy has them. All views share these getters: with getters per
   * object, the engine would keep the whole run in memory until a major garbage collection.
   */
  static readonly #figures: PropertyDescriptorMap = {
    now: { enumerable: true, get: figure((view) => view.#kernel.now()) },
    maxParallel: { enumerable: true, get: figure((view) => view.#state.maxParallel as number) },
    totalTasks: { enumerable: true, get: figure((view) => view.#graph.size) },
    running: { enumerable: true, get: figure((view) => view.#state.running) },
    ready: { enumerable: true, get: figure((view) => view.#kernel.ready()) },
    remaining: { enumerable: true, get: figure((view) => view.#graph.size - view.#state.settled) },
    isOver: { enumerable: true, get: figure((view) => view.#kernel.isOver()) },
    cappedResources: { enumerable: true, get: figure((view) => view.#kernel.cappedResources) },
  };
}

/** A getter that reads a figure from the view. */
function figure<T>(read: (view: LiveRunView) => T) {
  return function (this: LiveRunView): T {
    return read(this);
  };
}
