import {
  type Budget,
  eitherResources,
  RESOURCE_BUDGET_FIELDS,
  type ResourceBudget,
} from '../contract/budget.js';
import { OptionError } from '../contract/errors.js';
import { didYouMean } from '../util/suggest.js';

type ResourceBudgets = NonNullable<Budget['resources']>;

/** The names under which a budget may limit a resource. */
export interface ResourceNames {
  /** The resources of runners by their names. */
  readonly byRunner: ReadonlyMap<string, string>;
  /** The resources that tasks compete for. */
  readonly resources: ReadonlySet<string>;
}

/**
 * A budget by resources alone: the names of runners are replaced by their resources. Runners with one
 * resource have the sum of their budgets.
 *
 * @param forAnyPlan Names in limits of many plans, which need not be resources of this one.
 * @throws {OptionError} for a name that is no resource.
 */
export function budgetByResource(
  budget: Budget | undefined,
  names: () => ResourceNames,
  forAnyPlan: readonly string[] = [],
): Budget | undefined {
  if (budget?.resources === undefined) return budget;
  const { byRunner, resources } = names();
  let own: ResourceBudgets = {};
  const ofRunners = new Map<string, ResourceBudget>();
  for (const [name, limits] of Object.entries(budget.resources)) {
    const resource = byRunner.get(name);
    if (resource !== undefined) {
      const before = ofRunners.get(resource);
      ofRunners.set(resource, before === undefined ? limits : sumOf(before, limits));
    } else if (resources.has(name) || forAnyPlan.includes(name)) {
      own = { ...own, [name]: limits };
    } else throw unknownResource(name, [...byRunner.keys(), ...resources]);
  }
  return { ...budget, resources: eitherResources(own, Object.fromEntries(ofRunners)) };
}

/**
 * The budgets of resources, each overridden by the given one for the same resource. Either may have the
 * name of the resource or of its runner.
 *
 * @param byRunner The resources of runners by their names.
 */
export function overrideResources(
  base: ResourceBudgets = {},
  given: ResourceBudgets = {},
  byRunner: ReadonlyMap<string, string>,
): ResourceBudgets {
  const names = Object.keys(given);
  const overridden = new Set(names.flatMap((name) => [name, byRunner.get(name) ?? name]));
  const isKept = ([name]: readonly [string, unknown]) =>
    !overridden.has(name) && !names.includes(byRunner.get(name) ?? name);
  return { ...Object.fromEntries(Object.entries(base).filter(isKept)), ...given };
}

/** An amount that one of them does not limit has no limit. */
function sumOf(a: ResourceBudget, b: ResourceBudget): ResourceBudget {
  const sums = RESOURCE_BUDGET_FIELDS.flatMap((name) => {
    const [first, second] = [a[name], b[name]];
    return first === undefined || second === undefined ? [] : [[name, first + second]];
  });
  return Object.fromEntries(sums);
}

function unknownResource(name: string, known: readonly string[]): OptionError {
  const shown = [...new Set(known)].map((each) => JSON.stringify(each)).join(', ');
  const hint = didYouMean(name, known) || (shown === '' ? '' : ` The resources are ${shown}.`);
  const place = `budget.resources[${JSON.stringify(name)}]`;
  return new OptionError(`${place}: no task of this plan competes for such a resource.${hint}`);
}
