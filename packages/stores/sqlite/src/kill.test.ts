import { expect, test } from 'vitest';
import { testFolder } from '../test/folder.js';
import { kindOf, SIZE } from '../test/kill-plan.js';
import { surviveKills } from '../test/survive.js';
import { sqliteJournal } from './sqlite-journal.js';

/** The number of runs to kill; `scripts/kill.mjs` runs more of them. */
const ROUNDS = Number(process.env.ROUNDS ?? 50);
const SEED = Number(process.env.SEED ?? 1);

/** The number of runs per process, which are killed together. */
const RUNS = 5;
const AT_ONCE = 2;

test(`${ROUNDS} runs of ${SIZE} tasks survive being killed at any moment`, async () => {
  const total = { kills: 0, repeated: 0 };
  const kinds = new Set<string>();
  let next = 0;
  const lane = async () => {
    for (let first = next; first < ROUNDS; first = next) {
      next += RUNS;
      const count = Math.min(RUNS, ROUNDS - first);
      const seeds = Array.from({ length: count }, (_, n) => `${SEED}.${first + n}`);
      for (const seed of seeds) kinds.add(JSON.stringify(kindOf(seed)));
      using folder = testFolder();
      const open = (directory: string) => sqliteJournal({ directory });
      const durability = first % 2 === 0 ? 'full' : 'normal';
      const { kills, repeated } = await surviveKills(open, folder.path, { seeds, durability });
      total.kills += kills;
      total.repeated += repeated;
      if (ROUNDS > 50) console.log(`${first + count} runs survived`, total);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, lane));
  // Otherwise the kills came too late to prove anything.
  expect(total.kills).toBeGreaterThan(ROUNDS / RUNS);
  expect(total.repeated).toBeGreaterThan(ROUNDS / RUNS);
  // Redacted or not, with a plan that changes or not.
  if (ROUNDS >= 50) expect(kinds.size).toBe(4);
}, 3_600_000);
