import type { RunEvent } from '@stratagem/core';
import { expect, test } from 'vitest';
import { switchesOf } from './run-switches.js';

test('switches are at their time in the run, without the time it was down', () => {
  const events = [
    { type: 'run_started', timestamp: 100 },
    { type: 'strategy_switched', timestamp: 150 },
    { type: 'run_started', timestamp: 1_000 },
    { type: 'strategy_switched', timestamp: 1_200 },
    { type: 'run_resumed', timestamp: 9_500, downtimeMs: 8_000 },
    { type: 'strategy_switched', timestamp: 9_700 },
  ] as readonly unknown[] as readonly RunEvent[];
  expect(switchesOf(events).map(({ atMs }) => atMs)).toEqual([200, 700]);
});
