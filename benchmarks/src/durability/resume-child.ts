import { createExecutor, type TaskRunner } from '@stratagem/core';
import { parallel } from '@stratagem/parallel';
import { sqliteJournal } from '@stratagem/sqlite';
import { childArguments } from '../util/child-process.js';
import { planOfShape } from './plans.js';

/**
 * `begin` starts a run and kills it after the given number of tasks. `resume` prints the time until the
 * first task starts again. `replay` prints the time to load a finished run.
 */
const [mode, directory, size, until] = childArguments() as [string, string, number, number];
const journal = sqliteJournal({ directory, durability: 'normal' });
const runner: TaskRunner = {
  name: 'no-op',
  run: async ({ taskId }) => ({ output: `The answer to ${taskId}` }),
};
const executor = createExecutor({ strategy: parallel({ maxParallel: 16 }), runner, journal });

if (mode === 'begin') {
  let done = 0;
  await executor.execute(planOfShape('layered', size), {
    runId: 'run',
    timeline: 'stream',
    onEvent({ type }) {
      if (type === 'task_completed' && ++done === until) process.kill(process.pid, 'SIGKILL');
    },
  });
  await journal.close();
  console.log('null');
} else {
  const began = performance.now();
  const took = () => console.log(JSON.stringify(performance.now() - began));
  const run = await executor.resume('run', {
    timeline: 'stream',
    onEvent({ type }) {
      if (mode !== 'resume' || type !== 'task_started') return;
      took();
      process.exit(0);
    },
  });
  const { status } = await run;
  if (status !== 'completed') throw new Error(`the run is ${status}`);
  took();
  process.exit(0);
}
