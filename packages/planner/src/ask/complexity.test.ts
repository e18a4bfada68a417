import { describe, expect, test } from 'vitest';
import { complexityScore, estimateComplexity } from './complexity.js';

describe('estimateComplexity', () => {
  test.each([
    ['What is the capital of Norway?'],
    ['Translate "research the market, then compare all vendors and write a report" into French'],
    ['Summarise this text'],
    ['Write a haiku about autumn'],
    ['Explain photosynthesis to a child'],
    ['Rewrite this e-mail so that it sounds friendlier and shorter'],
    ['Find the bug in this function'],
    ['Compare Rust and Go'],
    ['Give me a name for a branding agency and a slogan'],
    ['把这句话翻译成英文'],
    ['Was ist der Unterschied zwischen Wetter und Klima?'],
  ])('finds a goal simple: %s', (goal) => {
    expect(estimateComplexity(goal)).toBe('simple');
  });

  test.each([
    ['Research AI trends and write a report'],
    ['Compare the five largest cloud providers by price, latency and support'],
    ['Summarise the paper, then translate the summary into German'],
    ['Plan a market study: competitors, prices, customers, and risks'],
    ['For each of our products, analyse the reviews and suggest improvements'],
    ['Do the following:\n- collect the figures\n- check them\n- draw a conclusion'],
    ['1. Read the contract.\n2. List the duties.\n3. Rate the risks.'],
    [
      'We are moving the office to another town in spring and want to know what has to be done by ' +
        'whom until then so that nobody is left without a desk or a telephone on the first day',
    ],
    ['First collect the data, next clean it'],
    [
      '我们计划在春天把办公室搬到另一个城市，希望知道在此之前谁需要完成哪些工作，以确保第一天每个人都有办公桌和电话，' +
        '并且所有的合同和许可证都已经准备好了。请列出所有步骤。请说明负责人。请估计费用和时间，还要说明有哪些风险，以及怎样避免这些风险，' +
        '最后写一份给全体员工的通知，说明搬家的时间、地点和注意事项。',
    ],
  ])('finds a goal complex: %s', (goal) => {
    expect(estimateComplexity(goal)).toBe('complex');
  });

  test('looks at whole words', () => {
    expect(estimateComplexity('Explain the brand of the thenar and the plant of Orlando')).toBe(
      'simple',
    );
  });

  test('finds a very long goal complex', () => {
    expect(estimateComplexity('a'.repeat(2_001))).toBe('complex');
  });
});

test('the score goes from 1 to 10, and a goal is complex from 4 on', () => {
  expect(complexityScore('Translate "good morning" into French')).toBe(1);
  expect(complexityScore('x'.repeat(3_000))).toBe(10);
  const parts = [
    'Research AI trends',
    ', compare three vendors',
    ', then write a report',
    '; then check it',
  ];
  const scores = parts.map((_, count) => complexityScore(parts.slice(0, count + 1).join('')));
  expect(scores).toEqual(scores.toSorted((a, b) => a - b));
  for (const count of parts.keys()) {
    const goal = parts.slice(0, count + 1).join('');
    expect(estimateComplexity(goal)).toBe(complexityScore(goal) >= 4 ? 'complex' : 'simple');
  }
  expect(() => complexityScore(1 as unknown as string)).toThrow(/complexityScore\(\): the goal/);
});
