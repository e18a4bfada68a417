/** The maximum length of a pattern, in UTF-16 units as `String.length` counts them. */
const MAX_LENGTH = 1_000;
/** The maximum number of instructions of a pattern, and so of steps for one character of text. */
const MAX_INSTRUCTIONS = 10_000;
/** The maximum number of steps of one test, which take less than a tenth of a second. */
const MAX_STEPS = 6_000_000;
/** What it costs to pass over a character at which no match begins, in steps. */
const SKIP_STEPS = 0.25;
/** The maximum depth of groups. Each level takes a few frames on the stack of the parser. */
const MAX_DEPTH = 100;

/** An invalid pattern; the message names the problem and the supported syntax. */
export class PatternError extends Error {
  override readonly name = 'PatternError';
  /** The position of the problem in the pattern, from 0, in UTF-16 units. */
  readonly position: number;

  constructor(message: string, position: number) {
    super(`${message} (at position ${position} of the pattern)`);
    this.position = position;
  }
}

function fail(message: string, position: number): never {
  throw new PatternError(message, position);
}

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

/** Whether a position between two characters matches; -1 is the start or the end of the text. */
type Assertion = (before: number, after: number) => boolean;

/**
 * Offsets are relative to the instruction, so that code can be copied to repeat it. The end of the
 * program is a match.
 */
type Instruction =
  | { readonly op: 'character'; readonly code: number }
  | { readonly op: 'class'; readonly ranges: readonly Range[] }
  | { readonly op: 'assert'; readonly holds: Assertion }
  | { readonly op: 'jump' | 'split'; readonly offset: number };

/** Runs all threads of the program in parallel, character by character. */
function matches(
  program: readonly Instruction[],
  starts: Uint8Array | undefined,
  folds: CaseFolds | undefined,
  text: string,
): boolean {
  const end = program.length;
  // For each character an instruction runs once and adds two threads at most. That bounds these
  // arrays, and ends loops that read no character.
  let waiting = new Uint32Array(2 * end + 1);
  let arriving = new Uint32Array(2 * end + 1);
  const seenAt = new Uint32Array(end);
  let count = 0;
  let steps = 0;
  let before = -1;
  for (let at = 0, place = 1; ; place++) {
    const code = text.codePointAt(at) ?? -1;
    const after = folds?.get(code) ?? code;
    if (count === 0 && starts !== undefined && starts[after] === 0 && code !== -1) {
      steps += SKIP_STEPS;
      if (steps > MAX_STEPS) throw new Error(tooLong(text));
      before = after;
      at++;
      continue;
    }
    let arrived = 0;
    let ranges: readonly Range[] | undefined;
    let isIncluded = false;
    waiting[count++] = 0; // A match may begin at any position.
    while (count > 0) {
      const index = waiting[--count] as number;
      if (index === end) return true;
      if (seenAt[index] === place) continue;
      seenAt[index] = place;
      steps++;
      const instruction = program[index] as Instruction;
      switch (instruction.op) {
        case 'character':
          if (instruction.code === after) arriving[arrived++] = index + 1;
          break;
        case 'class':
          // A repeated class is the same one in all its copies.
          if (instruction.ranges !== ranges) {
            ranges = instruction.ranges;
            isIncluded = includes(ranges, after);
          }
          if (isIncluded) arriving[arrived++] = index + 1;
          break;
        case 'assert':
          if (instruction.holds(before, after)) waiting[count++] = index + 1;
          break;
        case 'split':
          waiting[count++] = index + 1;
          waiting[count++] = index + instruction.offset;
          break;
        case 'jump':
          waiting[count++] = index + instruction.offset;
      }
    }
    if (code === -1) return false;
    if (steps > MAX_STEPS) throw new Error(tooLong(text));
    [waiting, arriving] = [arriving, waiting];
    count = arrived;
    before = after;
    at += code > 0xffff ? 2 : 1;
  }
}

/** For each ASCII character, whether a match may begin with it; undefined if one may begin anywhere. */
function startsOf(program: readonly Instruction[]): Uint8Array | undefined {
  const starts = new Uint8Array(128);
  const seen = new Set<number>();
  const waiting = [0];
  for (let index = waiting.pop(); index !== undefined; index = waiting.pop()) {
    if (index === program.length) return undefined;
    if (seen.has(index)) continue;
    seen.add(index);
    const instruction = program[index] as Instruction;
    switch (instruction.op) {
      case 'character':
        if (instruction.code < starts.length) starts[instruction.code] = 1;
        break;
      case 'class':
        for (let code = 0; code < starts.length; code++) {
          if (includes(instruction.ranges, code)) starts[code] = 1;
        }
        break;
      case 'split':
        waiting.push(index + 1, index + instruction.offset);
        break;
      case 'jump':
        waiting.push(index + instruction.offset);
        break;
      case 'assert':
        waiting.push(index + 1);
    }
  }
  return starts;
}

function tooLong(text: string): string {
  const remedy = 'give it fewer repeats and alternatives, or test a shorter text';
  return `the pattern takes too many steps on a text of ${text.length} characters; ${remedy}`;
}

const QUANTIFIER = /(?:([*+?])|\{(\d+)(?:(,)(\d*))?\})\??/y;
const GROUP_START = /\?(?::|<[\p{ID_Start}$_][\p{ID_Continue}$]*>)/uy;
const ESCAPE =
  /([dDsSwW])|([fnrtv]|0(?!\d))|([!-/:-@[-`{-~])|(u[Dd][89ABab][\dA-Fa-f]{2}\\u[Dd][C-Fc-f][\dA-Fa-f]{2})|x([\dA-Fa-f]{2})|u([\dA-Fa-f]{4})|u\{([\dA-Fa-f]+)\}/y;
const CONTROLS: Readonly<Record<string, number>> = { 0: 0, f: 12, n: 10, r: 13, t: 9, v: 11 };

/** Parses a pattern by recursive descent; each method returns code, not a tree. */
class Parser {
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
        `${kind} not supported; groups are (…), (?:…) and (?<name>…), and flags such as (?i) or (?ms) stand at the very beginning of the pattern`,
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

/** Code points from the first to the last, both included. */
type Range = readonly [first: number, last: number];

const LAST_CODE_POINT = 0x10ffff;
const DIGIT = pairs('09');
const WORD = pairs('09AZ__az');
const LINE_END = pairs('\n\n\r\r\u2028\u2029');
const SPACE = pairs(
  '\t\r  \xa0\xa0\u1680\u1680\u2000\u200a\u2028\u2029\u202f\u202f\u205f\u205f\u3000\u3000\ufeff\ufeff',
);

/** Ranges from a string of their first and last characters, in order. */
function pairs(characters: string): readonly Range[] {
  const ranges: Range[] = [];
  for (let at = 0; at < characters.length; at += 2) {
    ranges.push([characters.charCodeAt(at), characters.charCodeAt(at + 1)]);
  }
  return ranges;
}

/** In order, without overlaps, as {@link includes} needs them. */
function normalize(ranges: readonly Range[]): readonly Range[] {
  const merged: [first: number, last: number][] = [];
  for (const [first, last] of ranges.toSorted((a, b) => a[0] - b[0])) {
    const previous = merged.at(-1);
    if (previous === undefined || first > previous[1] + 1) merged.push([first, last]);
    else previous[1] = Math.max(previous[1], last);
  }
  return merged;
}

/** Ends at the last code point and begins at 0, so that the end of a text is in no class. */
function complement(ranges: readonly Range[]): readonly Range[] {
  const gaps: Range[] = [];
  let next = 0;
  for (const [first, last] of normalize(ranges)) {
    if (first > next) gaps.push([next, first - 1]);
    next = last + 1;
  }
  if (next <= LAST_CODE_POINT) gaps.push([next, LAST_CODE_POINT]);
  return gaps;
}

function includes(ranges: readonly Range[], code: number): boolean {
  let low = 0;
  let high = ranges.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    const [first, last] = ranges[middle] as Range;
    if (code < first) high = middle;
    else if (code > last) low = middle + 1;
    else return true;
  }
  return false;
}

/** Maps code points to the one that represents all that differ in case alone; others are missing. */
type CaseFolds = ReadonlyMap<number, number>;

/** All alphabets with cases are below. */
const CASES_END = 0x20000;
const DOTLESS_I = 0x131;
let knownFolds: CaseFolds | undefined;

/** Made at the first use, which takes some milliseconds. */
function caseFolds(): CaseFolds {
  if (knownFolds !== undefined) return knownFolds;
  const folds = new Map<number, number>();
  const representatives = new Map<string, number>();
  for (let code = 0; code < CASES_END; code++) {
    const character = String.fromCodePoint(code);
    const lower = character.toLowerCase();
    // Lower case first: ẞ becomes ß and then SS, while ẞ is its own upper case.
    const key = lower.toUpperCase();
    // Unicode does not fold the dotless i, although its upper case is I.
    if ((key === character && lower === character) || code === DOTLESS_I) continue;
    const representative = representatives.get(key);
    if (representative === undefined) representatives.set(key, code);
    else folds.set(code, representative);
  }
  knownFolds = folds;
  return folds;
}
