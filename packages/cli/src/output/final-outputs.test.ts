import { expect, test } from 'vitest';
import { runPlan } from '../../test/run-plan.js';
import { finalOutputs } from './final-outputs.js';

test('one output is printed as it is', async () => {
  const long = 'A line.\n'.repeat(100);
  const result = await runPlan([
    { id: 'research', description: 'x' },
    { id: 'report', run: () => long, dependencies: ['research'] },
  ]);
  expect(finalOutputs(result)).toBe(`${long}\n`);
});

test('control characters are shown on a terminal, and stay in a file', async () => {
  const result = await runPlan([{ id: 'a', run: () => '\u001b[1ma\r\n' }]);
  expect(finalOutputs(result)).toBe('␛[1ma\n\n');
  expect(finalOutputs(result, { output: 'a.txt' })).toBe('\u001b[1ma\r\n\n');
});

test('several outputs have their task ids above them', async () => {
  const result = await runPlan([
    { id: 'research', description: 'x' },
    { id: '市場', description: 'x', dependencies: ['research'] },
    { id: 'data', run: () => ({ found: [1, 2] }) },
    { id: 'nothing', run: () => undefined },
  ]);
  expect(finalOutputs(result)).toBe(`市場
output of 市場

data
{
  "found": [
    1,
    2
  ]
}
`);
});

test('the outputs of tasks that a fan-out adds belong to the fan-out', async () => {
  const result = await runPlan([
    { id: 'list', run: () => ['a', 'b'] },
    { id: 'each', forEach: 'list', run: ({ item }) => item, dependencies: ['list'] },
  ]);
  const { output } = result.tasks.find(({ id }) => id === 'each') ?? {};
  expect(JSON.parse(finalOutputs(result))).toEqual(output);
});

test('a failed plan prints what its tasks completed', async () => {
  const result = await runPlan([
    { id: 'a', description: 'x' },
    { id: 'b', description: 'fail as', dependencies: ['a'] },
  ]);
  expect(finalOutputs(result)).toBe('output of a\n');
  expect(finalOutputs(await runPlan([{ id: 'a', description: 'fail as' }]))).toBe('');
});

test('outputs beyond the first fifty are counted', async () => {
  const tasks = Array.from({ length: 60 }, (_, index) => ({ id: `t${index}`, run: () => index }));
  expect(finalOutputs(await runPlan(tasks))).toContain(
    '\n… and 10 more outputs (use --json to see all)\n',
  );
});

test('escape sequences in outputs are visible', async () => {
  const text = finalOutputs(await runPlan([{ id: 'a', run: () => '\u001b[2J\u009b31m' }]));
  expect(text).toBe('␛[2J␡31m\n');
});
