import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compilePattern } from './pattern.js';
import { PatternError } from './pattern-error.js';

const matches = (source: string, text: string) => compilePattern(source).test(text);

/** What is wrong with a pattern, without the place, and the place. */
function problem(source: string): [message: string, position: number] {
  try {
    compilePattern(source);
  } catch (error) {
    if (error instanceof PatternError) {
      expect(error.message).toContain(` (at position ${error.position} of the pattern)`);
      return [error.message.replace(/ \(at position .*$/, ''), error.position];
    }
    throw error;
  }
  throw new Error(`${source} was accepted`);
}

/**
 * Whether the engine's own expression matches, begun at each character in turn as the standard has
 * it; by itself, V8 also finds /\B/u between the two halves of one character.
 */
function nativeMatches(native: RegExp, text: string): boolean {
  for (let at = 0; at <= text.length; at += (text.codePointAt(at) ?? 0) > 0xffff ? 2 : 1) {
    native.lastIndex = at;
    if (native.test(text)) return true;
  }
  return false;
}

/** Checks that a pattern does what the engine's own does, on each of the texts. */
function expectSame(body: string, flags: string, texts: readonly string[]): void {
  const source = flags === '' ? body : `(?${flags})${body}`;
  const native = new RegExp(body, `uy${flags}`);
  const pattern = compilePattern(source);
  for (const text of texts) {
    expect([source, text, pattern.test(text)]).toEqual([source, text, nativeMatches(native, text)]);
  }
}

describe('compilePattern', () => {
  test.each<[source: string, yes: string[], no: string[]]>([
    ['', ['', 'a'], []],
    ['cat', ['cat', 'concatenate'], ['ca t', 'CAT']],
    ['a.c', ['abc', 'a😀c', 'a\0c'], ['ac', 'a\nc', 'a\rc', 'a\u2028c', 'a\u2029c']],
    ['^a[bc-e]f$', ['abf', 'acf', 'aef'], ['aff', 'abf ', ' abf']],
    ['^[^a-z]$', ['A', '😀', '\n'], ['a', 'z', '']],
    ['^[a-]$', ['a', '-'], ['b']],
    ['^[-a]$', ['a', '-'], ['b']],
    ['^[\\]\\\\^[-]$', [']', '\\', '^', '[', '-'], ['a']],
    ['[]', [], ['', 'a']],
    ['^[^]$', ['a', '\n', '😀'], ['']],
    ['^\\d\\D\\w\\W\\s\\S$', ['1a_- x'], ['aa_- x', '11_- x', '1aaa x', '1a_-xx', '1a_-  ']],
    ['^[\\d\\s][^\\w.]$', ['1-', ' !'], ['a-', '1.', '1a']],
    ['\\bcat\\b', ['cat', 'a cat!', 'cat-like'], ['concat', 'cat1', 'cat_']],
    ['\\Bcat', ['concat'], ['cat', 'a cat']],
    ['^\\n\\r\\t\\f\\v\\0$', ['\n\r\t\f\v\0'], ['nrtfv0']],
    ['^[\\b]$', ['\b'], ['b', '\\']],
    ['^\\x41\\u0042\\u{43}\\u{1F600}$', ['ABC😀'], ['ABC']],
    ['^\\ud83d\\uDE00$', ['😀'], ['\ud83d']],
    ['^[\\ud83d\\ude00-\\u{1F610}]$', ['😀', '😅'], ['😐😐', '\ud83d', '\ude00']],
    ['^\\.\\*\\/\\-\\"\\@\\_$', ['.*/-"@_'], ['a*/-"@_']],
    ['^(ab|c(?:d|e)|)$', ['ab', 'cd', 'ce', ''], ['a', 'c', 'abcd']],
    ['^(?<year>\\d{4})-(?<ünter_1>x)$', ['2026-x'], ['202-x']],
    ['^ab*c+d?e$', ['ace', 'abbbccde'], ['abe', 'acdde']],
    ['^a{2}$', ['aa'], ['a', 'aaa']],
    ['^a{2,}$', ['aa', 'aaaaa'], ['a']],
    ['^a{1,3}$', ['a', 'aaa'], ['', 'aaaa']],
    ['^a{0}b$', ['b'], ['ab']],
    ['^a*?b+?c??d{1,2}?$', ['bd', 'aabbcdd'], ['aad', 'bddd']],
    ['^😀{2}$', ['😀😀'], ['😀', '😀\ude00']],
    ['^\\ud83d', ['\ud83d', '\ud83da'], ['😀']],
    ['\\ude00', ['\ude00'], ['😀']],
  ])('/%s/ matches these texts and no others', (source, yes, no) => {
    expectSame(source.replace(/\\([-"@_])/g, '[$1]'), '', [...yes, ...no]);
    for (const text of yes) expect([text, matches(source, text)]).toEqual([text, true]);
    for (const text of no) expect([text, matches(source, text)]).toEqual([text, false]);
  });

  test('flags at the beginning apply to the whole pattern, one by one or together', () => {
    expect(matches('^b.$', 'a\nB\n')).toBe(false);
    expect(matches('(?i)^b.?$', 'B')).toBe(true);
    expect(matches('(?s)^b.$', 'b\n')).toBe(true);
    expect(matches('(?m)^b$', 'a\nb\r\nc')).toBe(true);
    expect(matches('(?im)^b$', 'a\nB\nc')).toBe(true);
    expect(matches('(?sim)^b.c$', 'a\nB\nC')).toBe(true);
  });

  test('^ and $ match at the ends of the text alone, even before a last line break', () => {
    expect(matches('^a$', 'a\n')).toBe(false);
    expect(matches('^a$', 'b\na')).toBe(false);
  });

  test('case is ignored in literals, ranges, sets and boundaries as in RegExp', () => {
    const texts = [...'aAkKKsSſßẞσςΣıİiIµμΩωéÉдД_-'];
    const patterns = [
      'k',
      'ſ',
      'ß',
      'ς',
      'i',
      'ı',
      'İ',
      '\\w',
      '\\W',
      '[\\w-]',
      '[^\\W]',
      '[^\\w]',
    ];
    const ranges = ['[a-z]', '[^A-Z]', '[J-L]', '[^ſ]', '[α-ω]', '[^Σ]', '\\b.', '.\\B', '[\\W_]'];
    for (const source of [...patterns, ...ranges]) {
      expectSame(`^${source}$`, 'i', texts);
      expectSame(`^${source}$`, '', texts);
    }
  });

  test('every letter equals the letters that RegExp treats as equal', () => {
    for (let code = 0; code < 0x20000; code++) {
      const letter = String.fromCodePoint(code);
      const others = [letter.toLowerCase(), letter.toUpperCase()];
      if (others.every((other) => other === letter)) continue;
      expectSame(`^\\u{${code.toString(16)}}$`, 'i', [letter, ...others, 'i', 'ß', 'ﬆ', 'ΐ']);
    }
  });

  test('sets contain the same characters as those of RegExp', () => {
    for (const set of ['.', '\\d', '\\D', '\\w', '\\W', '\\s', '\\S', '[^\\s\\w]']) {
      const native = new RegExp(`^${set}$`, 'u');
      const pattern = compilePattern(`^${set}$`);
      const different: number[] = [];
      for (let code = 0; code < 0x10800; code++) {
        const text = String.fromCodePoint(code);
        if (native.test(text) !== pattern.test(text)) different.push(code);
      }
      expect([set, different]).toEqual([set, []]);
    }
  });

  test('anchors and boundaries inside loops are checked again at each position', () => {
    const texts = ['', 'a', 'aa', 'a a', ' a', 'a\n', '\na', 'a\na', 'a\na\n', '-', 'ab-ab'];
    for (const flags of ['', 'm']) {
      for (const source of [
        '(^a\\n?)+$',
        '^(?:\\b|a)*$',
        '^(?:\\ba\\b\\s?)*$',
        '(?:^|\\n)*a$',
        '(?:a\\B)*$',
        '^(?:$|a|\\s)*$',
        '(?:\\b-?){3}$',
        '^(?:\\Ba|\\ba|^)*$',
        '(?:a$\\n?^){2,}',
      ]) {
        expectSame(source, flags, texts);
      }
    }
  });

  test('loops with an empty body end', () => {
    for (const source of ['(a*)*', '(a*)+', '(a?){3,}', '((a*)*)*b', '(|a)*$', '()*', '(^)*$']) {
      expectSame(source, '', ['', 'a', 'aab', 'c']);
    }
    expect(matches('^((){999999999}){999999999}(a{0}){99999999,}$', '')).toBe(true);
  });

  test('a test gives up when a large pattern would take seconds on a long text', () => {
    const large = compilePattern('[\\w\\W]{1,4900}z');
    expect(() => large.test('x'.repeat(40_000))).toThrow('too many steps on a text of 40000');
    expect(large.test(`${'x'.repeat(300)}z`)).toBe(true);
    const small = compilePattern('needle');
    expect(small.test(`${'x'.repeat(5_000_000)}needle`)).toBe(true);
  });

  // Six million steps take less than a tenth of a second; the number of steps is what a test can rely on.
  test.each([
    ['[\\w\\W]{1,4900}z', 600, 620],
    ['(a|b|x|_){1,500}zz', 1_300, 1_340],
    ['x', 23_999_000, 24_000_100],
  ])('/%s/ takes at most six million steps', (source, below, above) => {
    const pattern = compilePattern(source);
    const filler = source === 'x' ? '-' : 'x';
    expect(pattern.test(filler.repeat(below))).toBe(false);
    expect(() => pattern.test(filler.repeat(above))).toThrow('or test a shorter text');
  });

  test('a pattern has no state between calls', () => {
    const pattern = compilePattern('a+b');
    expect(['aa', 'b', 'aab', 'b'].map((text) => pattern.test(text))).toEqual([
      false,
      false,
      true,
      false,
    ]);
  });

  test.each([
    ['(a+)+$', false],
    ['(a|a)*b', false],
    ['(a|aa)+$', false],
    ['a*a*a*a*a*a*b', false],
    ['^(a?){50}a{50}c', false],
    ['(?i)^(([a-z])+.)+[A-Z]([a-z])+$', false],
    ['(.*)*(.*)*\\bx', false],
    ['(a|a)*!', true],
  ])('/%s/ tests 50,000 characters in time', (source, found) => {
    expect(matches(source, `${'a'.repeat(50_000)}!`)).toBe(found);
  });

  test('the maximum numbers of steps, alternatives and nested groups work', () => {
    expect(matches('^a{9999}', 'a'.repeat(9_998))).toBe(false);
    expect(matches('^a{9999}', 'a'.repeat(9_999))).toBe(true);
    expect(matches(`${'|'.repeat(998)}a`, 'b')).toBe(true);
    expect(matches(`^(?:${'b|'.repeat(490)}a)$`, 'a')).toBe(true);
    expect(matches(`^${'('.repeat(100)}a${')*'.repeat(100)}$`, 'aaa')).toBe(true);
    expect(matches('()'.repeat(500), '')).toBe(true);
  });

  test.each([
    ['a(?=b)', 1, /^look-ahead and look-behind are not supported; groups are /],
    ['a(?!b)', 1, /^look-ahead/],
    ['(?<=a)b', 0, /^look-ahead/],
    ['(?<!a)b', 0, /^look-ahead/],
    ['(a)\\1', 3, /^backreferences such as \\1 are not supported/],
    ['(?<n>a)\\k<n>', 7, /^backreferences such as \\k are not/],
    ['x\\p{L}', 1, /^Unicode properties \(\\p\) are not supported; write a class such as \[a-z\]/],
    ['[\\P{L}]', 1, /^Unicode properties \(\\P\)/],
    ['ab\\q', 2, /^there is no escape \\q; there are \\d \\D /],
    ['[\\B]', 1, /^there is no escape \\B; .*\\b \\B \(not in classes\)/],
    ['\\😀', 0, /^there is no escape \\😀;/],
    ['\\cA', 0, /^there is no escape \\c;/],
    ['ab\\', 2, /^the backslash at the end is alone/],
    ['\\x4', 0, /^write a character by number as \\x41, \\u0041 or \\u\{1F600\}$/],
    ['\\u12', 0, /^write a character by number/],
    ['\\u{}', 0, /^write a character by number/],
    ['\\01', 0, /^write a character by number/],
    ['\\u{110000}', 0, /^characters end at \\u\{10FFFF\}/],
    ['a(b', 1, /^this "\(" is never closed; write \\\( for/],
    ['((a)', 0, /^this "\(" is never closed/],
    ['ab)c', 2, /^this "\)" closes no group; write \\\) for/],
    ['a[bc', 1, /^this "\[" is never closed; write \\\[ for/],
    ['[a-', 0, /^this "\[" is never closed/],
    ['a]', 1, /^"\]" closes nothing; write \\\] for/],
    ['a}', 1, /^"}" closes nothing/],
    ['[z-a]', 1, /^the range z-a is out of order$/],
    ['[a\\x7a-\\x61]', 2, /^the range \\x7a-\\x61 is out of order$/],
    ['[a-\\d]', 1, /^a range is from character to character, as in a-z; write \\- for/],
    ['[\\d-\\d]', 1, /^a range is from character to character/],
    ['*a', 0, /^"\*" has nothing to repeat: .*; write \\\* for the character$/],
    ['a|+', 2, /^"\+" has nothing to repeat/],
    ['(?)', 0, /^this group is not supported/],
    ['(?:?)', 3, /^"\?" has nothing to repeat/],
    ['a**', 2, /^"\*" has nothing/],
    ['a++', 2, /^"\+" has nothing/],
    ['^*', 1, /^"\*" has nothing/],
    ['\\b+', 2, /^"\+" has nothing/],
    ['a{2}{3}', 4, /^"\{" has nothing/],
    ['a{,3}', 1, /^"\{" has nothing/],
    ['a{3,2}', 1, /^the repeat \{3,2\} is out of order$/],
    ['a(?i)b', 1, /^this group is not supported; .*\(\?i\).*at the very beginning/],
    ['(?i:b)', 0, /^this group is not supported/],
    ['(?x)b', 0, /^this group is not supported/],
    ['(?>a)', 0, /^this group is not supported/],
    ['(?P<a>b)', 0, /^this group is not supported; .*\(\?<name>…\)/],
    ['(?<1>b)', 0, /^this group is not supported/],
  ])('/%s/ is refused at %i', (source, position, message) => {
    expect(problem(source)).toEqual([expect.stringMatching(message), position]);
  });

  test('an error is named PatternError, with the position in its message', () => {
    const error = new PatternError('no', 3);
    expect(error).toBeInstanceOf(Error);
    expect(`${error}`).toBe('PatternError: no (at position 3 of the pattern)');
  });

  test('a pattern has at most 1,000 characters', () => {
    expect(matches('a'.repeat(1_000), 'a'.repeat(1_000))).toBe(true);
    expect(problem('a'.repeat(1_001))).toEqual(['a pattern has at most 1,000 characters', 1_000]);
  });

  test('repeats of more than 10,000 steps are refused before they are built', () => {
    const message = 'the pattern is too large: with repeats written out, over 10,000 steps';
    expect(problem('a{10001}')).toEqual([message, 1]);
    expect(problem('(a{1000}){1000}')).toEqual([message, 9]);
    expect(problem('(a{99}){0,101}')).toEqual([message, 7]);
    expect(problem('b(?:a{5000}b|a{5000})')).toEqual([message, 4]);
    expect(problem('(a{5000}a{5000}b)')).toEqual([message, 1]);
    expect(problem(`a{${'9'.repeat(900)},}`)).toEqual([message, 1]);
    expect(problem('a{0,99999999999999999999}')).toEqual([message, 1]);
    expect(problem(`${'('.repeat(90)}a${'){9}'.repeat(90)}`)[0]).toBe(message);
  });

  test('groups are nested at most 100 deep', () => {
    const message = 'groups are nested at most 100 deep';
    expect(problem(`${'('.repeat(101)}a${')'.repeat(101)}`)).toEqual([message, 100]);
    expect(problem('(?:'.repeat(333))).toEqual([message, 300]);
  });
});

const CHARACTERS = [
  'a',
  'b',
  'A',
  'B',
  '1',
  '_',
  '-',
  ' ',
  '\n',
  '\u2028',
  'ſ',
  's',
  'S',
  '😀',
  'é',
];
const texts = fc.array(
  fc.string({
    unit: fc.constantFrom(...CHARACTERS, '\r', 'É', 'K', 'k', '\ud83d', '\ude00'),
    maxLength: 7,
  }),
  { minLength: 1, maxLength: 8 },
);

/** Patterns of the supported grammar, small enough for an engine that backtracks. */
const { pattern: patterns } = fc.letrec<Record<'pattern' | 'term' | 'atom', string>>((tie) => {
  const escapes = fc.constantFrom(
    ...['\\d', '\\D', '\\w', '\\W', '\\s', '\\S', '\\n', '\\x61', '\\u0062', '\\u{1F600}'],
    ...['\\ud83d\\ude00', '\\ud83d', '\\ude00', '\\.', '\\\\', '\\u017f'],
  );
  const character = fc.constantFrom(...CHARACTERS);
  const classItem = fc.oneof(
    character.map((each) => (each === '-' ? '\\-' : each)),
    escapes,
    fc.constantFrom(
      'a-z',
      'A-B',
      '0-9',
      '\\0-a',
      'b-\\u{1F610}',
      '\\ud83d-\\udfff',
      '\\b',
      '^',
      '[',
    ),
  );
  const classes = fc
    .tuple(fc.constantFrom('', '^'), fc.array(classItem, { maxLength: 3 }))
    .map(([negation, items]) => `[${negation}${items.join('')}]`)
    .map((each) => each.replaceAll('[[^', '[\\[^'));
  const quantifiers = fc.constantFrom(
    ...[
      '',
      '',
      '',
      '*',
      '+',
      '?',
      '*?',
      '+?',
      '??',
      '{0}',
      '{2}',
      '{1,}',
      '{0,2}',
      '{1,3}?',
      '{2,}?',
    ],
  );
  return {
    atom: fc.oneof(
      { maxDepth: 3, withCrossShrink: true },
      character,
      fc.constant('.'),
      escapes,
      classes,
      tie('pattern').map((inner) => `(${inner})`),
      tie('pattern').map((inner) => `(?:${inner})`),
    ),
    term: fc.oneof(
      { weight: 1, arbitrary: fc.constantFrom('^', '$', '\\b', '\\B') },
      { weight: 5, arbitrary: fc.tuple(tie('atom'), quantifiers).map((parts) => parts.join('')) },
    ),
    pattern: fc
      .array(fc.array(tie('term'), { maxLength: 3 }), { minLength: 1, maxLength: 3 })
      .map((branches) => branches.map((terms) => terms.join('')).join('|')),
  };
});

describe('compared with RegExp', () => {
  test('a supported pattern matches the same texts', () => {
    fc.assert(
      fc.property(patterns, fc.subarray(['i', 's', 'm']), texts, (source, flags, each) => {
        // With more of them the engine, which backtracks, now and then takes minutes.
        fc.pre((source.match(/[*+?{]/g) ?? []).length <= 8);
        expectSame(source, flags.join(''), each);
      }),
      { numRuns: 3_000 },
    );
  });

  test('every accepted pattern is valid for RegExp; a refused one is invalid or not supported', () => {
    const pieces = [...'()[]{}|*+?^$.-,\\abdks019:<>=!p'];
    const junk = fc.string({ unit: fc.constantFrom(...pieces), maxLength: 12 });
    fc.assert(
      fc.property(junk, texts, (source, each) => {
        // The engine takes flags apart from the pattern, and escapes only what it has to.
        fc.pre(!/^\(\?s+\)|\\[-,:<>=!]/.test(source));
        let refusal: unknown;
        try {
          compilePattern(source);
        } catch (error) {
          expect(error).toBeInstanceOf(PatternError);
          refusal = error;
        }
        if (refusal === undefined) expectSame(source, '', each);
        else if (!/not supported|too large/.test(`${refusal}`)) {
          expect(() => new RegExp(source, 'u'), `${refusal}`).toThrow(SyntaxError);
        }
      }),
      { numRuns: 5_000 },
    );
  });
});
