import type { PlanProblem } from '@stratagem/core';
import { type Document, isAlias, isMap, isNode, isScalar, isSeq, type Node } from 'yaml';

/** Where in the source a problem is, as an offset: its value, or its key when the key is wrong. */
export function placeOf(document: Document, { code, path }: PlanProblem): number {
  let node: Node | null = document.contents;
  let place = startOf(node) ?? 0;
  for (const [depth, step] of path.entries()) {
    if (isAlias(node)) node = node.resolve(document) ?? null;
    if (isSeq(node)) {
      const item: unknown = node.items[step as number];
      node = isNode(item) ? item : null;
      place = startOf(node) ?? place;
    } else if (isMap(node)) {
      const pair = node.items.find(
        ({ key }) => isScalar(key) && String(key.value) === String(step),
      );
      if (pair === undefined) return place;
      const value = isNode(pair.value) ? pair.value : null;
      const wantsKey = code === 'unknown_field' && depth === path.length - 1;
      place = startOf(wantsKey ? (pair.key as Node) : value) ?? startOf(pair.key as Node) ?? place;
      node = value;
    } else return place;
  }
  return place;
}

function startOf(node: Node | null): number | undefined {
  return node?.range?.[0];
}
