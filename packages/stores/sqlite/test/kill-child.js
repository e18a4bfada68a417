// Begins the runs of some seeds, or resumes those that are recorded, until all have ended or the
// process is killed. What happens is written to files at once: each attempt that starts, and each
// completion that is acknowledged; and a dot is printed for each, so that whoever kills it can
// choose a moment. At the end the outputs are written, and those of undisturbed runs.
import { openSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { createExecutor } from '@stratagem/core';
import { parallel } from '@stratagem/parallel';
import { sqliteJournal } from '../dist/index.js';
import { planOf, runnerOf } from './kill-plan.js';

const [directory, life, durability, ...seeds] = process.argv.slice(2);
const starts = openSync(join(directory, 'starts'), 'a');
const acknowledged = openSync(join(directory, 'acknowledged'), 'a');
const note = (file, what) => {
  writeSync(file, `${JSON.stringify({ life, ...what })}\n`);
  process.stdout.write('.');
};
const journal = sqliteJournal({ directory, durability });
// One that never got as far as its first event begins like a new one.
const begun = (await journal.list()).filter(({ totalTasks }) => totalTasks > 0);
const known = new Set(begun.map(({ id }) => id));

const ended = await Promise.all(
  seeds.map(async (seed) => {
    const runId = `run-${seed}`;
    const onStart = (taskId, { attempt, idempotencyKey }) => {
      note(starts, { seed, taskId, attempt, idempotencyKey });
    };
    const executor = executorOf(seed, { journal }, onStart);
    const onEvent = (event) => {
      if (event.type === 'task_completed') note(acknowledged, { seed, taskId: event.taskId });
    };
    const run = known.has(runId)
      ? await executor.resume(runId, { onEvent })
      : executor.execute(planOf(seed), { runId, onEvent });
    const { status, outputs, error } = await run;
    const undisturbed = await executorOf(seed).execute(planOf(seed));
    return { seed, status, error, outputs, undisturbed: undisturbed.outputs };
  }),
);
await journal.close();
writeFileSync(join(directory, 'ended.json'), JSON.stringify(ended));

function executorOf(seed, options, onStart) {
  const strategy = parallel({ maxParallel: 8 });
  return createExecutor({ strategy, runner: runnerOf(seed, onStart), seed: 1, ...options });
}
