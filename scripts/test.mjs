import { globSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { install, run } from './steps.mjs';

/** Every package leaves a report, also when its tests come from the cache. */
const reports = () =>
  globSync('{packages/**,apps/*,benchmarks,scripts/*}/test-results.json', {
    exclude: ['**/node_modules'],
  });

/** The message of a failure, without the stack of the test runner. */
const shortened = (message) =>
  message
    .split('\n')
    .filter((line) => !/^\s+at .*(node_modules|<anonymous>)/.test(line))
    .slice(0, 30)
    .join('\n');

install();
for (const file of reports()) rmSync(file);
// Some tests wait for servers; too many tasks at once make all tests slower, and time limits near.
const concurrency = Math.max(5, availableParallelism());
const status = run(
  `pnpm turbo run build //#lint //#typecheck //#unused test //#test:repository //#test:packed --continue --output-logs=new-only --log-order=grouped --concurrency=${concurrency}`,
);

let passed = 0;
let failed = 0;
let skipped = 0;
/** What failed, repeated at the end, as the output of a package may be long. */
const failures = [];
for (const file of reports()) {
  const report = JSON.parse(readFileSync(file, 'utf8'));
  passed += report.numPassedTests;
  failed += report.numFailedTests;
  skipped += report.numPendingTests + report.numTodoTests;
  for (const { name, message, status, assertionResults } of report.testResults) {
    const failedTests = assertionResults.filter((test) => test.status === 'failed');
    for (const { fullName, failureMessages } of failedTests) {
      failures.push(`${name}: ${fullName}\n${failureMessages.join('\n')}`);
    }
    if (status === 'failed' && failedTests.length === 0) failures.push(`${name}: ${message}`);
  }
}

if (status !== 0) {
  console.error('\nNot everything passed: the first failure is above.');
  for (const failure of failures) console.error(`\n${shortened(failure)}`);
}
// A check that is no test (types, lint, packaging) and a file that could not run count as one.
if (status !== 0 && failed === 0) failed = 1;
console.log(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`);
process.exitCode = status !== 0 || passed === 0 ? 1 : 0;
