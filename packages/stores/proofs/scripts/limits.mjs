/**
 * Measures how much of a limit several processes use together, and by how much they exceed it at most:
 *
 *   pnpm prove limits [--backend postgres|redis] [--processes 4] [--per-minute 1200] [--seconds 60]
 *
 * Fails when they use less than 95 % of the limit, or more than their burst permits.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { backendOf } from '../test/servers.js';

const text = (value) => ({ type: 'string', default: value });
const options = {
  backend: text('postgres'),
  processes: text('4'),
  'per-minute': text('1200'),
  seconds: text('60'),
};
const { values } = parseArgs({ options });
const perMinute = Number(values['per-minute']);
const BURST_MS = 250;
/** What a process has reserved may be used this much later. */
const LATE_MS = 500;

const arrivals = [];
const server = createServer((_, response) => {
  arrivals.push(performance.now());
  setTimeout(() => response.end('done'), 100 + 400 * Math.random());
});
server.listen(0, '127.0.0.1');
await once(server, 'listening');
const store = await backendOf(values.backend).start();
const child = new URL('../test/limits-child.js', import.meta.url);
const children = Array.from({ length: Number(values.processes) }, (_, index) => {
  const address = `http://127.0.0.1:${server.address().port}/`;
  const given = {
    url: store.url,
    address,
    perMinute,
    burstMs: BURST_MS,
    atOnce: 20 + 40 * index,
  };
  return fork(child, [JSON.stringify(given)]);
});
await Promise.all(children.map((each) => once(each, 'message')));
// The burst of the beginning is over then.
await sleep(2_000);
arrivals.length = 0;
await sleep(1_000 * Number(values.seconds));
const times = [...arrivals];
for (const each of children) each.kill('SIGKILL');
await Promise.all(children.map((each) => once(each, 'exit')));
server.close();
server.closeAllConnections();
await store[Symbol.asyncDispose]();

const perMs = perMinute / 60_000;
const used = times.length / (Number(values.seconds) * 1_000 * perMs);
// The most requests beyond the rate in any span of time.
let excess = 0;
let lowest = Number.POSITIVE_INFINITY;
for (const [index, at] of times.entries()) {
  lowest = Math.min(lowest, index - perMs * at);
  excess = Math.max(excess, index + 1 - perMs * at - lowest);
}
const permitted = 1 + perMs * (BURST_MS + LATE_MS);
const sent = {
  backend: values.backend,
  processes: children.length,
  sent: times.length,
  'used %': Math.round(1_000 * used) / 10,
};
console.log({ ...sent, 'most at once': Math.ceil(excess), permitted: Math.floor(permitted) });
if (used < 0.95 || used > 1 || excess > permitted) process.exitCode = 1;
