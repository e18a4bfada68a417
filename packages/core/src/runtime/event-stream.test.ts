import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { RunEvent } from '../contract/event.js';
import { EventFeed } from './event-stream.js';

const eventOf = (sequence: number): RunEvent => ({
  type: 'run_completed',
  sequence,
  timestamp: sequence,
  durationMs: sequence,
});

/** Lets as many promise reactions run. */
async function microtasks(count: number): Promise<void> {
  for (let n = 0; n < count; n++) await null;
}

async function collect(events: AsyncIterable<RunEvent>, pause = 0): Promise<number[]> {
  const seen: number[] = [];
  for await (const { sequence } of events) {
    seen.push(sequence);
    await microtasks(pause);
  }
  return seen;
}

/** A run of a stream: events come and readers begin, in any order and at any pace. */
const scripts = fc.array(
  fc.oneof(
    fc.constant({ what: 'push' as const }),
    fc.record({ what: fc.constant('read' as const), pause: fc.nat(5) }),
    fc.record({ what: fc.constant('leave' as const), after: fc.nat(5) }),
    fc.record({ what: fc.constant('wait' as const), count: fc.nat(8) }),
  ),
  { maxLength: 60 },
);

describe('EventFeed', () => {
  test.each([true, false])(
    'every reader sees every event once and in order (kept: %s)',
    async (keep) => {
      await fc.assert(
        fc.asyncProperty(scripts, async (script) => {
          const stream = new EventFeed(keep);
          const readers: { from: number; seen: Promise<number[]> }[] = [];
          let pushed = 0;
          for (const step of script) {
            if (step.what === 'push') stream.push(eventOf(pushed++));
            else if (step.what === 'wait') await microtasks(step.count);
            else if (step.what === 'read') {
              readers.push({ from: keep ? 0 : pushed, seen: collect(stream.read(), step.pause) });
            } else {
              void (async () => {
                let left = step.after;
                for await (const _ of stream.read()) if (left-- === 0) break;
              })();
            }
          }
          stream.end();
          const all = Array.from({ length: pushed }, (_, sequence) => sequence);
          for (const { from, seen } of readers) expect(await seen).toEqual(all.slice(from));
          expect(await collect(stream.read())).toEqual(keep ? all : []);
        }),
        { numRuns: 300 },
      );
    },
  );

  test('resolves calls of next() that precede their events, in order', async () => {
    const stream = new EventFeed(false);
    const iterator = stream.read();
    const early = [iterator.next(), iterator.next(), iterator.next()];
    stream.push(eventOf(0));
    await microtasks(10);
    stream.push(eventOf(1));
    stream.end();
    const answers = await Promise.all(early);
    expect(answers.map(({ value }) => value?.sequence)).toEqual([0, 1, undefined]);
    expect(answers.map(({ done }) => done)).toEqual([false, false, true]);
    expect(await iterator.next()).toEqual({ done: true, value: undefined });
  });

  test('an iterator that was left returns no more events', async () => {
    const stream = new EventFeed(true);
    stream.push(eventOf(0));
    const iterator = stream.read();
    await iterator.next();
    await iterator.return();
    stream.push(eventOf(1));
    expect(await iterator.next()).toEqual({ done: true, value: undefined });
  });

  test('a reader that throws does not affect the others', async () => {
    const stream = new EventFeed(true);
    const thrown = (async () => {
      for await (const event of stream.read()) throw new Error(`at ${event.sequence}`);
    })();
    const seen = collect(stream.read());
    stream.push(eventOf(0));
    await expect(thrown).rejects.toThrow('at 0');
    stream.push(eventOf(1));
    stream.end();
    expect(await seen).toEqual([0, 1]);
  });

  test('passes 100,000 events to a slow reader', async () => {
    for (const keep of [true, false]) {
      const stream = new EventFeed(keep);
      const seen = collect(stream.read());
      for (let sequence = 0; sequence < 100_000; sequence++) stream.push(eventOf(sequence));
      stream.end();
      const sequences = await seen;
      expect(sequences).toHaveLength(100_000);
      expect(sequences.at(-1)).toBe(99_999);
    }
  });
});
