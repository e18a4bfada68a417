// A coordinator or a worker, until it is killed. A worker notes each attempt that it begins.
import { openSync, writeSync } from 'node:fs';
import { createExecutor } from '@stratagem/core';
import { startCoordinator } from '@stratagem/core/coordinator';
import { parallel } from '@stratagem/parallel';
import { postgresJournal } from '@stratagem/postgres';
import { redisJournal } from '@stratagem/redis';
import { bullmqCarrier, serveAttempts } from '../dist/index.js';
import { approveAll, runnerOf } from './kill-plan.js';

const { role, kind, url, notes, leaseMs, lockMs, maxMs } = JSON.parse(process.argv[2]);
const file = openSync(notes, 'a');
const note = (what, fields) => {
  const { pid } = process;
  writeSync(file, `${JSON.stringify({ pid, what, at: Date.now(), ...fields })}\n`);
};
const onError = (error, runId) => note('error', { message: error.message, runId });

if (role === 'worker') {
  const runner = runnerOf(maxMs, (runId, taskId, attempt) => {
    note('begin', { runId, taskId, attempt });
    process.stdout.write('.');
  });
  const start = () =>
    serveAttempts({ url, runner, concurrency: 8, lockMs, onError }).catch((error) => {
      // The server may be down: it is started again.
      onError(error);
      setTimeout(start, 100);
    });
  start();
} else {
  startCoordinator({
    queue: (kind === 'postgres' ? postgresJournal : redisJournal)({ url, leaseMs }),
    executor: createExecutor({
      strategy: parallel({ maxParallel: 8 }),
      runner: runnerOf(maxMs),
      carrier: bullmqCarrier({ url, onError }),
    }),
    pollMs: 200,
    onRun: (run) => void approveAll(run).catch(() => {}),
    onError,
  });
}
