import { afterEach, expect, test, vi } from 'vitest';
import { diligenceRun } from '../../test/sample-runs.js';
import { WatchedRun } from './watched-run.js';

afterEach(() => void vi.useRealTimers());

test('says how long the run will still take while it is under way', () => {
  vi.useFakeTimers({ toFake: ['Date'] });
  const events = diligenceRun();
  const half = events.slice(0, Math.floor(events.length / 2));
  // The events have just happened.
  const since = Date.now() - (half.at(-1)?.timestamp ?? 0);
  const watched = new WatchedRun('one');
  const feed = (list: typeof events) => {
    for (const event of list) watched.feed({ ...event, timestamp: event.timestamp + since });
  };
  feed(half.slice(0, 2));
  expect(watched.model?.figures.leftMs).toBeUndefined();
  feed(half);
  expect(watched.model?.figures.leftMs).toBeGreaterThan(0);
  watched.setStatus('interrupted');
  expect(watched.model?.figures.leftMs).toBeUndefined();
  feed(events);
  expect(watched.model?.figures.leftMs).toBeUndefined();
});
