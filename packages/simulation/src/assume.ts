import { checkLimit, checkOptions, OptionError, type Plan, type Task } from '@stratagem/core';

export interface AssumeOptions {
  /** How many elements each list has that a fan-out goes over. */
  readonly elements?: number;
}

/** A plan whose course depends on no output, and what was assumed for that. */
export interface Assumed {
  readonly plan: Plan;
  /** In sentences for humans; empty when nothing had to be assumed. */
  readonly assumptions: readonly string[];
}

/**
 * A plan that can be simulated without knowing what its tasks bring: conditions count as met, lists
 * of fan-outs have as many elements as given, and goals and budgets are left out.
 *
 * @throws {OptionError} when there is a fan-out and `elements` is left out, or when an option is
 * unknown or out of range.
 *
 * @example
 * const { plan, assumptions } = assume(written, { elements: 10 });
 * const rows = whatIf(plan, { server, strategy, maxParallel: [4, 8, 16] });
 */
export function assume(plan: Plan, options: AssumeOptions = {}): Assumed {
  checkOptions('assume()', options, ['elements']);
  const { elements } = options;
  if (elements !== undefined) checkLimit('assume()', 'elements', elements);
  const counts = { conditions: 0, fanOuts: 0, humanSteps: 0 };

  const assumed = (task: Task): Task => {
    const { when, forEach, subtasks, ...rest } = task;
    if (when !== undefined) counts.conditions++;
    if (task.waitFor !== undefined) counts.humanSteps++;
    if (forEach !== undefined) counts.fanOuts++;
    return {
      ...rest,
      ...(forEach !== undefined && { forEach: listOf(task.id, forEach, elements) }),
      ...(subtasks !== undefined && { subtasks: subtasks.map(assumed) }),
    };
  };
  const { goalState, goalCheckInterval: _, budget, tasks, ...settings } = plan;
  const known = { ...settings, tasks: tasks.map(assumed) };
  const { conditions, fanOuts, humanSteps } = counts;
  return {
    plan: known,
    assumptions: [
      ...said(conditions, 'condition counts as met', 'conditions count as met'),
      ...said(fanOuts, `list has ${elements} elements`, `lists have ${elements} elements each`),
      ...said(
        humanSteps,
        'human step is answered after what it is estimated to take, else at once',
        'human steps are answered after what they are estimated to take, else at once',
      ),
      ...(goalState === undefined ? [] : ['the goal is not checked']),
      ...(budget === undefined ? [] : ['the budget is not kept']),
    ],
  };
}

function said(count: number, one: string, several: string): string[] {
  if (count === 0) return [];
  return [count === 1 ? `1 ${one}` : `${count} ${several}`];
}

function listOf(
  id: string,
  forEach: NonNullable<Task['forEach']>,
  elements: number | undefined,
): NonNullable<Task['forEach']> {
  if (elements === undefined) {
    throw new OptionError(
      `assume(): task "${id}" is done for each element of a list that is not known; give elements`,
    );
  }
  const items = () => Array.from({ length: elements }, (_, index) => index);
  return typeof forEach === 'object' ? { ...forEach, items } : items;
}
