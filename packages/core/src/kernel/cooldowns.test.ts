import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Cooldowns } from './cooldowns.js';

type Step =
  | { readonly do: 'pause'; readonly resource: string; readonly ms: number }
  | { readonly do: 'pass'; readonly ms: number }
  | { readonly do: 'park'; readonly resource: string }
  | { readonly do: 'unpark' };

const resource = fc.constantFrom('a', 'b', 'c');
const ms = fc.integer({ min: 1, max: 20 });
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ do: fc.constant('pause' as const), resource, ms }),
  fc.record({ do: fc.constant('pass' as const), ms }),
  fc.record({ do: fc.constant('park' as const), resource }),
  fc.record({ do: fc.constant('unpark' as const) }),
);

/** The same, said as plainly as can be. */
class Plain {
  readonly until = new Map<string, number>();
  readonly parked: { readonly index: number; readonly resource: string }[] = [];

  unpark(): number | undefined {
    const position = this.parked.findIndex((each) => !this.until.has(each.resource));
    return position < 0 ? undefined : this.parked.splice(position, 1)[0]?.index;
  }
}

test('of the tasks whose resource is free, the first chosen one starts first', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const pauses = new Cooldowns();
      const plain = new Plain();
      let now = 0;
      for (const [index, step] of steps.entries()) {
        switch (step.do) {
          case 'pause': {
            const until = now + step.ms;
            const isLonger = until > (plain.until.get(step.resource) ?? 0);
            if (isLonger) plain.until.set(step.resource, until);
            expect(pauses.begin(step.resource, until, step.ms)).toBe(isLonger);
            break;
          }
          case 'pass':
            now += step.ms;
            pauses.expire(now);
            for (const [name, until] of plain.until) if (until <= now) plain.until.delete(name);
            break;
          case 'park':
            if (!plain.until.has(step.resource)) break;
            plain.parked.push({ index, resource: step.resource });
            pauses.park(index, step.resource);
            break;
          case 'unpark':
            expect(pauses.unpark(pauses)).toBe(plain.unpark());
        }
        expect(pauses.next).toBe(Math.min(...plain.until.values()));
        for (const name of ['a', 'b', 'c']) expect(pauses.has(name)).toBe(plain.until.has(name));
      }
      pauses.expire(Number.MAX_SAFE_INTEGER);
      plain.until.clear();
      while (plain.parked.length > 0) expect(pauses.unpark(pauses)).toBe(plain.unpark());
      expect(pauses.unpark(pauses)).toBeUndefined();
    }),
  );
});

test('no parked task starts after clear()', () => {
  const pauses = new Cooldowns();
  for (const name of ['a', 'b']) {
    pauses.begin(name, name === 'a' ? 5 : 50, 5);
    pauses.park(1, name);
    pauses.park(2, name);
  }
  pauses.expire(10);
  pauses.clear();
  pauses.expire(100);
  expect(pauses.unpark(pauses)).toBeUndefined();
});
