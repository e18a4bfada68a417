import { type RunEvent, readRun, resultOf } from '@stratagem/core';
import { findRun } from '../load/find-run.js';
import { withJournal } from '../load/open-journal.js';
import { EXIT } from '../output/exit-code.js';
import { runDocument } from '../output/json-documents.js';
import { jsonText } from '../output/json-text.js';
import { runReport } from '../output/run-report.js';
import { write } from '../output/streams.js';

export interface ShowFlags {
  readonly journal: string;
  readonly json?: boolean;
}

/** `stratagem show RUN` */
export async function showCommand(idOrPrefix: string, flags: ShowFlags): Promise<number> {
  const result = await withJournal(flags.journal, async (journal) => {
    const { id, status } = await findRun(journal, idOrPrefix);
    const events: RunEvent[] = [];
    for await (const event of readRun(journal, id)) events.push(event);
    return { ...resultOf(events), status };
  });
  const text = flags.json ? `${jsonText(runDocument(result))}\n` : runReport(result);
  await write(process.stdout, text);
  return EXIT.completed;
}
