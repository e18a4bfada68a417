import type { Dag, Shape } from '../util/dag.js';

/** A library, or other code, that can run a graph of tasks. */
export interface Contender {
  readonly name: string;
  /** What is timed, in one line. */
  readonly what: string;
  /** The largest graph of a shape that it runs in reasonable time; 0 if it cannot express the shape. */
  maxSize(shape: Shape): number;
  /**
   * Runs every task after its dependencies, at most `maxParallel` at once. This includes building the
   * input of the library.
   */
  run(dag: Dag, task: (index: number) => Promise<void>, maxParallel: number): Promise<void>;
}
