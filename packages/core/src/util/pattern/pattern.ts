import { caseFolds } from './case-folds.js';
import { matches, startsOf } from './match.js';
import { Parser } from './parser.js';
import { fail } from './pattern-error.js';

/** The maximum length of a pattern, in UTF-16 units as `String.length` counts them. */
const MAX_LENGTH = 1_000;

/** A compiled regular expression, without state between calls. */
export interface Pattern {
  /**
   * Whether the pattern matches anywhere in `text`. Takes time in proportion to the length of the text
   * times the size of the pattern, at worst, and gives up after 6 million steps: at most a tenth of a
   * second.
   *
   * @throws {Error} when it gives up.
   */
  test(text: string): boolean;
}

/**
 * Compiles a regular expression from an untrusted source: it does not backtrack, so no pattern can
 * hang. Patterns have the meaning of a `RegExp` with the flag `u`. In addition, any punctuation may be
 * escaped, and a pattern may begin with flags: `(?i)` ignores case, `(?m)` lets `^` and `$` match at
 * each line, `(?s)` lets `.` match line ends; `(?im)` is both.
 *
 * @throws {PatternError} for look-around, backreferences, `\p`, syntax errors, and large patterns.
 *
 * @example
 * compilePattern('(?i)^(urgent|asap)\\b').test('URGENT: the server is down'); // true
 */
export function compilePattern(source: string): Pattern {
  if (source.length > MAX_LENGTH) {
    fail(`a pattern has at most ${MAX_LENGTH.toLocaleString('en')} characters`, MAX_LENGTH);
  }
  const [prefix = '', flags = ''] = /^\(\?([ims]+)\)/.exec(source) ?? [];
  const folds = flags.includes('i') ? caseFolds() : undefined;
  const program = new Parser(source, prefix.length, flags, folds).parse();
  const starts = startsOf(program);
  return { test: (text) => matches(program, starts, folds, text) };
}
