/**
 * The share of a run's CPU that the live view of the command line takes: medians of interleaved runs of
 * 10,000 simulated tasks on a terminal, with the view and with `--quiet`.
 *
 *   pnpm build && pnpm bench live [runs, default 7]
 *
 * Needs `script` (util-linux) for the terminal.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const RUNS = Number(process.argv[2] ?? 7);
const TASKS = 10_000;
const BIN = fileURLToPath(new URL('../../packages/cli/bin/stratagem.js', import.meta.url));

const folder = mkdtempSync(join(tmpdir(), 'stratagem-live-'));
const plan = join(folder, 'plan.json');
const tasks = Array.from({ length: TASKS }, (_, n) => ({ id: `t${n}`, description: `Task ${n}` }));
writeFileSync(plan, JSON.stringify({ goal: 'Much', tasks }));

/** User and system time of a run in seconds. */
function cpuOf(flags: string): number {
  const times = join(folder, 'times');
  const args = `run ${plan} --max-parallel 200 --latency 100 ${flags}`;
  const inner = `TIMEFORMAT='%U %S'; { time ${process.execPath} ${BIN} ${args} >/dev/null 2>/dev/tty; } 2>${times}`;
  const command = `stty cols 80 rows 24; bash -c ${JSON.stringify(inner)}`;
  const { status } = spawnSync('script', ['-qec', command, '/dev/null'], { stdio: 'ignore' });
  if (status !== 0) throw new Error(`the run exited with ${status}`);
  const [user = 0, system = 0] = readFileSync(times, 'utf8').trim().split(' ').map(Number);
  return user + system;
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] as number;
}

const quiet: number[] = [];
const live: number[] = [];
for (let run = 0; run < RUNS; run++) {
  quiet.push(cpuOf('--quiet'));
  live.push(cpuOf(''));
}
rmSync(folder, { recursive: true });
const [without, withView] = [median(quiet), median(live)];
const share = ((withView - without) / without) * 100;
console.log(`${TASKS} tasks: ${without.toFixed(2)} s of CPU without the view and the summary,`);
console.log(`${withView.toFixed(2)} s with them: ${share.toFixed(1)} % more`);
