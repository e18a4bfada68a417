import type { Usage } from '@stratagem/core';

/** `9,412`, `12.4k`, `3.1M` */
export function formatCount(count: number): string {
  // `toLocaleString` loads data of its own, which takes several milliseconds.
  if (count < 10_000) return String(Math.round(count)).replace(/(?=\d{3}$)(?!^)/, ',');
  if (count < 999_950) return `${(count / 1_000).toFixed(1)}k`;
  return `${(count / 1_000_000).toFixed(1)}M`;
}

/** `$0.087`, `$12.40`, `<$0.001`, `no price known` */
export function formatCost(costUsd: number | null): string {
  if (costUsd === null) return 'no price known';
  if (costUsd === 0) return '$0';
  if (costUsd < 0.0005) return '<$0.001';
  return `$${costUsd.toFixed(costUsd < 0.9995 ? 3 : 2)}`;
}

/** Empty when the run used no tokens and cost nothing. */
export function spendingText(
  { inputTokens, outputTokens }: Usage,
  costUsd: number | null,
): string | undefined {
  return inputTokens + outputTokens === 0 && costUsd === 0 ? undefined : formatCost(costUsd);
}
