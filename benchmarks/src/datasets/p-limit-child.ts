import OpenAI from 'openai';
import pLimit from 'p-limit';
import { childArguments } from '../util/child-process.js';

export interface LoopFigures {
  readonly ms: number;
  /** The CPU time of the process since the loop began. */
  readonly cpuMs: number;
}

/** The loop that people write: p-limit around the SDK, without a journal. */
const [url, rows, maxParallel] = childArguments() as [string, number, number];
const client = new OpenAI({ apiKey: 'none', baseURL: url });
const limit = pLimit(maxParallel);
const started = performance.now();
const cpuBefore = process.cpuUsage();
await Promise.all(
  Array.from({ length: rows }, (_, row) =>
    limit(async () => {
      const content = `Summarise row ${row} ${'x'.repeat(1_000)}`;
      const answer = await client.chat.completions.create({
        model: 'm',
        messages: [{ role: 'user', content }],
      });
      return answer.choices[0]?.message.content;
    }),
  ),
);
const { user, system } = process.cpuUsage(cpuBefore);
const figures: LoopFigures = {
  ms: performance.now() - started,
  cpuMs: (user + system) / 1_000,
};
console.log(JSON.stringify(figures));
