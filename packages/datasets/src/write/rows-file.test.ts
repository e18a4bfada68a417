import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import type { MappedRow } from '../mapped-row.js';
import { readRows } from '../read/read-rows.js';
import { openRowsFile, type RowsFileOptions } from './rows-file.js';

const folder = mkdtempSync(join(tmpdir(), 'rows-file-'));
afterAll(() => rmSync(folder, { recursive: true }));

const rows: MappedRow[] = [
  {
    ...{ row: 1, status: 'completed', outputs: { summary: '=cmd()' }, attempts: 1, durationMs: 5 },
    ...{ usage: { inputTokens: 3, outputTokens: 1 }, costUsd: 0.5, input: { text: 'a, "b"\n' } },
  },
  {
    ...{ row: 2, status: 'failed', attempts: 3, durationMs: 7, input: { text: '+1' } },
    error: { code: 'timeout', message: 'too late' },
  },
];

async function written(name: string, options?: RowsFileOptions): Promise<string> {
  const path = join(folder, name);
  const file = await openRowsFile(path, options);
  for (const row of rows) await file.write(row);
  await file.finish();
  return readFileSync(path, 'utf8');
}

async function rowsIn(path: string): Promise<Record<string, unknown>[]> {
  const found: Record<string, unknown>[] = [];
  for await (const row of readRows(path)) found.push({ ...row });
  return found;
}

test('writes a line of JSON for each result', async () => {
  const lines = (await written('a.jsonl')).trimEnd().split('\n');
  expect(lines.map((line) => JSON.parse(line))).toEqual(rows);
});

describe('a table', () => {
  test('has a row for each result, and guards formulas', async () => {
    expect(await written('a.csv', { outputs: ['summary'] })).toBe(
      'row,status,error,message,inputTokens,outputTokens,costUsd,summary,text\n' +
        '1,completed,,,3,1,0.5,\'=cmd(),"a, ""b""\n"\n' +
        "2,failed,timeout,too late,,,,,'+1\n",
    );
  });

  test('can be read again', async () => {
    await written('b.tsv', { outputs: ['summary'] });
    expect(await rowsIn(join(folder, 'b.tsv'))).toMatchObject([
      { row: '1', text: 'a, "b"\n' },
      { row: '2', error: 'timeout' },
    ]);
  });

  test('has a name of its own for each column, so that its rows can be mapped again', async () => {
    const path = join(folder, 'twice.csv');
    const file = await openRowsFile(path, { outputs: ['summary', 'error'] });
    const input = { row: 7, summary: 'old', 'input.row': 1, text: 'x' };
    await file.write({ ...(rows[0] as MappedRow), outputs: { summary: 's', error: 'e' }, input });
    await file.finish();
    const [row] = await rowsIn(path);
    expect(row).toEqual({
      ...{ row: '1', status: 'completed', error: '', message: '' },
      ...{ inputTokens: '3', outputTokens: '1', costUsd: '0.5' },
      ...{ summary: 's', 'output.error': 'e', text: 'x' },
      ...{ 'input.input.row': '7', 'input.summary': 'old', 'input.row': '1' },
    });
  });

  test('has a header without any row', async () => {
    const path = join(folder, 'none.csv');
    const file = await openRowsFile(path, { outputs: ['summary'] });
    await file.finish();
    expect(readFileSync(path, 'utf8')).toBe(
      'row,status,error,message,inputTokens,outputTokens,costUsd,summary\n',
    );
    expect(await rowsIn(path)).toEqual([]);
  });
});

test('keeps the old content until all results are there', async () => {
  const path = join(folder, 'old.jsonl');
  writeFileSync(path, 'old\n');
  const file = await openRowsFile(path);
  await file.write(rows[0] as MappedRow);
  await file.close();
  expect(readFileSync(path, 'utf8')).toBe('old\n');
  expect(readFileSync(file.partialPath, 'utf8')).toMatch(/^\{"row":1.*\}\n$/);
  await written('old.jsonl');
  expect(readFileSync(path, 'utf8')).toMatch(/^\{"row":1.*\n\{"row":2.*\n$/);
  expect(existsSync(file.partialPath)).toBe(false);
});

test('nobody else writes the same file meanwhile, and the lock of a process that died does not matter', async () => {
  const path = join(folder, 'locked.jsonl');
  const file = await openRowsFile(path);
  await expect(openRowsFile(path)).rejects.toThrow(
    `${path} is being written by this process: wait for its end, or name another file`,
  );
  await file.close();
  writeFileSync(`${path}.lock`, String(process.ppid));
  await expect(openRowsFile(path)).rejects.toThrow(`is being written by process ${process.ppid}`);
  writeFileSync(`${path}.lock`, '999999999');
  await (await openRowsFile(path)).close();
  expect(existsSync(`${path}.lock`)).toBe(false);
});

test.skipIf(!existsSync('/dev/full'))('a full disk is an error that names the file', async () => {
  const file = await openRowsFile('/dev/full');
  await file.write(rows[0] as MappedRow);
  const full = {
    code: 'run_failed',
    message: expect.stringMatching(/^\/dev\/full: cannot be written: ENOSPC/),
  };
  await expect(file.close()).rejects.toMatchObject(full);
  await file.close();
  const other = await openRowsFile('/dev/full');
  const large = { ...(rows[0] as MappedRow), outputs: { text: 'x'.repeat(100_000) } };
  await expect(other.write(large)).rejects.toMatchObject(full);
  await other.close();
  const third = await openRowsFile('/dev/full');
  await third.write(large).catch(() => {});
  await expect(third.finish()).rejects.toMatchObject(full);
});

test('writes values that JSON has no form for', async () => {
  const path = join(folder, 'values.jsonl');
  const file = await openRowsFile(path);
  await file.write({
    ...(rows[0] as MappedRow),
    outputs: { big: 5n, map: new Map([['a', new Set([1])]]) },
  });
  await file.finish();
  expect(JSON.parse(readFileSync(path, 'utf8')).outputs).toEqual({ big: '5', map: { a: [1] } });
});

test('refuses a format that cannot be written row by row', async () => {
  await expect(openRowsFile(join(folder, 'a.json'))).rejects.toThrow('JSON Lines or CSV');
});
