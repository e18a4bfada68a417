/**
 * Runs random plans on SQLite under everything that may go wrong at once, and checks that nothing is
 * lost and nothing happens twice:
 *
 *   pnpm soak [--minutes 1] [--seed N]
 *
 * Processes are killed and their runs resumed, some with a changed plan, some redacted, some with
 * outputs of megabytes. Meanwhile the wall clock of each process jumps by up to an hour, and another
 * process holds the lock of the file for up to three seconds. A failure prints the seeds of its runs
 * and keeps the folder.
 */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
/** Runs that are killed together, in one process. */
const RUNS = 4;
const LARGE_BYTES = 4 * 2 ** 20;
const CLOCK_STEP_MS = 3_600_000;
/** SQLite's writers wait for ten seconds. */
const MAX_LOCK_MS = 3_000;

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '1' },
    seed: { type: 'string' },
    lock: { type: 'string' },
  },
});
if (values.lock === undefined) await soak();
else await holdLocks(values.lock);

async function soak() {
  const minutes = Number(values.minutes);
  if (!(minutes > 0)) throw new Error(`--minutes must be a number > 0; it is ${values.minutes}`);
  const seed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 31));
  if (!Number.isSafeInteger(seed))
    throw new Error(`--seed must be an integer; it is ${values.seed}`);
  const packages = ['@stratagem/sqlite', '@stratagem/parallel'];
  const filters = packages.map((name) => `--filter=${name}`);
  const built = spawnSync(
    'pnpm',
    ['turbo', 'run', 'build', '--output-logs=errors-only', ...filters],
    {
      cwd: ROOT,
      stdio: ['ignore', 'ignore', 'inherit'],
    },
  );
  if (built.status !== 0) throw new Error('the build failed');
  const { sqliteJournal } = await import('../packages/stores/sqlite/dist/index.js');
  const { surviveKills } = await import('../packages/stores/sqlite/test/survive.js');

  console.log(`${minutes} min with seed ${seed}`);
  const random = randomFrom(seed);
  const until = performance.now() + minutes * 60_000;
  const total = { runs: 0, kills: 0, repeated: 0, locks: 0 };
  for (let round = 0; performance.now() < until; round++) {
    const folder = mkdtempSync(join(tmpdir(), 'stratagem-soak-'));
    const seeds = Array.from({ length: RUNS }, (_, n) => `${seed}.${round * RUNS + n}`);
    const durability = random() < 0.5 ? 'full' : 'normal';
    const holder = spawn(process.execPath, [fileURLToPath(import.meta.url), '--lock', folder], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    let locks = 0;
    holder.stdout.on('data', (data) => {
      locks += data.length;
    });
    try {
      const { kills, repeated } = await surviveKills(
        (directory) => sqliteJournal({ directory }),
        folder,
        { seeds, durability, random, largeBytes: LARGE_BYTES, clockStepMs: CLOCK_STEP_MS },
      );
      total.runs += RUNS;
      total.kills += kills;
      total.repeated += repeated;
    } catch (error) {
      console.error(`round ${round}, runs ${seeds.join(', ')}, files in ${folder}`);
      throw error;
    } finally {
      holder.stdin.end();
      await once(holder, 'close');
    }
    total.locks += locks;
    rmSync(folder, { recursive: true, force: true });
    console.log(`round ${round}:`, JSON.stringify(total));
  }
  if (total.kills === 0 || total.locks === 0)
    throw new Error('nothing went wrong: soak for longer');
}

/** Locks the file of the journal again and again, until the parent ends the input. */
async function holdLocks(folder) {
  let isOver = false;
  process.stdin.resume();
  process.stdin.once('end', () => {
    isOver = true;
  });
  const file = join(folder, 'journal.db');
  while (!isOver) {
    await pause(50 + Math.random() * 500);
    if (!existsSync(file)) continue;
    try {
      const database = new DatabaseSync(file, { timeout: 100 });
      try {
        database.exec('BEGIN IMMEDIATE');
        process.stdout.write('.');
        // Mostly short, sometimes long.
        await pause(Math.random() ** 4 * MAX_LOCK_MS);
        database.exec('ROLLBACK');
      } finally {
        database.close();
      }
    } catch {
      // Another process writes, or has just created the file.
    }
  }
}

function pause(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Numbers from 0 to 1, determined by the seed (mulberry32). */
function randomFrom(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
