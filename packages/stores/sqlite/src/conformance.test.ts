import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { journalConformance } from '@stratagem/core/testing';
import { afterAll, describe, test } from 'vitest';
import { sqliteJournal } from './sqlite-journal.js';

const folder = mkdtempSync(join(tmpdir(), 'stratagem-sqlite-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
let count = 0;

describe.each(['full', 'normal'] as const)('with durability %s', (durability) => {
  const current = () => sqliteJournal({ directory: join(folder, `${count}`), durability });
  const next = () => {
    count++;
    return current();
  };
  for (const { name, run } of journalConformance(next, { reopen: current })) test(name, run);
});
