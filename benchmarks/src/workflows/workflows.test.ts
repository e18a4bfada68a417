import { describe, expect, test } from 'vitest';
import { ratioOf, TOKEN_CASES } from './comparison.js';
import { durationsOf, planOf, readGraphs } from './graphs.js';

const graphs = readGraphs();

test('the recorded workflows are plans with a duration for each task', () => {
  expect(graphs).toHaveLength(133);
  for (const graph of graphs) {
    const { tasks } = planOf(graph);
    expect(tasks.length).toBeGreaterThanOrEqual(10);
    const durationsMs = durationsOf(graph);
    expect(Math.max(...durationsMs)).toBe(120_000);
    expect(durationsMs.every((durationMs) => Number.isInteger(durationMs) && durationMs >= 1)).toBe(
      true,
    );
  }
});

describe.each(TOKEN_CASES)('$name', (tokenCase) => {
  // Their short and long tasks start together.
  test.each(['epigenomics-chameleon-hep-1seq-100k-001', 'blast-chameleon-small-004'])(
    'long tasks of %s are not taken for a slow server',
    (name) => {
      const graph = graphs.find((each) => each.name.endsWith(name));
      if (graph === undefined) throw new Error(`there is no workflow ${name}`);
      expect(ratioOf(graph, 8, tokenCase)).toBeLessThan(1.25);
    },
  );
});
