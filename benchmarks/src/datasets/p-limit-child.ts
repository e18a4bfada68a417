import OpenAI from 'openai';
import pLimit from 'p-limit';
import { childArguments } from '../util/child-process.js';

/** The loop that people write: p-limit around the SDK, without a journal. */
const [url, rows, maxParallel] = childArguments() as [string, number, number];
const client = new OpenAI({ apiKey: 'none', baseURL: url });
const limit = pLimit(maxParallel);
const started = performance.now();
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
console.log(JSON.stringify(performance.now() - started));
