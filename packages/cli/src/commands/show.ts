import { type PlanEvent, readRun, resultOf } from '@stratagem/core';
import { findRun } from '../load/find-run.js';
import { withJournal } from '../load/open-journal.js';
import { EXIT } from '../output/exit-code.js';
import { jsonDocument } from '../output/json-documents.js';
import { jsonText } from '../output/json-text.js';
import { report } from '../output/run-report.js';
import { write } from '../output/streams.js';

export interface ShowFlags {
  readonly journal: string;
  readonly json?: boolean;
}

/** `stratagem show` */
export async function showCommand(wanted: string, flags: ShowFlags): Promise<number> {
  const result = await withJournal(flags.journal, async (journal) => {
    const { id, status } = await findRun(journal, wanted);
    const events: PlanEvent[] = [];
    for await (const event of readRun(journal, id)) events.push(event);
    return { ...resultOf(events), status };
  });
  const text = flags.json ? `${jsonText(jsonDocument(result))}\n` : report(result);
  await write(process.stdout, text);
  return EXIT.completed;
}
