/**
 * Measures how much of a limit several processes use together, and by how much they exceed it at most:
 *
 *   pnpm prove limits [--backend postgres|redis] [--of requests|tokens|attempts] [--workers]
 *     [--processes 4] [--per-minute 1200] [--cap 8] [--seconds 60]
 *
 * The processes send requests themselves, or with --workers, as workers of the engine for a run of this
 * process. `--of tokens` limits tokens, at 1,000 for each request. `--of attempts` caps the attempts at once,
 * which workers do.
 *
 * Fails when they use less than 95 % of the limit, or more than their burst permits.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { bullmqCarrier } from '@stratagem/bullmq';
import { createExecutor } from '@stratagem/core';
import { parallel } from '@stratagem/parallel';
import { backendOf } from '../test/servers.js';

const text = (value) => ({ type: 'string', default: value });
const options = {
  backend: text('postgres'),
  of: text('requests'),
  workers: { type: 'boolean', default: false },
  processes: text('4'),
  'per-minute': text('1200'),
  cap: text('8'),
  seconds: text('60'),
};
const { values } = parseArgs({ options });
const { of, workers: isWorker } = values;
if (!['requests', 'tokens', 'attempts'].includes(of)) {
  throw new Error(`--of must be requests, tokens or attempts; it is ${of}`);
}
if (of === 'attempts' && !isWorker) throw new Error('--of attempts needs --workers');
const perMinute = Number(values['per-minute']);
const cap = Number(values.cap);
const ms = 1_000 * Number(values.seconds);
const BURST_MS = 250;
/** What a process has reserved may be used this much later. */
const LATE_MS = 500;
const TOKENS = 1_000;
/** Attempts of this length show a cap: the time between two of them counts little. */
const CAPPED_MS = 1_000;
const LIMITS = {
  requests: { requestsPerMinute: perMinute, burstMs: BURST_MS },
  tokens: { tokensPerMinute: perMinute * TOKENS, burstMs: BURST_MS },
  attempts: {},
};

const arrivals = [];
let running = 0;
let most = 0;
let busyMs = 0;
let changedAt = performance.now();
const count = (change) => {
  const now = performance.now();
  busyMs += running * (now - changedAt);
  changedAt = now;
  running += change;
  most = Math.max(most, running);
};
const answer = JSON.stringify({ output: 'done', usage: { inputTokens: 100, outputTokens: 900 } });
const server = createServer((_, response) => {
  arrivals.push(performance.now());
  count(1);
  const takesMs = of === 'attempts' ? CAPPED_MS : 100 + 400 * Math.random();
  setTimeout(() => {
    count(-1);
    response.end(answer);
  }, takesMs);
});
server.listen(0, '127.0.0.1');
await once(server, 'listening');
const store = await backendOf(values.backend).start();
const child = new URL('../test/limits-child.js', import.meta.url);
const children = Array.from({ length: Number(values.processes) }, (_, index) => {
  const address = `http://127.0.0.1:${server.address().port}/`;
  const given = { url: store.url, address, isWorker, limits: LIMITS[of], atOnce: 20 + 40 * index };
  return fork(child, [JSON.stringify(given)]);
});
await Promise.all(children.map((each) => once(each, 'message')));
const stop = isWorker ? await startRun() : async () => {};
// The burst of the beginning is over then.
await sleep(isWorker ? 5_000 : 2_000);
arrivals.length = 0;
count(0);
[busyMs, most] = [0, running];
await sleep(ms);
count(0);
const times = [...arrivals];
const [busy, atOnce] = [busyMs, most];
await stop();
for (const each of children) each.kill('SIGKILL');
await Promise.all(children.map((each) => once(each, 'exit')));
server.close();
server.closeAllConnections();
await store[Symbol.asyncDispose]();

const head = { backend: values.backend, of, workers: isWorker, processes: children.length };
const percent = (share) => Math.round(1_000 * share) / 10;
if (of === 'attempts') {
  const used = busy / (cap * ms);
  console.log({
    ...head,
    sent: times.length,
    'used %': percent(used),
    'most at once': atOnce,
    cap,
  });
  if (used < 0.95 || atOnce > cap) process.exitCode = 1;
} else {
  const perMs = perMinute / 60_000;
  const used = times.length / (ms * perMs);
  // The most requests beyond the rate in any span of time.
  let excess = 0;
  let lowest = Number.POSITIVE_INFINITY;
  for (const [index, at] of times.entries()) {
    lowest = Math.min(lowest, index - perMs * at);
    excess = Math.max(excess, index + 1 - perMs * at - lowest);
  }
  const permitted = 1 + perMs * (BURST_MS + LATE_MS);
  console.log({
    ...{ ...head, sent: times.length, 'used %': percent(used) },
    ...{ 'most beyond the rate': Math.ceil(excess), permitted: Math.floor(permitted) },
  });
  if (used < 0.95 || excess > permitted) process.exitCode = 1;
}

/** A run of this process whose workers never lack attempts. */
async function startRun() {
  const onError = () => {};
  const resources = of === 'attempts' ? { server: { maxParallel: cap } } : {};
  const carrier = bullmqCarrier({ url: store.url, resources, onError });
  await carrier.ready();
  const perSecond = of === 'attempts' ? (1_000 * cap) / CAPPED_MS : perMinute / 60;
  const size = Math.ceil(perSecond * (ms / 1_000 + 30));
  const tasks = Array.from({ length: size }, (_, n) => ({ id: `task-${n}`, description: 'Why?' }));
  const runner = { name: 'server', run: () => Promise.reject(new Error('a worker calls it')) };
  const executor = createExecutor({ strategy: parallel({ maxParallel: 200 }), runner, carrier });
  const run = executor.execute({ goal: 'Ask', tasks });
  return async () => {
    run.cancel();
    await run;
    await carrier.close();
  };
}
