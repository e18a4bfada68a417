import { basename, extname } from 'node:path';
import type { Journal } from '@stratagem/core';
import { findForks } from '@stratagem/core/journal';
import { findRun } from '../load/find-run.js';
import { withJournal } from '../load/open-journal.js';
import { readEvents } from '../load/read-events.js';
import { UsageError } from '../options/usage-error.js';
import { COMMAND } from '../output/command-name.js';
import { EXIT } from '../output/exit-code.js';
import { differentFiles } from '../output/result-file.js';
import { checkRunFiles, writeRunFiles, writeText } from '../output/run-files.js';
import { shellQuote } from '../output/shell-quote.js';
import { write } from '../output/streams.js';
import { forTerminal } from '../output/terminal-text.js';
import type { JournalFlags } from '../settings/apply-settings.js';

export interface ReportFlags extends JournalFlags {
  readonly output?: string;
  readonly trace?: string;
  readonly timeline?: string;
  readonly graph?: string;
  readonly compare?: string;
}

/** `stratagem report RUN`: writes the report of a recorded run, and prints the name of its file. */
export async function reportCommand(idOrPrefix: string, flags: ReportFlags): Promise<number> {
  const { journal: directory, journalOption, trace, timeline, graph, compare } = flags;
  const files = await withJournal(directory, async (journal) => {
    const { id, status } = await findRun(journal, idOrPrefix);
    const report = flags.output ?? `run-${id.slice(0, 8)}.html`;
    for (const [, file] of differentFiles({ output: report, trace, timeline, graph })) {
      await checkRunFiles({ report: file });
    }
    for (const [option, file] of [
      ['--timeline', timeline],
      ['--graph', graph],
    ] as const) {
      if (file !== undefined) checkIsSvg(option, file);
    }
    const { events, notice } = await readEvents(journal, id);
    if (events.length === 0) throw new UsageError(`Run "${id}" has not started: nothing to show`);
    const forks = await findForks(journal, id);
    const about = { runId: id, status, ...(notice !== undefined && { notice }) };
    const written = await writeRunFiles({ report, ...(trace !== undefined && { trace }) }, events, {
      ...about,
      ...(forks.length > 0 && { forks }),
      ...(status !== 'completed' && { retryCommand: nextCommand(id, journalOption, status) }),
      ...(compare !== undefined && (await otherRun(journal, compare))),
    });
    const { graphSvg, timelineSvg } = await import('@stratagem/ui');
    for (const [file, draw] of [
      [timeline, timelineSvg],
      [graph, graphSvg],
    ] as const) {
      if (file === undefined) continue;
      await writeText(file, draw(events, about));
      written.push(file);
    }
    return written;
  });
  await write(process.stdout, files.map((file) => `${forTerminal(file)}\n`).join(''));
  return EXIT.completed;
}

/** @throws {UsageError} for a name such as `graph.png`, whose content would not be what it says. */
function checkIsSvg(option: string, file: string): void {
  if (extname(file).toLowerCase() === '.svg') return;
  throw new UsageError(
    `${option} draws an SVG picture: name it ${basename(file, extname(file))}.svg. For a PNG, open the report and choose Export.`,
  );
}

function nextCommand(id: string, journalOption: string, status: string): string {
  const resume = `${COMMAND} resume ${shellQuote(id)}${journalOption}`;
  return status === 'failed' ? `${resume} --retry-failed` : resume;
}

async function otherRun(journal: Journal, idOrPrefix: string) {
  const { id } = await findRun(journal, idOrPrefix);
  return { compareWith: (await readEvents(journal, id)).events, compareWithId: id };
}
