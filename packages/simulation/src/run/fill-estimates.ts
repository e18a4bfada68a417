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
  /** Values of the plan's inputs: a fan-out over a list among them has as many items as the list. */
  readonly inputs?: Readonly<Record<string, unknown>> | undefined;
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
  checkOptions('fillEstimates()', options, ['items', 'iterations', 'inputs']);
  if (!Array.isArray(plan?.tasks)) {
    throw new OptionError('fillEstimates() takes a plan, an object with a goal and tasks');
  }
  const { items: count, iterations, inputs } = options;
  if (count !== undefined) checkLimit('fillEstimates()', 'items', count);
  if (iterations !== undefined) checkLimit('fillEstimates()', 'iterations', iterations);
  const found = { conditions: 0, fanOuts: 0, loops: 0, humanSteps: 0 };

  /** @param known The inputs of the plan that the task is written in, if they are known. */
  const fill = (task: Task, known: FillEstimatesOptions['inputs']): Task => {
    const { when, forEach, repeat, subtasks, plan: module, ...rest } = task;
    if (when !== undefined) found.conditions++;
    if (task.waitFor !== undefined) found.humanSteps++;
    const list = forEach === undefined ? undefined : listIn(known, forEach);
    if (forEach !== undefined && list === undefined) found.fanOuts++;
    if (repeat !== undefined) found.loops++;
    return {
      ...rest,
      ...(forEach !== undefined && { forEach: withItems(task.id, forEach, list ?? count) }),
      ...(repeat !== undefined && { repeat: withIterations(repeat, iterations) }),
      ...(subtasks !== undefined && { subtasks: subtasks.map((each) => fill(each, known)) }),
      // A module has inputs of its own.
      ...(module !== undefined && {
        plan: { ...module, tasks: module.tasks.map((each) => fill(each, undefined)) },
      }),
    };
  };
  const { goalState, goalCheckInterval: _, budget, tasks, ...settings } = plan;
  const filled = { ...settings, tasks: tasks.map((task) => fill(task, inputs)) };
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

/** The length of the list among the inputs that a fan-out names; undefined for another list. */
function listIn(
  inputs: FillEstimatesOptions['inputs'],
  forEach: NonNullable<Task['forEach']>,
): number | undefined {
  const source = typeof forEach === 'object' ? forEach.items : forEach;
  if (typeof source !== 'string' || !source.startsWith('inputs.')) return undefined;
  let value: unknown = { inputs };
  for (const name of source.split('.')) {
    const isThere = typeof value === 'object' && value !== null && Object.hasOwn(value, name);
    value = isThere ? (value as Record<string, unknown>)[name] : undefined;
  }
  return Array.isArray(value) ? value.length : undefined;
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
  if (typeof forEach !== 'object') return items;
  const { stream, maxItems, ...limits } = forEach;
  // A stream has no limit unless it is given.
  const most = maxItems ?? (stream === undefined ? undefined : count);
  return { ...limits, ...(most !== undefined && { maxItems: most }), items };
}
