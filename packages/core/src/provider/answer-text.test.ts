import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { AnswerText } from './answer-text.js';

/** Reads a text in these pieces. */
async function read(pieces: readonly string[]) {
  const emitted: string[] = [];
  let reasoning = '';
  const answer = new AnswerText((part) => {
    if (typeof part === 'string') emitted.push(part);
    else if (part.kind === 'reasoning') reasoning += part.text;
    return undefined;
  });
  for (const piece of pieces) await answer.add(piece);
  await answer.end();
  return { text: answer.text, raw: answer.raw, emitted, reasoning };
}

const CASES: readonly (readonly [name: string, whole: string, text: string])[] = [
  ['no reasoning', ' An answer, 1 < 2 </b> <thin>.\n', ' An answer, 1 < 2 </b> <thin>.\n'],
  ['a block before the answer', '<think>\nHm.\n</think>\n\nYes.', 'Yes.'],
  ['blanks around the block', '\n <think>Hm.</think> \n Yes. ', 'Yes. '],
  ['an empty block', '<think></think>Yes.', 'Yes.'],
  ['two blocks', '<think>Hm.</think>\n<think>So.</think>Yes.', 'Yes.'],
  ['a block inside the answer', 'Let me see.<think>Hm.</think> Yes.', 'Let me see. Yes.'],
  ['other letters', '<THINK>Hm.</Think>Yes.', 'Yes.'],
  ['a block without an end', '<think>Hm. Hm.', ''],
  ['a block without a beginning', 'Hm. Is it?\n</think>\n\nYes.', 'Yes.'],
  ['tags in quotes', 'Use `<think>` and `</think>`.', 'Use `<think>` and `</think>`.'],
  ['a tag in JSON', '{"tag":"<think>a</think>"}', '{"tag":"<think>a</think>"}'],
  [
    'an opening tag that is text',
    'The tag <think> opens a block.',
    'The tag <think> opens a block.',
  ],
  ['the beginning of a tag at the end', 'Yes. <thi', 'Yes. <thi'],
  ['only blanks', ' \n', ' \n'],
  ['nothing', '', ''],
];

describe.each(CASES)('the text of an answer with %s', (_, whole, text) => {
  test('leaves out the reasoning', () => {
    expect(AnswerText.of(whole)).toBe(text);
  });

  test('does so in pieces of any size', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat({ max: whole.length })), async (cuts) => {
        const borders = [0, ...cuts.toSorted((a, b) => a - b), whole.length];
        const pieces = borders.slice(1).map((end, position) => whole.slice(borders[position], end));
        const answer = await read(pieces);
        expect(answer).toMatchObject({ text, raw: whole });
        expect(answer.emitted.join('').endsWith(text)).toBe(true);
      }),
      { numRuns: 30 },
    );
  });
});

test('text is emitted as it arrives', async () => {
  const pieces = ['<th', 'ink>Hm', '.</think>', '\n', 'Yes', ', <b', '>no<', '/b>', '.'];
  expect((await read(pieces)).emitted).toEqual(['Yes', ', <b', '>no', '</b>', '.']);
});

describe('reasoning', () => {
  test.each([
    ['<think>\nHm.\n</think>\n\nYes.', '\nHm.\n'],
    ['<think>Hm.</think>\n<think>So.</think>Yes.', 'Hm.So.'],
    ['Let me see.<think>Hm.</think> Yes.', 'Hm.'],
    ['<think>Hm. Hm.', 'Hm. Hm.'],
    ['The tag <think> opens a block.', ''],
    ['Use `<think>` and `</think>`.', ''],
    ['Yes.', ''],
  ])(
    'of %j is emitted apart from the text, in whatever pieces it arrives',
    async (whole, expected) => {
      await fc.assert(
        fc.asyncProperty(fc.array(fc.nat(whole.length), { maxLength: 8 }), async (cuts) => {
          const places = [0, ...cuts.sort((a, b) => a - b), whole.length];
          const pieces = places.slice(1).map((end, index) => whole.slice(places[index], end));
          expect((await read(pieces)).reasoning).toBe(expected);
        }),
        { numRuns: 200, seed: 1 },
      );
    },
  );

  test('that arrives apart from the text is emitted as it is', async () => {
    const parts: unknown[] = [];
    const answer = new AnswerText((part) => void parts.push(part) as undefined);
    await answer.reason('Hm.');
    await answer.reason('');
    await answer.add('Yes.');
    await answer.end();
    expect(parts).toEqual([{ kind: 'reasoning', text: 'Hm.' }, 'Yes.']);
    expect(answer.raw).toBe('Yes.');
  });
});
