import { joinCounts } from '@stratagem/core/runner';

/** The places of a chunk where servers count tokens. */
interface CountedChunk {
  readonly usage?: unknown;
  readonly choices?: readonly unknown[] | undefined;
  /** Groq's. */
  readonly x_groq?: unknown;
  /** Those of llama.cpp, which may send no usage. */
  readonly timings?: unknown;
}

/** Joins the counts of a chunk with those of the chunks before. */
export function countsIn(chunk: object, before: unknown): unknown {
  const { usage, choices, x_groq, timings } = chunk as CountedChunk;
  const places = [timingCounts(timings), Object(x_groq).usage, Object(choices?.[0]).usage, usage];
  return places.reduce(
    (counts, place) => (place == null ? counts : joinCounts(counts, place)),
    before,
  );
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
