import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { Inbox } from './inbox.js';
import { Outbox } from './outbox.js';

/** A message on its way, as text. */
interface Sent {
  readonly to: string;
  readonly session: string;
  readonly n: number;
  readonly text: string | undefined;
}

/** What may happen between a worker and two coordinators, of which one listens at a time. */
const step = fc.oneof(
  { weight: 6, arbitrary: fc.constant('emit' as const) },
  { weight: 1, arbitrary: fc.constant('add a task' as const) },
  { weight: 6, arbitrary: fc.constant('deliver' as const) },
  { weight: 1, arbitrary: fc.constant('lose' as const) },
  { weight: 1, arbitrary: fc.constant('repeat' as const) },
  { weight: 1, arbitrary: fc.constant('swap' as const) },
  { weight: 2, arbitrary: fc.constant('later' as const) },
  { weight: 1, arbitrary: fc.constant('take over' as const) },
);

test('whatever is lost, repeated or late, each coordinator gets the reports in order, and the last one gets the end', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
      let now = 0;
      let wire: Sent[] = [];
      const outbox = new Outbox('try', 'first', now, (to, session, n, text) => {
        wire.push({ to, session, n, text });
      });
      let listener = 'first';
      let inbox = new Inbox();
      let got: string[] = [];
      let emitted = 0;
      let tasks = 0;
      const attach = () => {
        const { session, delivered } = inbox;
        outbox.attach(listener, session, delivered, now);
      };
      const deliver = (sent: Sent | undefined) => {
        if (sent === undefined || sent.to !== listener) return;
        const { session, n, text } = sent;
        const next = inbox.take(session, n, JSON.parse(text ?? '"end"'));
        if (next === undefined || inbox.hasGap) attach();
        for (const report of next ?? []) got.push(JSON.stringify(report));
        if (inbox.session !== undefined) outbox.ack(inbox.session, inbox.delivered, now);
      };
      /** Begun, then tasks and parts in the order in which they were reported, without a gap in either. */
      const check = () => {
        if (got.length > 0) expect(got[0]).toContain('begun');
        expect(got.filter((text) => text.includes('begun')).length).toBeLessThanOrEqual(1);
        for (const kind of ['part', 'tasks']) {
          const numbers = got.flatMap((text) => JSON.parse(text)[kind] ?? []);
          const first = numbers[0] ?? 0;
          expect(numbers).toEqual(numbers.map((_, index) => first + index));
        }
      };
      outbox.add({ type: 'begun' }, now);
      for (const each of steps) {
        switch (each) {
          case 'emit':
            void outbox.add({ type: 'output', part: emitted++ }, now);
            break;
          case 'add a task':
            void outbox.add({ type: 'add_tasks', tasks: tasks++ }, now);
            break;
          case 'deliver':
            deliver(wire.shift());
            break;
          case 'lose':
            wire.shift();
            break;
          case 'repeat':
            if (wire[0] !== undefined) wire.push(wire[0]);
            break;
          case 'swap':
            wire = [...wire.slice(1), ...wire.slice(0, 1)];
            break;
          case 'later':
            now += 1_500;
            outbox.tick(now);
            break;
          case 'take over':
            listener = `${listener}+`;
            inbox = new Inbox();
            got = [];
            attach();
        }
        check();
      }
      outbox.end('{"type":"completed"}', now);
      for (let round = 0; round < 20 && !outbox.isDone(now); round++) {
        now += 1_500;
        outbox.tick(now);
        while (wire.length > 0) deliver(wire.shift());
        check();
      }
      expect(got.at(-1)).toContain('completed');
      expect(outbox.isDone(now)).toBe(true);
      expect(inbox.hasGap).toBe(false);
      // The last coordinator knows every task that was ever added.
      expect(got.flatMap((text) => JSON.parse(text).tasks ?? [])).toHaveLength(tasks);
    }),
    { numRuns: Number(process.env.RUNS ?? 500) },
  );
});

test('a worker whose coordinator is away for long drops text alone, and says how much', () => {
  const sent: Sent[] = [];
  let now = 0;
  const outbox = new Outbox('try', 'first', now, (to, session, n, text) => {
    sent.push({ to, session, n, text });
  });
  outbox.add({ type: 'begun' }, now);
  let pressure: Promise<void> | undefined;
  for (let n = 0; pressure === undefined; n++) {
    pressure = outbox.add({ type: 'output', part: n }, now);
  }
  outbox.add({ type: 'add_tasks', tasks: 'x' }, now);
  now += 31_000;
  outbox.tick(now);
  expect(outbox.add({ type: 'output', part: 'more' }, now)).toBeUndefined();
  sent.length = 0;
  outbox.attach('second', undefined, 0, now);
  expect(sent.map(({ to }) => to)).toEqual(['second', 'second', 'second']);
  const texts = sent.map(({ text }) => JSON.parse(text as string));
  expect(texts).toMatchObject([
    { type: 'begun' },
    { type: 'add_tasks' },
    { part: { kind: 'notice', message: expect.stringMatching(/^\d+ parts of the output/) } },
  ]);
  return pressure;
});
