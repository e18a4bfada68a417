import { expect, test } from 'vitest';
import { timeRatio } from '../../test/growth.js';
import { parseTemplate } from './template.js';

test('parseTemplate takes linear time, and asks for few names for each reference', () => {
  let calls = 0;
  const ratio = timeRatio(4_000, (size) => {
    const names = Array.from({ length: size }, (_, n) => `task ${n}`);
    const known = new Set(names);
    const isInput = (id: string) => {
      calls++;
      return known.has(id);
    };
    const description = names.map((name) => `{{${name}.items[0].title}}`).join(' and ');
    calls = 0;
    expect(parseTemplate(description, isInput)).toHaveLength(2 * size - 1);
    // One for the whole reference, and one for each of its prefixes that ends before a step.
    expect(calls).toBe(4 * size);
    return () => parseTemplate(description, isInput);
  });
  expect(ratio).toBeLessThan(3);
});

test('parseTemplate takes linear time for braces that are never closed', () => {
  const ratio = timeRatio(50_000, (size) => {
    const text = '{{'.repeat(size);
    expect(parseTemplate(text, () => true)).toEqual([text]);
    return () => parseTemplate(text, () => true);
  });
  expect(ratio).toBeLessThan(3);
});
