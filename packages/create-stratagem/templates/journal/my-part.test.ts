import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { Journal } from '@stratagem/core';
import { journalConformance } from '@stratagem/core/testing';
import { myPart } from './my-part.ts';

let folder: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'my-part-'));
});
after(() => rm(folder, { recursive: true, force: true }));

let count = 0;
const folders = new WeakMap<Journal, string>();
const open = (place: string) => {
  const journal = myPart(place);
  folders.set(journal, place);
  return journal;
};
const cases = journalConformance(() => open(join(folder, `journal-${count++}`)), {
  reopen: (closed) => open(folders.get(closed) as string),
});
for (const { name, run } of cases) test(`myPart ${name}`, run);
