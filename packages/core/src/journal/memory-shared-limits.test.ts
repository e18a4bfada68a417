import { expect, test, vi } from 'vitest';
import { sharedLimitsConformance } from '../conformance/shared-limits.js';
import { memorySharedLimits } from './memory-shared-limits.js';

for (const { name, run } of sharedLimitsConformance(() => memorySharedLimits())) test(name, run);

test('a schedule is worked off as time passes, and never before now', async () => {
  vi.useFakeTimers();
  try {
    const limits = memorySharedLimits();
    const reserve = async (amount: number) => {
      const amounts = [{ quantity: 'requests', amount, perMinute: 60 }];
      return (await limits.reserve('a', amounts)).aheadMs[0];
    };
    expect(await reserve(10)).toBe(0);
    vi.advanceTimersByTime(4_000);
    expect(await reserve(1)).toBe(6_000);
    vi.advanceTimersByTime(3_600_000);
    expect(await reserve(2)).toBe(0);
    expect(await reserve(1)).toBe(2_000);
    await limits.pause('a', 1_000);
    vi.advanceTimersByTime(400);
    expect((await limits.reserve('a', [])).pausedMs).toBe(600);
  } finally {
    vi.useRealTimers();
  }
});
