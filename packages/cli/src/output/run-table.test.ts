import { Writable } from 'node:stream';
import { stripVTControlCharacters } from 'node:util';
import type { RunListing } from '@stratagem/core';
import { expect, test } from 'vitest';
import { runTable } from './run-table.js';

const startedAt = new Date(2026, 10, 30, 21, 22, 40).getTime();

function listed(id: string, more: Partial<RunListing> = {}): RunListing {
  const run = { goal: 'Report on the AI market', status: 'completed', completedTasks: 4 };
  return { ...run, id, totalTasks: 4, startedAt, ...more } as RunListing;
}

function shown(runs: readonly RunListing[], columns?: number): string[] {
  const stream = Object.assign(new Writable(), { columns }) as NodeJS.WriteStream;
  return stripVTControlCharacters(runTable(runs, stream)).split('\n');
}

const first = listed('0cca9086-32ce-47ca-a951-296e122e2fd6', { status: 'failed' });
const second = listed('report-1');

test('runs have one line each, with their whole ids', () => {
  expect(shown([first, second])).toEqual([
    '  ✗ 0cca9086-32ce-47ca-a951-296e122e2fd6  failed     4 of 4  2026-11-30 21:22:40  Report on the AI market',
    '  ✓ report-1                              completed  4 of 4  2026-11-30 21:22:40  Report on the AI market',
  ]);
});

test('on a narrow terminal, random ids are cut, and so is the goal', () => {
  expect(shown([first, second], 80)).toEqual([
    '  ✗ 0cca9086  failed     4 of 4  2026-11-30 21:22  Report on the AI market',
    '  ✓ report-1  completed  4 of 4  2026-11-30 21:22  Report on the AI market',
  ]);
  expect(shown([listed('report-1', { goal: 'x'.repeat(90) })], 60)).toEqual([
    '  ✓ report-1  completed  4 of 4  2026-11-30 21:22  xxxxxxx…',
  ]);
});

test('on a phone, the goal and the time are left out', () => {
  expect(shown([first, second], 50)).toEqual([
    '  ✗ 0cca9086  failed     4 of 4  2026-11-30 21:22',
    '  ✓ report-1  completed  4 of 4  2026-11-30 21:22',
  ]);
  expect(shown([first], 40)).toEqual(['  ✗ 0cca9086  failed  4 of 4']);
});

test('ids that begin alike stay as long as they need to be', () => {
  const twin = listed('0cca9086-32ff-47ca-a951-296e122e2fd6');
  expect(shown([first, twin], 80).map((line) => line.slice(4, 16).trimEnd())).toEqual([
    '0cca9086-32c',
    '0cca9086-32f',
  ]);
});
