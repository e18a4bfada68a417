/** Tokens that one or more requests used. */
export interface Usage {
  /** All tokens read, those served from a cache included. */
  readonly inputTokens: number;
  /** All tokens written, those of hidden reasoning included. */
  readonly outputTokens: number;
  /** Of the input tokens, those that were served from the provider's prompt cache. */
  readonly cachedInputTokens?: number;
  /** Of the input tokens, those that were written into the provider's prompt cache. */
  readonly cacheWriteInputTokens?: number;
  /** Of the output tokens, those spent on hidden reasoning. */
  readonly reasoningTokens?: number;
}

/** Whether a value from outside can be counted with. */
export function isUsage(value: unknown): value is Usage {
  if (typeof value !== 'object' || value === null) return false;
  const { inputTokens, outputTokens, cachedInputTokens, reasoningTokens } = value as Usage;
  const { cacheWriteInputTokens } = value as Usage;
  const details = [cachedInputTokens, cacheWriteInputTokens, reasoningTokens];
  const counts = [inputTokens, outputTokens, ...details.map((count) => count ?? 0)];
  return counts.every((count) => Number.isFinite(count) && count >= 0);
}

/** Whether a value from outside is an amount in US dollars that can be counted with. */
export function isCost(value: unknown): value is number {
  return Number.isFinite(value) && (value as number) >= 0;
}

/** The tokens of both; what neither counts stays uncounted. */
export function addUsage(first: Usage | undefined, second: Usage | undefined): Usage | undefined {
  if (first === undefined || second === undefined) return first ?? second;
  const sum = (name: keyof Usage) =>
    first[name] === undefined && second[name] === undefined
      ? {}
      : { [name]: (first[name] ?? 0) + (second[name] ?? 0) };
  return {
    inputTokens: first.inputTokens + second.inputTokens,
    outputTokens: first.outputTokens + second.outputTokens,
    ...sum('cachedInputTokens'),
    ...sum('cacheWriteInputTokens'),
    ...sum('reasoningTokens'),
  };
}
