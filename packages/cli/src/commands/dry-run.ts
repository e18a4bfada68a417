import { styleText } from 'node:util';
import { type Journal, memoryJournal, type Plan, type TaskForecast } from '@stratagem/core';
import type { StrategySpec } from '@stratagem/core/document';
import { openJournal } from '../load/open-journal.js';
import { EXIT } from '../output/exit-code.js';
import { jsonText } from '../output/json-text.js';
import { write } from '../output/streams.js';
import { onOneLine, padTo } from '../output/terminal-text.js';
import { withExecutor } from '../run/with-executor.js';
import { lackOf, needsJournal, type RunFlags } from './run.js';

/** More rows than this are counted instead of shown. */
const MAX_ROWS = 200;

/** `stratagem run --dry`: nothing is done, and nothing is written. */
export async function dryCommand(
  plan: Plan,
  strategy: StrategySpec | undefined,
  flags: RunFlags,
): Promise<number> {
  if (flags.reuse && flags.journal === undefined) throw needsJournal('--reuse');
  const journal =
    flags.journal === undefined ? memoryJournal() : await openJournal(flags.journal, false);
  try {
    return await withExecutor(flags, strategy, undefined, async ({ explain }) => {
      const forecast = (from: Journal) =>
        explain(plan, { journal: from }).catch((error) => {
          throw lackOf(error);
        });
      const known = await forecast(journal);
      const tasks = flags.reuse ? known : withoutReuse(await forecast(memoryJournal()), known);
      const document = flags.json ? `${jsonText(documentOf(plan, tasks))}\n` : textOf(plan, tasks);
      await write(process.stdout, document);
      return EXIT.completed;
    });
  } finally {
    await journal.close();
  }
}

/** What is known of the tasks from earlier runs, where nothing is taken from those. */
function withoutReuse(
  tasks: readonly TaskForecast[],
  known: readonly TaskForecast[],
): TaskForecast[] {
  const byId = new Map(known.map((forecast) => [forecast.taskId, forecast]));
  return tasks.map((task) => {
    const { reason = 'new', message = '', runId } = byId.get(task.taskId) ?? {};
    if (task.reason !== 'new') return task;
    if (reason !== 'reused') return { ...task, reason, message };
    return { ...task, message: `done in run ${runId}; --reuse would take its output` };
  });
}

function documentOf(plan: Plan, tasks: readonly TaskForecast[]): object {
  return {
    goal: plan.goal,
    runs: tasks.filter(({ runs }) => runs).length,
    reused: tasks.filter(({ reason }) => reason === 'reused').length,
    tasks: tasks.map(({ taskId, ...forecast }) => ({ id: taskId, ...forecast })),
  };
}

function textOf(plan: Plan, tasks: readonly TaskForecast[]): string {
  const stream = process.stdout;
  const shown = tasks.slice(0, MAX_ROWS);
  const width = Math.min(40, Math.max(...shown.map(({ taskId }) => onOneLine(taskId, 40).length)));
  const rows = shown.map(({ taskId, runs, message }) => {
    const mark = styleText(runs ? 'cyan' : 'dim', runs ? '▸' : '–', { stream });
    const what = runs ? 'runs    ' : 'does not';
    return `  ${mark} ${padTo(onOneLine(taskId, width), width)}  ${what}  ${onOneLine(message, 200)}`;
  });
  if (tasks.length > shown.length) rows.push(`  … and ${tasks.length - shown.length} more`);
  const running = tasks.filter(({ runs }) => runs).length;
  const lines = [
    styleText('bold', onOneLine(plan.goal, 200), { stream }),
    `${running} of ${tasks.length} tasks would run`,
    '',
    ...rows,
  ];
  return `${lines.join('\n')}\n`;
}
