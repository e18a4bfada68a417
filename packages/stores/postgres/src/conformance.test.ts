import {
  journalConformance,
  runQueueConformance,
  sharedLimitsConformance,
} from '@stratagem/core/testing';
import { checkQueue } from '@stratagem/server-kit/queue-model';
import { describe, test } from 'vitest';
import { newSchema, url } from '../test/schemas.js';
import { postgresJournal } from './postgres-journal.js';
import { postgresLimits } from './postgres-limits.js';

let schema = '';
const current = () => postgresJournal({ url, schema });
const next = () => {
  schema = newSchema();
  return current();
};

describe.skipIf(url === undefined)('it is a journal that', () => {
  for (const { name, run } of journalConformance(next, { reopen: current })) test(name, run);
});

describe.skipIf(url === undefined)('it is a queue that', () => {
  for (const { name, run } of runQueueConformance(next, { reopen: current })) test(name, run);

  test('gives the same runs as the queue in memory', () =>
    checkQueue(() => postgresJournal({ url, schema: newSchema() })));
});

describe.skipIf(url === undefined)('it has limits that', () => {
  const create = () => {
    schema = newSchema();
    return postgresLimits({ url, schema });
  };
  const another = () => postgresLimits({ url, schema });
  for (const { name, run } of sharedLimitsConformance(create, { another })) test(name, run);
});
