/**
 * Kills coordinators and the server at random moments, and checks that all runs survive:
 *
 *   pnpm --filter @stratagem/postgres kill [rounds, default 50] [--seed N] [--pause]
 *
 * With --pause, coordinators stand still for longer than their leases, instead of being killed.
 *
 * Without a given seed, the plans get a random one, which is printed.
 */
import { spawnSync } from 'node:child_process';
import { parseArgs } from 'node:util';

const { values, positionals } = parseArgs({
  options: { seed: { type: 'string' }, pause: { type: 'boolean' } },
  allowPositionals: true,
});
const ROUNDS = positionals[0] ?? '50';
const SEED = values.seed ?? String(Math.floor(Math.random() * 2 ** 31));
console.log(`${ROUNDS} rounds with seed ${SEED}`);
const { status } = spawnSync('vitest', ['run', 'src/kill.test.ts', '--disable-console-intercept'], {
  env: { ...process.env, ROUNDS, SEED, PAUSES: values.pause ? '1' : '0' },
  stdio: 'inherit',
});
process.exitCode = status ?? 1;
