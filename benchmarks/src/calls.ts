import { fork } from 'node:child_process';
import { once } from 'node:events';
import { CONTENDERS, type Mode } from './calls/contenders.js';
import { inChild } from './util/child-process.js';
import { median } from './util/statistics.js';
import { printTable } from './util/table.js';

/** What a request costs the processor, beside the libraries that people would use instead. */
const REQUESTS = 2_000;
const PARALLEL = 50;
const ROUNDS = Number(process.argv[2] ?? 7);

interface Measured {
  readonly cpuMs: number;
  readonly peakMegabytes: number;
}

const server = fork(new URL('./calls/server.js', import.meta.url));
const [port] = (await once(server, 'message')) as [number];
const url = `http://127.0.0.1:${port}/v1`;

for (const mode of Object.keys(CONTENDERS) as Mode[]) {
  const names = Object.keys(CONTENDERS[mode]);
  const measured = new Map<string, Measured[]>(names.map((name) => [name, []]));
  // Interleaved, so that a slow minute of the machine does not fall on one of them.
  for (let round = 0; round < ROUNDS; round++) {
    for (const name of names) {
      const args = [mode, name, url, REQUESTS, PARALLEL];
      measured.get(name)?.push(await inChild<Measured>('calls/child', args));
    }
  }
  const [reference = []] = measured.values();
  const rows = names.map((name) => {
    const rounds = measured.get(name) as Measured[];
    const cpuMs = median(rounds.map((each) => each.cpuMs));
    const ratio = median(
      rounds.map((each, round) => each.cpuMs / (reference[round] as Measured).cpuMs),
    );
    const peak = median(rounds.map(({ peakMegabytes }) => peakMegabytes));
    return [name, cpuMs.toFixed(2), ratio.toFixed(2), peak.toFixed(0)];
  });
  printTable(`answers that arrive ${mode === 'whole' ? 'whole' : 'in pieces'}`, [
    ['', 'CPU ms a request', 'to the SDK', 'peak MB'],
    ...rows,
  ]);
}
server.disconnect();
