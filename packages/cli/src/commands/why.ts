import { type RunEvent, readRun } from '@stratagem/core';
import { analyzeRun, type RunAnalysis, type TaskAnalysis } from '@stratagem/core/analysis';
import { type Fork, findForks } from '@stratagem/core/journal';
import { findAlternatives } from '@stratagem/core/simulate';
import { findRun } from '../load/find-run.js';
import { withJournal } from '../load/open-journal.js';
import type { OutputFlags } from '../options/page-flags.js';
import { UsageError } from '../options/usage-error.js';
import { EXIT } from '../output/exit-code.js';
import { jsonText } from '../output/json-text.js';
import { checkOutput, printResult } from '../output/result-file.js';
import { type RunSwitch, switchesOf } from '../output/run-switches.js';
import { waitsOf, whyRun, whyTask } from '../output/why-report.js';

export interface WhyFlags extends OutputFlags {
  readonly journal: string;
  readonly json?: boolean;
}

/** `stratagem why RUN [TASK]` */
export async function whyCommand(
  idOrPrefix: string,
  taskId: string | undefined,
  flags: WhyFlags,
): Promise<number> {
  const { journal: directory, json } = flags;
  await checkOutput(flags);
  const { runId, events, forks } = await withJournal(directory, async (journal) => {
    const { id } = await findRun(journal, idOrPrefix);
    const events: RunEvent[] = [];
    for await (const event of readRun(journal, id)) events.push(event);
    return { runId: id, events, forks: taskId === undefined ? await findForks(journal, id) : [] };
  });
  if (events.length === 0) throw new UsageError(`Run "${runId}" never started`);
  const analysis = analyzeRun(events);
  if (taskId !== undefined) {
    const task = requireTask(analysis, taskId);
    const text = json ? `${jsonText(task)}\n` : whyTask(task, analysis, process.stdout);
    await printResult(text, flags);
    return EXIT.completed;
  }
  const found = findAlternatives(events);
  const switches = switchesOf(events);
  const text = json
    ? `${jsonText(whyDocument(runId, analysis, found, switches, forks))}\n`
    : whyRun(analysis, found, switches, forks, process.stdout);
  await printResult(text, flags);
  return EXIT.completed;
}

/** The document of `why RUN --json`; `why RUN TASK --json` has the spans and attempts of a task. */
function whyDocument(
  runId: string,
  analysis: RunAnalysis,
  found: ReturnType<typeof findAlternatives>,
  switches: readonly RunSwitch[],
  forks: readonly Fork[],
): object {
  const { goal, status, strategy, startedAt, makespanMs, counts, criticalPath } = analysis;
  const { failures, pauses, concurrency, metrics, forkedFrom } = analysis;
  return {
    ...{ runId, goal, status, strategy, startedAt, makespanMs, counts, criticalPath },
    ...(forkedFrom !== undefined && { forkedFrom }),
    ...(forks.length > 0 && { forks }),
    waits: waitsOf(analysis.tasks),
    ...{ failures, pauses, concurrency },
    switches: switches.map(({ event }) => event),
    slowest: analysis.slowest(10).map(({ id, ranMs }) => ({ id, ranMs })),
    replayMs: found.replayMs,
    alternatives: found.alternatives,
    metrics,
  };
}

/** @throws {UsageError} with ids that look like it. */
function requireTask(analysis: RunAnalysis, id: string): TaskAnalysis {
  const task = analysis.task(id);
  if (task !== undefined) return task;
  const wanted = id.toLowerCase();
  const similar = analysis.tasks
    .filter((each) => each.id.toLowerCase().includes(wanted))
    .slice(0, 5)
    .map((each) => `"${each.id}"`);
  const hint = similar.length === 0 ? '' : ` Did you mean ${similar.join(' or ')}?`;
  throw new UsageError(`There is no task "${id}" in this run.${hint}`);
}
