/**
 * Kills many runs at random moments and checks that they survive:
 *
 *   pnpm --filter @stratagem/sqlite kill [runs, default 1000] [--seed N]
 *
 * Without a given seed, the plans get a random one, which is printed.
 */
import { spawnSync } from 'node:child_process';
import { parseArgs } from 'node:util';

const { values, positionals } = parseArgs({
  options: { seed: { type: 'string' } },
  allowPositionals: true,
});
const ROUNDS = positionals[0] ?? '1000';
const SEED = values.seed ?? String(Math.floor(Math.random() * 2 ** 31));
console.log(`${ROUNDS} runs with seed ${SEED}`);
const { status } = spawnSync('vitest', ['run', 'src/kill.test.ts', '--disable-console-intercept'], {
  env: { ...process.env, ROUNDS, SEED },
  stdio: 'inherit',
});
process.exitCode = status ?? 1;
