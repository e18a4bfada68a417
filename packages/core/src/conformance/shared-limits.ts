import type { SharedLimits } from '../contract/shared-limits.js';
import { assert, type ConformanceCase } from './case.js';
import { refuses } from './store-checks.js';

export interface SharedLimitsConformanceOptions {
  /** Opens the same limits once more, as another process would. */
  readonly another?: (() => SharedLimits | Promise<SharedLimits>) | undefined;
}

/**
 * The cases that all shared limits must pass, for any test runner: schedules, pauses, and their
 * separation by resource. They wait for nothing but the calls.
 *
 * @param create Creates limits that nobody has used; called once per case, which closes them.
 *
 * @example
 * for (const { name, run } of sharedLimitsConformance(() => memorySharedLimits())) test(name, run);
 */
export function sharedLimitsConformance(
  create: () => SharedLimits | Promise<SharedLimits>,
  { another }: SharedLimitsConformanceOptions = {},
): ConformanceCase[] {
  return Object.entries(CASES).map(([name, prove]) => ({
    name,
    async run() {
      const limits = await create();
      const other = another === undefined ? limits : await another();
      try {
        await prove(limits, other);
      } finally {
        await limits.close();
        if (other !== limits) await other.close();
      }
    },
  }));
}

/** Per minute: one each hour, so that the duration of a test hardly matters. */
const SLOW = 1 / 60;
const HOUR_MS = 3_600_000;
/** How much a schedule may have moved while a case runs. */
const CASE_MS = 600_000;

const CASES: Record<string, (limits: SharedLimits, other: SharedLimits) => Promise<void>> = {
  async 'reserves one amount after the other'(limits, other) {
    near(await ahead(limits, 3), 0);
    near(await ahead(other, 1), 3 * HOUR_MS);
    near(await ahead(limits, 0.5), 4 * HOUR_MS);
    near(await ahead(other, 0), 4.5 * HOUR_MS);
  },

  async 'takes amounts back'(limits, other) {
    await ahead(limits, 5);
    await ahead(other, -2);
    near(await ahead(limits, 0), 3 * HOUR_MS);
    await ahead(other, -100);
    // What is given back cannot be saved up for later.
    near(await ahead(limits, 2), 0);
    near(await ahead(limits, 0), 2 * HOUR_MS);
  },

  async 'keeps resources and their quantities apart'(limits) {
    await ahead(limits, 2, 'a', 'requests');
    near(await ahead(limits, 1, 'a', 'tokens'), 0);
    near(await ahead(limits, 1, 'b', 'requests'), 0);
    near(await ahead(limits, 0, 'a', 'requests'), 2 * HOUR_MS);
  },

  async 'reserves several amounts at once, each at its own rate'(limits) {
    const amounts = [
      { quantity: 'tokens', amount: 10, perMinute: 10 * SLOW },
      { quantity: 'requests', amount: 1, perMinute: SLOW / 2 },
    ];
    await limits.reserve('a', amounts);
    const { aheadMs } = await limits.reserve('a', amounts);
    assert(aheadMs.length === 2, `it returned ${aheadMs.length} numbers for 2 amounts`);
    near(aheadMs[0], HOUR_MS);
    near(aheadMs[1], 2 * HOUR_MS);
    const nothing = await limits.reserve('a', []);
    assert(nothing.aheadMs.length === 0, 'it returned numbers for no amounts');
  },

  async 'gives each of many concurrent reservations a time of its own'(limits, other) {
    const all = Array.from({ length: 50 }, (_, n) => ahead(n % 2 === 0 ? limits : other, 1));
    const sorted = (await Promise.all(all)).sort((a, b) => a - b);
    for (const [index, aheadMs] of sorted.entries()) near(aheadMs, index * HOUR_MS);
  },

  async 'pauses a resource for everybody'(limits, other) {
    near((await limits.reserve('a', [])).pausedMs, 0);
    await limits.pause('a', 2 * HOUR_MS);
    near((await other.reserve('a', [])).pausedMs, 2 * HOUR_MS);
    near((await other.reserve('b', [])).pausedMs, 0);
    await other.pause('a', HOUR_MS);
    near((await limits.reserve('a', [])).pausedMs, 2 * HOUR_MS);
    await other.pause('a', 3 * HOUR_MS);
    near((await limits.reserve('a', [])).pausedMs, 3 * HOUR_MS);
  },

  async 'calls listeners when a resource is paused'(limits, other) {
    let called: [string, number] | undefined;
    const end = limits.onPause((resource, durationMs) => {
      called ??= [resource, durationMs];
    });
    // It may begin to listen a moment later, so that it misses the first pauses.
    for (let hours = 2; called === undefined; hours++) {
      await other.pause('ä "quoted" name', hours * HOUR_MS);
      await new Promise<void>((resolve) => queueMicrotask(resolve));
    }
    const [resource, durationMs] = called;
    assert(resource === 'ä "quoted" name', `it was called for ${resource}`);
    assert(durationMs > HOUR_MS, `it was called with ${durationMs} ms`);
    end();
  },

  async 'rejects every call after close'(limits) {
    await limits.close();
    await limits.close();
    await refuses('journal_failed', () => limits.reserve('a', []));
    await refuses('journal_failed', () => limits.pause('a', 1));
  },
};

async function ahead(
  limits: SharedLimits,
  amount: number,
  resource = 'a',
  quantity = 'requests',
): Promise<number> {
  const { aheadMs } = await limits.reserve(resource, [{ quantity, amount, perMinute: SLOW }]);
  return aheadMs[0] as number;
}

function near(actual: number | undefined, expected: number): void {
  const isNear =
    actual !== undefined && actual <= expected + 1 && actual >= expected - CASE_MS && actual >= 0;
  assert(isNear, `it returned ${actual} ms instead of ${expected}`);
}
