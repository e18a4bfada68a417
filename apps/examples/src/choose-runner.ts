import type { TaskRunner } from '@stratagem/core';
import { type SimulatedOptions, simulated } from '@stratagem/simulated';

/**
 * Returns a real provider if its API key is set, otherwise the simulated model, and prints which.
 * Plans and strategies do not depend on the provider, so nothing else changes with it.
 */
export async function chooseRunner(options?: SimulatedOptions): Promise<TaskRunner> {
  const runner = (await chooseProvider()) ?? simulated(options);
  console.log(
    runner.name === 'simulated'
      ? 'Neither OPENAI_API_KEY nor ANTHROPIC_API_KEY is set: using the simulated model.\n'
      : `Using ${runner.resource}.\n`,
  );
  return runner;
}

async function chooseProvider(): Promise<TaskRunner | undefined> {
  if (process.env.OPENAI_API_KEY) return (await import('@stratagem/openai')).openai();
  if (process.env.ANTHROPIC_API_KEY) return (await import('@stratagem/anthropic')).anthropic();
  return undefined;
}
