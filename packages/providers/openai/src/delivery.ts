import { definedFields } from '@stratagem/core/runner';
import type { OpenAIOptions } from './options.js';

/** Lifetimes that are the retention of older models. */
const RETENTIONS = ['in_memory', '24h'] as const;

/** The fields of a request that say how it is processed, stored and cached. */
export function deliveryFields({
  serviceTier,
  store,
  promptCacheKey,
  promptCacheTtl: ttl,
}: OpenAIOptions): object {
  const retention = RETENTIONS.find((each) => each === ttl);
  return definedFields({
    service_tier: serviceTier,
    store,
    prompt_cache_key: promptCacheKey,
    prompt_cache_retention: retention,
    prompt_cache_options: ttl !== undefined && retention === undefined ? { ttl } : undefined,
  });
}

/** Whether answers are not stored, so that the conversation has to carry the reasoning. */
export function isStateless({ store, providerOptions }: OpenAIOptions): boolean {
  return (providerOptions?.openai?.store ?? store) === false;
}
