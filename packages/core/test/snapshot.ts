import type { RunState } from '../src/state/run-state.js';

/** Fields that are made from the plan or belong to the step under way: no part of what happened. */
const LEFT_OUT = ['graph', 'log', 'unblocked'];

/** Every fact of a state as plain data: two states with equal snapshots are the same. */
export function snapshotOf(state: RunState): Readonly<Record<string, unknown>> {
  const { size } = state.graph;
  const facts = Object.entries(state).filter(([name]) => !LEFT_OUT.includes(name));
  const internals = Object.entries(state.internals);
  return Object.fromEntries(
    [
      ...facts,
      ['goalCounts', state.goal?.counts] as const,
      ['failures', [...state.failures.indexes()]] as const,
      ...internals.map(([name, value]) => [`#${name}`, value] as const),
    ].map(([name, value]) => [name, plain(value, size)]),
  );
}

function plain(value: unknown, size: number): unknown {
  if (value instanceof Map) return [...value].map(([key, each]) => [key, plain(each, size)]).sort();
  if (value instanceof Set) return [...value];
  if (ArrayBuffer.isView(value)) {
    return [...(value as unknown as Iterable<number>)].slice(0, size);
  }
  return value;
}
