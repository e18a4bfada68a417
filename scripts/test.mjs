import { globSync, readFileSync } from 'node:fs';
import { install, run } from './steps.mjs';

install();
const status = run(
  'pnpm turbo run build //#lint //#typecheck typecheck test package-check //#test:packed --continue --output-logs=new-only --log-order=grouped',
);

// Every package leaves a report, also when its tests came from the cache.
let passed = 0;
let failed = 0;
let skipped = 0;
for (const file of globSync('{packages/**,apps/*,benchmarks,scripts}/test-results.json', {
  exclude: ['**/node_modules'],
})) {
  const report = JSON.parse(readFileSync(file, 'utf8'));
  passed += report.numPassedTests;
  failed += report.numFailedTests;
  skipped += report.numPendingTests + report.numTodoTests;
}

if (status !== 0) console.error('\nNot everything passed: the first failure is above.');
// A check that is no test (types, lint, packaging) and a file that could not run count as one.
if (status !== 0 && failed === 0) failed = 1;
console.log(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`);
process.exitCode = status !== 0 || passed === 0 ? 1 : 0;
