import type { SpendingData, TotalUsage, Usage } from '../contract/usage.js';

/** What a budget counts of an attempt. */
export type Spent = 'tokens' | 'costUsd';

/** The tokens and cost that attempts have used so far. */
export class Spending {
  readonly usage: { -readonly [Name in keyof TotalUsage]: TotalUsage[Name] } = {
    inputTokens: 0,
    outputTokens: 0,
    cachedInputTokens: 0,
    cacheWriteInputTokens: 0,
    reasoningTokens: 0,
  };
  /** In US dollars; null once tokens were used whose price is unknown. */
  costUsd: number | null = 0;
  /** Number of attempts that reported their usage. */
  reports = 0;
  /** The most that one attempt has used. */
  readonly largest = { tokens: 0, costUsd: 0 };

  get totalTokens(): number {
    return this.usage.inputTokens + this.usage.outputTokens;
  }

  /** What an attempt has used on average; 0 without a report. */
  averageOf(spent: Spent): number {
    if (this.reports === 0) return 0;
    return (spent === 'tokens' ? this.totalTokens : (this.costUsd ?? 0)) / this.reports;
  }

  get data(): SpendingData {
    return { usage: { ...this.usage }, costUsd: this.costUsd, reports: this.reports };
  }

  /** Starts from the spending of an earlier part of the run. */
  begin({ usage, costUsd, reports }: SpendingData): void {
    Object.assign(this.usage, usage);
    this.costUsd = costUsd;
    this.reports = reports;
    this.largest.tokens = this.averageOf('tokens');
    this.largest.costUsd = this.averageOf('costUsd');
  }

  add(usage: Usage | undefined, costUsd: number | undefined): void {
    if (usage === undefined && costUsd === undefined) return;
    this.reports++;
    if (costUsd === undefined) this.costUsd = null;
    else {
      if (this.costUsd !== null) this.costUsd += costUsd;
      this.largest.costUsd = Math.max(this.largest.costUsd, costUsd);
    }
    if (usage === undefined) return;
    const tokens = usage.inputTokens + usage.outputTokens;
    this.largest.tokens = Math.max(this.largest.tokens, tokens);
    this.usage.inputTokens += usage.inputTokens;
    this.usage.outputTokens += usage.outputTokens;
    this.usage.cachedInputTokens += usage.cachedInputTokens ?? 0;
    this.usage.cacheWriteInputTokens += usage.cacheWriteInputTokens ?? 0;
    this.usage.reasoningTokens += usage.reasoningTokens ?? 0;
    if (usage.searches) this.usage.searches = (this.usage.searches ?? 0) + usage.searches;
  }
}
