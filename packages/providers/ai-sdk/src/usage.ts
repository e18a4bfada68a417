import type { Usage } from '@stratagem/core';
import { countOf, definedFields, readWireUsage } from '@stratagem/core/runner';
import type { LanguageModelUsage } from 'ai';

/** The end of a step, as far as it says what the step used. */
interface StepEnd {
  readonly usage: LanguageModelUsage;
  readonly providerMetadata?: unknown;
}

/**
 * The usage of a step. Some providers of the SDK leave out counts that the server sent, or the hidden
 * reasoning; the SDK keeps what the server sent.
 */
export function stepUsage(usage: LanguageModelUsage | undefined): Usage | undefined {
  const { inputTokens, outputTokens, inputTokenDetails, outputTokenDetails, raw } = usage ?? {};
  const sent = isCompatible(raw) ? readWireUsage(raw).usage : undefined;
  const input = countOf(inputTokens) ?? sent?.inputTokens;
  const output = countOf(outputTokens) ?? sent?.outputTokens;
  if (input === undefined && output === undefined) return undefined;
  return {
    inputTokens: input ?? 0,
    outputTokens: Math.max(output ?? 0, sent?.outputTokens ?? 0),
    ...definedFields({
      cachedInputTokens: countOf(inputTokenDetails?.cacheReadTokens) ?? sent?.cachedInputTokens,
      cacheWriteInputTokens:
        countOf(inputTokenDetails?.cacheWriteTokens) ?? sent?.cacheWriteInputTokens,
      reasoningTokens: sent?.reasoningTokens || countOf(outputTokenDetails?.reasoningTokens),
    }),
  };
}

/** The cost in US dollars that the server, or a gateway before it, states for a step. */
export function stepCost({ usage, providerMetadata }: StepEnd): number | undefined {
  const { gateway, openrouter } = Object(providerMetadata) as Record<string, unknown>;
  return (
    countOf(Object(gateway).cost) ??
    countOf(Object(Object(openrouter).usage).cost) ??
    readWireUsage(usage.raw).costUsd
  );
}

/** Anthropic counts the tokens of its cache beside the input. */
function isCompatible(raw: unknown): boolean {
  return countOf(Object(raw).prompt_tokens) !== undefined;
}
