import fc from 'fast-check';
import { expect, test } from 'vitest';
import { FairQueue, type Queued } from './fair-queue.js';

interface Entry extends Queued {
  readonly id: string;
}

let arrivals = 0;

function entry(runId: string | undefined, criticalPath = 0, priority = 0): Entry {
  const arrival = arrivals++;
  return { id: `${runId}${arrival}`, runId, criticalPath, priority, arrival };
}

function takeAll(queue: FairQueue<Entry>): Entry[] {
  const taken: Entry[] = [];
  for (let next = queue.peek(); next !== undefined; next = queue.peek()) {
    queue.take(next);
    taken.push(next);
  }
  return taken;
}

test('takes the longest path first, then the highest priority, then the oldest', () => {
  const queue = new FairQueue<Entry>();
  const entries = [entry('a', 1), entry('a', 5, 1), entry('a', 5, 2), entry('a', 1), entry('a', 9)];
  for (const each of entries) queue.push(each);
  const expected = [4, 2, 1, 0, 3].map((position) => entries[position]);
  expect([...queue]).toEqual(expected);
  expect(takeAll(queue)).toEqual(expected);
});

test('gives runs their turns one after the other, however many entries each has', () => {
  const queue = new FairQueue<Entry>();
  for (const run of ['a', 'a', 'a', 'a', 'b', 'b', undefined]) queue.push(entry(run));
  expect(takeAll(queue).map(({ runId }) => runId)).toEqual([
    'a',
    'b',
    undefined,
    'a',
    'b',
    'a',
    'a',
  ]);
});

test('forgets runs after many others, so that short runs do not add up', () => {
  const queue = new FairQueue<Entry>();
  const takeOne = (run: string) => {
    queue.push(entry(run));
    takeAll(queue);
  };
  const firstOf = (...runs: string[]) => {
    for (const run of runs) queue.push(entry(run));
    return takeAll(queue)[0]?.runId;
  };
  for (let n = 0; n < 3; n++) takeOne('a');
  expect(firstOf('a', 'b')).toBe('b');
  for (let n = 0; n < 3; n++) takeOne('a');
  for (let n = 0; n < 100; n++) takeOne(`short ${n}`);
  expect(firstOf('a', 'c')).toBe('a');
});

test('a run whose entries come one by one has no more turns than the others', () => {
  const queue = new FairQueue<Entry>();
  for (let n = 0; n < 20; n++) queue.push(entry('many'));
  queue.push(entry('few'));
  let turns = '';
  for (let n = 0; n < 12; n++) {
    const next = queue.peek() as Entry;
    queue.take(next);
    turns += next.runId === 'few' ? 'f' : 'm';
    if (next.runId === 'few') queue.push(entry('few'));
  }
  expect(turns).toBe('mfmfmfmfmfmf');
});

test('a run that comes late takes no turns back', () => {
  const queue = new FairQueue<Entry>();
  for (let n = 0; n < 20; n++) queue.push(entry('early'));
  for (let n = 0; n < 10; n++) queue.take(queue.peek() as Entry);
  for (let n = 0; n < 5; n++) queue.push(entry('late'));
  const turns = takeAll(queue).map(({ runId }) => runId);
  expect(turns.slice(0, 6)).toEqual(['late', 'early', 'late', 'early', 'late', 'early']);
});

test('every entry has its turn, and nothing is lost or doubled, for any sequence of steps', () => {
  const step = fc.oneof(
    fc.record({ do: fc.constant('push' as const), run: fc.nat(3), path: fc.nat(5) }),
    fc.record({ do: fc.constant('take' as const) }),
    fc.record({ do: fc.constant('remove' as const), position: fc.nat(20) }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const queue = new FairQueue<Entry>();
      const there = new Set<Entry>();
      for (const each of steps) {
        if (each.do === 'push') {
          const added = entry(`${each.run}`, each.path);
          queue.push(added);
          there.add(added);
        } else {
          const isTake = each.do === 'take';
          const gone = isTake ? queue.peek() : [...there][each.position];
          expect(isTake && gone === undefined ? there.size : 0).toBe(0);
          if (gone === undefined) continue;
          expect(there.delete(gone)).toBe(true);
          if (isTake) queue.take(gone);
          else queue.remove(gone);
        }
        expect(queue.size).toBe(there.size);
        expect(new Set(queue)).toEqual(there);
      }
      expect(new Set(takeAll(queue))).toEqual(there);
    }),
  );
});

test('an entry waits for at most eight turns of its run for each older one', () => {
  const queue = new FairQueue<Entry>();
  const leaves = Array.from({ length: 5 }, () => entry('a', 1));
  for (const leaf of leaves) queue.push(leaf);
  const takenAt = new Map<Entry, number>();
  for (let turn = 1; takenAt.size < leaves.length; turn++) {
    queue.push(entry('a', 100));
    queue.push(entry('b', 100));
    for (let n = 0; n < 2; n++) {
      const next = queue.peek() as Entry;
      queue.take(next);
      if (next.criticalPath === 1) takenAt.set(next, turn);
    }
    expect(turn).toBeLessThanOrEqual(40);
  }
  expect(leaves.map((leaf) => takenAt.get(leaf))).toEqual([8, 16, 24, 32, 40]);
});
