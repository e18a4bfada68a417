// A coordinator or a worker, until it is killed. It prints a caret when it is up, a dot at the start of each attempt, and notes
// attempts, acknowledged completions, and each run that it begins or takes over. No run ends before the file `gate` exists.
import { existsSync, openSync, writeSync } from 'node:fs';
import { bullmqCarrier, serveAttempts } from '@stratagem/bullmq';
import { createExecutor } from '@stratagem/core';
import { startCoordinator } from '@stratagem/core/coordinator';
import { parallel } from '@stratagem/parallel';
import { openQueue } from './backends.js';
import { approveAll, runnerOf } from './kill-plan.js';

const { role, url, notes, gate, leaseMs, maxRuns, maxMs, hasWorkers } = JSON.parse(process.argv[2]);
const file = openSync(notes, 'a');
const note = (what, runId, more) => {
  const line = { pid: process.pid, what, runId, at: Date.now(), ...more };
  writeSync(file, `${JSON.stringify(line)}\n`);
};
// While the server is down, and when a run was taken over.
const onError = (error, runId = '') => note('error', runId, { message: error.message });

const runner = runnerOf(maxMs, {
  onStart(runId, taskId, attempt) {
    process.stdout.write('.');
    note('start', runId, { taskId, attempt });
  },
  onStop: (runId, taskId, attempt) => note('stop', runId, { taskId, attempt }),
  mayEnd: () => existsSync(gate),
});

if (role === 'worker') {
  await serveAttempts({ url, runner, lockMs: leaseMs, concurrency: 8, onError });
} else {
  startCoordinator({
    queue: openQueue(url, { leaseMs }),
    executor: createExecutor({
      strategy: parallel({ maxParallel: 8 }),
      runner,
      ...(hasWorkers && { carrier: bullmqCarrier({ url, onError }) }),
    }),
    maxRuns,
    pollMs: 200,
    onRun(run) {
      note('begin', run.runId);
      approveAll(run, (taskId) => note('done', run.runId, { taskId })).catch(() => {});
      run.result.then(
        ({ error }) => note(error?.code === 'run_locked' ? 'lost' : 'end', run.runId),
        () => note('end', run.runId),
      );
    },
    onError,
  });
}
note('up', '');
process.stdout.write('^');
