import type { Inputs } from '../src/state/inputs.js';
import { type Account, isElement } from './account.js';
import { must } from './must.js';

/**
 * Checks the inputs of an attempt: the outputs of its dependencies and subtasks under their local ids,
 * and in a fan-out the item.
 */
export function checkGivenInputs(account: Account, inputs: Inputs): void {
  const { id } = account.task;
  const expected = new Map<string, unknown>();
  addInputs(account, expected);
  const names = Object.keys(inputs);
  must(names.length === expected.size, `it is given ${[...expected.keys()]}, not ${names}`, id);
  for (const [name, value] of expected) {
    must(Object.hasOwn(inputs, name), `it is given ${name}`, id);
    must(isSame(inputs[name], value), `it is given the right ${name}`, id);
  }
}

/** Identical, unless the run was read from a log. */
function isSame(a: unknown, b: unknown): boolean {
  return a === b || (typeof a === 'object' && JSON.stringify(a) === JSON.stringify(b));
}

function addInputs(account: Account, into: Map<string, unknown>): void {
  const { task, parent, dependencies, children, isCopy } = account;
  if (isElement(account)) addInputs(parent as Account, into);
  const names = isCopy && !isElement(account) ? account.local.dependencies : task.dependencies;
  for (const [position, dependency] of dependencies.entries()) {
    if (dependency.status !== 'completed') continue;
    into.set(names?.[position] as string, dependency.output);
  }
  if (task.forEach === undefined) {
    for (const child of children) {
      if (child.status === 'completed') into.set(child.localId, child.output);
    }
  }
  if (!isCopy) return;
  // The nearest enclosing element is the one that it was made for.
  let element = account;
  while (!isElement(element)) element = element.parent as Account;
  const index = (element.parent as Account).children.indexOf(element);
  into.set('index', index);
  into.set('item', index * 10);
}
