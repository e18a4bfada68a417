/** The tokens of one or more requests. */
export interface Usage {
  /** All input tokens, including those from a cache. */
  readonly inputTokens: number;
  /** All output tokens, including those of hidden reasoning. */
  readonly outputTokens: number;
  /** The input tokens from the provider's prompt cache. */
  readonly cachedInputTokens?: number | undefined;
  /** The input tokens that were written to the provider's prompt cache. */
  readonly cacheWriteInputTokens?: number | undefined;
  /** The output tokens of hidden reasoning. */
  readonly reasoningTokens?: number | undefined;
  /** The searches that the provider made; many charge for each. */
  readonly searches?: number | undefined;
}

/** The usage of many attempts, without the counts that most of them do not have. */
export type TotalUsage = Required<Omit<Usage, 'searches'>> & Pick<Usage, 'searches'>;

/** The counts that most requests do not have. */
const DETAILS = [
  'cachedInputTokens',
  'cacheWriteInputTokens',
  'reasoningTokens',
  'searches',
] as const satisfies readonly (keyof Usage)[];

/** A copy of a usage from outside, with its own fields alone; undefined when it is invalid. */
export function usageOf(value: unknown): Usage | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const given = value as Usage;
  const { inputTokens, outputTokens } = given;
  if (!isAmount(inputTokens) || !isAmount(outputTokens)) return undefined;
  const usage: { -readonly [Name in keyof Usage]: Usage[Name] } = { inputTokens, outputTokens };
  for (const name of DETAILS) {
    const count = given[name];
    if (count == null) continue;
    if (!isAmount(count)) return undefined;
    usage[name] = count;
  }
  return Object.freeze(usage);
}

/** Whether a value from outside is an amount: of US dollars, of milliseconds. */
export function isAmount(value: unknown): value is number {
  return Number.isFinite(value) && (value as number) >= 0;
}

/** The sum of both; a field that both lack is left out. */
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
    ...sum('searches'),
  };
}

/** What attempts have used, as plain data. */
export interface SpendingData extends Amounts {
  /** What those at each resource have used; undefined in old logs. */
  readonly resources?: Readonly<Record<string, Amounts>> | undefined;
}

interface Amounts {
  readonly usage: TotalUsage;
  /** Null once tokens were used whose price is unknown. */
  readonly costUsd: number | null;
  /** Attempts that reported what they used. */
  readonly reports: number;
}
