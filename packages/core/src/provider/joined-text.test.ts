import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { OutputPart } from '../contract/output-part.js';
import { JoinedText } from './joined-text.js';

test('text is emitted once for each flush, in order with other parts, and none is lost', () => {
  const step = fc.oneof(
    fc.string().map((text) => ({ text })),
    fc.string({ minLength: 1 }).map((reasoning) => ({ reasoning })),
    fc.constant({ flush: true }),
  );
  fc.assert(
    fc.property(fc.array(step), (steps) => {
      const emitted: (string | OutputPart)[] = [];
      const joined = new JoinedText((part) => void emitted.push(part));
      const expected: (string | OutputPart)[] = [];
      let pending = '';
      const end = () => {
        if (pending !== '') expected.push(pending);
        pending = '';
      };
      for (const each of steps) {
        if ('text' in each) {
          joined.emit(each.text);
          pending += each.text;
        } else if ('reasoning' in each) {
          const part = { kind: 'reasoning' as const, text: each.reasoning };
          joined.emit(part);
          end();
          expected.push(part);
        } else {
          joined.flush();
          end();
        }
      }
      joined.flush();
      end();
      expect(emitted).toEqual(expected);
    }),
  );
});

test('other parts wait for a reader who is behind with the text', async () => {
  const emitted: unknown[] = [];
  let release = () => {};
  const joined = new JoinedText((part) => {
    emitted.push(part);
    return new Promise<void>((resolve) => {
      release = resolve;
    });
  });
  joined.emit('Because');
  const behind = joined.emit({ kind: 'reasoning', text: 'Hm' });
  expect(emitted).toEqual(['Because']);
  release();
  await Promise.resolve();
  expect(emitted).toHaveLength(2);
  release();
  await behind;
});
