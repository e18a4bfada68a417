// Appends to run "a" until an append fails; prints the number of acknowledged appends and the error.
import { sqliteJournal } from '../dist/index.js';

const [directory, durability] = process.argv.slice(2);
const journal = sqliteJournal({ directory, durability });
let acknowledged = 0;
try {
  const run = await journal.create({ id: 'a', goal: 'fill it', createdAt: 1 });
  for (;;) {
    const output = `output ${acknowledged} `.repeat(100);
    const event = { type: 'task_completed', sequence: acknowledged, timestamp: 1, output };
    await run.append([event]);
    acknowledged++;
  }
} catch ({ code, message }) {
  console.log(JSON.stringify({ acknowledged, code, message }));
}
process.exit();
