import type { CaseFolds } from './case-folds.js';
import {
  complement,
  DIGIT,
  includes,
  LAST_CODE_POINT,
  LINE_END,
  normalize,
  type Range,
  SPACE,
  WORD,
} from './character-ranges.js';
import type { Assertion, Instruction } from './instruction.js';
import { fail } from './pattern-error.js';

/** The maximum number of instructions of a pattern, and so of steps for one character of text. */
const MAX_INSTRUCTIONS = 10_000;
/** The maximum depth of groups. Each level takes a few frames on the stack of the parser. */
const MAX_DEPTH = 100;

const QUANTIFIER = /(?:([*+?])|\{(\d+)(?:(,)(\d*))?\})\??/y;
const GROUP_START = /\?(?::|<[\p{ID_Start}$_][\p{ID_Continue}$]*>)/uy;
const ESCAPE =
  /([dDsSwW])|([fnrtv]|0(?!\d))|([!-/:-@[-`{-~])|(u[Dd][89ABab][\dA-Fa-f]{2}\\u[Dd][C-Fc-f][\dA-Fa-f]{2})|x([\dA-Fa-f]{2})|u([\dA-Fa-f]{4})|u\{([\dA-Fa-f]+)\}/y;
const CONTROLS: Readonly<Record<string, number>> = { 0: 0, f: 12, n: 10, r: 13, t: 9, v: 11 };

/** Parses a pattern by recursive descent; each method returns code, not a tree. */
export class Parser {
  readonly #source: string;
  readonly #folds: CaseFolds | undefined;
  readonly #dot: readonly Range[];
  readonly #assertions: Readonly<Record<string, Assertion>>;
  #at: number;
  #depth = 0;

  constructor(source: string, start: number, flags: string, folds: CaseFolds | undefined) {
    this.#source = source;
    this.#at = start;
    this.#folds = folds;
    this.#dot = complement(flags.includes('s') ? [] : LINE_END);
    const multiline = flags.includes('m');
    const isEdge = (code: number) => code === -1 || (multiline && includes(LINE_END, code));
    const isBoundary = (before: number, after: number) =>
      includes(WORD, before) !== includes(WORD, after);
    this.#assertions = {
      '^': (before) => isEdge(before),
      $: (_, after) => isEdge(after),
      '\\b': isBoundary,
      '\\B': (before, after) => !isBoundary(before, after),
    };
  }

  parse(): readonly Instruction[] {
    const code = this.#alternatives();
    if (this.#at < this.#source.length) {
      fail('this ")" closes no group; write \\) for the character', this.#at);
    }
    return code;
  }

  #alternatives(): readonly Instruction[] {
    const start = this.#at;
    let last = this.#sequence();
    const others: (readonly Instruction[])[] = [];
    let size = last.length;
    while (this.#read(/\|/y)) {
      others.push(last);
      last = this.#sequence();
      size += last.length + 2;
      limit(size, start);
    }
    if (others.length === 0) return last;
    const code: Instruction[] = [];
    for (const other of others) {
      code.push(split(other.length + 2), ...other);
      code.push({ op: 'jump', offset: size - code.length });
    }
    code.push(...last);
    return code;
  }

  #sequence(): readonly Instruction[] {
    const start = this.#at;
    const code: Instruction[] = [];
    while (this.#at < this.#source.length && !'|)'.includes(this.#source.charAt(this.#at))) {
      const term = this.#term();
      limit(code.length + term.length, start);
      code.push(...term);
    }
    return code;
  }

  #term(): readonly Instruction[] {
    const [assertion] = this.#read(/[$^]|\\[Bb]/y) ?? [];
    if (assertion !== undefined) {
      return [{ op: 'assert', holds: this.#assertions[assertion] as Assertion }];
    }
    const atom = this.#atom();
    const end = this.#at;
    const quantifier = this.#read(QUANTIFIER);
    if (quantifier === null) return atom;
    const [, sign, least, comma, most] = quantifier;
    const min = least === undefined ? Number(sign === '+') : Number(least);
    if (sign === '?') return repeat(atom, min, 1, end);
    if (sign !== undefined || (comma && !most)) return repeat(atom, min, Infinity, end);
    return repeat(atom, min, comma ? Number(most) : min, end);
  }

  #atom(): readonly Instruction[] {
    const start = this.#at;
    const character = this.#character();
    switch (character) {
      case '(':
        return this.#group(start);
      case '[':
        return [{ op: 'class', ranges: this.#class(start) }];
      case '.':
        return [{ op: 'class', ranges: this.#dot }];
      case '\\': {
        const escaped = this.#escape(start);
        if (typeof escaped === 'number') return this.#literal(escaped);
        return [{ op: 'class', ranges: this.#folded(escaped) }];
      }
      case '*':
      case '+':
      case '?':
      case '{':
        return fail(
          `"${character}" has nothing to repeat: *, +, ? and {2,3} follow a character, a class or a group; write \\${character} for the character`,
          start,
        );
      case ']':
      case '}':
        return fail(`"${character}" closes nothing; write \\${character} for the character`, start);
      default:
        return this.#literal(character.codePointAt(0) as number);
    }
  }

  #group(start: number): readonly Instruction[] {
    if (++this.#depth > MAX_DEPTH) fail(`groups are nested at most ${MAX_DEPTH} deep`, start);
    if (this.#read(GROUP_START) === null && this.#source[this.#at] === '?') {
      const kind = this.#read(/\?<?[=!]/y) ? 'look-ahead and look-behind are' : 'this group is';
      fail(
        `${kind} not supported; groups are (…), (?:…) and (?<name>…), and flags such as (?i) or (?ms) belong at the very beginning of the pattern`,
        start,
      );
    }
    const code = this.#alternatives();
    if (!this.#read(/\)/y)) fail('this "(" is never closed; write \\( for the character', start);
    this.#depth--;
    return code;
  }

  #class(start: number): readonly Range[] {
    const negated = this.#read(/\^/y) !== null;
    const ranges: Range[] = [];
    while (!this.#read(/\]/y)) {
      const itemStart = this.#at;
      const first = this.#classItem(start);
      const isRange = this.#read(/-(?!\])/y) !== null;
      const last = isRange ? this.#classItem(start) : first;
      if (typeof first === 'number' && typeof last === 'number') {
        const written = this.#source.slice(itemStart, this.#at);
        if (first > last) fail(`the range ${written} is out of order`, itemStart);
        ranges.push([first, last]);
      } else if (isRange) {
        fail('a range is from character to character, as in a-z; write \\- for a dash', itemStart);
      } else {
        ranges.push(...(first as readonly Range[]));
      }
    }
    const folded = this.#folded(ranges);
    return negated ? complement(folded) : folded;
  }

  #classItem(classStart: number): number | readonly Range[] {
    const start = this.#at;
    const character = this.#character();
    if (character === '') {
      fail('this "[" is never closed; write \\[ for the character', classStart);
    }
    if (character !== '\\') return character.codePointAt(0) as number;
    return this.#read(/b/y) ? 8 : this.#escape(start);
  }

  /** The character or the set of characters after a backslash, which has been read. */
  #escape(start: number): number | readonly Range[] {
    const found = this.#read(ESCAPE);
    if (found === null) return fail(badEscape(this.#character()), start);
    const [, set, control, punctuation, pair, ...numbers] = found;
    if (set !== undefined) return this.#namedSet(set);
    if (control !== undefined) return CONTROLS[control] as number;
    if (punctuation !== undefined) return punctuation.charCodeAt(0);
    // Written as a surrogate pair, as in JSON.
    if (pair !== undefined) return (JSON.parse(`"\\${pair}"`) as string).codePointAt(0) as number;
    const code = Number.parseInt(numbers.join(''), 16);
    if (code > LAST_CODE_POINT) fail('characters end at \\u{10FFFF}', start);
    return code;
  }

  #namedSet(name: string): readonly Range[] {
    if (name === 'd') return DIGIT;
    if (name === 'D') return complement(DIGIT);
    if (name === 's') return SPACE;
    if (name === 'S') return complement(SPACE);
    if (name === 'w') return WORD;
    // These two equal a word character except for its case, so they are not in the complement.
    return complement(this.#folds ? [...WORD, [0x17f, 0x17f], [0x212a, 0x212a]] : WORD);
  }

  #literal(code: number): readonly Instruction[] {
    return [{ op: 'character', code: this.#folds?.get(code) ?? code }];
  }

  /** The characters with one case for all: `matches` folds the text in the same way. */
  #folded(ranges: readonly Range[]): readonly Range[] {
    const exact = normalize(ranges);
    if (this.#folds === undefined) return exact;
    const extra: Range[] = [];
    for (const [from, to] of this.#folds) {
      if (includes(exact, from) && !includes(exact, to)) extra.push([to, to]);
    }
    return normalize([...exact, ...extra]);
  }

  /** The next code point, empty at the end. */
  #character(): string {
    const code = this.#source.codePointAt(this.#at);
    if (code === undefined) return '';
    const character = String.fromCodePoint(code);
    this.#at += character.length;
    return character;
  }

  /** Reads the match of a sticky expression at the current position, if there is one. */
  #read(token: RegExp): RegExpExecArray | null {
    token.lastIndex = this.#at;
    const found = token.exec(this.#source);
    if (found !== null) this.#at = token.lastIndex;
    return found;
  }
}

/** The problem of a backslash before this character. */
function badEscape(character: string): string {
  if (character === '') return 'the backslash at the end is alone; write \\\\ for a backslash';
  if (/[1-9k]/.test(character)) return `backreferences such as \\${character} are not supported`;
  if (/[pP]/.test(character)) {
    return `Unicode properties (\\${character}) are not supported; write a class such as [a-z] or \\w`;
  }
  if (/[0ux]/.test(character)) return 'write a character by number as \\x41, \\u0041 or \\u{1F600}';
  return `there is no escape \\${character}; there are \\d \\D \\w \\W \\s \\S \\b \\B (not in classes), \\n \\r \\t \\f \\v \\0 \\x41 \\u0041 \\u{1F600}, and \\ before any punctuation`;
}

function split(offset: number): Instruction {
  return { op: 'split', offset };
}

/** The size of code is checked before it is built: nested repeats could fill the memory. */
function limit(size: number, position: number): void {
  if (size <= MAX_INSTRUCTIONS) return;
  const allowed = MAX_INSTRUCTIONS.toLocaleString('en');
  fail(`the pattern is too large: with repeats written out, over ${allowed} steps`, position);
}

function repeat(
  body: readonly Instruction[],
  min: number,
  max: number,
  position: number,
): readonly Instruction[] {
  if (min > max) fail(`the repeat {${min},${max}} is out of order`, position);
  const size = body.length;
  // Otherwise ((){999999999}){999999999} would copy an empty body for a very long time.
  if (size === 0) return body;
  const unbounded = max === Number.POSITIVE_INFINITY;
  const required = unbounded ? Math.max(min, 1) : min;
  const optional = unbounded ? 0 : max - min;
  limit(required * size + optional * (size + 1) + (unbounded ? 2 : 0), position);
  const code: Instruction[] = [];
  if (unbounded && min === 0) code.push(split(size + 2));
  for (let n = required; n > 0; n--) code.push(...body);
  if (unbounded) code.push(split(-size));
  for (let n = optional; n > 0; n--) code.push(split(size + 1), ...body);
  return code;
}
