/**
 * A graph that BullMQ can express as well: its flows are trees, where a job waits for its children.
 * Each inner task has ten children.
 */
export interface Tree {
  readonly id: string;
  readonly children: readonly Tree[];
}

const FAN_IN = 10;

/** 1 + 10 + 100 + … tasks. */
export function treeOf(depth: number, id = 'task'): Tree {
  const children =
    depth === 0 ? [] : Array.from({ length: FAN_IN }, (_, n) => treeOf(depth - 1, `${id}-${n}`));
  return { id, children };
}

export function sizeOf(tree: Tree): number {
  return tree.children.reduce((sum, child) => sum + sizeOf(child), 1);
}
