import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createExecutor, type EventData } from '@stratagem/core';
import { submitRun } from '@stratagem/core/coordinator';
import { parallel } from '@stratagem/parallel';
import { all } from '@stratagem/server-kit/events';
import type { LocalServer } from '@stratagem/server-kit/local-server';
import { startPostgres } from '@stratagem/server-kit/postgres';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { coordinators, ownedByTwo } from '../test/coordinators.js';
import { approveAll, planOf, runnerOf, SIZE } from '../test/kill-plan.js';
import { url } from '../test/schemas.js';
import { postgresJournal } from './postgres-journal.js';

/** `scripts/kill.mjs` runs more of them. */
const ROUNDS = Number(process.env.ROUNDS ?? 1);
const SEED = process.env.SEED ?? '1';
/** Whether coordinators are suspended for longer than their leases, instead of killed. */
const PAUSES = process.env.PAUSES === '1';
const RUNS = 4;
const KILLS = 5;
const LEASE_MS = 1_500;
/** Attempts that start until the next kill, at most. */
const MAX_DOTS = 30;

describe.skipIf(url === undefined)('coordinators and the server', () => {
  // It is killed, so that no other file can use it.
  let server: LocalServer;
  let folder: string;
  beforeAll(async () => {
    server = await startPostgres();
    folder = mkdtempSync(join(tmpdir(), 'stratagem-kill-'));
  });
  afterAll(async () => {
    await server[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
  });

  test(`may be killed at any moment: every run completes, and each task once (${ROUNDS} rounds)`, async () => {
    const total = { kills: 0, serverKills: 0, takeovers: 0, longestGapMs: 0 };
    for (let round = 0; round < ROUNDS; round++) {
      await survive(`${SEED}.${round}`, total);
      if (ROUNDS > 1) console.log(`${round + 1} rounds`, total);
    }
    // Otherwise the kills came too late to prove anything.
    expect(total.takeovers).toBeGreaterThanOrEqual(ROUNDS);
  }, 3_600_000);

  async function survive(seed: string, total: Record<string, number>): Promise<void> {
    const notes = join(folder, `notes-${seed}`);
    writeFileSync(notes, '');
    let dots = 0;
    let onDot = () => {};
    const given = { url: server.url, notes, leaseMs: LEASE_MS, maxRuns: RUNS, maxMs: 25 };
    const group = coordinators(2, given, () => {
      dots++;
      onDot();
    });
    await using journal = postgresJournal({ url: server.url });
    const ids = Array.from({ length: RUNS }, (_, n) => `run-${seed}-${n}`);
    try {
      for (const runId of ids) await submitRun(journal, planOf(runId), { runId, tenant: runId });
      for (let kill = 0; kill < KILLS; kill++) {
        const until = dots + 1 + draw(MAX_DOTS);
        // Near the end nothing may start any more.
        const isOver = await reached(
          () => dots >= until,
          (wake) => {
            onDot = wake;
          },
          journal,
        );
        if (isOver) break;
        total.kills = (total.kills ?? 0) + 1;
        if (kill % 3 === 2) {
          total.serverKills = (total.serverKills ?? 0) + 1;
          await server.kill();
          await server.start();
        } else if (PAUSES) await group.suspend(kill % 2, 2 * LEASE_MS);
        else await group.replace(kill % 2);
      }
      while (!(await haveEnded(journal))) await new Promise((resolve) => setTimeout(resolve, 100));
    } finally {
      await group.end();
    }
    for (const runId of ids) await check(await all(journal, runId), runId, total);
    expect(ownedByTwo(notes, group.killedAt)).toEqual([]);
  }

  async function check(
    events: readonly EventData[],
    runId: string,
    total: Record<string, number>,
  ): Promise<void> {
    expect(events.at(-1)?.type).toBe('run_completed');
    const completed = events.filter(({ type }) => type === 'task_completed');
    const ids = completed.map(({ taskId }) => taskId);
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids.length).toBe(SIZE);
    expect(events.filter(({ type }) => type === 'task_failed')).toEqual([]);
    const sequences = events.map(({ sequence }) => sequence);
    expect(sequences).toEqual([...new Set(sequences)].sort((a, b) => a - b));
    // A run without disturbance has the same outputs.
    const executor = createExecutor({ strategy: parallel(), runner: runnerOf(1) });
    const undisturbed = executor.execute(planOf(runId), { runId });
    void approveAll(undisturbed);
    const { tasks } = await undisturbed.orThrow();
    for (const { id, output } of tasks) {
      const recorded = completed.find(({ taskId }) => taskId === id)?.output;
      if (typeof output === 'string') expect(recorded).toBe(output);
    }
    for (const [index, { timestamp }] of events.slice(1).entries()) {
      const gapMs = Math.round(timestamp - (events[index]?.timestamp as number));
      total.longestGapMs = Math.max(total.longestGapMs ?? 0, gapMs);
    }
    const takeovers = events.filter(({ type }) => type === 'run_resumed').length;
    total.takeovers = (total.takeovers ?? 0) + takeovers;
  }
});

type Journal = ReturnType<typeof postgresJournal>;

/** Waits for a number of dots; true when all runs have ended before. */
async function reached(
  isReached: () => boolean,
  listen: (wake: () => void) => void,
  journal: Journal,
): Promise<boolean> {
  while (!isReached()) {
    let timer: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve) => {
      listen(resolve);
      timer = setTimeout(resolve, 500);
    });
    clearTimeout(timer);
    if (await haveEnded(journal)) return true;
  }
  return false;
}

async function haveEnded(journal: Journal): Promise<boolean> {
  return (await journal.list()).every(({ status }) => status === 'completed');
}

/** A whole number below `bound`. */
function draw(bound: number): number {
  return Math.floor(Math.random() * bound);
}
