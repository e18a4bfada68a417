import type { RunState } from '../src/state/run-state.js';

/** What is made from the plan and the log, and what belongs to the step under way. */
const LEFT_OUT = ['graph', 'log', 'policy', 'unblocked'];

/** Every fact of a state as plain data: two states with equal snapshots are the same. */
export function snapshotOf(state: RunState): Readonly<Record<string, unknown>> {
  return factsOf(state, state.graph.size);
}

/** The fields of a part of the state, and what it keeps to itself. */
function factsOf(part: object, size: number): Readonly<Record<string, unknown>> {
  const { internals = {} } = part as { readonly internals?: object };
  const facts = [...Object.entries(part), ...Object.entries(internals)];
  const kept = facts.filter(([name]) => !LEFT_OUT.includes(name));
  return Object.fromEntries(kept.map(([name, value]) => [name, plain(value, size)]));
}

function plain(value: unknown, size: number): unknown {
  if (value instanceof Map) return [...value].map(([key, each]) => [key, plain(each, size)]).sort();
  if (value instanceof Set) return [...value];
  if (ArrayBuffer.isView(value)) {
    return [...(value as unknown as Iterable<number>)].slice(0, size);
  }
  const isPart = typeof value === 'object' && value !== null && 'internals' in value;
  return isPart ? factsOf(value, size) : value;
}
