import { createExecutor } from '@stratagem/core';
import { describeEvent } from '@stratagem/core/analysis';
import { parallel } from '@stratagem/parallel';
import { plan } from './plan.ts';
import { runner } from './runner.ts';

const executor = createExecutor({ strategy: parallel({ maxParallel: 5 }), runner });
const run = executor.execute(plan);
for await (const event of run) {
  if (event.type !== 'task_output') console.log(describeEvent(event));
}
const { outputs } = await run.orThrow();
console.log(`\n${outputs.decision}`);
