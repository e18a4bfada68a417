/**
 * Kills coordinators, workers and the server at random moments, and checks that all runs survive:
 *
 *   pnpm --filter @stratagem/bullmq kill [--rounds 50] [--backend postgres|redis] [--pause] [--seed N]
 *
 * With --pause, processes stand still for longer than their leases and locks, instead of being killed.
 * Without a given seed, the plans get a random one, which is printed.
 */
import { spawnSync } from 'node:child_process';
import { parseArgs } from 'node:util';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '50' },
    seed: { type: 'string' },
    backend: { type: 'string' },
    pause: { type: 'boolean' },
  },
});
const { rounds, backend, pause } = values;
const seed = values.seed ?? String(Math.floor(Math.random() * 2 ** 31));
console.log(`${rounds} rounds with seed ${seed}`);
const { status } = spawnSync('vitest', ['run', 'src/kill.test.ts', '--disable-console-intercept'], {
  env: {
    ...process.env,
    ...{ ROUNDS: rounds, SEED: seed, PAUSES: pause ? '1' : '0', LAYERED: '88', KILLS: '5' },
    ...(backend !== undefined && { BACKEND: backend }),
  },
  stdio: 'inherit',
});
process.exitCode = status ?? 1;
