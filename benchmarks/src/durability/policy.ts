import { type Journal, memoryJournal } from '@stratagem/core';
import { sqliteJournal } from '@stratagem/sqlite';

/** When an append resolves: at once, when the operating system has it, or when the disk has it. */
export const POLICIES = ['memory', 'normal', 'full'] as const;

export type Policy = (typeof POLICIES)[number];

export function journalOf(policy: Policy, directory: string): Journal {
  return policy === 'memory' ? memoryJournal() : sqliteJournal({ directory, durability: policy });
}
