import * as z from 'zod';
import { type Tool, tool } from '../src/contract/tool.js';
import { createExecutor } from '../src/runtime/executor.js';
import type { ExecutorOptions } from '../src/runtime/executor-options.js';
import { inOrder } from './runs.js';

/** A tool that returns its input, and what it was called with. */
export function echo(name = 'echo', more: Partial<Tool> = {}) {
  const inputs: unknown[] = [];
  const made = tool({
    name,
    description: 'Returns its input.',
    inputSchema: z.looseObject({}),
    execute: (input) => {
      inputs.push(input);
      return input;
    },
    ...more,
  });
  return { tool: made, inputs };
}

export function executorWith(options: Partial<ExecutorOptions> = {}) {
  return createExecutor({ strategy: inOrder, abortGraceMs: 0, ...options });
}
