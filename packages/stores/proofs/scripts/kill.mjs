/**
 * Kills coordinators, workers and the server at random moments, and checks that all runs survive:
 *
 *   pnpm prove kill [--rounds 50] [--backend postgres|redis] [--tasks 200] [--runs 1]
 *     [--no-workers] [--seed N] [--pause]
 *
 * With --no-workers, the coordinators carry out the attempts themselves. With --pause, processes stand
 * still for longer than their leases and locks, instead of being killed.
 *
 * Without a given seed, the plans get a random one, which is printed.
 */
import { spawnSync } from 'node:child_process';
import { parseArgs } from 'node:util';
import { backendOf } from '../test/servers.js';

const text = (value) => ({ type: 'string', default: value });
const { values } = parseArgs({
  options: {
    backend: text('postgres'),
    tasks: text('200'),
    runs: text('1'),
    rounds: text('50'),
    seed: { type: 'string' },
    pause: { type: 'boolean' },
    workers: { type: 'boolean', default: true },
  },
  allowNegative: true,
});
const { problem } = backendOf(values.backend);
if (problem !== undefined) throw new Error(problem);
const SEED = values.seed ?? String(Math.floor(Math.random() * 2 ** 31));
console.log(`${values.rounds} rounds on ${values.backend} with seed ${SEED}`);
const { status } = spawnSync('vitest', ['run', 'src/kill.test.ts', '--disable-console-intercept'], {
  env: {
    ...process.env,
    ...{
      ROUNDS: values.rounds,
      SEED,
      BACKEND: values.backend,
      TASKS: values.tasks,
      RUNS: values.runs,
    },
    ...{ WORKERS: values.workers ? '1' : '0', PAUSES: values.pause ? '1' : '0', GAPS: '1' },
  },
  stdio: 'inherit',
});
process.exitCode = status ?? 1;
