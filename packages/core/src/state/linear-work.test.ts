import { expect, test } from 'vitest';
import { asyncTimeRatio } from '../../test/time-ratio.js';
import { composePrompt } from './prompt.js';

test('twice as many references to twice as many inputs take about twice the work', async () => {
  const ratio = await asyncTimeRatio(10_000, (size) => {
    const ids = Array.from({ length: size }, (_, n) => `task ${n}`);
    const inputs = Object.fromEntries(ids.map((id) => [id, 'x']));
    const description = ids.map((id) => `{{${id}}}`).join(' ');
    return () => composePrompt(description, inputs);
  });
  expect(ratio).toBeLessThan(3);
});
