import { spawnSync } from 'node:child_process';
import { all, completed, newRun, queued } from '@stratagem/server-kit/events';
import { machine } from '@stratagem/store-kit';
import { describe, expect, test, vi } from 'vitest';
import { newSchema, sql, table, url } from '../test/schemas.js';
import { postgresJournal } from './postgres-journal.js';

/** Lets the leases of a schema look as if they had not been renewed. */
async function expire(schema: string): Promise<void> {
  await sql(
    `UPDATE ${table(schema, 'runs')} SET lease_ms = 1, lease_until = clock_timestamp() - interval '1 s'`,
  );
}

describe.skipIf(url === undefined)('a lease', () => {
  test('that was not renewed is taken over, and its writer can write nothing more', async () => {
    const schema = newSchema();
    await using one = postgresJournal({ url, schema });
    await using two = postgresJournal({ url, schema });
    await one.submit(queued('a'));
    const first = (await one.claim())?.opened;
    await first?.append([completed(0, 'x')]);
    expect(await two.claim()).toBeUndefined();
    await expire(schema);
    expect((await two.list())[0]?.status).toBe('interrupted');
    const second = (await two.claim())?.opened;
    expect(second?.events).toEqual([completed(0, 'x')]);
    await expect(first?.append([completed(1, 'lost')])).rejects.toMatchObject({
      code: 'run_locked',
      message: expect.stringContaining('was taken over by another process'),
    });
    // Its end does not release the lease of the other one.
    await first?.close();
    await expect(one.open('a')).rejects.toMatchObject({ code: 'run_locked' });
    await second?.append([completed(1, 'y')]);
    expect(await all(one, 'a')).toEqual([completed(0, 'x'), completed(1, 'y')]);
  });

  test('that has expired still counts for its writer while nobody has taken it', async () => {
    const schema = newSchema();
    await using journal = postgresJournal({ url, schema });
    const run = await journal.create(newRun('a'));
    await expire(schema);
    await run.append([completed(0, 'x')]);
    expect(await all(journal, 'a')).toEqual([completed(0, 'x')]);
  });

  test('is renewed without appends', async () => {
    const schema = newSchema();
    await using journal = postgresJournal({ url, schema, leaseMs: 100 });
    await journal.create(newRun('a'));
    await expire(schema);
    await vi.waitFor(async () => {
      const held = `SELECT lease_until > clock_timestamp() AS held FROM ${table(schema, 'runs')}`;
      await sql(`UPDATE ${table(schema, 'runs')} SET lease_ms = 60000`);
      expect((await sql(held))[0]?.held).toBe(true);
    });
  });

  test('of a process of this machine that has ended is free at once', async () => {
    const schema = newSchema();
    await using journal = postgresJournal({ url, schema });
    const run = await journal.create(newRun('a'));
    await run.append([completed(0, 'x')]);
    await expect(journal.open('a')).rejects.toThrow(/is running in process \d+\. If that process/);
    const { pid } = spawnSync('true');
    const setOwner = (owner: unknown[]) =>
      sql(`UPDATE ${table(schema, 'runs')} SET owner = $1`, [JSON.stringify(owner)]);
    await setOwner(['elsewhere x y', pid, '1']);
    await expect(journal.open('a')).rejects.toThrow(`in process ${pid} on elsewhere`);
    await setOwner([machine, pid, '1']);
    const again = await journal.open('a');
    expect(again.events).toEqual([completed(0, 'x')]);
    await expect(run.append([completed(1, 'lost')])).rejects.toMatchObject({ code: 'run_locked' });
  });

  test('of a process that has ended does not keep a run that never started', async () => {
    const schema = newSchema();
    await using journal = postgresJournal({ url, schema });
    await journal.create(newRun('a'));
    const { pid } = spawnSync('true');
    await sql(`UPDATE ${table(schema, 'runs')} SET owner = $1`, [
      JSON.stringify([machine, pid, '']),
    ]);
    const run = await journal.create(newRun('a'));
    await run.append([completed(0, 'x')]);
    expect(await all(journal, 'a')).toEqual([completed(0, 'x')]);
  });
});
