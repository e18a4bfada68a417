import type { TaskRunner } from '@stratagem/core';
import { type SimulatedOptions, simulated } from '@stratagem/simulated';

/**
 * A real provider when its key is set, otherwise the simulated model. This is all there is to
 * swapping providers: plans and strategies know nothing of it.
 */
export async function chooseRunner(options?: SimulatedOptions): Promise<TaskRunner> {
  if (process.env.OPENAI_API_KEY) {
    const { openai } = await import('@stratagem/openai');
    return openai();
  }
  if (process.env.ANTHROPIC_API_KEY) {
    const { anthropic } = await import('@stratagem/anthropic');
    return anthropic();
  }
  return simulated(options);
}

/** One line that says which model answers. */
export function announce({ name, resource }: TaskRunner): void {
  console.log(
    name === 'simulated'
      ? 'Neither OPENAI_API_KEY nor ANTHROPIC_API_KEY is set: using the simulated model.\n'
      : `Using ${resource}.\n`,
  );
}
