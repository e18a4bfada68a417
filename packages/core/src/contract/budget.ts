/** What the attempts at one resource may use at most. */
export interface ResourceBudget {
  /** Tokens, read and written together. */
  readonly tokens?: number | undefined;
  /** US dollars. Needs prices: once a price is unknown, the budget cannot be kept and the run stops. */
  readonly costUsd?: number | undefined;
}

/**
 * What a plan may use at most. Before a start that would exceed it, the run stops: attempts in
 * flight go on to their end, and nothing more starts, not even another attempt.
 */
export interface Budget extends ResourceBudget {
  /** Tasks that are started, however many attempts each takes. */
  readonly tasks?: number | undefined;
  /**
   * Milliseconds from the start of the run: nothing starts that is expected to end later. What
   * runs goes on to its end; see `deadlineMs` for what aborts it.
   */
  readonly wallTimeMs?: number | undefined;
  /**
   * What the attempts at single resources may use, besides the limits of the whole run. A key is the
   * name of a resource, as in `resources` of a run, or the name of a runner: then it is the resource of
   * that runner. The run stops before a start that would exceed the budget of its resource, as for the
   * other limits. Runners with one resource have the sum of their budgets. Rounds of re-planning count
   * for the whole run alone.
   *
   * A name that is no resource of the plan is an error, unless it is in the options of an executor, which
   * are for many plans.
   *
   * @example
   * budget: { costUsd: 5, resources: { 'openai/gpt-5': { costUsd: 1 }, fast: { tokens: 100_000 } } }
   */
  readonly resources?: Readonly<Record<string, ResourceBudget>> | undefined;
}

export const RESOURCE_BUDGET_FIELDS = ['tokens', 'costUsd'] as const;
/** The limits of the whole run. */
const BUDGET_LIMITS = [...RESOURCE_BUDGET_FIELDS, 'tasks', 'wallTimeMs'] as const;
export const BUDGET_FIELDS = [...BUDGET_LIMITS, 'resources'] as const;

/** Of two budgets, the lower limit each. */
export function eitherBudget(a: Budget | undefined, b: Budget | undefined): Budget | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  const lower = lowerOf(a, b, BUDGET_LIMITS);
  if (a.resources === undefined || b.resources === undefined) return lower;
  return { ...lower, resources: eitherResources(a.resources, b.resources) };
}

/** Of two budgets of resources, the lower limit each. */
export function eitherResources(
  a: NonNullable<Budget['resources']>,
  b: NonNullable<Budget['resources']>,
): NonNullable<Budget['resources']> {
  const both = Object.keys(a).filter((name) => Object.hasOwn(b, name));
  const lower = both.map((name) => {
    const [first, second] = [a[name] as ResourceBudget, b[name] as ResourceBudget];
    return [name, lowerOf(first, second, RESOURCE_BUDGET_FIELDS)] as const;
  });
  return { ...a, ...b, ...Object.fromEntries(lower) };
}

/** Everything that either has, and of these limits the lower one. */
function lowerOf<Limits extends Budget>(
  a: Limits,
  b: Limits,
  names: readonly Exclude<keyof Limits & keyof Budget, 'resources'>[],
): Limits {
  const limits = names.flatMap((name) => {
    const [first, second] = [a[name] as number | undefined, b[name] as number | undefined];
    if (first === undefined && second === undefined) return [];
    return [[name, Math.min(first ?? Infinity, second ?? Infinity)]];
  });
  return { ...a, ...b, ...Object.fromEntries(limits) };
}
