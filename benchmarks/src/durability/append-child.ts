import type { EventData } from '@stratagem/core';
import { childArguments } from '../util/child-process.js';
import { benchFolder } from './folder.js';
import { journalOf, type Policy } from './policy.js';

/** Prints the events per second that a journal accepts, for one batch size. */
const [policy, batch, total] = childArguments() as [Policy, number, number];
await using folder = await benchFolder();
const journal = journalOf(policy, folder.path);
const run = await journal.create({ id: 'run', goal: 'append', createdAt: Date.now() });
await append(Math.min(total, 2_000)); // A warm-up.
const began = performance.now();
await append(total);
const seconds = (performance.now() - began) / 1_000;
await journal.close();
console.log(JSON.stringify(total / seconds));

async function append(count: number): Promise<void> {
  for (let first = 0; first < count; first += batch) {
    await run.append(Array.from({ length: batch }, (_, n) => eventOf(first + n)));
  }
}

/** The completion of an LLM task with an answer of half a page. */
function eventOf(sequence: number): EventData {
  return {
    type: 'task_completed',
    sequence,
    timestamp: Date.now() + 0.123,
    taskId: `task-${sequence}`,
    level: 3,
    attempt: 1,
    durationMs: 1_234.567,
    output: `Answer ${sequence}. `.repeat(80),
    usage: { inputTokens: 900, outputTokens: 300 },
    costUsd: 0.004,
    model: 'some-model',
  };
}
