import { type LoadedPlan, loadOptions, loadPlan } from '../load/load-plan.js';
import { filesRead, requireFolders } from '../load/read-files.js';
import { checkProgressFlags, type ProgressFlags } from '../options/progress-flags.js';
import {
  type ExecutorFlags,
  filesOf,
  type LimitFlags,
  type ModuleFlags,
} from '../options/run-flags.js';
import { withSettings } from '../settings/apply-settings.js';
import type { Settings } from '../settings/settings.js';
import type { Preflight } from './preflight.js';
import { hasTask } from './step-options.js';
import { optionsWithoutEffect } from './without-effect.js';

/** The flags of a command that runs a plan many times, with nobody to ask: `map` and `test`. */
type ManyFlags = ProgressFlags & ExecutorFlags & LimitFlags & ModuleFlags;

/** A plan that runs many times. */
export interface PlanForMany<Flags> {
  readonly loaded: LoadedPlan;
  /** With the settings of the configuration file. */
  readonly flags: Flags;
  /** The files that the plan and the command read, which no output may replace. */
  readonly read: readonly (string | undefined)[];
}

/** Checks the flags of such a command that are not about its plan. */
export async function checkManyFlags(given: ManyFlags, preflight: Preflight): Promise<void> {
  await preflight.try(() => checkProgressFlags(given));
  await preflight.try(() => requireFolders(given.allowRead));
}

/**
 * Loads the plan of such a command, and reports what it cannot do with it.
 *
 * @returns undefined when it cannot be loaded, which is reported.
 */
export async function loadPlanForMany<Flags extends ManyFlags>(
  command: 'map' | 'test',
  file: string,
  given: Flags,
  settings: Settings,
  preflight: Preflight,
): Promise<PlanForMany<Flags> | undefined> {
  const loaded = await preflight.try(() => loadPlan(file, loadOptions(given, settings)));
  if (loaded === undefined) return undefined;
  const { plan, models } = loaded;
  preflight.report(...optionsWithoutEffect(plan, models, given));
  if (hasTask(plan.tasks, ({ waitFor }) => waitFor !== undefined)) {
    preflight.report(
      `the plan asks humans, which a ${command} cannot do: remove its steps with waitFor`,
    );
  }
  const flags = withSettings(given, settings, loaded);
  return { loaded, flags, read: [...filesRead(loaded, settings), ...filesOf(flags)] };
}
