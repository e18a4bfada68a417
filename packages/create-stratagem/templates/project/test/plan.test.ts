import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createExecutor } from '@stratagem/core';
import { parallel } from '@stratagem/parallel';
import { replay } from '@stratagem/runners';
import { plan } from '../src/plan.ts';

// The answers were recorded: the test needs no key, no network and no time. A changed prompt has no
// answer; `npm run record` asks the model again.
const runner = replay({ file: 'test/answers.jsonl' });

test('the decision weighs the market against the costs', async () => {
  const executor = createExecutor({ strategy: parallel(), runner });
  const { outputs, timeline } = await executor.execute(plan).orThrow();
  assert.match(String(outputs.decision), /bicycle/i);
  const started = timeline.flatMap((event) => (event.type === 'task_started' ? event.taskId : []));
  assert.deepEqual(started, ['market', 'costs', 'decision']);
});
