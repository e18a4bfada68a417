import { EXIT } from './exit-code.js';
import { withJournal } from './journal-folder.js';
import { jsonText } from './json-text.js';
import { write } from './output.js';
import { runTable } from './run-table.js';

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
  } else if (runs.length === 0) await write(process.stdout, 'No runs are recorded there.\n');
  else await write(process.stdout, `${runTable(runs, process.stdout)}\n`);
  return EXIT.completed;
}
