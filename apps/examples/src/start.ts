import { main as batch } from './batch.js';
import { announce, chooseRunner } from './choose-runner.js';
import { main as comparison } from './comparison.js';
import { main as dependencies } from './dependencies.js';

const runner = await chooseRunner();
announce(runner);
for (const example of [batch, dependencies, comparison]) {
  await example(runner);
  console.log();
}
