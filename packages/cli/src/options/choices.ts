/** The names that options accept. They are apart from the code behind them to keep `--help` fast. */
export const STRATEGIES = ['sequential', 'parallel', 'adaptive'] as const;
export const RUNNERS = ['simulated', 'openai', 'anthropic'] as const;
export const SERVERS = [
  'fixed',
  'lognormal',
  'knee',
  'cpu-bound',
  'overload-503',
  'overload-429',
  'overload-silent',
] as const;
export const GRAPH_FORMATS = ['mermaid', 'dot', 'json'] as const;
export const ROW_FORMATS = ['csv', 'tsv', 'jsonl', 'json'] as const;
export const LOG_FORMATS = ['text', 'json'] as const;
export const COMPLEXITIES = ['simple', 'complex'] as const;
export const SHELLS = ['bash', 'zsh', 'fish'] as const;
export const FALLBACKS = ['single-task'] as const;

export type StrategyName = (typeof STRATEGIES)[number];
export type RunnerName = (typeof RUNNERS)[number];

export function isRunnerName(text: string): text is RunnerName {
  return RUNNERS.some((name) => name === text);
}
export type GraphFormat = (typeof GRAPH_FORMATS)[number];
export type Shell = (typeof SHELLS)[number];
export type LogFormat = (typeof LOG_FORMATS)[number];
export type ServerName = (typeof SERVERS)[number];
