import { main as batch } from './batch.js';
import { chooseRunner } from './choose-runner.js';
import { main as comparison } from './comparison.js';
import { main as dependencies } from './dependencies.js';
import { runIfMain } from './run-if-main.js';

await runIfMain(import.meta, async () => {
  const runner = await chooseRunner();
  for (const example of [batch, dependencies, comparison]) {
    await example(runner);
    console.log();
  }
});
