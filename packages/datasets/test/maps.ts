import { createPlan, type TaskRunner } from '@stratagem/core';
import * as z from 'zod';

/** A plan with one request for each row. */
export const plan = createPlan('Summarise', {
  inputs: z.object({ text: z.string() }),
  outputs: { summary: 'summary' },
}).addTask({ id: 'summary', description: 'Summarise {{inputs.text}}' });

/** A runner that answers with the prompt, later for some rows than for others. */
export function echo() {
  const asked: string[] = [];
  const runner: TaskRunner = {
    name: 'echo',
    async run({ prompt }) {
      asked.push(prompt);
      // Rows end in another order than they begin.
      for (let turns = asked.length % 7; turns > 0; turns--) await Promise.resolve();
      if (prompt.includes('bad')) throw new Error('no answer');
      return { output: prompt.slice(10), usage: { inputTokens: 2, outputTokens: 1 }, costUsd: 0.5 };
    },
  };
  return { runner, asked };
}

export function rowsOf(count: number): { text: string }[] {
  return Array.from({ length: count }, (_, index) => ({ text: `t${index}` }));
}

export async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const item of items) list.push(item);
  return list;
}
