import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { all } from '../test/events.js';
import { testFolder } from '../test/folder.js';
import { attemptsOf, SIZE } from '../test/kill-plan.js';
import type { Durability } from './options.js';
import { sqliteJournal } from './sqlite-journal.js';

/** The number of runs to kill; `scripts/kill.mjs` runs more of them. */
const ROUNDS = Number(process.env.ROUNDS ?? 50);
const SEED = Number(process.env.SEED ?? 1);

/** The number of runs per process, which are killed together. */
const RUNS = 5;
const KILLS = 3;
/** The maximum number of dots before a kill; a run has about 500 starts and acknowledgements. */
const MAX_DOTS = 1_000;
const AT_ONCE = 2;

const CHILD = fileURLToPath(new URL('../test/kill-child.js', import.meta.url));

interface Note {
  readonly life: string;
  readonly seed: string;
  readonly taskId: string;
  readonly attempt?: number;
  readonly idempotencyKey?: string;
}

interface EndedRun {
  readonly seed: string;
  readonly status: string;
  readonly error: unknown;
  readonly outputs: Readonly<Record<string, unknown>>;
  readonly undisturbed: Readonly<Record<string, unknown>>;
}

test(`${ROUNDS} runs of ${SIZE} tasks survive being killed at any moment`, async () => {
  const total = { kills: 0, repeated: 0 };
  let next = 0;
  const lane = async () => {
    for (let first = next; first < ROUNDS; first = next) {
      next += RUNS;
      const count = Math.min(RUNS, ROUNDS - first);
      const seeds = Array.from({ length: count }, (_, n) => `${SEED}.${first + n}`);
      const { kills, repeated } = await surviveKills(seeds, first % 2 === 0 ? 'full' : 'normal');
      total.kills += kills;
      total.repeated += repeated;
      if (ROUNDS > 50) console.log(`${first + count} runs survived`, total);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, lane));
  // Otherwise the kills came too late to prove anything.
  expect(total.kills).toBeGreaterThan(ROUNDS / RUNS);
  expect(total.repeated).toBeGreaterThan(ROUNDS / RUNS);
}, 3_600_000);

/** Begins runs, kills their process repeatedly, lets them end, and checks everything recorded. */
async function surviveKills(seeds: readonly string[], durability: Durability) {
  using folder = testFolder();
  const live = async (life: number, dots: number) => {
    const args = [CHILD, folder.path, `${life}`, durability, ...seeds];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    let seen = 0;
    let errors = '';
    child.stdout.on('data', (data: Buffer) => {
      seen += data.length;
      if (seen >= dots) child.kill('SIGKILL');
    });
    child.stderr.on('data', (data: Buffer) => {
      errors += data;
    });
    const [code, signal] = await once(child, 'close');
    if (code !== 0 && signal !== 'SIGKILL')
      throw new Error(`the child ended with ${code}: ${errors}`);
    return signal === 'SIGKILL';
  };
  let kills = 0;
  for (let life = 0; life < KILLS && !existsSync(join(folder.path, 'ended.json')); life++) {
    if (await live(life, 1 + Math.floor(Math.random() * MAX_DOTS))) kills++;
  }
  if (!existsSync(join(folder.path, 'ended.json'))) await live(KILLS, Number.POSITIVE_INFINITY);

  const starts = notesOf(join(folder.path, 'starts'));
  const acknowledged = notesOf(join(folder.path, 'acknowledged'));
  const ended: EndedRun[] = JSON.parse(readFileSync(join(folder.path, 'ended.json'), 'utf8'));
  await using journal = sqliteJournal({ directory: folder.path });
  for (const { seed, status, error, outputs, undisturbed } of ended) {
    expect({ status, error }).toEqual({ status: 'completed', error: undefined });
    expect(outputs).toEqual(undisturbed);
    expect(Object.keys(undisturbed)).toHaveLength(SIZE);
    await expectEachCompletedOnce(journal, seed);
    expectNothingRepeated(
      starts.filter((note) => note.seed === seed),
      acknowledged.filter((note) => note.seed === seed),
    );
  }
  const attempts = new Set(
    starts.map(({ seed, taskId, attempt }) => `${seed} ${taskId} ${attempt}`),
  );
  return { kills, repeated: starts.length - attempts.size };
}

async function expectEachCompletedOnce(
  journal: ReturnType<typeof sqliteJournal>,
  seed: string,
): Promise<void> {
  const completions = new Map<string, number>();
  for (const { type, taskId = '' } of await all(journal, `run-${seed}`)) {
    if (type === 'task_completed') completions.set(taskId, (completions.get(taskId) ?? 0) + 1);
  }
  expect(completions.size).toBe(SIZE);
  expect([...completions].filter(([, count]) => count !== 1)).toEqual([]);
}

/** @param starts The starts of one run in order, like `acknowledged`. */
function expectNothingRepeated(starts: readonly Note[], acknowledged: readonly Note[]): void {
  const acknowledgedIn = new Map<string, number>();
  for (const { taskId, life } of acknowledged) {
    expect(acknowledgedIn.has(taskId), `${taskId} was acknowledged twice`).toBe(false);
    acknowledgedIn.set(taskId, Number(life));
  }
  const keys = new Map<string, string | undefined>();
  const last = new Map<string, number>();
  for (const { seed, taskId, life, attempt = 0, idempotencyKey } of starts) {
    const lived = acknowledgedIn.get(taskId) ?? Number.POSITIVE_INFINITY;
    expect(lived, `${taskId} ran again after it was acknowledged`).toBeGreaterThanOrEqual(
      Number(life),
    );
    // Attempts are numbered consecutively, and never exceed their number.
    const before = last.get(taskId) ?? 0;
    expect([before, before + 1], `attempts of ${taskId}`).toContain(attempt);
    expect(attempt).toBeLessThanOrEqual(attemptsOf(seed, taskId));
    last.set(taskId, attempt);
    const key = `${taskId} ${attempt}`;
    expect(idempotencyKey).toBeTypeOf('string');
    if (keys.has(key)) expect(idempotencyKey).toBe(keys.get(key));
    keys.set(key, idempotencyKey);
  }
  expect(new Set(keys.values()).size).toBe(keys.size);
}

function notesOf(file: string): Note[] {
  const lines = readFileSync(file, 'utf8').split('\n');
  // The last line may be incomplete.
  return lines.slice(0, -1).map((line) => JSON.parse(line));
}
