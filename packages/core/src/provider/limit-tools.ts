import type { RequestTool } from '../contract/tool.js';

/**
 * The tools of an attempt, of whose calls only so many run at the same time. The others wait in the
 * order in which the model made them.
 */
export function limitTools(
  tools: readonly RequestTool[],
  concurrency: number,
): readonly RequestTool[] {
  const waiting: (() => void)[] = [];
  let first = 0;
  let free = concurrency;
  return tools.map((tool) => ({
    ...tool,
    async call(...given: Parameters<RequestTool['call']>) {
      if (free > 0) free--;
      else await new Promise<void>((resolve) => waiting.push(resolve));
      try {
        return await tool.call(...given);
      } finally {
        // A waiting call takes over the place of this one.
        const next = waiting[first];
        if (next === undefined) free++;
        else {
          first++;
          next();
        }
      }
    },
  }));
}
