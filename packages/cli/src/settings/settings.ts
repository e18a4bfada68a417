import { resolve } from 'node:path';
import type { PriceTable, TaskRunner } from '@stratagem/core';
import { isRunnerName, type StrategyName } from '../options/choices.js';
import {
  amounts,
  dollars,
  duration,
  httpUrl,
  integerFrom,
  nonEmpty,
  positiveInteger,
  runnerOrModule,
  strategyName,
} from '../options/parse-values.js';
import type { Profiles } from '../options/profiles.js';
import type { Amounts } from '../options/to-budget.js';

/** What the environment and the configuration file say. The options of a command come before them. */
export interface Settings {
  readonly journal?: string;
  readonly runner?: string | TaskRunner;
  readonly model?: string;
  readonly baseUrl?: string;
  readonly models?: Profiles;
  readonly prices?: string | PriceTable;
  readonly strategy?: StrategyName;
  readonly maxParallel?: number;
  readonly retries?: number;
  /** Milliseconds. */
  readonly deadline?: number;
  readonly budgetTokens?: Amounts;
  readonly budgetCost?: Amounts;
  readonly requestsPerMinute?: number;
  readonly tokensPerMinute?: number;
  readonly cache?: string;
  readonly mcpConfig?: string;
  /** The configuration file. */
  readonly file?: string;
  /** The file of `--env-file`. */
  readonly envFile?: string;
  /** Set when the journal comes from an option of this command alone, which the next command lacks. */
  readonly isJournalForOnce?: true;
}

interface Variable {
  readonly setting: keyof Settings;
  readonly variable: string;
  readonly parse: (text: string) => unknown;
}

export const JOURNAL_VARIABLE = 'STRATAGEM_JOURNAL';

/** The variables of the environment, read as the option of the same name is. */
export const VARIABLES: readonly Variable[] = [
  { setting: 'journal', variable: JOURNAL_VARIABLE, parse: nonEmpty },
  { setting: 'runner', variable: 'STRATAGEM_RUNNER', parse: runnerOrModule },
  { setting: 'model', variable: 'STRATAGEM_MODEL', parse: nonEmpty },
  { setting: 'baseUrl', variable: 'STRATAGEM_BASE_URL', parse: httpUrl },
  { setting: 'prices', variable: 'STRATAGEM_PRICES', parse: nonEmpty },
  { setting: 'strategy', variable: 'STRATAGEM_STRATEGY', parse: strategyName },
  { setting: 'maxParallel', variable: 'STRATAGEM_MAX_PARALLEL', parse: positiveInteger },
  { setting: 'retries', variable: 'STRATAGEM_RETRIES', parse: integerFrom(0) },
  { setting: 'deadline', variable: 'STRATAGEM_DEADLINE', parse: duration },
  { setting: 'budgetTokens', variable: 'STRATAGEM_BUDGET_TOKENS', parse: amounts(positiveInteger) },
  { setting: 'budgetCost', variable: 'STRATAGEM_BUDGET_COST', parse: amounts(dollars) },
  {
    setting: 'requestsPerMinute',
    variable: 'STRATAGEM_REQUESTS_PER_MINUTE',
    parse: positiveInteger,
  },
  { setting: 'tokensPerMinute', variable: 'STRATAGEM_TOKENS_PER_MINUTE', parse: positiveInteger },
  { setting: 'cache', variable: 'STRATAGEM_CACHE', parse: nonEmpty },
  { setting: 'mcpConfig', variable: 'STRATAGEM_MCP_CONFIG', parse: nonEmpty },
];

/** The path of a configuration file, like `--config`. */
export const CONFIG_VARIABLE = 'STRATAGEM_CONFIG';

/**
 * Puts settings over others. A model and a server belong to the runner beside them: they do not carry over to
 * another one.
 */
export function layered<Upper extends Pick<Settings, 'runner'>>(
  upper: Upper,
  lower: Settings,
): Settings & Upper {
  const { model, baseUrl, ...rest } = lower;
  const isSameRunner =
    upper.runner === undefined || placeOf(upper.runner) === placeOf(lower.runner);
  const ofRunner = {
    ...(model !== undefined && { model }),
    ...(baseUrl !== undefined && { baseUrl }),
  };
  return { ...rest, ...(isSameRunner && ofRunner), ...upper };
}

/** A module by its whole path, however it was written. */
function placeOf(runner: Settings['runner']): unknown {
  return typeof runner === 'string' && !isRunnerName(runner) ? resolve(runner) : runner;
}
