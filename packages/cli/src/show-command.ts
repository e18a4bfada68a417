import { type PlanEvent, readRun, resultOf } from '@stratagem/core';
import { EXIT } from './exit-code.js';
import { findRun } from './find-run.js';
import { withJournal } from './journal-folder.js';
import { jsonDocument } from './json-document.js';
import { jsonText } from './json-text.js';
import { write } from './output.js';
import { report } from './report.js';

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
