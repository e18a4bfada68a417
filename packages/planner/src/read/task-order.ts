import { isEmpty, isJsonObject, type JsonObject, toText } from './json-value.js';

/** Fields beside a list of tasks that state the order of the tasks. */
export const ORDER_FIELDS = ['edges', 'links', 'dependencies'];

/**
 * Adds dependencies that are stated beside the list of tasks:
 * `edges: [{ from: "research", to: "report" }]` or `dependencies: { report: ["research"] }`.
 *
 * @returns The list with them; undefined when none are stated.
 */
export function addStatedOrder(
  plan: JsonObject,
  list: readonly unknown[],
): readonly unknown[] | 'unreadable' | undefined {
  const pairs = ORDER_FIELDS.flatMap((name) => {
    const order = plan[name];
    if (isEmpty(order)) return [];
    return name === 'dependencies' ? pairsOfRecord(order) : pairsOfEdges(order);
  });
  if (pairs.length === 0) return undefined;
  const needs = new Map<string, unknown[]>(
    list.filter(isJsonObject).map(({ id }) => [toText(id), []]),
  );
  for (const [before, after] of pairs) {
    const needed = needs.get(toText(after));
    if (needed === undefined || isEmpty(before)) return 'unreadable';
    needed.push(before);
  }
  return list.map((task) => {
    if (!isJsonObject(task)) return task;
    const own = Array.isArray(task.dependencies) ? task.dependencies : [];
    return { ...task, dependencies: [...own, ...(needs.get(toText(task.id)) ?? [])] };
  });
}

type Pair = readonly [before: unknown, after: unknown];
const UNREADABLE: Pair = [undefined, undefined];

function pairsOfEdges(edges: unknown): Pair[] {
  if (!Array.isArray(edges)) return [UNREADABLE];
  return edges.map((edge): Pair => {
    if (Array.isArray(edge)) return [edge[0], edge[1]];
    if (!isJsonObject(edge)) return UNREADABLE;
    return [edge.from ?? edge.source, edge.to ?? edge.target];
  });
}

/** A list under this name is unreadable: it does not say which end needs the other. */
function pairsOfRecord(order: unknown): Pair[] {
  if (!isJsonObject(order)) return [UNREADABLE];
  return Object.entries(order).flatMap(([after, needed]): Pair[] => {
    const all = Array.isArray(needed) ? needed : [needed];
    return all.map((before): Pair => [before, after]);
  });
}
