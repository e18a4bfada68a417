import type { Metrics } from '../src/state/metrics.js';
import type { Account } from './account.js';
import { must } from './must.js';

/** Sums of fractions may differ in the last place. */
const EPSILON = 1e-6;

/** Computes the longest chain of work from its end, which the metrics do from its beginning. */
export function checkCriticalPath(
  accounts: Iterable<Account>,
  { criticalPathMs, executionTimeMs }: Metrics,
): void {
  const chains = new Map<Account, number>();
  const longest = (others: readonly Account[]) => Math.max(0, ...others.map(chainOf));
  /** What comes before the subtasks of a group. */
  const opening = (group: Account | undefined): number =>
    group === undefined ? 0 : Math.max(longest(group.dependencies), opening(group.parent));
  function chainOf(account: Account): number {
    const known = chains.get(account);
    if (known !== undefined) return known;
    const { dependencies, children, parent, status, attempts, workMs, cause } = account;
    const hasEnded = status === 'completed' || status === 'failed';
    const hasPart = hasEnded || attempts > 0 || workMs > 0;
    // Some children may have been skipped because the group itself failed.
    const parts = children.filter((child) => child.cause !== account);
    const before = () => Math.max(longest(dependencies), longest(parts), opening(parent));
    // What was skipped for a failure ended with it.
    const skippedWith = status === 'skipped' && cause !== undefined ? chainOf(cause) : 0;
    const chain = Math.max(hasPart ? before() + workMs : 0, skippedWith);
    chains.set(account, chain);
    return chain;
  }
  const path = longest([...accounts]);
  must(Math.abs(path - criticalPathMs) < EPSILON, `the critical path is ${path} ms long`);
  must(criticalPathMs <= executionTimeMs + EPSILON, 'no run is shorter than its critical path');
}
