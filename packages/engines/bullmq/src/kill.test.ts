import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createExecutor, type EventData } from '@stratagem/core';
import { type RunQueue, submitRun } from '@stratagem/core/coordinator';
import { parallel } from '@stratagem/parallel';
import { postgresJournal } from '@stratagem/postgres';
import { redisJournal } from '@stratagem/redis';
import type { LocalServer } from '@stratagem/server-kit/local-server';
import { startPostgres } from '@stratagem/server-kit/postgres';
import { startRedis } from '@stratagem/server-kit/redis';
import { describe, expect, test } from 'vitest';
import { engines } from '../test/engines.js';
import { approveAll, planOf, runnerOf, sizeOf } from '../test/kill-plan.js';

/** `scripts/kill.mjs` runs more of them, and larger plans. */
const ROUNDS = Number(process.env.ROUNDS ?? 1);
const SEED = process.env.SEED ?? '1';
const LAYERED = Number(process.env.LAYERED ?? 24);
/** Whether processes stand still for longer than their leases and locks, instead of being killed. */
const PAUSES = process.env.PAUSES === '1';
const ONLY = process.env.BACKEND;
const RUNS = 2;
const KILLS = Number(process.env.KILLS ?? 3);
const LEASE_MS = 1_500;
const MACHINE = fileURLToPath(new URL('../test/machine.js', import.meta.url));
const ROLES = ['coordinator', 'worker', 'coordinator', 'worker'] as const;

const backends = engines.filter(([kind]) => ONLY === undefined || ONLY === kind);

describe.each(backends)('coordinators, workers and the server, on %s', (kind) => {
  test(`may ${PAUSES ? 'stand still' : 'be killed'} at any moment: every run completes, and each task once (${ROUNDS} rounds)`, async () => {
    const total = { kills: 0, serverKills: 0, takeovers: 0, againOnWorkers: 0, longestGapMs: 0 };
    for (let round = 0; round < ROUNDS; round++) {
      await survive(`${SEED}.${round}`, total);
      if (ROUNDS > 1) console.log(`${kind}: ${round + 1} rounds`, total);
    }
    // Otherwise the kills came too late to prove anything.
    expect(total.kills).toBeGreaterThanOrEqual(ROUNDS);
  }, 3_600_000);

  async function survive(seed: string, total: Record<string, number>): Promise<void> {
    // It is killed, so that nobody else can use it.
    await using server: LocalServer = await (kind === 'postgres' ? startPostgres : startRedis)();
    const folder = mkdtempSync(join(tmpdir(), 'stratagem-kill-'));
    const notes = join(folder, 'notes');
    writeFileSync(notes, '');
    const group = new Group({ kind, url: server.url, notes });
    await using journal = (kind === 'postgres' ? postgresJournal : redisJournal)({
      url: server.url,
    });
    const ids = Array.from({ length: RUNS }, (_, n) => `run-${seed}-${n}`);
    try {
      for (const runId of ids) await submitRun(journal, planOf(runId, LAYERED), { runId });
      for (let kill = 0; kill < KILLS; kill++) {
        if (!(await group.reaches(1 + draw(12), journal))) break;
        add(total, 'kills', 1);
        if (kill % 3 === 2) {
          add(total, 'serverKills', 1);
          await server.kill();
          await server.start();
        } else if (PAUSES) await group.suspend(kill % ROLES.length);
        else await group.replace(kill % ROLES.length);
      }
      while (!(await haveEnded(journal))) await new Promise((resolve) => setTimeout(resolve, 50));
    } finally {
      await group.end();
    }
    for (const runId of ids) await check(journal, runId, notes, group, total);
    rmSync(folder, { recursive: true, force: true });
  }

  async function check(
    journal: RunQueue,
    runId: string,
    notes: string,
    group: Group,
    total: Record<string, number>,
  ): Promise<void> {
    const events: EventData[] = [];
    for await (const event of journal.read(runId)) events.push(event);
    expect(events.filter(({ type }) => type === 'task_failed')).toEqual([]);
    expect(events.at(-1)?.type).toBe('run_completed');
    const completed = events.filter(({ type }) => type === 'task_completed');
    const ids = completed.map(({ taskId }) => taskId);
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids.length).toBe(sizeOf(LAYERED));
    // A run without disturbance has the same outputs.
    const executor = createExecutor({ strategy: parallel(), runner: runnerOf(1) });
    const undisturbed = executor.execute(planOf(runId, LAYERED), { runId });
    void approveAll(undisturbed);
    const { tasks } = await undisturbed.orThrow();
    for (const { id, output } of tasks) {
      const recorded = completed.find(({ taskId }) => taskId === id)?.output;
      if (typeof output === 'string') expect(recorded).toBe(output);
    }
    const completedAt = new Map(completed.map(({ taskId, timestamp }) => [taskId, timestamp]));
    const begun = new Map<string, number>();
    const late: Note[] = [];
    for (const note of readNotes(notes)) {
      if (note.what !== 'begin' || note.runId !== runId) continue;
      const { taskId, attempt, at, pid } = note;
      const key = `${taskId} ${attempt}`;
      begun.set(key, (begun.get(key) ?? 0) + 1);
      // The clock of an event may be a moment ahead, and has fractions.
      if (at > (completedAt.get(taskId) as number) + 5 && !group.wasSuspended(pid)) late.push(note);
    }
    // A worker that was alive throughout begins nothing that has been acknowledged.
    expect(late).toEqual([]);
    const again = [...begun.values()].filter((count) => count > 1).length;
    add(total, 'againOnWorkers', again);
    add(total, 'takeovers', events.filter(({ type }) => type === 'run_resumed').length);
    for (const [index, { timestamp }] of events.slice(1).entries()) {
      const gapMs = Math.round(timestamp - (events[index]?.timestamp as number));
      total.longestGapMs = Math.max(total.longestGapMs ?? 0, gapMs);
    }
  }
});

interface Note {
  readonly pid: number;
  readonly what: string;
  readonly at: number;
  readonly runId: string;
  readonly taskId: string;
  readonly attempt: number;
}

function readNotes(file: string): Note[] {
  const lines = readFileSync(file, 'utf8').split('\n');
  return lines.slice(0, -1).map((line) => JSON.parse(line) as Note);
}

/** Two coordinators and two workers in processes of their own. */
class Group {
  readonly #given: object;
  readonly #children: ChildProcess[];
  readonly #suspended = new Set<number>();
  #dots = 0;
  #onDot: () => void = () => {};

  constructor(given: object) {
    this.#given = given;
    this.#children = ROLES.map((role) => this.#start(role));
  }

  #start(role: string): ChildProcess {
    const given = { ...this.#given, role, leaseMs: LEASE_MS, lockMs: LEASE_MS, maxMs: 40 };
    const child = spawn(process.execPath, [MACHINE, JSON.stringify(given)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    child.stdout?.on('data', (data) => {
      this.#dots += data.length;
      this.#onDot();
    });
    return child;
  }

  wasSuspended(pid: number): boolean {
    return this.#suspended.has(pid);
  }

  /** Waits until so many more attempts have begun; false when all runs have ended before. */
  async reaches(more: number, journal: RunQueue): Promise<boolean> {
    const until = this.#dots + more;
    while (this.#dots < until) {
      let timer: NodeJS.Timeout | undefined;
      await new Promise<void>((resolve) => {
        this.#onDot = resolve;
        timer = setTimeout(resolve, 300);
      });
      clearTimeout(timer);
      if (this.#dots < until && (await haveEnded(journal))) return false;
    }
    return true;
  }

  /** Kills one, and starts another in its place. */
  async replace(index: number): Promise<void> {
    const child = this.#children[index] as ChildProcess;
    const exit = once(child, 'exit');
    child.kill('SIGKILL');
    await exit;
    this.#children[index] = this.#start(ROLES[index] as string);
  }

  /** Lets one stand still for a while, as a virtual machine may. */
  async suspend(index: number): Promise<void> {
    const child = this.#children[index] as ChildProcess;
    this.#suspended.add(child.pid as number);
    child.kill('SIGSTOP');
    await new Promise((resolve) => setTimeout(resolve, 2 * LEASE_MS));
    child.kill('SIGCONT');
  }

  async end(): Promise<void> {
    const exits = this.#children.map((child) => once(child, 'exit'));
    for (const child of this.#children) child.kill('SIGKILL');
    await Promise.all(exits);
  }
}

async function haveEnded(journal: RunQueue): Promise<boolean> {
  return (await journal.list()).every(({ status }) => /^(completed|failed)$/.test(status));
}

function add(total: Record<string, number>, name: string, count: number): void {
  total[name] = (total[name] ?? 0) + count;
}

/** A whole number below `bound`. */
function draw(bound: number): number {
  return Math.floor(Math.random() * bound);
}
