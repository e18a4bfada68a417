import type { TaskRunner } from '@stratagem/core';
import { expect, test } from 'vitest';
import { balance, fallback, hedge, rateLimit, route } from './index.js';

const runnerOf = (name: string, pricing: TaskRunner['pricing']): TaskRunner => ({
  name,
  pricing,
  run: async () => ({ output: name }),
});
const known = runnerOf('known', { asOf: '2026-10-06' });
const older = runnerOf('older', { asOf: '2026-01-01', unknownModels: ['m'] });
const silent = runnerOf('silent', undefined);

test('a wrapper passes on how its runner knows the cost', () => {
  expect(rateLimit(older, { requestsPerMinute: 1 }).pricing).toEqual(older.pricing);
  expect(rateLimit(silent, { requestsPerMinute: 1 })).not.toHaveProperty('pricing');
});

test('several runners have the oldest list and all unknown models', () => {
  const both = { asOf: '2026-01-01', unknownModels: ['m'] };
  expect(fallback(known, older, older).pricing).toEqual(both);
  expect(balance([known, older]).pricing).toEqual(both);
  expect(hedge(known, { afterMs: 1, to: older }).pricing).toEqual(both);
  expect(hedge(known, { afterMs: 1 }).pricing).toEqual(known.pricing);
  expect(route({ by: 'type', routes: { decision: older }, default: known }).pricing).toEqual(both);
  expect(fallback(silent, silent)).not.toHaveProperty('pricing');
});
