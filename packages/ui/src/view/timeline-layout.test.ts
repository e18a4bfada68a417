import fc from 'fast-check';
import { expect, test } from 'vitest';
import { diligenceRun, documentsRun, researchRun } from '../../test/sample-runs.js';
import { runModel } from '../pictures.js';
import { edgesBetween, foldTasks } from './fold-tasks.js';
import { layoutGraph } from './graph-layout.js';
import { viewOf } from './run-view.js';
import { barBox, hitTest, laneTop, measureTimeline } from './timeline-geometry.js';
import { defaultMode, layoutTimeline, withinWindow } from './timeline-layout.js';

const diligence = viewOf(runModel(diligenceRun()));
const NONE: ReadonlySet<string> = new Set();

test('tasks whose ids differ in one token are folded, and so are groups', () => {
  const folds = foldTasks(diligence, 30, NONE);
  const kinds = new Map(folds.map(({ label, kind, tasks }) => [label, `${kind} ${tasks.length}`]));
  expect(kinds.get('*-analyse')).toBe('alike 8');
  expect(kinds.get('profile')).toBe('group 36');
  expect(kinds.get('edit-*')).toBe('alike 9');
  expect(kinds.get('brief')).toBe('task 1');
  expect(folds.length).toBeLessThanOrEqual(26);
});

test('every task is in one fold, whatever is open', () => {
  const all = diligence.model.tasks.filter(({ children }) => children === undefined);
  const ids = foldTasks(diligence, 30, NONE).map(({ id }) => id);
  fc.assert(
    fc.property(fc.subarray(ids), fc.nat(60), (open, limit) => {
      const folds = foldTasks(diligence, limit, new Set(open)).filter(({ isOpen }) => !isOpen);
      const shown = folds.flatMap(({ tasks }) => tasks.map(({ id }) => id));
      expect(new Set(shown).size).toBe(shown.length);
      expect(shown).toHaveLength(all.length);
    }),
    { numRuns: 50 },
  );
});

test('an open group follows its tasks in the graph', () => {
  const folds = foldTasks(diligence, 400, new Set(['profile']));
  const edges = edgesBetween(diligence, folds).map(({ from, to }) => `${from} → ${to}`);
  expect(edges).toContain('suppliers → profile[3]');
  expect(edges).toContain('profile[3] → profile');
  expect(edges).toContain('profile → screen');
  expect(edges).not.toContain('suppliers → profile');
});

test('5,000 tasks are ten nodes, and the graph never has more than 240', () => {
  const view = viewOf(runModel(documentsRun(500)));
  expect(layoutGraph(view, NONE).nodes).toHaveLength(10);
  const odd = view.model.tasks.slice(0, 900).map((task, index) => ({
    ...task,
    id: Array(index + 1)
      .fill('ab')
      .join('-'),
    inputs: [],
  }));
  const many = layoutGraph(viewOf({ ...view.model, tasks: odd }), NONE);
  expect(many.isByLevel).toBe(true);
  expect(many.nodes.length).toBeLessThanOrEqual(240);
});

test('critical edges join the tasks of the critical path', () => {
  const { edges, nodes } = layoutGraph(diligence, NONE);
  const labels = new Map(nodes.map(({ fold }) => [fold.id, fold.label]));
  const critical = edges
    .filter(({ isCritical }) => isCritical)
    .map(({ from, to }) => `${labels.get(from)} ${labels.get(to)}`);
  expect(critical).toEqual(
    expect.arrayContaining(['brief news', 'approve section-*', 'section-* edit-*']),
  );
});

test('the mode depends on the number of tasks', () => {
  expect(defaultMode(runModel(researchRun()))).toBe('tasks');
  expect(defaultMode(diligence.model)).toBe('groups');
  expect(defaultMode(runModel(documentsRun(50)))).toBe('slots');
});

test('bars of one slot never overlap', () => {
  for (const lane of layoutTimeline(diligence, 'slots', NONE).lanes) {
    for (const [index, bar] of lane.entries()) {
      expect(bar.from).toBeGreaterThanOrEqual((lane[index - 1]?.to ?? 0) - 0.011);
    }
  }
  expect(layoutTimeline(diligence, 'slots', NONE).lanes).toHaveLength(12);
});

test('a window hides the rows that have nothing in it, and counts them', () => {
  const whole = layoutTimeline(diligence, 'groups', NONE);
  const start = withinWindow(whole, 0, 4_000);
  expect(start.rows.map(({ id }) => id)).toEqual(['brief']);
  expect(start.hidden).toBe(whole.rows.length - 1);
});

test.each(['groups', 'tasks', 'slots'] as const)(
  'each bar of %s is found where it is drawn',
  (mode) => {
    const layout = layoutTimeline(diligence, mode, NONE);
    const options = { width: 1_400, from: 0, to: diligence.now, maxHeight: Infinity };
    const at = measureTimeline(diligence, layout, options);
    let looked = 0;
    for (const [lane, bars] of layout.lanes.entries()) {
      for (const bar of bars) {
        // Thinner ones share their pixels with others.
        if (bar.kind === 'wait' || at.x(bar.to) - at.x(bar.from) < 12) continue;
        const [top, height] = barBox(bar, laneTop(at, lane), layout.heights[lane] ?? 0);
        const middle = at.x((bar.from + bar.to) / 2);
        const hit = hitTest(diligence, layout, at, middle, top + height / 2);
        expect(hit).toMatchObject({ area: 'chart', lane });
        expect(hit.bar?.task.id).toBe(bar.task.id);
        looked++;
      }
    }
    expect(looked).toBeGreaterThan(60);
  },
);
