import stringWidth from 'string-width';
import { describe, expect, test } from 'vitest';
import { forTerminal, idOnOneLine, onOneLine, padTo, widthOf } from './terminal-text.js';

describe('forTerminal', () => {
  test.each([
    ['an escape sequence', '\u001b[31mred', '␛[31mred'],
    ['a window title', '\u001b]0;title\u0007', '␛]0;title␇'],
    ['an eight-bit escape', '\u009b31m', '␡31m'],
    ['a carriage return that would overwrite the line', 'safe\revil', 'safe␍evil'],
    ['a backspace', 'ab\b', 'ab␈'],
    ['a null', 'a\0b', 'a␀b'],
    ['marks that reorder text', 'a\u202eb\u2066c', 'a\ufffdb\ufffdc'],
  ])('makes %s visible', (_, text, shown) => {
    expect(forTerminal(text)).toBe(shown);
  });

  test('keeps line breaks, tabs and every language', () => {
    expect(forTerminal('a\r\nb\n\tहिन्दी 市場 😀')).toBe('a\nb\n\tहिन्दी 市場 😀');
  });
});

describe('idOnOneLine', () => {
  test.each([
    ['abcdefghij', 10, 'abcdefghij'],
    ['abcdefghij', 9, 'abcd…ghij'],
    ['abcdefghij', 8, 'abcd…hij'],
    ['市場規模市場規模', 9, '市場…規模'],
    ['👩‍👩‍👧‍👦👩‍👩‍👧‍👦👩‍👩‍👧‍👦', 5, '👩‍👩‍👧‍👦…👩‍👩‍👧‍👦'],
    ['abc', 1, '…'],
  ])('cuts the middle of "%s" to %d columns', (id, width, shown) => {
    expect(idOnOneLine(id, width)).toBe(shown);
  });

  test('keeps ids apart that begin alike, however long they are', () => {
    const prefix = 'analyse/'.repeat(10_000);
    const shown = ['report', 'summary'].map((end) => idOnOneLine(prefix + end, 30));
    expect(new Set(shown).size).toBe(2);
    for (const each of shown) expect(stringWidth(each)).toBe(30);
  });
});

describe('onOneLine', () => {
  test('joins lines and trims spaces', () => {
    expect(onOneLine('  one\n\n  two\t ')).toBe('one two');
  });

  test.each([
    ['abcdef', 6, 'abcdef'],
    ['abcdef', 5, 'abcd…'],
    ['市場規模', 8, '市場規模'],
    ['市場規模', 7, '市場規…'],
    ['市場規模', 6, '市場…'],
    ['👩‍👩‍👧‍👦👩‍👩‍👧‍👦', 4, '👩‍👩‍👧‍👦👩‍👩‍👧‍👦'],
    ['👩‍👩‍👧‍👦👩‍👩‍👧‍👦', 3, '👩‍👩‍👧‍👦…'],
    ['e\u0301'.repeat(3), 3, 'e\u0301'.repeat(3)],
    ['abc', 1, '…'],
  ])('cuts "%s" to %d columns between characters', (text, width, shown) => {
    expect(onOneLine(text, width)).toBe(shown);
  });
});

test('padTo counts columns, not characters', () => {
  expect(padTo('市場', 6)).toBe('市場  ');
  expect(padTo('too long', 3)).toBe('too long');
});

test.each([
  'plain text',
  'Ünïcödé – “quoted”…',
  '✓ 3 · ✗ 2 › ██▓▒░ ▏▌',
  '市場',
  '👩‍👩‍👧 family',
  'e\u0301',
  '\u001b[31mred\u001b[39m',
])('the width of %j is that of any other way to measure it', (text) => {
  expect(widthOf(text)).toBe(stringWidth(text));
});
