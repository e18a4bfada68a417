// Takes the lease of run "a", prints "held", and holds it until the process is killed. The clock of
// this process is ahead by so many milliseconds, and its lease has so many.
import { sqliteJournal } from '../dist/index.js';

const [directory, aheadMs = '0', leaseMs = '30000'] = process.argv.slice(2);
const { now } = Date;
Date.now = () => now() + Number(aheadMs);
const journal = sqliteJournal({ directory, leaseMs: Number(leaseMs) });
await journal.open('a');
console.log('held');
setInterval(() => {}, 1_000);
