import { vi } from 'vitest';

/**
 * Does this while time is virtual: it passes only when nothing else happens, from timer to timer. So
 * durations are exact however slow the machine is.
 *
 * @param timers The number of timers without which no time passes.
 */
export async function inVirtualTime<T>(work: () => Promise<T>, timers = 1): Promise<T> {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date', 'performance'] });
  try {
    let isOver = false;
    const done = work().finally(() => {
      isOver = true;
    });
    done.catch(() => {});
    while (!isOver) {
      await new Promise(setImmediate);
      if (vi.getTimerCount() >= timers) await vi.advanceTimersToNextTimerAsync();
    }
    return await done;
  } finally {
    vi.useRealTimers();
  }
}
