import { formatProblem } from '@stratagem/core';
import { expect, test } from 'vitest';
import { CasesError } from './cases-error.js';
import { parseCases } from './parse-cases.js';

const load = async (reference: string) => {
  if (reference !== './checks.js#ok') throw new Error(`there is no ${reference}`);
  return () => true;
};

test('cases are read with their functions', async () => {
  const cases = await parseCases(
    {
      cases: [
        {
          name: 'apple',
          inputs: { company: 'Apple' },
          expect: [{ contains: 'Apple' }, { equals: null }, { check: './checks.js#ok' }],
        },
      ],
    },
    load,
  );
  expect(cases).toEqual([
    {
      name: 'apple',
      inputs: { company: 'Apple' },
      expect: [{ contains: 'Apple' }, { equals: null }, { check: expect.any(Function) }],
    },
  ]);
});

const ok = { contains: 'x' };

test.each([
  [undefined, [/the file of cases: must be an object, like \{ cases: \[/]],
  ['name,text', [/the file of cases: must be an object, like \{ cases: \[/]],
  [[], [/the file of cases: must be an object/]],
  [{ cases: [], inputs: {} }, [/unknown field "inputs"\.$/]],
  [{ cases: [{ nam: 'a', expect: [ok] }] }, [/unknown field "nam"\. Did you mean "name"\?/]],
  [{ goal: 'x' }, [/cases: must be a list of cases/, /unknown field "goal"/]],
  [
    { cases: [{ name: 1, expect: ok }] },
    [/\.name: must be a text/, /\.expect: must be a list, like/],
  ],
  [{ cases: [] }, [/cases: /]],
  [{ case: [] }, [/cases/, /unknown field "case".*cases/]],
  [{ cases: [{ expect: [ok] }] }, [/cases\[0\]\.name/]],
  [{ cases: [{ name: 'a', expect: [] }] }, [/cases\[0\]\.expect/]],
  [{ cases: [{ name: 'a', expect: [{}] }] }, [/exactly one of equals, .*; it has none/]],
  [{ cases: [{ name: 'a', expect: [{ ...ok, equals: 1 }] }] }, [/it has equals, contains/]],
  [{ cases: [{ name: 'a', expect: [{ contain: 1 }] }] }, [/unknown field "contain".*contains/]],
  [{ cases: [{ name: 'a', expect: [{ ...ok, minScore: 1 }] }] }, [/only a judge/]],
  [{ cases: [{ name: 'a', expect: [{ judge: 'x', minScore: 2 }] }] }, [/minScore/]],
  [
    {
      cases: [
        { name: 'a', expect: [ok] },
        { name: 'a', expect: [{ check: './no.js' }] },
      ],
    },
    [/cases\[1\]\.name: another case/, /cases\[1\]\.expect\[0\]\.check: there is no \.\/no\.js/],
  ],
])('%j is refused with all problems', async (document, messages) => {
  const error = await parseCases(document, load).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(CasesError);
  const problems = (error as CasesError).problems.map(formatProblem);
  for (const message of messages) {
    expect(
      problems.some((problem) => message.test(problem)),
      problems.join('\n'),
    ).toBe(true);
  }
});
