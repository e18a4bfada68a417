import { ATTEMPT_ERROR_CODES } from '../src/contract/errors.js';
import { GOAL_METRICS, type GoalCriterion } from '../src/contract/goal.js';
import type { Plan } from '../src/contract/plan.js';
import type { ResourceLimits } from '../src/contract/resource-limit.js';
import type { RetryPolicy } from '../src/contract/retry.js';
import type { Dice } from './dice.js';

// Settings of a whole plan or run, and retry policies, which a task may also have.

export function randomRetry(dice: Dice, what: string): RetryPolicy {
  return {
    ...(dice.chance(0.7, `${what} attempts`) && { maxAttempts: 1 + dice.below(4, what) }),
    initialDelayMs: dice.below(30, `${what} delay`),
    ...(dice.chance(0.5, `${what} most`) && { maxDelayMs: dice.below(40, `${what} most`) }),
    ...(dice.chance(0.2, `${what} after`) && { maxRetryAfterMs: dice.pick([0, 7, 45], what) }),
    ...(dice.chance(0.3, `${what} factor`) && { factor: 1 + dice.below(3, `${what} factor`) }),
    ...(dice.chance(0.3, `${what} on`) && {
      on: ATTEMPT_ERROR_CODES.filter((code) => dice.chance(0.6, `${what} on ${code}`)),
    }),
  };
}

export function randomDeadline(dice: Dice, what: string): { deadlineMs: number } {
  return { deadlineMs: 1 + dice.below(150, `${what} deadline`) };
}

/** Caps of the two resources of random runs. */
export function randomResources(dice: Dice): ResourceLimits {
  const limits = ['even', 'odd'].flatMap((name) =>
    dice.chance(0.7, `${name} has a cap`)
      ? [[name, { maxParallel: 1 + dice.below(3, `${name} cap`), ...randomSeparate(dice, name) }]]
      : [],
  );
  return Object.fromEntries(limits);
}

function randomSeparate(dice: Dice, name: string) {
  return dice.chance(0.6, `${name} kind`) ? { separate: dice.chance(0.7, `${name} separate`) } : {};
}

/** @param resources The resources that may have a budget of their own. */
export function randomBudget(
  dice: Dice,
  what: string,
  resources: readonly string[],
): NonNullable<Plan['budget']> {
  const some = {
    ...randomAmounts(dice, what),
    tasks: 1 + dice.below(12, `${what} budget tasks`),
    wallTimeMs: 1 + dice.below(120, `${what} budget time`),
  };
  const entries = Object.entries(some).filter(([name]) => dice.chance(0.4, `${what} ${name}`));
  const limited = resources.filter((name) => dice.chance(0.5, `${what} budget of ${name}`));
  const ofResources = limited.map((name) => {
    const amounts = Object.entries(randomAmounts(dice, `${what} ${name}`));
    const kept = amounts.filter(([amount]) => dice.chance(0.6, `${what} ${name} ${amount}`));
    return [name, Object.fromEntries(kept)];
  });
  return {
    ...Object.fromEntries(entries),
    ...(limited.length > 0 && { resources: Object.fromEntries(ofResources) }),
  };
}

function randomAmounts(dice: Dice, what: string) {
  return {
    tokens: 1 + dice.below(300, `${what} budget tokens`),
    costUsd: (1 + dice.below(40, `${what} budget cost`)) / 4,
  };
}

/** @param ids Tasks whose outputs may have any form. */
export function randomGoal(dice: Dice, ids: readonly string[]): Partial<Plan> {
  const criteria = Array.from({ length: 1 + dice.below(4, 'criteria') }, (_, n) => {
    const weight = dice.chance(0.5, `weight ${n}`) ? { weight: 0.1 + dice.below(4, `w${n}`) } : {};
    return { ...randomCriterion(dice, ids, `criterion ${n}`), ...weight } as GoalCriterion;
  });
  return {
    goalState: {
      criteria,
      ...(dice.chance(0.6, 'threshold') && { threshold: dice.pick([0.3, 0.5, 0.9], 'thr') }),
      ...(dice.chance(0.7, 'goal end') && {
        whenAchieved: dice.pick(['finish', 'abort'] as const, 'when achieved'),
      }),
    },
    ...(dice.chance(0.7, 'interval') && { goalCheckInterval: 1 + dice.below(4, 'interval') }),
  };
}

function randomCriterion(dice: Dice, ids: readonly string[], what: string): GoalCriterion {
  const id = ids.length === 0 ? undefined : dice.pick(ids, `${what} task`);
  const order = dice.pick(['>', '<', '>=', '<=', '==', '!='] as const, `${what} operator`);
  const path = `metrics.${dice.pick(GOAL_METRICS, `${what} metric`)}`;
  const ofRun: readonly GoalCriterion[] = [
    { count: 'outputs.*.list', operator: '>=', value: dice.below(12, `${what} count`) },
    { count: 'outputs.*', operator: order, value: dice.below(9, `${what} count`) },
    { path, operator: order, value: dice.below(9, `${what} figure`) },
  ];
  if (id === undefined) return dice.pick(ofRun, what);
  const ofTask: readonly GoalCriterion[] = [
    { path: `outputs.${id}.score`, operator: order, value: dice.below(9, `${what} score`) },
    { path: `outputs.${id}.kind`, operator: 'matches', value: '^a' },
    { path: `outputs.${id}.list`, operator: 'contains', value: 10 },
  ];
  return dice.pick([...ofRun, ...ofTask], what);
}
