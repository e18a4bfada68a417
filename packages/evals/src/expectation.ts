import type { JsonSchema } from '@stratagem/core';

/** One run of a plan, and what is expected of its results. */
export interface EvalCase<Inputs = Readonly<Record<string, unknown>>> {
  /** Unique among the cases. */
  readonly name: string;
  /** The values of the plan's inputs. */
  readonly inputs?: Inputs | undefined;
  /** All of these must hold. */
  readonly expect: readonly Expectation[];
}

interface OfOutput {
  /**
   * The result that is checked, or a part of it: `report`, `report.companies[0].name`.
   * @default the only result of the plan
   */
  readonly output?: string | undefined;
}

/** One expectation of a result of the plan. */
export type Expectation = OfOutput &
  (
    | { readonly equals: unknown }
    /** A part of a text, or an item of a list. */
    | { readonly contains: unknown }
    /** A regular expression, as in the conditions of a plan. */
    | { readonly matches: string }
    | { readonly schema: JsonSchema }
    /** A question about the result that a model answers with a score from 0 to 1. */
    | {
        readonly judge: string;
        /** @default 0.7 */
        readonly minScore?: number | undefined;
      }
    /**
     * A function of your own. It returns true, or false, or the reason why the result is wrong; what it throws
     * is such a reason, too.
     */
    | { readonly check: Check }
  );

/** @param outputs All results of the plan by name. */
export type Check = (
  value: unknown,
  outputs: Readonly<Record<string, unknown>>,
) => boolean | string | Promise<boolean | string>;

/** The field that says what is expected. */
export const KINDS = ['equals', 'contains', 'matches', 'schema', 'judge', 'check'] as const;

export type Kind = (typeof KINDS)[number];

export function kindOf(expectation: Expectation): Kind {
  return KINDS.find((kind) => kind in expectation) as Kind;
}
