import type { MappedRow } from '@stratagem/datasets';
import { afterEach, expect, test, vi } from 'vitest';
import { openMapOutput } from './map-output.js';

const PLAN = { goal: 'g', tasks: [{ id: 'a', description: 'x' }] };
const ROW: MappedRow = { row: 1, status: 'completed', attempts: 1, durationMs: 0, input: {} };

afterEach(() => vi.restoreAllMocks());

/** Standard output on which every write fails. */
function failWrites(code: string): void {
  vi.spyOn(process.stdout, 'write').mockImplementation((...args: unknown[]) => {
    const done = args.at(-1) as (error: Error) => void;
    done(Object.assign(new Error(`${code}: no luck, write`), { code }));
    return false;
  });
}

test('a reader that has left wants no more rows', async () => {
  failWrites('EPIPE');
  const output = await openMapOutput(undefined, PLAN);
  expect(await output.write(ROW)).toBe(false);
});

test('rows that standard output cannot take are an error that names it', async () => {
  failWrites('ENOSPC');
  const output = await openMapOutput(undefined, PLAN);
  await expect(output.write(ROW)).rejects.toMatchObject({
    code: 'run_failed',
    message: 'standard output: cannot write: ENOSPC: no luck, write',
  });
});
