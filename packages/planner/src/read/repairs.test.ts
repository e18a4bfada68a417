import { tool } from '@stratagem/core';
import { expect, test } from 'vitest';
import * as z from 'zod';
import { fixtureFiles, fixturesIn } from '../../test/fixtures.js';
import { plannerSettings } from '../options/planner-options.js';
import { readPlan } from './read-plan.js';
import { REPAIRS } from './repairs.js';

const tools = ['web_search', 'calculator'].map((name) =>
  tool({ name, description: `The ${name}.`, inputSchema: z.object({}), execute: () => '' }),
);

/** Stands for a name or a value in a sentence. */
const GAP = '…';

const kinds = Object.entries(REPAIRS).map(([kind, sentence]) => {
  const gaps = Array.from({ length: sentence.length }, () => GAP);
  const text = (sentence as (...args: string[]) => string)(...gaps);
  const pattern = text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&').replaceAll(GAP, '(.+)');
  return { kind, text, pattern: new RegExp(`^${pattern}$`, 's') };
});

const fixtures = fixtureFiles.flatMap((file) =>
  fixturesIn(file).map(({ name, answer, options }) => {
    const { repairs, problems } = readPlan(answer, plannerSettings('test', { tools, ...options }));
    return { file: file.replace('.txt', ''), name, repairs: problems.length > 0 ? [] : repairs };
  }),
);

/** The fixtures in which a repair of each kind occurs. */
const evidence = kinds.map(({ kind, text, pattern }) => {
  // A sentence may fit several patterns: the most specific one counts.
  const isOwn = (repair: string) => {
    const fitting = kinds.filter((other) => other.pattern.test(repair));
    const best = fitting.reduce((one, other) =>
      other.text.length > one.text.length ? other : one,
    );
    return best.pattern === pattern;
  };
  const found = fixtures.filter(({ repairs }) =>
    repairs.some((repair) => pattern.test(repair) && isOwn(repair)),
  );
  return { kind, text, found };
});

test('every repair occurs in a fixture', () => {
  expect(evidence.filter(({ found }) => found.length === 0).map(({ kind }) => kind)).toEqual([]);
});

test('every sentence of a fixture is one of the repairs', () => {
  const sentences = fixtures.flatMap(({ repairs }) => repairs);
  expect(sentences.length).toBeGreaterThan(100);
  for (const sentence of sentences) {
    expect(
      kinds.some(({ pattern }) => pattern.test(sentence)),
      sentence,
    ).toBe(true);
  }
});

test('the table in test/repairs.md shows where each repair occurs', async () => {
  const rows = evidence.map(({ text, found }) => {
    const [first] = found;
    return [text, `${found.length}`, first === undefined ? '' : `${first.file}: ${first.name}`];
  });
  const table = [
    '# Which repairs occur in which answers',
    '',
    'The test of the repairs writes this table from the fixtures in `answers/`. A repair without a',
    'fixture fails the test: it has no evidence, and goes.',
    '',
    `${fixtures.length} answers, ${kinds.length} repairs.`,
    '',
    ...aligned([['repair', 'answers', 'for example'], ...rows]),
    '',
  ].join('\n');
  await expect(table).toMatchFileSnapshot('../../test/repairs.md');
});

/** The lines of a table in Markdown, as the formatter of this repository writes it. */
function aligned(rows: readonly (readonly string[])[]): string[] {
  const widths = [0, 1, 2].map((column) =>
    Math.max(...rows.map((row) => (row[column] ?? '').length)),
  );
  const lines = rows.map((row) => {
    const [repair = '', answers = '', example = ''] = row;
    const [first = 0, second = 0, third = 0] = widths;
    return `| ${repair.padEnd(first)} | ${answers.padStart(second)} | ${example.padEnd(third)} |`;
  });
  const [first = 0, second = 0, third = 0] = widths;
  lines.splice(
    1,
    0,
    `| ${'-'.repeat(first)} | ${'-'.repeat(second - 1)}: | ${'-'.repeat(third)} |`,
  );
  return lines;
}
