import { expect, test } from 'vitest';
import { diligenceRun } from '../../test/sample-runs.js';
import { applyDelta } from '../model/delta.js';
import { ModelBuilder } from '../model/model-builder.js';
import type { RunModel } from '../model/run-model.js';
import { Revisions } from './revisions.js';

/** The models of a run while it is under way, every so many events. */
function modelsOf(every: number): RunModel[] {
  const builder = new ModelBuilder();
  return diligenceRun().flatMap((event, index, events) => {
    builder.add(event);
    const isShown = index % every === 0 || index === events.length - 1;
    return isShown ? [builder.model({ now: event.timestamp + 3 })] : [];
  });
}

test('a page that knows any revision gets the model of now from what has changed since', () => {
  const revisions = new Revisions();
  const pages: { readonly id: string; readonly model: RunModel }[] = [];
  for (const model of modelsOf(17)) {
    revisions.update(model, 0);
    for (const page of pages) {
      const { delta, isWhole } = revisions.since(page.id);
      expect(isWhole).toBe(false);
      expect(applyDelta(page.model, delta)).toEqual(model);
    }
    pages.push({ id: revisions.id, model });
  }
  expect(pages.length).toBeGreaterThan(20);
});

test('a change is small: tasks that did not change are not sent', () => {
  const revisions = new Revisions();
  const [first, second] = modelsOf(5).slice(-30);
  revisions.update(first as RunModel, 0);
  const { id } = revisions;
  revisions.update(second as RunModel, 0);
  expect(revisions.since(id).delta.tasks.length).toBeLessThan(20);
  expect(revisions.since(undefined).delta.tasks).toHaveLength(183);
});

test.each([undefined, '', 'x', 'abc.1', '.'])(
  'a page with the revision %j gets the whole model',
  (id) => {
    const revisions = new Revisions();
    const [model] = modelsOf(100);
    revisions.update(model as RunModel, 0);
    const { delta, isWhole } = revisions.since(id);
    expect(isWhole).toBe(true);
    expect(applyDelta(undefined, delta)).toEqual(model);
  },
);

test('a log that starts again makes earlier revisions unknown', () => {
  const revisions = new Revisions();
  const [early, late] = [modelsOf(100)[0], modelsOf(100).at(-1)] as [RunModel, RunModel];
  revisions.update(late, 0);
  const { id } = revisions;
  revisions.update(early, 1);
  expect(revisions.since(id).isWhole).toBe(true);
});
