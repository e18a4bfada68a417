import { createExecutor, createPlan, RunnerError } from '@stratagem/core';
import { parallel } from '@stratagem/parallel';
import * as z from 'zod';

/** Turns texts into vectors: the embeddings endpoint of your provider. */
export type Embed = (texts: readonly string[], signal: AbortSignal) => Promise<number[][]>;

const page = z.object({ id: z.string(), text: z.string() });
const BATCH = 16;

/** Builds an index for retrieval: splits pages into passages, and embeds them in batches. */
export async function run(pages: readonly z.infer<typeof page>[], embed: Embed) {
  const plan = createPlan('Search index', { inputs: z.object({ pages: z.array(page) }) })
    .addTask({
      id: 'split',
      run({ inputs }) {
        const passages = inputs.pages.flatMap(({ id, text }) =>
          text.split(/\n\n+/).map((passage, n) => ({ id: `${id}#${n}`, text: passage })),
        );
        const count = Math.ceil(passages.length / BATCH);
        return Array.from({ length: count }, (_, n) => passages.slice(n * BATCH, (n + 1) * BATCH));
      },
    })
    .addTask({
      id: 'embed',
      dependencies: ['split'],
      forEach: ({ split }) => split,
      retry: { maxAttempts: 5 },
      async run({ item }, { signal }) {
        const vectors = await embed(
          item.map(({ text }) => text),
          signal,
        );
        if (vectors.length !== item.length)
          throw new RunnerError('invalid_output', 'a vector is missing');
        return item.map((each, n) => ({ ...each, vector: vectors[n] ?? [] }));
      },
    })
    .addTask({
      id: 'index',
      type: 'aggregate',
      dependencies: ['embed'],
      run: ({ embed }) => embed.flatMap((each) => (each.status === 'completed' ? each.output : [])),
    });
  const executor = createExecutor({ strategy: parallel({ maxParallel: 4 }) });
  return await executor.execute(plan, { inputs: { pages: [...pages] } });
}
