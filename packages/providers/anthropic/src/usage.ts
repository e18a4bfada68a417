import type { Usage } from '@stratagem/core';
import { countOf, definedFields, readWireUsage } from '@stratagem/core/runner';

/** The tokens of a message that went into the prompt cache for an hour. */
export function hourCacheWriteTokensIn(counts: unknown): number | undefined {
  const { cache_creation } = Object(counts) as { cache_creation?: unknown };
  return countOf(Object(cache_creation).ephemeral_1h_input_tokens) || undefined;
}

/** The usage of a message; undefined without counts of input and output. */
export function messageUsage(counts: unknown): Usage | undefined {
  const fields = Object(counts) as Record<string, unknown>;
  const input = countOf(fields.input_tokens);
  const output = countOf(fields.output_tokens);
  // A gateway may have the names of other servers.
  if (input === undefined || output === undefined) return readWireUsage(counts).usage;
  const read = countOf(fields.cache_read_input_tokens);
  const written = countOf(fields.cache_creation_input_tokens);
  const { thinking_tokens } = Object(fields.output_tokens_details) as Record<string, unknown>;
  return {
    // Anthropic counts tokens that are read from or written to the cache separately.
    inputTokens: input + (read ?? 0) + (written ?? 0),
    outputTokens: output,
    ...definedFields({
      cachedInputTokens: read,
      cacheWriteInputTokens: written,
      reasoningTokens: countOf(thinking_tokens),
      searches: countOf(Object(fields.server_tool_use).web_search_requests) || undefined,
    }),
  };
}
