import { OptionError } from '@stratagem/core';
import { unlessCanceled } from '../util/cancellation.js';

/** Whether a goal is one task or needs a plan of several. */
export type Complexity = 'simple' | 'complex';

/** A fixed complexity, or a function that estimates it for a goal. */
export type ComplexityOption = Complexity | ((goal: string) => Complexity | Promise<Complexity>);

/** The points from which a goal is complex. */
const COMPLEX_POINTS = 3;
const MAX_SCORE = 10;
/** Longer goals are complex without counting. */
const MAX_COUNTED_LENGTH = 2_000;

/** Work that usually has parts. */
const BROAD_WORK =
  /\b(research|investigate|analy[sz]e|compare|contrast|evaluate|survey|review|plan|design|organi[sz]e|audit|benchmark)\b/gi;
/** Work that is usually a single step. */
const SINGLE_STEP =
  /\b(write|draft|create|make|build|prepare|present|summari[sz]e|translate|recommend|suggest|propose|find|gather|collect|list|check|rate|rank|calculate|estimate|describe|draw)\b/gi;
/** Results that combine many parts. */
const BROAD_RESULT =
  /\b(report|study|strategy|proposal|roadmap|white ?paper|comparison|overview|market|campaign)\b/i;
const SEQUENCE =
  /\b(then|afterwards?|after that|next|finally|followed by|before|once|based on|first(ly)?|second(ly)?|lastly)\b|→|->|;/gi;
const PLURALITY =
  /\b(each|every|all|several|multiple|various|both|different|respectively|top \d+|two|three|four|five|six|seven|eight|nine|ten|dozens?|\d+ (\w+ )?\w+s)\b/gi;
const CONJUNCTION = /[,，、；]|\band\b|&|\bas well as\b|\balso\b|\bplus\b/gi;
const LIST_ITEM = /^\s*([-*•]|\d+[.)])\s+\S/gm;
const SENTENCE_END = /[.!?]+(\s|$)|[。！？]/g;
const QUOTATION = /"[^"]*"|“[^”]*”|```[\s\S]*?```/g;

/**
 * Estimates from the words of a goal whether it needs a plan, without asking a model. It counts
 * points; a goal with 3 or more is complex:
 *
 * - length: one point above 12 words, two above 25, three above 50;
 * - work that has parts (research, analyse, compare, …): one point each, at most two;
 * - kinds of work after the first (research … write …): one point each, at most two;
 * - a result that combines many parts (report, strategy, …): one point;
 * - words of sequence (then, finally, based on, …): two points each;
 * - words of plurality (each, every, several, "5 cities", …): one point each, at most two;
 * - commas and conjunctions: one point from two on, two from four on;
 * - list items: one point each;
 * - sentences after the first: one point each.
 *
 * The words are English. Goals in other languages are estimated by length and punctuation, with 4
 * letters per word in scripts without spaces.
 *
 * @example
 * estimateComplexity('Translate "good morning" into French'); // 'simple'
 * estimateComplexity('Research AI trends, compare the vendors, then write a report'); // 'complex'
 */
export function estimateComplexity(goal: string): Complexity {
  checkText('estimateComplexity()', goal);
  return pointsOf(goal) >= COMPLEX_POINTS ? 'complex' : 'simple';
}

/**
 * The complexity of a goal from 1 to 10, by the points of `estimateComplexity`: 1 without points, and
 * one more for each. From 4 on, the goal is complex.
 *
 * @example
 * complexityScore('Translate "good morning" into French'); // 1
 */
export function complexityScore(goal: string): number {
  checkText('complexityScore()', goal);
  return Math.min(MAX_SCORE, 1 + pointsOf(goal));
}

function checkText(owner: string, goal: unknown): void {
  if (typeof goal !== 'string') throw new OptionError(`${owner}: the goal must be a string`);
}

function pointsOf(goal: string): number {
  if (goal.length > MAX_COUNTED_LENGTH) return MAX_SCORE;
  // Quoted text is material to work on, not an instruction.
  const text = goal.replace(QUOTATION, ' … ');
  const broad = count(text, BROAD_WORK);
  const furtherSteps = broad + count(text, SINGLE_STEP) - 1;
  return (
    lengthPoints(text) +
    Math.min(2, broad) +
    Math.max(0, Math.min(2, furtherSteps)) +
    (BROAD_RESULT.test(text) ? 1 : 0) +
    2 * count(text, SEQUENCE) +
    Math.min(2, count(text, PLURALITY)) +
    conjunctionPoints(count(text, CONJUNCTION)) +
    count(text, LIST_ITEM) +
    Math.max(0, count(text.trim(), SENTENCE_END) - 1)
  );
}

function lengthPoints(text: string): number {
  const words = (text.match(/\S+/g) ?? []).reduce((sum, word) => sum + wordsIn(word), 0);
  return [12, 25, 50].filter((limit) => words > limit).length;
}

/** Scripts without spaces write a sentence as one word. */
function wordsIn(word: string): number {
  const letters = word.match(/[\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}\p{sc=Thai}]/gu) ?? [];
  return letters.length === 0 ? 1 : Math.ceil(letters.length / 4);
}

function conjunctionPoints(conjunctions: number): number {
  return [2, 4].filter((limit) => conjunctions >= limit).length;
}

function count(text: string, pattern: RegExp): number {
  return text.match(pattern)?.length ?? 0;
}

/**
 * The complexity of a goal by the option of the caller.
 *
 * @throws {OptionError} when a function returns anything else.
 * @throws {StratagemError} `run_canceled` when the signal aborts before the function returns.
 */
export async function complexityOf(
  owner: string,
  goal: string,
  option: ComplexityOption = estimateComplexity,
  signal?: AbortSignal,
): Promise<Complexity> {
  const complexity =
    typeof option === 'function' ? await unlessCanceled(signal, () => option(goal)) : option;
  checkComplexity(owner, complexity);
  return complexity;
}

/** @throws {OptionError} unless the option has one of its forms. */
export function checkComplexityOption(owner: string, option: ComplexityOption | undefined): void {
  if (option !== undefined && typeof option !== 'function') checkComplexity(owner, option);
}

function checkComplexity(owner: string, complexity: Complexity): void {
  if (complexity === 'simple' || complexity === 'complex') return;
  throw new OptionError(
    `${owner}: complexity must be 'simple' or 'complex', or a function that returns one of them`,
  );
}
