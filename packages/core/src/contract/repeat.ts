import type { Condition } from './condition.js';

export const ON_EXHAUSTED = ['complete', 'fail'] as const;

/**
 * What a loop does when its condition does not hold after the last iteration: `complete` with the output
 * of that iteration, or `fail` with `loop_exhausted`.
 */
export type OnExhausted = (typeof ON_EXHAUSTED)[number];

/** A loop: the task, or the group with all of its subtasks, runs again until a condition holds. */
export interface Repeat {
  /**
   * Ends the loop when it holds after an iteration. Its inputs are those of the iteration, and the output
   * of the iteration under the id of the loop: `{ path: 'draft.score', operator: '>=', value: 0.9 }`. In a
   * group, the outputs of the subtasks are there by their ids as well: `judge.score`.
   */
  // biome-ignore lint/suspicious/noExplicitAny: the builder types each function; here any input fits
  readonly until: Condition | ((inputs: any) => boolean);
  /**
   * The maximum number of iterations, the first one included.
   * @default 5
   */
  readonly maxIterations?: number | undefined;
  /**
   * What happens when the condition does not hold after the last iteration.
   * @default 'complete'
   */
  readonly onExhausted?: OnExhausted | undefined;
}

/**
 * How a loop ended: its condition held (`reached`), it did not hold after the last iteration
 * (`exhausted`), or an iteration or the condition itself failed (`failed`).
 */
export type LoopEnding = 'reached' | 'exhausted' | 'failed';

/** The end of a loop. */
export interface LoopResult {
  readonly ending: LoopEnding;
  /** How many iterations ran, the last one included. */
  readonly iterations: number;
}

const DEFAULT_MAX_ITERATIONS = 5;

/** A loop with its defaults filled in. */
export function repeatOf({ until, maxIterations, onExhausted }: Repeat): {
  until: Repeat['until'];
  maxIterations: number;
  onExhausted: OnExhausted;
} {
  return {
    until,
    maxIterations: maxIterations ?? DEFAULT_MAX_ITERATIONS,
    onExhausted: onExhausted ?? 'complete',
  };
}

/** Inputs of the tasks of a loop besides their dependencies. */
export const LOOP_NAMES: readonly string[] = ['previous', 'iteration'];

/** What dependents of a loop get besides its output: how it ended, and the number of its iterations. */
export const LOOP_FACTS: readonly string[] = ['ending', 'iterations'];

/** The loop and the fact of a name like `draft#ending`; undefined for other names. */
export function parseLoopFact(
  name: string,
): { readonly loop: string; readonly fact: keyof LoopResult } | undefined {
  const end = name.lastIndexOf('#');
  const fact = name.slice(end + 1);
  if (end < 1 || !LOOP_FACTS.includes(fact)) return undefined;
  return { loop: name.slice(0, end), fact: fact as keyof LoopResult };
}

/** The name of an input that tells about the end of a loop: `draft#ending`. */
export function loopFact(id: string, fact: string): string {
  return `${id}#${fact}`;
}
