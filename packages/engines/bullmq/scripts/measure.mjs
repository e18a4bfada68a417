/**
 * Measures how long a worker takes to hear that its attempt is canceled, and how much of a cap two workers
 * and two coordinators use together:
 *
 *   pnpm build && pnpm --filter @stratagem/bullmq measure [--seconds 20]
 *
 * Fails when the median of cancellations is above 100 ms, or when less than 95 % or more than all of the
 * cap is used.
 */
import { randomUUID } from 'node:crypto';
import { parseArgs } from 'node:util';
import { postgresProblem, startPostgres } from '@stratagem/server-kit/postgres';
import { redisProblem, startRedis } from '@stratagem/server-kit/redis';
import { bullmqCarrier, serveAttempts } from '../dist/index.js';

const { values } = parseArgs({ options: { seconds: { type: 'string', default: '20' } } });
const CANCELLATIONS = 50;
const CAP = 8;
const ATTEMPT_MS = 1_000;

const servers = [
  ['PostgreSQL', postgresProblem(), startPostgres],
  ['Redis', redisProblem(), startRedis],
];
for (const [name, problem, start] of servers) {
  if (problem !== undefined) {
    console.log(problem);
    continue;
  }
  await using server = await start();
  const queue = `measure-${randomUUID().slice(0, 8)}`;
  const at = { url: server.url, queue };
  let onBegun;
  let onAborted;
  let running = 0;
  let most = 0;
  let usedMs = 0;
  let changedAt = performance.now();
  const count = (change) => {
    const now = performance.now();
    usedMs += running * (now - changedAt);
    changedAt = now;
    running += change;
    most = Math.max(most, running);
  };
  const tasks = [
    {
      id: 'waits',
      run: (_, { signal }) =>
        new Promise((_, reject) => {
          onBegun();
          signal.addEventListener('abort', () => {
            onAborted(performance.now());
            reject(signal.reason);
          });
        }),
    },
    {
      id: 'capped',
      async run() {
        count(1);
        await new Promise((resolve) => setTimeout(resolve, ATTEMPT_MS));
        count(-1);
      },
    },
  ];
  const plans = [{ goal: 'measure', tasks }];
  const resources = { capped: { maxParallel: CAP } };
  const workers = [await serveAttempts({ ...at, plans }), await serveAttempts({ ...at, plans })];
  const carriers = [bullmqCarrier({ ...at, resources }), bullmqCarrier({ ...at, resources })];
  for (const each of carriers) await each.ready();
  let calls = 0;
  const begin = (carrier, taskId, tell = () => {}) => {
    const key = `run/${taskId}/${++calls}`;
    carrier.start(
      {
        ...{ key, runId: 'run', taskId, attempt: 1, attemptsLeft: 1, resource: taskId },
        ...{ priority: 0, criticalPath: 1 },
        work: { kind: 'function', plan: 'measure', inputs: {} },
      },
      (report) => void tell(report),
    );
    return key;
  };

  const latencies = [];
  for (let n = 0; n < CANCELLATIONS; n++) {
    const begun = new Promise((resolve) => {
      onBegun = resolve;
    });
    const aborted = new Promise((resolve) => {
      onAborted = resolve;
    });
    const key = begin(carriers[0], 'waits');
    await begun;
    const canceledAt = performance.now();
    carriers[0].cancel(key, new Error('no'));
    latencies.push((await aborted) - canceledAt);
  }
  latencies.sort((a, b) => a - b);

  // Each coordinator has more attempts on their way than the cap permits.
  const until = performance.now() + 2_000 + 1_000 * Number(values.seconds);
  const lane = async (carrier) => {
    while (performance.now() < until) {
      await new Promise((resolve) => {
        begin(carrier, 'capped', ({ type }) => type === 'completed' && resolve());
      });
    }
  };
  const lanes = Array.from({ length: 3 * CAP }, (_, n) => lane(carriers[n % 2]));
  await new Promise((resolve) => setTimeout(resolve, 2_000));
  count(0);
  const startedAt = changedAt;
  usedMs = 0;
  await new Promise((resolve) => setTimeout(resolve, 1_000 * Number(values.seconds)));
  count(0);
  const used = usedMs / (CAP * (changedAt - startedAt));
  await Promise.all(lanes);
  await Promise.all(carriers.map((carrier) => carrier.close()));
  await Promise.all(workers.map((worker) => worker.stop()));
  const median = latencies[CANCELLATIONS / 2];
  console.log(name, {
    'cancel, median ms': Math.round(10 * median) / 10,
    'cancel, most ms': Math.round(10 * latencies.at(-1)) / 10,
    'cap used %': Math.round(1_000 * used) / 10,
    'most at once': most,
    cap: CAP,
  });
  if (median > 100 || used < 0.95 || most > CAP) process.exitCode = 1;
}
