// Entry point: the type of stratagem.config.ts. It imports nothing at run time.
import type { PriceTable, TaskRunner } from '@stratagem/core';
import type { ConfigProfile } from './options/profiles.js';

export type { ConfigProfile } from './options/profiles.js';

/**
 * The settings of a project, in `stratagem.config.ts`, `.js`, `.yaml` or `.json`. Paths start at the folder of the
 * file. The options of a command, the environment and the plan file override them.
 */
export interface StratagemConfig {
  /** The directory that records runs, so that they can be resumed. */
  readonly journal?: string | undefined;
  /**
   * The provider that runs the tasks: `simulated`, `openai`, `anthropic`, the path of a module, or, in code, a
   * runner.
   *
   * @default 'simulated'
   */
  readonly runner?: string | TaskRunner | undefined;
  /** The model of `runner`. */
  readonly model?: string | undefined;
  /** The server URL of `runner`. */
  readonly baseUrl?: string | undefined;
  /** Profiles of models that plans may name; the profiles of a plan file itself come first. */
  readonly models?: Readonly<Record<string, ConfigProfile>> | undefined;
  /** Prices per million tokens by model, or the path of a file with them. */
  readonly prices?: string | PriceTable | undefined;
  /** The strategy of plans that name none. @default 'parallel' */
  readonly strategy?: 'sequential' | 'parallel' | 'adaptive' | undefined;
  readonly limits?: ConfigLimits | undefined;
  /** The directory that caches responses. */
  readonly cache?: string | undefined;
  /** A file with the MCP servers that provide tools. */
  readonly mcpConfig?: string | undefined;
}

/** Limits of the runs of a project. */
export interface ConfigLimits {
  /** The maximum number of tasks that run at once. */
  readonly maxParallel?: number | undefined;
  /** The maximum number of retries after transient errors. */
  readonly retries?: number | undefined;
  /** The plan fails after this time: `30s`, `5m`, `1h`. */
  readonly deadline?: string | undefined;
  /** A run stops before it uses more tokens. */
  readonly budgetTokens?: number | undefined;
  /** A run stops before it spends more US dollars. */
  readonly budgetCost?: number | undefined;
  /** Budgets of single resources: by the name of a model profile, or as `openai/gpt-5`. */
  readonly resources?: Readonly<Record<string, ConfigResourceLimits>> | undefined;
  readonly requestsPerMinute?: number | undefined;
  readonly tokensPerMinute?: number | undefined;
}

/** Limits of the runs of a project at one resource. */
export interface ConfigResourceLimits {
  /** A run stops before it uses more tokens there. */
  readonly budgetTokens?: number | undefined;
  /** A run stops before it spends more US dollars there. */
  readonly budgetCost?: number | undefined;
}

/**
 * Returns the settings as they are, for the types in an editor.
 *
 * @example
 * import { defineConfig } from '@stratagem/cli/config';
 *
 * export default defineConfig({ journal: '.stratagem', runner: 'openai', limits: { maxParallel: 8 } });
 */
export function defineConfig(config: StratagemConfig): StratagemConfig {
  return config;
}
