import { styleText } from 'node:util';
import { type Journal, memoryJournal, type Plan, type TaskForecast } from '@stratagem/core';
import { loadInputs } from '../load/load-inputs.js';
import type { LoadedPlan } from '../load/load-plan.js';
import { openJournal } from '../load/open-journal.js';
import type { RunFlags } from '../options/run-flags.js';
import { toUsageError } from '../options/to-usage-error.js';
import { EXIT } from '../output/exit-code.js';
import { jsonText } from '../output/json-text.js';
import { plural } from '../output/plural.js';
import { printResult } from '../output/result-file.js';
import { onOneLine, padTo } from '../output/terminal-text.js';
import { withExecutor } from '../run/with-executor.js';

/** More rows than this are counted instead of shown. */
const MAX_ROWS = 200;

/** `stratagem run --dry-run`: runs nothing and writes nothing. */
export async function dryRunCommand(
  plan: Plan,
  file: LoadedPlan,
  flags: RunFlags,
): Promise<number> {
  const journal =
    flags.journal === undefined ? memoryJournal() : await openJournal(flags.journal, false);
  try {
    return await withExecutor(flags, file, undefined, async ({ explain }) => {
      const inputs = await loadInputs(plan, flags);
      const forecast = (from: Journal) =>
        explain(plan, { journal: from, ...(inputs !== undefined && { inputs }) }).catch((error) => {
          throw toUsageError(error);
        });
      const withReuse = await forecast(journal);
      const tasks = flags.reuse
        ? withReuse
        : withoutReuse(await forecast(memoryJournal()), withReuse);
      const text = flags.json ? `${jsonText(forecastDocument(plan, tasks))}\n` : table(plan, tasks);
      await printResult(text, flags);
      return EXIT.completed;
    });
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

function forecastDocument(plan: Plan, tasks: readonly TaskForecast[]): object {
  return {
    goal: plan.goal,
    runs: tasks.filter(({ runs }) => runs).length,
    reused: tasks.filter(({ reason }) => reason === 'reused').length,
    tasks: tasks.map(({ taskId, ...forecast }) => ({ id: taskId, ...forecast })),
  };
}

function table(plan: Plan, tasks: readonly TaskForecast[]): string {
  const stream = process.stdout;
  const shown = tasks.slice(0, MAX_ROWS);
  const width = Math.min(40, Math.max(...shown.map(({ taskId }) => onOneLine(taskId, 40).length)));
  const rows = shown.map(({ taskId, runs, message }) => {
    const mark = styleText(runs ? 'cyan' : 'dim', runs ? '▸' : '–', { stream });
    const id = padTo(onOneLine(taskId, width), width);
    return `  ${mark} ${id}  ${runs ? 'run ' : 'skip'}  ${onOneLine(message, 200)}`;
  });
  if (tasks.length > shown.length) rows.push(`  … and ${tasks.length - shown.length} more`);
  const running = tasks.filter(({ runs }) => runs).length;
  const lines = [
    styleText('bold', onOneLine(plan.goal, 200), { stream }),
    `${running} of ${plural(tasks.length, 'task')} would run`,
    '',
    ...rows,
  ];
  return `${lines.join('\n')}\n`;
}
