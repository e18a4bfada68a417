import { describe, test } from 'vitest';
import { journalConformance } from '../conformance/journal.js';
import { memoryJournal } from './memory-journal.js';

describe('memoryJournal', () => {
  for (const { name, run } of journalConformance(() => memoryJournal())) test(name, run);
});
