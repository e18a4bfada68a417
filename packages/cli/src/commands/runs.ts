import { withJournal } from '../load/open-journal.js';
import { EXIT } from '../output/exit-code.js';
import { jsonText } from '../output/json-text.js';
import { runTable } from '../output/run-table.js';
import { write } from '../output/streams.js';

export interface RunsFlags {
  readonly journal: string;
  readonly json?: boolean;
}

/** `stratagem runs` */
export async function runsCommand({ journal: directory, json }: RunsFlags): Promise<number> {
  const runs = await withJournal(directory, (journal) => journal.list());
  if (json) {
    const list = runs.map(({ id, goal, status, startedAt, completedTasks, totalTasks }) => ({
      id,
      goal,
      status,
      startedAt: new Date(startedAt).toISOString(),
      completedTasks,
      totalTasks,
    }));
    await write(process.stdout, `${jsonText(list)}\n`);
  } else if (runs.length === 0) await write(process.stdout, 'There are no recorded runs.\n');
  else await write(process.stdout, `${runTable(runs, process.stdout)}\n`);
  return EXIT.completed;
}
