// A coordinator, until it is killed. It prints a dot at the start of each attempt, and notes each run
// that it begins or takes over, and how its part in it ends.
import { openSync, writeSync } from 'node:fs';
import { createExecutor } from '@stratagem/core';
import { startCoordinator } from '@stratagem/core/coordinator';
import { parallel } from '@stratagem/parallel';
import { postgresJournal } from '../dist/index.js';
import { approveAll, runnerOf } from './kill-plan.js';

const { url, notes, leaseMs, maxRuns, maxMs } = JSON.parse(process.argv[2]);
const file = openSync(notes, 'a');
const note = (what, runId) => {
  writeSync(file, `${JSON.stringify({ pid: process.pid, what, runId, at: Date.now() })}\n`);
};

startCoordinator({
  queue: postgresJournal({ url, leaseMs }),
  executor: createExecutor({
    strategy: parallel({ maxParallel: 8 }),
    runner: runnerOf(maxMs, () => process.stdout.write('.')),
  }),
  maxRuns,
  pollMs: 200,
  onRun(run) {
    note('begin', run.runId);
    approveAll(run).catch(() => {});
    run.result.then(
      ({ error }) => note(error?.code === 'run_locked' ? 'lost' : 'end', run.runId),
      () => note('end', run.runId),
    );
  },
  // While the server is down, and when a run was taken over.
  onError: (error, runId) => note(`error: ${error.message}`, runId ?? ''),
});
