import { joinCounts } from '@stratagem/core/runner';

/** The places of a chunk where servers count tokens. */
interface CountedChunk {
  readonly usage?: unknown;
  readonly choices?: readonly unknown[] | undefined;
  /** Groq's. */
  readonly x_groq?: unknown;
  /** Those of llama.cpp, which may send no usage. */
  readonly timings?: unknown;
  /** Cohere's. */
  readonly meta?: unknown;
  /** Google's. */
  readonly usageMetadata?: unknown;
}

/** Joins the counts of a chunk with those of the chunks before. */
export function countsIn(chunk: object, before: unknown): unknown {
  const { usage, choices, x_groq, timings, meta, usageMetadata } = chunk as CountedChunk;
  let counts = joined(before, timingCounts(timings));
  counts = joined(counts, usageOf(x_groq));
  counts = joined(counts, usageOf(meta) ?? meta);
  counts = joined(counts, usageMetadata);
  counts = joined(counts, usageOf(choices?.[0]));
  return joined(counts, usage);
}

function joined(before: unknown, counts: unknown): unknown {
  return counts == null ? before : joinCounts(before, counts);
}

function usageOf(place: unknown): unknown {
  return (place as CountedChunk | null | undefined)?.usage;
}

function timingCounts(timings: unknown): object | undefined {
  if (timings == null) return undefined;
  const { prompt_n, predicted_n, cache_n = 0 } = Object(timings) as Record<string, unknown>;
  if (typeof prompt_n !== 'number' || typeof predicted_n !== 'number') return undefined;
  const cached = Number(cache_n) || 0;
  return {
    prompt_tokens: prompt_n + cached,
    completion_tokens: predicted_n,
    ...(cached > 0 && { cached_tokens: cached }),
  };
}
