import type { DatasetMap } from '@stratagem/datasets';
import { expect, test } from 'vitest';
import { MapRate } from './map-progress.js';

type Map = Pick<DatasetMap<unknown, unknown>, 'progress' | 'summary'>;

function mapOf(progress: ReturnType<Map['progress']>) {
  const summary = { failed: 0, costUsd: 0 } as ReturnType<Map['summary']>;
  const shown = { ...progress };
  return { shown, map: { progress: () => shown, summary: () => summary } };
}

test('the rate is that of rows of this map, since the last question', () => {
  const { shown, map } = mapOf({ done: 500, restored: 500, read: 600, total: 1_000 });
  const rate = new MapRate(map, () => undefined, undefined);
  rate.figures(0);
  shown.done = 600;
  expect(rate.figures(10_000)).toMatchObject({ rowsPerSecond: 10, leftMs: 40_000 });
  rate.restart();
  expect(rate.figures(15_000).rowsPerSecond).toBeUndefined();
  // Another run of the earlier map was found, and its rows are there at once.
  Object.assign(shown, { done: 740, restored: 600 });
  expect(rate.figures(17_000).rowsPerSecond).toBe(20);
});

test('the number of rows was counted, or is judged by the share of the file that was read', () => {
  const { map } = mapOf({ done: 4, restored: 0, read: 8, total: undefined });
  expect(new MapRate(map, () => 1, 60).figures(0).total).toBe(60);
  expect(new MapRate(map, () => 0.1, undefined).figures(0).total).toBe(80);
});
