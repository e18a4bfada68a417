import type { Usage } from '@stratagem/core';
import { addUsage } from '@stratagem/core/provider';
import type { SimulatedOptions } from './options.js';

/** What a request used. */
export interface Spending {
  readonly usage: Usage;
  readonly costUsd?: number;
}

/**
 * The tokens of a request by the length of its texts, and their cost when there is a price.
 *
 * @param cachedInputTokens Those of the prompt that were cached; undefined when none ever are.
 */
export function usageOf(
  prompt: string,
  output: unknown,
  cachedInputTokens: number | undefined,
  price: SimulatedOptions['pricePerMillionTokens'],
): Spending {
  const inputTokens = countTokens(prompt);
  const outputTokens = countTokens(textOf(output));
  const usage: Usage = {
    ...{ inputTokens, outputTokens },
    ...(cachedInputTokens !== undefined && { cachedInputTokens }),
  };
  if (price === undefined) return { usage };
  const { inputUsd, outputUsd, cachedInputUsd = inputUsd } = price;
  const cached = cachedInputTokens ?? 0;
  const cost =
    (inputTokens - cached) * inputUsd + cached * cachedInputUsd + outputTokens * outputUsd;
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

/** What two requests of one attempt used. */
export function addSpending(first: Spending | undefined, second: Spending): Spending {
  if (first === undefined) return second;
  const usage = addUsage(first.usage, second.usage) as Usage;
  if (first.costUsd === undefined || second.costUsd === undefined) return { usage };
  return { usage, costUsd: first.costUsd + second.costUsd };
}
