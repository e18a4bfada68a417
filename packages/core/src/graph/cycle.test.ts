import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { findCycles } from './cycle.js';
import { Graph } from './graph.js';

/** For each task, the positions of those it depends on; edges may point anywhere but to itself. */
const anyEdges = fc
  .array(fc.array(fc.nat(20), { maxLength: 4 }), { minLength: 1, maxLength: 15 })
  .map((wanted) =>
    wanted.map((positions, index) => [
      ...new Set(positions.map((n) => n % wanted.length).filter((n) => n !== index)),
    ]),
  );

const graphOf = (edges: readonly (readonly number[])[]) =>
  new Graph(edges.map((on, index) => ({ id: `${index}`, dependencies: on.map(String) })));

/** Every task that can be reached from `from` by at least one dependency, found step by step. */
function reachable(edges: readonly (readonly number[])[], from: number): Set<number> {
  const found = new Set<number>(edges[from]);
  for (const index of found) for (const next of edges[index] ?? []) found.add(next);
  return found;
}

/** The shortest way from `from` back to itself, tried length by length. */
function shortestLoop(edges: readonly (readonly number[])[], from: number): number {
  let ends = new Set([from]);
  for (let length = 1; length <= edges.length; length++) {
    ends = new Set([...ends].flatMap((index) => edges[index] ?? []));
    if (ends.has(from)) return length;
  }
  return Number.POSITIVE_INFINITY;
}

describe('findCycles', () => {
  test('finds cycles exactly when a task can reach itself, and the graph agrees', () => {
    fc.assert(
      fc.property(anyEdges, (edges) => {
        const graph = graphOf(edges);
        const cyclic = edges.some((_, index) => reachable(edges, index).has(index));
        expect(findCycles(graph).length > 0).toBe(cyclic);
        expect(graph.acyclic).toBe(!cyclic);
      }),
      { numRuns: 500 },
    );
  });

  test('each path follows dependencies back to its first task, and visits no task twice', () => {
    fc.assert(
      fc.property(anyEdges, (edges) => {
        for (const cycle of findCycles(graphOf(edges))) {
          const path = cycle.slice(0, -1);
          expect(cycle.at(-1)).toBe(cycle[0]);
          expect(new Set(path).size).toBe(path.length);
          expect(cycle[0]).toBe(Math.min(...cycle));
          for (const [step, index] of path.entries()) {
            expect(edges[index]).toContain(cycle[step + 1]);
          }
        }
      }),
      { numRuns: 500 },
    );
  });

  test('returns the shortest cycle of each group of tasks that depend on each other, in order', () => {
    fc.assert(
      fc.property(anyEdges, (edges) => {
        const reach = edges.map((_, index) => reachable(edges, index));
        const earliest = new Set<number>();
        for (const [index, reached] of reach.entries()) {
          if (!reached.has(index)) continue;
          const group = [...reached].filter((other) => reach[other]?.has(index));
          earliest.add(Math.min(...group));
        }
        const cycles = findCycles(graphOf(edges));
        expect(cycles.map(([first]) => first)).toEqual([...earliest].sort((a, b) => a - b));
        for (const cycle of cycles) {
          expect(cycle.length - 1).toBe(shortestLoop(edges, cycle[0] as number));
        }
      }),
      { numRuns: 500 },
    );
  });

  test('ignores a task that depends on itself alone, which is another problem', () => {
    expect(findCycles(graphOf([[0]]))).toEqual([]);
    expect(findCycles(new Graph([]))).toEqual([]);
  });

  test('handles one ring of 100,000 tasks, and 50,000 rings of two', () => {
    const size = 100_000;
    const [ring, ...others] = findCycles(
      graphOf(Array.from({ length: size }, (_, index) => [(index + 1) % size])),
    );
    expect(others).toEqual([]);
    expect(ring).toHaveLength(size + 1);
    expect(ring?.slice(0, 3)).toEqual([0, 1, 2]);

    const pairs = findCycles(graphOf(Array.from({ length: size }, (_, index) => [index ^ 1])));
    expect(pairs).toHaveLength(size / 2);
    expect(pairs.at(-1)).toEqual([size - 2, size - 1, size - 2]);
  });

  test('handles 500 tasks that all depend on each other', () => {
    const all = Array.from({ length: 500 }, (_, index) => index);
    const edges = all.map((index) => all.filter((other) => other !== index));
    expect(findCycles(graphOf(edges))).toEqual([[0, 1, 0]]);
  });
});
