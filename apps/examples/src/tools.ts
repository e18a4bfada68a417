import {
  createExecutor,
  createPlan,
  type PlanResult,
  type TaskRunner,
  tool,
} from '@stratagem/core';
import { parallel } from '@stratagem/parallel';
import { rateLimit } from '@stratagem/runners';
import * as z from 'zod';
import { chooseRunner } from './choose-runner.js';
import { printText, title } from './print.js';
import { runIfMain } from './run-if-main.js';

const STOCK = { lamp: 12, chair: 3, desk: 0 };

const stock = tool({
  name: 'stock',
  description: 'How many pieces of an article are in stock.',
  inputSchema: z.object({ article: z.enum(['lamp', 'chair', 'desk']) }),
  execute: ({ article }) => ({ article, pieces: STOCK[article] }),
});

const supplier = tool({
  name: 'supplier',
  description: 'In how many days the supplier can deliver an article.',
  inputSchema: z.object({ article: z.string() }),
  execute: ({ article }) => {
    if (article === 'desk') throw new Error('the supplier is closed this week');
    return { article, days: 4 };
  },
});

const plan = createPlan('Answer a customer')
  .addTask({
    id: 'facts',
    description: 'A customer wants two desks and a lamp. What can we deliver, and when?',
    tools: [stock, supplier],
  })
  .addTask({ id: 'letter', description: 'Write the answer.', dependencies: ['facts'] });

/** At most thirty requests per minute; each tool call leads to one more request. */
export async function run(runner: TaskRunner) {
  const limited = rateLimit(runner, { requestsPerMinute: 30, burstMs: 10_000 });
  return await createExecutor({ strategy: parallel(), runner: limited }).execute(plan).orThrow();
}

/** The tool calls of the model, with their results. */
export function callsOf({ timeline }: PlanResult): string[] {
  return timeline.flatMap((event) => {
    if (event.type !== 'task_output') return [];
    if (event.kind === 'tool_call') return `${event.tool}(${JSON.stringify(event.input)})`;
    if (event.kind !== 'tool_result') return [];
    return `  → ${event.ok ? JSON.stringify(event.output) : event.message}`;
  });
}

export async function main(runner?: TaskRunner): Promise<void> {
  title('Tools: a model that calls tools');
  const result = await run(runner ?? (await chooseRunner()));
  for (const line of callsOf(result)) console.log(`  ${line}`);
  console.log();
  printText(String(result.outputs.letter), 4);
  const { inputTokens, outputTokens } = result.metrics.usage;
  console.log(`\n  ${inputTokens} input tokens, ${outputTokens} output tokens`);
}

await runIfMain(import.meta, main);
