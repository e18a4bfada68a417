import {
  journalConformance,
  runQueueConformance,
  sharedLimitsConformance,
} from '@stratagem/core/testing';
import { checkQueue } from '@stratagem/server-kit/queue-model';
import { describe, test } from 'vitest';
import { newPrefix, url } from '../test/prefixes.js';
import { redisJournal } from './redis-journal.js';
import { redisLimits } from './redis-limits.js';

let prefix = '';
const current = () => redisJournal({ url, prefix });
const next = () => {
  prefix = newPrefix();
  return current();
};

describe.skipIf(url === undefined)('it is a journal that', () => {
  for (const { name, run } of journalConformance(next, { reopen: current })) test(name, run);
});

describe.skipIf(url === undefined)('it is a queue that', () => {
  for (const { name, run } of runQueueConformance(next, { reopen: current })) test(name, run);

  test('gives the same runs as the queue in memory', () =>
    checkQueue(() => redisJournal({ url, prefix: newPrefix() })));
});

describe.skipIf(url === undefined)('it has limits that', () => {
  const create = () => {
    prefix = newPrefix();
    return redisLimits({ url, prefix });
  };
  const another = () => redisLimits({ url, prefix });
  for (const { name, run } of sharedLimitsConformance(create, { another })) test(name, run);
});
