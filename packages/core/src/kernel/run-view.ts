import type { RunView } from '../contract/strategy.js';
import type { Graph } from '../graph/graph.js';
import type { RunState } from '../state/run-state.js';

/** The figures that only the kernel knows. */
export interface KernelFigures extends Pick<RunView, 'report'> {
  now(): number;
  ready(): number;
}

/** Live figures for the strategy, and no way to change them. */
export class LiveRunView implements RunView {
  declare readonly now: number;
  declare readonly maxParallel: number;
  declare readonly totalTasks: number;
  declare readonly running: number;
  declare readonly ready: number;
  declare readonly remaining: number;

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

  /**
   * Properties of the object's own, so that a spread copy has them. All views share these getters:
   * with those of each object, the engine would keep a whole run until it collects its old garbage.
   */
  static readonly #figures: PropertyDescriptorMap = {
    now: { enumerable: true, get: figure((view) => view.#kernel.now()) },
    maxParallel: { enumerable: true, get: figure((view) => view.#state.maxParallel as number) },
    totalTasks: { enumerable: true, get: figure((view) => view.#graph.size) },
    running: { enumerable: true, get: figure((view) => view.#state.running) },
    ready: { enumerable: true, get: figure((view) => view.#kernel.ready()) },
    remaining: { enumerable: true, get: figure((view) => view.#graph.size - view.#state.settled) },
  };
}

/** A getter that reads its figure off the view. */
function figure(read: (view: LiveRunView) => number) {
  return function (this: LiveRunView): number {
    return read(this);
  };
}
