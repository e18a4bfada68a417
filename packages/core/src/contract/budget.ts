/**
 * What a plan may use at most. Before a start that would exceed it, the run stops: attempts in
 * flight go on to their end, and nothing more starts, not even another attempt.
 */
export interface Budget {
  /** Tokens, read and written together. */
  readonly tokens?: number | undefined;
  /** US dollars. Needs prices: once a price is unknown, the budget cannot be kept and the run stops. */
  readonly costUsd?: number | undefined;
  /** Tasks that are started, however many attempts each takes. */
  readonly tasks?: number | undefined;
  /**
   * Milliseconds from the start of the run: nothing starts that is expected to end later. What
   * runs goes on to its end; see `deadlineMs` for what aborts it.
   */
  readonly wallTimeMs?: number | undefined;
}

export const BUDGET_FIELDS = ['tokens', 'costUsd', 'tasks', 'wallTimeMs'] as const;

/** Of two budgets, the lower limit each. */
export function eitherBudget(a: Budget | undefined, b: Budget | undefined): Budget | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  const lower: { -readonly [K in keyof Budget]: Budget[K] } = { ...a };
  for (const field of BUDGET_FIELDS) {
    const limit = b[field];
    if (limit !== undefined) lower[field] = Math.min(limit, a[field] ?? limit);
  }
  return lower;
}
