/**
 * Runs the property tests of the kernel over many random plans, and those of resumed runs over as many
 * crash points:
 *
 *   pnpm --filter @stratagem/core properties [runs, default 1000000] [--seed N]
 *
 * The seed, when none is given, is another one each time; it is printed, so that a failure can be
 * repeated.
 */
import { spawnSync } from 'node:child_process';
import { parseArgs } from 'node:util';

const { values, positionals } = parseArgs({
  options: { seed: { type: 'string' } },
  allowPositionals: true,
});
const RUNS = positionals[0] ?? '1000000';
const SEED = values.seed ?? String(Math.floor(Math.random() * 2 ** 31));
console.log(`${RUNS} runs with seed ${SEED}`);
const FILES = [
  'src/kernel/kernel.properties.test.ts',
  'src/kernel/recover.properties.test.ts',
  'src/analysis/analysis.properties.test.ts',
  'src/kernel/stale-inputs.properties.test.ts',
  'src/state/run-state.properties.test.ts',
];
const { status } = spawnSync(
  'vitest',
  // The files first: vitest takes what follows a flag for its value. Progress is shown as it is made.
  ['run', ...FILES, '--typecheck=false', '--disable-console-intercept'],
  { env: { ...process.env, RUNS, SEED }, stdio: 'inherit' },
);
process.exitCode = status ?? 1;
