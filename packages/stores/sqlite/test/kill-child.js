// Begins the runs of the given seeds, or resumes recorded ones, until all have ended or the process is
// killed. Each started attempt and each acknowledged completion is written to a file at once, and
// printed as a dot, so that the parent can choose the moment to kill. At the end, the outputs of these
// runs and of undisturbed runs are written.
import { createHash } from 'node:crypto';
import { openSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { createExecutor } from '@stratagem/core';
import { parallel } from '@stratagem/parallel';
import { sqliteJournal } from '../dist/index.js';
import { kindOf, planOf, redact, runnerOf } from './kill-plan.js';

const { directory, life, durability, seeds, largeBytes, clockStepMs } = JSON.parse(process.argv[2]);
if (clockStepMs > 0) stepClock();
const starts = openSync(join(directory, 'starts'), 'a');
const acknowledged = openSync(join(directory, 'acknowledged'), 'a');
const note = (file, what) => {
  writeSync(file, `${JSON.stringify({ life, ...what })}\n`);
  process.stdout.write('.');
};
const journal = sqliteJournal({ directory, durability });
// A run without any event is started like a new one.
const begun = (await journal.list()).filter(({ totalTasks }) => totalTasks > 0);
const known = new Set(begun.map(({ id }) => id));

const ended = await Promise.all(
  seeds.map(async (seed) => {
    const runId = `run-${seed}`;
    const { isRedacted, isChanged } = kindOf(seed);
    const onStart = (taskId, { attempt, idempotencyKey }) => {
      note(starts, { seed, taskId, attempt, idempotencyKey });
    };
    const options = { journal, ...(isRedacted && { redact }) };
    const executor = executorOf(seed, options, onStart);
    const plan = planOf(seed, isChanged ? life : 0);
    const onEvent = (event) => {
      // A changed plan begins with the completions that it keeps.
      if (event.type !== 'task_completed' || event.reused !== undefined) return;
      note(acknowledged, { seed, taskId: event.taskId });
    };
    const run = known.has(runId)
      ? await executor.resume(runId, { onEvent, ...(isChanged && { plan, acceptChanges: true }) })
      : executor.execute(plan, { runId, onEvent });
    const { status, outputs, error } = await run;
    const undisturbed = await executorOf(seed).execute(plan);
    const digests = [outputs, undisturbed.outputs].map(digestsOf);
    return { seed, status, error, outputs: digests[0], undisturbed: digests[1] };
  }),
);
await journal.close();
writeFileSync(join(directory, 'ended.json'), JSON.stringify(ended));
// The steps of the clock would keep the process alive.
process.exit();

function executorOf(seed, options, onStart) {
  const strategy = parallel({ maxParallel: 8 });
  const runner = runnerOf(seed, largeBytes, onStart);
  return createExecutor({ strategy, runner, seed: 1, ...options });
}

/** Outputs may be large. What was redacted before a resumption is missing after it. */
function digestsOf(outputs) {
  const digests = Object.entries(outputs).map(([taskId, output]) => {
    const text = JSON.stringify(redact(output)).replaceAll('[redacted]', '');
    return [taskId, createHash('sha256').update(text).digest('hex')];
  });
  return Object.fromEntries(digests);
}

/** The wall clock jumps back and forth, as the clock of a virtual machine may. */
function stepClock() {
  const { now } = Date;
  let offsetMs = 0;
  Date.now = () => now() + offsetMs;
  setInterval(() => {
    offsetMs = Math.round((Math.random() * 2 - 1) * clockStepMs);
  }, 50);
}
