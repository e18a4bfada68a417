import { existsSync } from 'node:fs';
import type { Budget } from '@stratagem/core';
import type { LoadedPlan } from '../load/load-plan.js';
import { isServer, shownJournal } from '../options/journal-place.js';
import type { ExecutorFlags, LimitFlags } from '../options/run-flags.js';
import { type Amounts, toBudget } from '../options/to-budget.js';
import { UsageError } from '../options/usage-error.js';
import { shellQuote } from '../output/shell-quote.js';
import { layered, type Settings } from './settings.js';

type Filled = ExecutorFlags & LimitFlags;

/**
 * Fills in what the options of a command leave out. A plan file comes before the settings, too: what it
 * says itself about its strategy, retries, budget and models stays.
 */
export function withSettings<Flags extends Filled>(
  flags: Flags,
  settings: Settings,
  file?: Pick<LoadedPlan, 'strategy' | 'models'> & { readonly plan?: LoadedPlan['plan'] },
): Flags {
  let lower = without(settings, 'journal', 'file', 'envFile', 'models', 'isJournalForOnce');
  const { strategy, plan, models } = file ?? {};
  // A replay calls no runner, and a profile of the plan named "default" takes the place of one.
  if (flags.replay !== undefined || (flags.runner === undefined && models?.default !== undefined)) {
    lower = without(lower, 'runner', 'model', 'baseUrl');
  }
  if (strategy !== undefined) lower = without(lower, 'strategy');
  const name = flags.strategy ?? strategy?.name ?? lower.strategy;
  const hasOwnLimit = strategy !== undefined && 'maxParallel' in strategy;
  if (name === 'sequential' || hasOwnLimit) lower = without(lower, 'maxParallel');
  if (plan?.retry?.maxAttempts !== undefined) lower = without(lower, 'retries');
  return withBudgets(layered(flags, lower) as Flags, flags, lower, plan?.budget);
}

/**
 * The budgets of options, plan and settings are each for themselves: of the run, and of each resource. Those
 * of resources in settings are for many plans.
 */
function withBudgets<Flags extends Filled>(
  filled: Flags,
  flags: Flags,
  settings: Settings,
  budget: Budget = {},
): Flags {
  const { budgetTokens: _, budgetCost: __, ...others } = filled;
  const isOwn = (name: string) =>
    [budget.resources, flags.budgetTokens?.resources, flags.budgetCost?.resources].some(
      (each) => each !== undefined && Object.hasOwn(each, name),
    );
  const resources = toBudget(settings.budgetTokens, settings.budgetCost).resources ?? {};
  const ofMany = Object.entries(resources).filter(([name]) => !isOwn(name));
  const budgets = {
    budgetTokens: over(flags.budgetTokens, settings.budgetTokens, budget.tokens),
    budgetCost: over(flags.budgetCost, settings.budgetCost, budget.costUsd),
    settingsBudgets: ofMany.length === 0 ? undefined : Object.fromEntries(ofMany),
  };
  const given = Object.entries(budgets).filter(([, each]) => each !== undefined);
  return { ...(others as Flags), ...Object.fromEntries(given) };
}

/** The amount of the whole run comes from the option, the plan or the settings, in this order. */
function over(
  option: Amounts | undefined,
  setting: Amounts | undefined,
  ofPlan: number | undefined,
): Amounts | undefined {
  if (setting?.whole === undefined || ofPlan !== undefined) return option;
  return { whole: setting.whole, ...option };
}

function without(settings: Settings, ...names: readonly (keyof Settings)[]): Settings {
  const entries = Object.entries(settings).filter(([name]) => !names.includes(name as never));
  return Object.fromEntries(entries);
}

/** Where runs are recorded. */
export interface JournalFlags {
  /** A directory, or the URL of a server. */
  readonly journal: string;
  /** The option that another command needs for the same journal; empty where it finds it without one. */
  readonly journalOption: string;
}

/** Where maps are recorded unless somebody says otherwise, and where recorded runs are looked for. */
export const DEFAULT_JOURNAL = '.stratagem';

/** The journal of the command line, or else of the settings; undefined without one. */
export function journalFlags(
  journal: string | false | undefined,
  settings: Settings,
): JournalFlags | undefined {
  const directory = journal ?? settings.journal;
  if (directory === undefined || directory === false) return undefined;
  const isSet = directory === settings.journal && !settings.isJournalForOnce;
  const isDefault =
    directory === DEFAULT_JOURNAL && (settings.journal ?? DEFAULT_JOURNAL) === DEFAULT_JOURNAL;
  const option = ` --journal ${shellQuote(shownJournal(directory))}`;
  return { journal: directory, journalOption: isSet || isDefault ? '' : option };
}

/**
 * The journal of a command about recorded runs: without another one, `.stratagem` in this folder.
 *
 * @throws {UsageError} without a journal.
 */
export function recordedJournal(journal: string | undefined, settings: Settings): JournalFlags {
  const named = journalFlags(journal, settings);
  if (named !== undefined) return named;
  if (existsSync(DEFAULT_JOURNAL)) return { journal: DEFAULT_JOURNAL, journalOption: '' };
  throw new UsageError(
    `which journal? There is no ${DEFAULT_JOURNAL} here, where \`run --journal ${DEFAULT_JOURNAL}\` records runs. ${NAME_IT}`,
  );
}

const NAME_IT = 'Use --journal DIR, or set STRATAGEM_JOURNAL, or journal: in stratagem.config.yaml';

/** @throws {UsageError} without a journal. */
export function requireJournal(journal: string | undefined, settings: Settings): JournalFlags {
  const found = journalFlags(journal, settings);
  if (found !== undefined) return found;
  throw new UsageError(`which journal? ${NAME_IT}`);
}

/**
 * The journal of a command that also takes the engine: both name the place of the runs.
 *
 * @throws {UsageError} when both are given, or the engine is no server.
 */
export function journalOrEngine(
  journal: string | undefined,
  engine: string | undefined,
): string | undefined {
  if (engine === undefined) return journal;
  if (journal !== undefined) {
    throw new UsageError('--engine has no effect with --journal: give one of them');
  }
  if (isServer(engine)) return engine;
  throw new UsageError(`--engine is a server: ${engine} is a directory, for --journal`);
}
