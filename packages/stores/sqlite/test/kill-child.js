// Begins the runs of the given seeds, or resumes recorded ones, until all have ended or the process is
// killed. Each started attempt and each acknowledged completion is written to a file at once, and
// printed as a dot, so that the parent can choose the moment to kill. At the end, the outputs of these
// runs and of undisturbed runs are written.
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
// A run without any event is started like a new one.
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
