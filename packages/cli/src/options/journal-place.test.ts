import { expect, test } from 'vitest';
import { shownJournal } from './journal-place.js';

test.each([
  ['.stratagem', '.stratagem'],
  ['postgres://host/db', 'postgres://host/db'],
  [
    'postgres://user:hunter2@host:5432/db?sslmode=require',
    'postgres://user@host:5432/db?sslmode=require',
  ],
  ['postgres://host/db?user=me&password=hunter2', 'postgres://host/db?user=me'],
  ['redis://:hunter2@host:6379/1?prefix=x', 'redis://host:6379/1?prefix=x'],
  ['postgres://user:hunter2@[broken', 'postgres://…@[broken'],
])('%s is shown as %s', (journal, shown) => {
  expect(shownJournal(journal)).toBe(shown);
});
