import type { TaskOutput } from '@stratagem/core';
import type { SimulatedOptions } from './options.js';

/** The tokens of a request by the length of its texts, and their cost when there is a price. */
export function usageOf(
  prompt: string,
  output: unknown,
  price: SimulatedOptions['pricePerMillionTokens'],
): Pick<TaskOutput, 'usage' | 'costUsd'> {
  const usage = { inputTokens: countTokens(prompt), outputTokens: countTokens(textOf(output)) };
  if (price === undefined) return { usage };
  const cost = usage.inputTokens * price.inputUsd + usage.outputTokens * price.outputUsd;
  return { usage, costUsd: cost / 1_000_000 };
}

/** About as many as a model would count: four characters each. */
function countTokens(text: string): number {
  return Math.ceil(text.length / 4);
}

/** What JSON cannot hold has no text: an answer of one's own may be any value. */
function textOf(output: unknown): string {
  if (typeof output === 'string') return output;
  try {
    return JSON.stringify(output) ?? '';
  } catch {
    return '';
  }
}
