import type { Budget, PriceTable, TaskRunner } from '@stratagem/core';
import type { FALLBACKS, StrategyName } from './choices.js';
import type { FileFlags, OutputFlags, PageFlags } from './page-flags.js';
import type { ProgressFlags } from './progress-flags.js';
import type { Amounts } from './to-budget.js';

export interface StrategyFlags {
  readonly strategy?: StrategyName;
  readonly maxParallel?: number;
}

export interface RunnerFlags {
  /**
   * The name of a provider, the path of a module, or a runner of the configuration file; the simulated model
   * when left out.
   */
  readonly runner?: string | TaskRunner;
  readonly model?: string;
  /**
   * The option that names this model, for messages.
   * @default --model
   */
  readonly modelOption?: '--model' | '--compare-model' | '--judge';
  readonly baseUrl?: string;
  readonly latency?: number;
  readonly replay?: string;
}

export interface WrapperFlags {
  readonly requestsPerMinute?: number;
  readonly tokensPerMinute?: number;
  readonly cache?: string;
  readonly record?: string;
}

export interface LimitFlags {
  readonly retries?: number;
  readonly failFast?: boolean;
  readonly deadline?: number;
  readonly seed?: number;
  readonly budgetTokens?: Amounts;
  readonly budgetCost?: Amounts;
  /** A file, or the prices of the configuration file. */
  readonly prices?: string | PriceTable;
}

/** What tasks without a model may do. */
export interface StepFlags {
  /** Whether the commands of the plan may run. */
  readonly allowCommands?: boolean;
  /** Hosts that tasks may fetch from although they are private. */
  readonly allowHosts?: readonly string[];
  /** The folder that tasks save files in. */
  readonly outputDir?: string;
}

/** The flags that configure an executor. */
export interface ExecutorFlags extends StrategyFlags, RunnerFlags, WrapperFlags, StepFlags {
  readonly mcpConfig?: string;
  /** The tools whose calls a human approves; `all` for every tool. */
  readonly approveTools?: readonly string[];
  /** The maximum number of replanning rounds. */
  readonly replan?: number;
  /** Budgets of resources in the settings, which are for many plans. */
  readonly settingsBudgets?: Budget['resources'];
  readonly retries?: number;
  /** Further folders whose files tasks may attach. */
  readonly allowRead?: readonly string[];
}

/** The flag of commands that read a plan file. */
export interface ModuleFlags {
  /** Whether modules may be files outside of the folder of the plan. */
  readonly allowOutside?: boolean;
}

/** The files that a command with these flags reads. */
export function filesOf({
  prices,
  mcpConfig,
  replay,
  inputs,
  input = [],
}: Pick<ExecutorFlags, 'mcpConfig' | 'replay'> & Pick<LimitFlags, 'prices'> & InputFlags): (
  | string
  | undefined
)[] {
  const values = input.flatMap(({ value }) => (value.startsWith('@') ? value.slice(1) : []));
  return [typeof prices === 'string' ? prices : undefined, mcpConfig, replay, inputs, ...values];
}

/** Values for the inputs of the plan. */
export interface InputFlags {
  readonly input?: readonly InputFlag[];
  /** A file with values. */
  readonly inputs?: string;
}

export interface InputFlag {
  readonly name: string;
  readonly value: string;
}

/** Answers for human steps that were given in advance, by task id. */
export interface PresetAnswers {
  readonly approve?: readonly string[];
  readonly reject?: readonly string[];
  readonly answer?: readonly PresetAnswer[];
}

export interface PresetAnswer {
  readonly id: string;
  readonly value: string;
}

/** The flags of `stratagem run`. */
export interface RunFlags
  extends ProgressFlags,
    ExecutorFlags,
    LimitFlags,
    PresetAnswers,
    InputFlags,
    FileFlags,
    PageFlags,
    OutputFlags,
    ModuleFlags {
  readonly goal?: string;
  readonly fallback?: (typeof FALLBACKS)[number];
  readonly yes?: boolean;
  /** The server whose coordinators carry out the run; undefined for this process. */
  readonly engine?: string;
  readonly journal?: string;
  /** The option that names the journal in the commands for this run. */
  readonly journalOption?: string;
  readonly reuse?: boolean;
  readonly dryRun?: boolean;
  readonly json?: boolean;
}
