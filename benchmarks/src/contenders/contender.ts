import type { Dag, Shape } from '../dag.js';

/** A way to run a graph of tasks. */
export interface Contender {
  readonly name: string;
  /** What is timed, in a line. */
  readonly what: string;
  /** The largest graph of that shape worth waiting for; 0 when it cannot express the shape. */
  maxSize(shape: Shape): number;
  /**
   * Runs every task after those it depends on, at most `maxParallel` at once. Building whatever
   * the library wants to be given is part of it.
   */
  run(dag: Dag, task: (index: number) => Promise<void>, maxParallel: number): Promise<void>;
}
