import { OptionError, type Plan, type Repeat, type Task } from '@stratagem/core';
import { checkLimit, checkOptions } from '@stratagem/core/runner';

export interface FillEstimatesOptions {
  /** The number of items in the list of each fan-out. */
  readonly items?: number | undefined;
  /**
   * The number of iterations of each loop; no loop has more than its `maxIterations`.
   * @default the `maxIterations` of each loop
   */
  readonly iterations?: number | undefined;
}

/** A plan that does not depend on outputs, and the assumptions that made it so. */
export interface FilledPlan {
  readonly plan: Plan;
  /** Readable sentences; empty when nothing had to be assumed. */
  readonly assumptions: readonly string[];
}

/**
 * Makes a plan that can be simulated without outputs. Conditions count as met, the lists of fan-outs
 * have the given number of items, loops the given number of iterations, and goals and budgets are
 * removed.
 *
 * @throws {OptionError} when the plan has a fan-out and `items` is missing, or when an option is
 * unknown or out of range.
 *
 * @example
 * const { plan, assumptions } = fillEstimates(written, { items: 10 });
 * const rows = whatIf(plan, { server, strategy, maxParallel: [4, 8, 16] });
 */
export function fillEstimates(plan: Plan, options: FillEstimatesOptions = {}): FilledPlan {
  checkOptions('fillEstimates()', options, ['items', 'iterations']);
  if (!Array.isArray(plan?.tasks)) {
    throw new OptionError('fillEstimates() takes a plan, an object with a goal and tasks');
  }
  const { items: count, iterations } = options;
  if (count !== undefined) checkLimit('fillEstimates()', 'items', count);
  if (iterations !== undefined) checkLimit('fillEstimates()', 'iterations', iterations);
  const found = { conditions: 0, fanOuts: 0, loops: 0, humanSteps: 0 };

  const fill = (task: Task): Task => {
    const { when, forEach, repeat, subtasks, plan: module, ...rest } = task;
    if (when !== undefined) found.conditions++;
    if (task.waitFor !== undefined) found.humanSteps++;
    if (forEach !== undefined) found.fanOuts++;
    if (repeat !== undefined) found.loops++;
    return {
      ...rest,
      ...(forEach !== undefined && { forEach: withItems(task.id, forEach, count) }),
      ...(repeat !== undefined && { repeat: withIterations(repeat, iterations) }),
      ...(subtasks !== undefined && { subtasks: subtasks.map(fill) }),
      ...(module !== undefined && { plan: { ...module, tasks: module.tasks.map(fill) } }),
    };
  };
  const { goalState, goalCheckInterval: _, budget, tasks, ...settings } = plan;
  const filled = { ...settings, tasks: tasks.map(fill) };
  const { conditions, fanOuts, loops, humanSteps } = found;
  return {
    plan: filled,
    assumptions: [
      ...countOf(conditions, 'condition counts as met', 'conditions count as met'),
      ...countOf(fanOuts, `list has ${count} items`, `lists have ${count} items each`),
      ...loopsOf(loops, iterations),
      ...countOf(
        humanSteps,
        'human step is answered after its estimated duration, else at once',
        'human steps are answered after their estimated durations, else at once',
      ),
      ...(goalState === undefined ? [] : ['the goal is not checked']),
      ...(budget === undefined ? [] : ['the budget is not enforced']),
    ],
  };
}

function countOf(count: number, singular: string, plural: string): string[] {
  if (count === 0) return [];
  return [count === 1 ? `1 ${singular}` : `${count} ${plural}`];
}

function loopsOf(loops: number, iterations: number | undefined): string[] {
  if (iterations === undefined) {
    return countOf(loops, 'loop runs to its maxIterations', 'loops run to their maxIterations');
  }
  const times = iterations === 1 ? '1 iteration' : `${iterations} iterations`;
  return countOf(loops, `loop has ${times}`, `loops have ${times} each`);
}

/** The condition would need outputs: the loop counts its iterations instead, and does not fail. */
function withIterations(repeat: Repeat, iterations = Number.POSITIVE_INFINITY): Repeat {
  const until = ({ iteration }: { readonly iteration: number }) => iteration >= iterations;
  return { ...repeat, until, onExhausted: 'complete' };
}

function withItems(
  id: string,
  forEach: NonNullable<Task['forEach']>,
  count: number | undefined,
): NonNullable<Task['forEach']> {
  if (count === undefined) {
    throw new OptionError(
      `fillEstimates(): task "${id}" runs for each item of a list of unknown length; give items`,
    );
  }
  const items = () => Array.from({ length: count }, (_, index) => index);
  return typeof forEach === 'object' ? { ...forEach, items } : items;
}
