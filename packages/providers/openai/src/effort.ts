import {
  type CallOptions,
  type ReasoningEffort,
  RunnerError,
  reasoningOf,
} from '@stratagem/core/runner';

/** @throws {RunnerError} `invalid_request` for a limit of reasoning tokens: the API takes none. */
export function effortOf(options: CallOptions, label: string): ReasoningEffort | undefined {
  const { effort, budgetTokens } = reasoningOf(options);
  if (budgetTokens === undefined) return effort;
  const message = `${label}: the API takes no reasoning.budgetTokens; use reasoning.effort`;
  throw new RunnerError('invalid_request', message);
}
