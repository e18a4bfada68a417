/**
 * Queues runs of ten tenants, kills one of three coordinators every five seconds, and checks that all
 * runs complete, that none is owned by two, and that small tenants are not held up by a large one:
 *
 *   pnpm prove fair [--backend postgres|redis] [--runs 1000]
 *
 * Nine tenants have a twentieth of the runs each, the first one has the rest. All are queued before the
 * first coordinator starts, the large tenant first. With equal shares, the nth run of a tenant begins
 * among the first n × 10; it may begin among the first 2 × n × 10.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { submitRun } from '@stratagem/core/coordinator';
import { openQueue } from '../test/backends.js';
import { ownedByTwo, readNotes, startProcesses } from '../test/processes.js';
import { backendOf } from '../test/servers.js';

const TENANTS = 10;
const COORDINATORS = 3;
const KILL_MS = 5_000;
const LEASE_MS = 1_500;

const text = (value) => ({ type: 'string', default: value });
const { values } = parseArgs({ options: { backend: text('postgres'), runs: text('1000') } });
const count = Number(values.runs);
const small = Math.floor(count / 20);
const sizes = Array.from({ length: TENANTS }, (_, n) =>
  n === 0 ? count - small * (TENANTS - 1) : small,
);

const folder = mkdtempSync(join(tmpdir(), 'stratagem-fair-'));
const server = await backendOf(values.backend).start();
const queue = openQueue(server.url);
const tenantOf = new Map();
for (const [tenant, size] of sizes.entries()) {
  for (let n = 0; n < size; n++) {
    const runId = `tenant-${tenant}-run-${n}`;
    tenantOf.set(runId, tenant);
    await submitRun(queue, planOf(runId), { runId, tenant: `tenant ${tenant}` });
  }
}
const begun = performance.now();
const notes = join(folder, 'notes');
const given = { url: server.url, notes, leaseMs: LEASE_MS, maxRuns: 8, maxMs: 400 };
const roles = Array.from({ length: COORDINATORS }, () => 'coordinator');
const group = startProcesses(roles, { ...given, hasWorkers: false });
let kills = 0;
let lastKill = performance.now();
for (;;) {
  await sleep(250);
  const runs = await queue.list();
  const left = runs.filter(({ status }) => status !== 'completed').length;
  if (left === 0) break;
  if (performance.now() - lastKill < KILL_MS) continue;
  lastKill = performance.now();
  await group.replace(kills++ % COORDINATORS);
  console.log(`${count - left} of ${count} runs have completed, ${kills} kills`);
}
const seconds = (performance.now() - begun) / 1_000;
await group.end();
const runs = await queue.list();
let repeated = 0;
for (const { id } of runs) {
  const completed = [];
  for await (const { type, taskId } of queue.read(id)) {
    if (type === 'task_completed') completed.push(taskId);
  }
  if (completed.length !== 3 || new Set(completed).size !== 3) repeated++;
}
const byTwo = ownedByTwo(readNotes(notes), group.killedAt);
// The place of each run in the order of their starts, beside the place with equal shares.
const order = runs.sort((a, b) => a.startedAt - b.startedAt).map(({ id }) => tenantOf.get(id));
const seen = sizes.map(() => 0);
let worst = 0;
for (const [index, tenant] of order.entries()) {
  seen[tenant]++;
  if (tenant > 0) worst = Math.max(worst, (index + 1) / (seen[tenant] * TENANTS));
}
await queue.close();
await server[Symbol.asyncDispose]();
rmSync(folder, { recursive: true });
console.log({
  backend: values.backend,
  runs: runs.length,
  seconds: Math.round(seconds),
  kills,
  'tasks missing or repeated in': repeated,
  'owned by two': byTwo.length,
  'worst place of a small tenant, over its fair one': Math.round(100 * worst) / 100,
});
if (repeated > 0 || byTwo.length > 0 || worst > 2) process.exitCode = 1;

function planOf(runId) {
  return {
    goal: `Work for ${runId}`,
    tasks: [
      { id: 'one', description: 'Do one' },
      { id: 'two', description: 'Do two', dependencies: ['one'] },
      { id: 'three', description: 'Do three', dependencies: ['one'] },
    ],
  };
}
