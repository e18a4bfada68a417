import {
  type ExecuteOptions,
  type Executor,
  type Journal,
  memoryJournal,
  type Plan,
  type TaskForecast,
} from '@stratagem/core';
import { graphOf } from '@stratagem/core/kernel';
import type { LoadedPlan } from '../load/load-plan.js';
import { openJournal } from '../load/open-journal.js';
import { resolveStrategy } from '../options/resolve-options.js';
import type { RunFlags } from '../options/run-flags.js';
import { toUsageError } from '../options/to-usage-error.js';
import { EXIT } from '../output/exit-code.js';
import { type Forecast, forecastDocument, forecastReport } from '../output/forecast-report.js';
import { jsonText } from '../output/json-text.js';
import { printResult } from '../output/result-file.js';
import { estimateCost } from '../run/cost-estimate.js';
import type { Preflight } from '../run/preflight.js';
import { withExecutor } from '../run/with-executor.js';

/** `stratagem run --dry-run`: runs nothing and writes nothing. */
export async function dryRunCommand(
  plan: Plan,
  file: LoadedPlan,
  flags: RunFlags,
  preflight: Preflight,
  prepare: (executor: Executor) => Promise<ExecuteOptions>,
): Promise<number> {
  const journal =
    flags.journal === undefined ? memoryJournal() : await openJournal(flags.journal, false);
  try {
    const forecastRun = async (executor: Executor) => {
      const { explain } = executor;
      const { inputs } = await prepare(executor);
      const forecast = (from: Journal) =>
        explain(plan, { journal: from, ...(inputs !== undefined && { inputs }) }).catch((error) => {
          throw toUsageError(error);
        });
      const withReuse = await forecast(journal);
      const tasks = flags.reuse
        ? withReuse
        : withoutReuse(await forecast(memoryJournal()), withReuse);
      const graph = graphOf(plan);
      const { name, maxParallel } = await resolveStrategy(flags, file.strategy);
      const found: Forecast = {
        ...{ plan, tasks, strategy: name, maxParallel },
        cost: await estimateCost(graph, tasks, journal, plan.goal),
      };
      const text = flags.json
        ? `${jsonText(forecastDocument(found))}\n`
        : forecastReport(found, process.stdout);
      await printResult(text, flags);
      return EXIT.completed;
    };
    return await withExecutor(flags, file, undefined, forecastRun, preflight);
  } finally {
    await journal.close();
  }
}

/** Adds the reasons that are known from earlier runs to a forecast that reuses none of them. */
function withoutReuse(
  tasks: readonly TaskForecast[],
  withReuse: readonly TaskForecast[],
): TaskForecast[] {
  const byId = new Map(withReuse.map((forecast) => [forecast.taskId, forecast]));
  return tasks.map((task) => {
    const { reason = 'new', message = '', runId } = byId.get(task.taskId) ?? {};
    if (task.reason !== 'new') return task;
    if (reason !== 'reused') return { ...task, reason, message };
    return { ...task, message: `completed in run ${runId}; --reuse would reuse its output` };
  });
}
