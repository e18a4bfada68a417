// Takes the lease of run "a", prints "held", and holds it until the process is killed.
import { sqliteJournal } from '../dist/index.js';

const journal = sqliteJournal({ directory: process.argv[2] });
await journal.open('a');
console.log('held');
setInterval(() => {}, 1_000);
