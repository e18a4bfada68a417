import { expect, test } from 'vitest';
import { inOrder } from '../../test/runs.js';
import { Graph } from '../graph/graph.js';
import { simulate } from '../simulate/simulate.js';
import { analyzeRun } from './analyze.js';

/** How many tasks of the graph are looked at by the analysis of layers that each depend on the last. */
function looksAt(layers: number): number {
  const tasks = Array.from({ length: layers * 10 }, (_, index) => ({
    id: `t${index}`,
    description: 'x',
    dependencies:
      index < 10 ? [] : [...new Set([index - 10, index - (index % 10) - 1])].map((n) => `t${n}`),
  }));
  const { timeline } = simulate({ goal: 'x', tasks }, { strategy: inOrder, maxParallel: 4 });
  let looks = 0;
  const methods = ['eachDependency', 'eachDependent', 'taskOf'] as const;
  const originals = methods.map((name) => Graph.prototype[name]);
  for (const [position, name] of methods.entries()) {
    Object.assign(Graph.prototype, {
      [name](this: Graph, ...args: never[]) {
        looks++;
        return (originals[position] as (...args: never[]) => unknown).apply(this, args);
      },
    });
  }
  try {
    JSON.stringify(analyzeRun(timeline));
  } finally {
    for (const [position, name] of methods.entries()) {
      Object.assign(Graph.prototype, { [name]: originals[position] });
    }
  }
  return looks;
}

test('twice as many tasks take about twice the work', () => {
  expect(looksAt(200) / looksAt(100)).toBeLessThan(3);
});
