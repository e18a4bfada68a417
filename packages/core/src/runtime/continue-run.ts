import type { RunLimits } from '../contract/event.js';
import type { Journal } from '../contract/journal.js';
import type { Plan } from '../contract/plan.js';
import { livenessOf } from '../journal/in-flight.js';
import type { LimitsOf, ResumableRun } from '../journal/open-run.js';
import { haveAttachments } from './attachments.js';
import { handleOf, type RunHandle } from './handle.js';
import { limitsOf, NO_LIMITS, type RunOptions, withoutUndefined } from './options.js';
import { namesIn, type RunPreparation, reuseOf } from './prepare-run.js';
import { Run } from './run.js';

/** How a run continues one that is recorded. */
export interface Continuation {
  readonly runId: string;
  /** Options of this call, which override recorded limits; those override the executor's options. */
  readonly given: RunOptions;
  readonly journal: Journal;
  readonly signal: AbortSignal | undefined;
  readonly find: (journal: Journal, limitsFor: LimitsOf) => Promise<ResumableRun>;
}

/**
 * Opens a run that begins with recorded events.
 *
 * @param onOpen Gets its handle, before the run does anything.
 */
export async function continueRun<Outputs>(
  preparation: RunPreparation,
  { runId, given, journal, signal, find }: Continuation,
  onOpen: (handle: RunHandle<Outputs>) => void,
): Promise<void> {
  const optionsFor = (recorded: RunLimits) =>
    preparation.withResources(recorded, {
      ...preparation.defaults,
      ...NO_LIMITS,
      ...recorded,
      ...withoutUndefined(given),
    });
  const limitsFor = (plan: Plan, recorded: RunLimits) => {
    const limits = limitsOf(plan, optionsFor(recorded));
    // Names are checked later, once the plan is known to be valid.
    const budget = preparation.budgetOf([], limits.budget, namesIn(limits));
    return withoutUndefined<RunLimits>({ ...limits, budget });
  };
  const found = await find(journal, limitsFor);
  const { plan, inputs, planData, limits, seed } = found;
  const { past, adopted, isOver, attached } = found;
  try {
    const options = optionsFor(limits);
    const own = preparation.settingsOf(plan, () => inputs, options, signal, attached);
    // The recorded limits were those of another plan, or of other runners.
    const forAnyPlan = namesIn({ budget: own.budget }, given);
    const checked = isOver ? own : preparation.requireRunner(plan, own, forAnyPlan);
    const settings = { ...checked, limits, runId, seed };
    if (!isOver && haveAttachments(plan.tasks)) {
      (await settings.attachments.load()).require(plan.tasks, preparation.runners);
    }
    const { redact } = options;
    const reuse = reuseOf(journal, options);
    const opened = await found.open();
    const record = { planData, redact, reuse, open: async () => opened };
    if (adopted.length > 0) await opened.append(adopted);
    const isAlive = await livenessOf(options.carrier, runId, past);
    const recovery = past && { ...past, isAlive };
    const run = new Run<Outputs>({ ...settings, record }, recovery);
    if (given.maxParallel !== undefined) run.setMaxParallel(settings.maxParallel);
    onOpen(handleOf(run));
  } catch (error) {
    await found.close();
    throw error;
  }
}
