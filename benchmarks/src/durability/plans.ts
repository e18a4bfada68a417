import type { Plan } from '@stratagem/core';
import { dagOf, type Shape } from '../util/dag.js';
import { sizeOf, type Tree } from './tree.js';

/** Tasks for a runner, in one of the shapes of the overhead benchmark. */
export function planOfShape(shape: Shape, size: number): Plan {
  const { dependencies } = dagOf(shape, size);
  return {
    goal: 'durability',
    tasks: dependencies.map((mine, index) => ({
      id: `task-${index}`,
      description: 'Do it',
      dependencies: mine.map((dependency) => `task-${dependency}`),
    })),
  };
}

/** The same graph as the BullMQ flow. */
export function planOfTree(tree: Tree): Plan {
  const tasks: Plan['tasks'][number][] = [];
  const add = ({ id, children }: Tree) => {
    for (const child of children) add(child);
    tasks.push({ id, description: 'Do it', dependencies: children.map((child) => child.id) });
  };
  add(tree);
  if (tasks.length !== sizeOf(tree)) throw new Error('the plan does not match the tree');
  return { goal: 'durability', tasks };
}
