import { vi } from 'vitest';

/** How much faster time passes: simulated models take seconds, so that readers see them work. */
const FACTOR = 20;

/** Runs a function while the clocks and the timers of this process are faster. */
export async function withFastClock(run: () => Promise<void>): Promise<void> {
  const { setTimeout, setInterval, performance } = globalThis;
  const now = performance.now.bind(performance);
  const start = { ms: now(), date: Date.now() };
  const passed = () => (now() - start.ms) * FACTOR;
  const spies = [
    vi.spyOn(performance, 'now').mockImplementation(() => start.ms + passed()),
    vi.spyOn(Date, 'now').mockImplementation(() => Math.round(start.date + passed())),
  ];
  const faster = <T extends typeof setTimeout | typeof setInterval>(timer: T): T =>
    Object.assign(
      (callback: () => void, ms = 0, ...args: []) => timer(callback, ms / FACTOR, ...args),
      timer,
    );
  vi.stubGlobal('setTimeout', faster(setTimeout));
  vi.stubGlobal('setInterval', faster(setInterval));
  try {
    await run();
  } finally {
    for (const spy of spies) spy.mockRestore();
    vi.stubGlobal('setTimeout', setTimeout);
    vi.stubGlobal('setInterval', setInterval);
  }
}
