import { isTemplate } from '../src/contract/task.js';
import type { Inputs } from '../src/state/inputs.js';
import { type Account, isElement, isIteration } from './account.js';
import { must } from './must.js';

/**
 * Checks the inputs of an attempt: the outputs of its dependencies and subtasks under their local ids,
 * in a fan-out the item, and in a loop the iteration and the output before.
 */
export function checkGivenInputs(account: Account, inputs: Inputs): void {
  const { id } = account.task;
  const expected = inputsOf(account);
  const names = Object.keys(inputs);
  must(names.length === expected.size, `it is given ${[...expected.keys()]}, not ${names}`, id);
  for (const [name, value] of expected) {
    must(Object.hasOwn(inputs, name), `it is given ${name}`, id);
    must(isSame(inputs[name], value), `it is given the right ${name}`, id);
  }
}

export function inputsOf(account: Account): Map<string, unknown> {
  const expected = new Map<string, unknown>();
  addInputs(account, expected);
  const element = nearest(account, isElement);
  if (element !== undefined) {
    const index = (element.parent as Account).children.indexOf(element);
    expected.set('index', index);
    expected.set('item', index * 10);
  }
  const iteration = nearest(account, isIteration);
  if (iteration !== undefined) {
    const siblings = (iteration.parent as Account).children;
    const position = siblings.indexOf(iteration);
    expected.set('iteration', position + 1);
    const before = siblings.slice(0, position).findLast(({ status }) => status === 'completed');
    if (before !== undefined) expected.set('previous', before.output);
  }
  return expected;
}

/** Identical, unless the run was read from a log. */
function isSame(a: unknown, b: unknown): boolean {
  return a === b || (typeof a === 'object' && JSON.stringify(a) === JSON.stringify(b));
}

function nearest(account: Account, is: (account: Account) => boolean): Account | undefined {
  for (let at: Account | undefined = account; at !== undefined; at = at.parent) {
    if (is(at)) return at;
  }
  return undefined;
}

function addInputs(account: Account, into: Map<string, unknown>): void {
  const { task, parent, dependencies, children, isCopy } = account;
  if (isElement(account) || isIteration(account)) {
    addInputs(parent as Account, into);
  } else {
    const names = isCopy ? account.local.dependencies : task.dependencies;
    for (const [position, each] of dependencies.entries()) {
      addOutput(names?.[position] as string, each, into);
    }
  }
  if (isTemplate(task)) return;
  for (const child of children) addOutput(child.localId, child, into);
}

function addOutput(name: string, { status, output, loop }: Account, into: Map<string, unknown>) {
  if (status === 'completed') into.set(name, output);
  if (loop === undefined) return;
  into.set(`${name}#ending`, loop.ending);
  into.set(`${name}#iterations`, loop.iterations);
}
