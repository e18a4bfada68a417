import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createExecutor, type EventData } from '@stratagem/core';
import { submitRun } from '@stratagem/core/coordinator';
import type { RunQueue } from '@stratagem/core/journal';
import { parallel } from '@stratagem/parallel';
import { all } from '@stratagem/server-kit/events';
import type { LocalServer } from '@stratagem/server-kit/local-server';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openQueue } from '../test/backends.js';
import { approveAll, planOf, runnerOf } from '../test/kill-plan.js';
import {
  begunTooLate,
  mostAtOnce,
  ownedByTwo,
  type Role,
  readNotes,
  startProcesses,
} from '../test/processes.js';
import { BACKENDS } from '../test/servers.js';

const { env } = process;
/** `scripts/kill.mjs` runs more and larger ones. */
const ROUNDS = Number(env.ROUNDS ?? 1);
const SEED = env.SEED ?? '1';
const TASKS = Number(env.TASKS ?? 32);
const RUNS = Number(env.RUNS ?? 1);
const HAS_WORKERS = env.WORKERS !== '0';
/** Whether processes are suspended for longer than their leases, instead of killed. */
const PAUSES = env.PAUSES === '1';
/** Whether a run may stand still for so long only: too strict for a machine that does other work. */
const CHECKS_GAPS = env.GAPS === '1';

const KILLS = CHECKS_GAPS ? 6 : 4;
const LEASE_MS = 1_500;
const MAX_GAP_MS = 3 * LEASE_MS;
/** Where the server died. */
const MAX_SERVER_GAP_MS = 15_000;
/** The longest time of an attempt. While one process stands still, the others must not end the run. */
const MAX_MS = PAUSES ? 600 : 25;
const CAP = 6;
const ENDED: ReadonlySet<string> = new Set(['completed', 'failed', 'canceled']);
const ROLES: readonly Role[] = HAS_WORKERS
  ? ['coordinator', 'coordinator', 'worker', 'worker']
  : ['coordinator', 'coordinator'];

const backends = Object.entries(BACKENDS).filter(([name]) => name === (env.BACKEND ?? name));
for (const [, { problem }] of backends) if (problem !== undefined) console.warn(problem);

interface Total {
  kills: number;
  serverKills: number;
  takeovers: number;
  longestGapMs: number;
  longestGapOfServerMs: number;
  mostAtOnce: number;
}

describe.each(backends)('on %s', (name, { problem, start }) => {
  describe.skipIf(problem !== undefined)('coordinators, workers and the server', () => {
    // It is killed, so that no other file can use it.
    let server: LocalServer;
    let folder: string;
    beforeAll(async () => {
      server = await start();
      folder = mkdtempSync(join(tmpdir(), 'stratagem-kill-'));
    });
    afterAll(async () => {
      await server[Symbol.asyncDispose]();
      rmSync(folder, { recursive: true, force: true });
    });

    test(`may be killed at any moment: every run completes, and each task once (${ROUNDS} rounds)`, async () => {
      const total: Total = {
        ...{ kills: 0, serverKills: 0, takeovers: 0 },
        ...{ longestGapMs: 0, longestGapOfServerMs: 0, mostAtOnce: 0 },
      };
      for (let round = 0; round < ROUNDS; round++) {
        await survive(server, join(folder, `notes-${round}`), `${SEED}.${round}`, total);
        if (ROUNDS > 1) console.log(name, `${round + 1} rounds`, total);
      }
      // Otherwise the kills came too late to prove anything.
      expect(total.kills).toBeGreaterThanOrEqual((PAUSES ? 2 : 4) * ROUNDS);
      expect(total.takeovers).toBeGreaterThanOrEqual(ROUNDS);
    }, 3_600_000);
  });
});

async function survive(
  server: LocalServer,
  notes: string,
  seed: string,
  total: Total,
): Promise<void> {
  writeFileSync(notes, '');
  let dots = 0;
  let onDot = () => {};
  const gate = `${notes}.gate`;
  // One round proves something when all of its kills fall into the run. Of many rounds, some kill at its end.
  if (ROUNDS > 1) writeFileSync(gate, '');
  const given = { url: server.url, notes, gate, leaseMs: LEASE_MS, maxRuns: RUNS, maxMs: MAX_MS };
  const group = startProcesses(ROLES, { ...given, hasWorkers: HAS_WORKERS }, () => {
    dots++;
    onDot();
  });
  await using journal = openQueue(server.url);
  const ids = Array.from({ length: RUNS }, (_, n) => `run-${seed}-${n}`);
  const killedServerAt: number[] = [];
  try {
    for (const runId of ids) {
      const options = { runId, tenant: runId, maxParallel: CAP };
      await submitRun(journal, planOf(runId, TASKS), options);
    }
    for (let kill = 0; kill < KILLS; kill++) {
      // Attempts that start until the next kill: all of them fall into the run.
      const until = dots + 1 + draw(Math.floor((RUNS * TASKS) / (KILLS + 2)));
      const isOver = await reached(
        () => dots >= until,
        (wake) => {
          onDot = wake;
        },
        journal,
        ids,
      );
      if (isOver) break;
      total.kills++;
      if (kill % 3 === 2 && !PAUSES) {
        total.serverKills++;
        killedServerAt.push(Date.now());
        await server.kill();
        await server.start();
      } else if (PAUSES) await group.suspend(kill % ROLES.length, 2 * LEASE_MS);
      // A coordinator, a worker, the server; the other coordinator, the other worker, the server.
      else await group.replace(HAS_WORKERS ? 2 * (kill % 3) + Math.floor(kill / 3) : kill % 2);
    }
    writeFileSync(gate, '');
    while (!(await haveEnded(journal, ids))) await sleep(100);
  } finally {
    await group.end();
  }
  for (const runId of ids) await check(await all(journal, runId), runId, killedServerAt, total);
  const noted = readNotes(notes);
  const wereUp = new Set(noted.filter(({ what }) => what === 'up').map(({ pid }) => pid));
  expect([...group.crashes].filter(([pid]) => wereUp.has(pid))).toEqual([]);
  expect(ownedByTwo(noted, group.killedAt)).toEqual([]);
  if (PAUSES) return;
  expect(begunTooLate(noted)).toEqual([]);
  total.mostAtOnce = Math.max(total.mostAtOnce, mostAtOnce(noted, group.killedAt));
  expect(total.mostAtOnce).toBeLessThanOrEqual(CAP);
}

async function check(
  events: readonly EventData[],
  runId: string,
  killedServerAt: readonly number[],
  total: Total,
): Promise<void> {
  expect(events.filter(({ type }) => type === 'task_failed')).toEqual([]);
  expect(events.at(-1)).toMatchObject({ type: 'run_completed' });
  const completed = events.filter(({ type }) => type === 'task_completed');
  const ids = completed.map(({ taskId }) => taskId);
  expect(new Set(ids).size).toBe(ids.length);
  expect(ids.length).toBe(TASKS);
  const sequences = events.map(({ sequence }) => sequence);
  expect(sequences).toEqual([...new Set(sequences)].sort((a, b) => a - b));
  // A run without disturbance has the same outputs.
  const executor = createExecutor({ strategy: parallel(), runner: runnerOf(1) });
  const undisturbed = executor.execute(planOf(runId, TASKS), { runId });
  void approveAll(undisturbed);
  const { tasks } = await undisturbed.orThrow();
  for (const { id, output } of tasks) {
    const recorded = completed.find(({ taskId }) => taskId === id)?.output;
    if (typeof output === 'string') expect(recorded).toBe(output);
  }
  for (const [index, { timestamp }] of events.slice(1).entries()) {
    const before = events[index]?.timestamp as number;
    const gapMs = Math.round(timestamp - before);
    const hadServer = !killedServerAt.some((at) => at >= before - 1_000 && at <= timestamp);
    const longest = hadServer ? 'longestGapMs' : 'longestGapOfServerMs';
    total[longest] = Math.max(total[longest], gapMs);
  }
  if (CHECKS_GAPS && !PAUSES) {
    expect(total.longestGapMs).toBeLessThanOrEqual(MAX_GAP_MS);
    expect(total.longestGapOfServerMs).toBeLessThanOrEqual(MAX_SERVER_GAP_MS);
  }
  total.takeovers += events.filter(({ type }) => type === 'run_resumed').length;
}

/** Waits for a number of dots; true when all runs have ended before. */
async function reached(
  isReached: () => boolean,
  listen: (wake: () => void) => void,
  journal: RunQueue,
  ids: readonly string[],
): Promise<boolean> {
  while (!isReached()) {
    let timer: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve) => {
      listen(resolve);
      timer = setTimeout(resolve, 500);
    });
    clearTimeout(timer);
    if (await haveEnded(journal, ids)) return true;
  }
  return false;
}

async function haveEnded(journal: RunQueue, ids: readonly string[]): Promise<boolean> {
  const runs = (await journal.list()).filter(({ id }) => ids.includes(id));
  return runs.length === ids.length && runs.every(({ status }) => ENDED.has(status));
}

/** A whole number below `bound`. */
function draw(bound: number): number {
  return Math.floor(Math.random() * bound);
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
