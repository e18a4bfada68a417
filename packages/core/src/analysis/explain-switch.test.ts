import { expect, test } from 'vitest';
import { describeEvent, explainSwitch } from '../analysis.js';

const change = {
  ...{ from: 'parallel', to: 'parallel', reason: 'lower concurrency is enough', limit: 8 },
  explanations: [
    { explanation: 'above 8 at once, throughput falls', probability: 0.823 },
    { explanation: 'requests do not slow each other down', probability: 0.004 },
  ],
  comparison: { expectedLoss: 0.034, rejectedLimit: 16, rejectedLoss: 0.996 },
};
const why =
  'Likeliest: above 8 at once, throughput falls (82 %); or requests do not slow each other down ' +
  '(less than 1 %). A limit of 8 is expected to lose 3 % of the throughput, 16 would lose more than 99 %.';

test('a switch is explained by probabilities and losses', () => {
  expect(explainSwitch(change)).toBe(why);
  const event = { type: 'strategy_switched', sequence: 1, timestamp: 1, ...change } as const;
  expect(describeEvent(event)).toBe(
    `The strategy changed: parallel with a limit of 8, because lower concurrency is enough. ${why}`,
  );
});

test('a switch without explanations needs no more words', () => {
  const { explanations: _, comparison: __, ...plain } = change;
  expect(explainSwitch(plain)).toBe('');
  expect(explainSwitch({ ...plain, explanations: [] })).toBe('');
});
