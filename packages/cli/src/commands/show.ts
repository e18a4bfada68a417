import { type RunEvent, readRun, resultOf } from '@stratagem/core';
import { findRun } from '../load/find-run.js';
import { withJournal } from '../load/open-journal.js';
import type { OutputFlags } from '../options/page-flags.js';
import { EXIT } from '../output/exit-code.js';
import { finalOutputs } from '../output/final-outputs.js';
import { runDocument } from '../output/json-documents.js';
import { jsonText } from '../output/json-text.js';
import { checkOutput, printResult } from '../output/result-file.js';
import { runSummary } from '../output/run-summary.js';
import { write } from '../output/streams.js';
import { taskTable } from '../output/task-table.js';
import { nextCommands } from '../run/recording.js';
import type { JournalFlags } from '../settings/apply-settings.js';

export interface ShowFlags extends JournalFlags, OutputFlags {
  readonly json?: boolean;
}

/** `stratagem show RUN` */
export async function showCommand(idOrPrefix: string, flags: ShowFlags): Promise<number> {
  await checkOutput(flags);
  const { result, runId } = await withJournal(flags.journal, async (journal) => {
    const { id, status } = await findRun(journal, idOrPrefix);
    const events: RunEvent[] = [];
    for await (const event of readRun(journal, id)) events.push(event);
    return { result: { ...resultOf(events), status }, runId: id };
  });
  if (flags.json) {
    await printResult(`${jsonText(runDocument(result, runId))}\n`, flags);
    return EXIT.completed;
  }
  await write(process.stderr, taskTable(result.tasks, process.stderr));
  await printResult(finalOutputs(result, flags), flags);
  const commands = nextCommands(runId, result.status, flags.journalOption);
  await write(process.stderr, runSummary(result, { commands }));
  return EXIT.completed;
}
