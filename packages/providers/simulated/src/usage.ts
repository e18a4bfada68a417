import type { Usage } from '@stratagem/core';
import { addUsage } from '@stratagem/core/runner';
import type { SimulatedOptions } from './options.js';

/** The usage of a request. */
export interface RequestUsage {
  readonly usage: Usage;
  readonly costUsd?: number | undefined;
}

/**
 * The tokens of a request, estimated from the length of its texts, and their cost if there is a price.
 *
 * @param cachedInputTokens The cached tokens of the prompt; undefined without a prompt cache.
 */
export function usageOf(
  prompt: string,
  output: unknown,
  cachedInputTokens: number | undefined,
  price: SimulatedOptions['pricePerMillionTokens'],
): RequestUsage {
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

/** An estimate of four characters per token. */
export function countTokens(text: string): number {
  return Math.ceil(text.length / 4);
}

/** The JSON text of an output; empty for a value that JSON cannot represent. */
function textOf(output: unknown): string {
  if (typeof output === 'string') return output;
  try {
    return JSON.stringify(output) ?? '';
  } catch {
    return '';
  }
}

/** The total usage of two requests of one attempt. */
export function addRequestUsage(
  first: RequestUsage | undefined,
  second: RequestUsage,
): RequestUsage {
  if (first === undefined) return second;
  const usage = addUsage(first.usage, second.usage) as Usage;
  if (first.costUsd === undefined || second.costUsd === undefined) return { usage };
  return { usage, costUsd: first.costUsd + second.costUsd };
}
