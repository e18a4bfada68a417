import { type SubmitOptions, submitRun } from '@stratagem/core/coordinator';
import { loadInputs } from '../load/load-inputs.js';
import { loadPlan } from '../load/load-plan.js';
import { withQueue } from '../load/open-queue.js';
import { streamsIn } from '../load/streams-in.js';
import type { InputFlags, ModuleFlags } from '../options/run-flags.js';
import type { Amounts } from '../options/to-budget.js';
import { toUsageError } from '../options/to-usage-error.js';
import { UsageError } from '../options/usage-error.js';
import { EXIT } from '../output/exit-code.js';
import { write } from '../output/streams.js';
import { toRunOptions, withRetries } from '../run/run-options.js';
import type { JournalFlags } from '../settings/apply-settings.js';

export interface SubmitFlags extends JournalFlags, InputFlags, ModuleFlags {
  readonly tenant?: string;
  readonly maxParallel?: number;
  readonly failFast?: boolean;
  readonly deadline?: number;
  readonly budgetTokens?: Amounts;
  readonly budgetCost?: Amounts;
  readonly prices?: string;
  readonly retries?: number;
}

/** `stratagem submit PLAN`: queues a run for the coordinators, and prints its id. */
export async function submitCommand(file: string, flags: SubmitFlags): Promise<number> {
  const { plan, strategy, models } = await loadPlan(file, { allowOutside: flags.allowOutside });
  if (models !== undefined) {
    throw new UsageError(
      `${file}: models cannot be submitted, because the coordinators call them. Put them into the settings of the coordinators, and remove them here`,
    );
  }
  if (strategy !== undefined) {
    await write(
      process.stderr,
      'The strategy of the plan has no effect: that of the coordinator applies.\n',
    );
  }
  const [rows] = streamsIn(plan.tasks);
  if (rows !== undefined) {
    await write(
      process.stderr,
      `The coordinator reads ${rows} itself: it needs this plan in its --plans.\n`,
    );
  }
  const { tenant, maxParallel } = flags;
  const inputs = await loadInputs(plan, flags);
  const options: SubmitOptions = {
    ...(await toRunOptions(flags)),
    ...(inputs !== undefined && { inputs }),
    ...(tenant !== undefined && { tenant }),
    ...(maxParallel !== undefined && { maxParallel }),
  };
  const runId = await withQueue(flags.journal, async (queue) => {
    try {
      return await submitRun(queue, withRetries(plan, flags.retries), options);
    } catch (error) {
      throw toUsageError(error);
    }
  });
  await write(process.stdout, `${runId}\n`);
  return EXIT.completed;
}
