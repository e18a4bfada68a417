import { expect, test } from 'vitest';
import { asyncTimeRatio } from '../../test/time-ratio.js';
import { Graph } from '../graph/graph.js';
import { RunState } from '../state/run-state.js';
import { revisionProblems } from './revision.js';

test('a revision that replaces twice as many failed tasks takes about twice the work', async () => {
  const ratio = await asyncTimeRatio(20_000, (size) => {
    const replaces = Array.from({ length: size }, (_, n) => `task ${n}`);
    const state = new RunState(new Graph([]));
    state.replan.failed = [...replaces];
    return () => {
      expect(revisionProblems({ tasks: [], replaces }, state, 1)).toEqual([]);
    };
  });
  expect(ratio).toBeLessThan(3);
});
