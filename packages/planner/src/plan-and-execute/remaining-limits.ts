import { type Budget, type ResourceBudget, type RunOptions, StratagemError } from '@stratagem/core';
import type { Cost } from '../util/cost.js';

type ResourceBudgets = NonNullable<Budget['resources']>;
type Limits = Pick<RunOptions, 'budget' | 'deadlineMs'>;

/** The resource that planning uses. */
export interface PlanningResource {
  readonly name: string;
  /** Whether the tasks of the plan use it as well. */
  readonly isShared: boolean;
}

/**
 * Planning and running share their limits: returns the limits for the run after planning.
 *
 * @throws {StratagemError} `budget_exceeded` or `deadline_exceeded` when planning has used up a limit.
 */
export function remainingLimits(
  { budget, deadlineMs }: Limits,
  cost: Cost,
  elapsedMs: number,
  resource: PlanningResource,
): RunOptions {
  return {
    ...(budget !== undefined && { budget: remainingBudget(budget, cost, elapsedMs, resource) }),
    ...(deadlineMs !== undefined && { deadlineMs: remainingTime(deadlineMs, elapsedMs) }),
  };
}

/** The limits of planning: of the resources, those of its own alone. */
export function planningLimits({ budget }: Limits, { name }: PlanningResource): Limits {
  if (budget?.resources === undefined) return {};
  const { resources, ...whole } = budget;
  const own = resources[name];
  return { budget: { ...whole, ...(own !== undefined && { resources: { [name]: own } }) } };
}

function remainingBudget(
  { resources, wallTimeMs, tokens, costUsd, ...rest }: Budget,
  cost: Cost,
  elapsedMs: number,
  planning: PlanningResource,
): Budget {
  return {
    ...rest,
    ...remainingAmounts({ tokens, costUsd }, cost, ''),
    ...(wallTimeMs !== undefined && { wallTimeMs: left('wallTimeMs', wallTimeMs, elapsedMs) }),
    ...(resources !== undefined && { resources: remainingOf(resources, cost, planning) }),
  };
}

function remainingOf(
  resources: ResourceBudgets,
  cost: Cost,
  { name, isShared }: PlanningResource,
): ResourceBudgets {
  const { [name]: own, ...others } = resources;
  if (own === undefined) return resources;
  const remaining = isShared ? remainingAmounts(own, cost, ` at "${name}"`) : undefined;
  return { ...others, ...(remaining && { [name]: remaining }) };
}

/** @param where The resource whose budget it is, for messages. */
function remainingAmounts(
  { tokens, costUsd }: ResourceBudget,
  { usage, costUsd: spent }: Cost,
  where: string,
): ResourceBudget {
  if (costUsd !== undefined && spent === null) {
    throw exhaustedError(`costUsd${where}`, 'planning used tokens whose price is unknown');
  }
  const used = usage.inputTokens + usage.outputTokens;
  return {
    ...(tokens !== undefined && { tokens: left(`tokens${where}`, tokens, used) }),
    ...(costUsd !== undefined && { costUsd: left(`costUsd${where}`, costUsd, spent ?? 0) }),
  };
}

function left(name: string, limit: number, used: number): number {
  if (used < limit) return limit - used;
  throw exhaustedError(name, `planning used ${used} of ${limit}`);
}

function remainingTime(deadlineMs: number, elapsedMs: number): number {
  if (elapsedMs < deadlineMs) return deadlineMs - elapsedMs;
  const message = `The plan was not run: planning exceeded the deadline of ${deadlineMs} ms`;
  throw new StratagemError('deadline_exceeded', message);
}

function exhaustedError(name: string, reason: string): StratagemError {
  const message = `The plan was not run: the budget for ${name} is used up, because ${reason}`;
  return new StratagemError('budget_exceeded', message);
}
