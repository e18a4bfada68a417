import type { CaseFolds } from './case-folds.js';
import { includes, type Range } from './character-ranges.js';
import type { Instruction } from './instruction.js';

/** The maximum number of steps of one test, which take less than a tenth of a second. */
const MAX_STEPS = 6_000_000;
/** What it costs to pass over a character at which no match begins, in steps. */
const SKIP_STEPS = 0.25;

/** Runs all threads of the program in parallel, character by character. */
export function matches(
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
export function startsOf(program: readonly Instruction[]): Uint8Array | undefined {
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
