/** Whether a goal is one task, or many. */
export type Complexity = 'simple' | 'complex';

/** From so many points on, a goal is complex. */
const COMPLEX = 3;
/** A longer goal needs no judgement. */
const MAX_JUDGED = 2_000;

/** Work that has parts by its nature. */
const BROAD_WORK =
  /\b(research|investigate|analy[sz]e|compare|contrast|evaluate|survey|review|plan|design|organi[sz]e|audit|benchmark)\b/gi;
/** Work that is done in one go; next to other work, it is a step. */
const PLAIN_WORK =
  /\b(write|draft|create|make|build|prepare|present|summari[sz]e|translate|recommend|suggest|propose|find|gather|collect|list|check|rate|rank|calculate|estimate|describe|draw)\b/gi;
/** What is made of many things. */
const BROAD_RESULT =
  /\b(report|study|strategy|proposal|roadmap|white ?paper|comparison|overview|market|campaign)\b/i;
/** One thing after the other. */
const ORDER =
  /\b(then|afterwards?|after that|next|finally|followed by|before|once|based on|first(ly)?|second(ly)?|lastly)\b|→|->|;/gi;
/** The same for many. */
const MANY =
  /\b(each|every|all|several|multiple|various|both|different|respectively|top \d+|two|three|four|five|six|seven|eight|nine|ten|dozens?|\d+ (\w+ )?\w+s)\b/gi;
const JOINED = /[,，、；]|\band\b|&|\bas well as\b|\balso\b|\bplus\b/gi;
/** Lines that are items of a list. */
const LISTED = /^\s*([-*•]|\d+[.)])\s+\S/gm;
const SENTENCE_END = /[.!?]+(\s|$)|[。！？]/g;

/**
 * Judges by the words of a goal whether it is worth a plan, without asking a model. It counts points,
 * and a goal is complex from 3 on:
 *
 * - its length: one point above 12 words, two above 25, three above 50;
 * - work that has parts (research, analyse, compare, …): one point each, two at most;
 * - more than one kind of work (research … write …): one point each after the first, two at most;
 * - a result that is made of many things (report, strategy, …): one point;
 * - words of order (then, finally, based on, …): two points each;
 * - words for many (each, every, several, "5 cities", …): one point each, two at most;
 * - commas and words that join: one point from two on, two from four on;
 * - lines of a list: one point each; sentences after the first: one point each.
 *
 * The words are English ones; goals in other languages are judged by length and punctuation, with
 * 4 letters to a word where a script has no spaces.
 *
 * @example
 * judgeComplexity('Translate "good morning" into French'); // 'simple'
 * judgeComplexity('Research AI trends, compare the vendors, then write a report'); // 'complex'
 */
export function judgeComplexity(goal: string): Complexity {
  if (goal.length > MAX_JUDGED) return 'complex';
  // What is quoted is what to work on, and not what to do.
  const asked = goal.replace(/"[^"]*"|“[^”]*”|```[\s\S]*?```/g, ' … ');
  const broad = count(asked, BROAD_WORK);
  const steps = broad + count(asked, PLAIN_WORK) - 1;
  const points =
    ofLength(asked) +
    Math.min(2, broad) +
    Math.max(0, Math.min(2, steps)) +
    (BROAD_RESULT.test(asked) ? 1 : 0) +
    2 * count(asked, ORDER) +
    Math.min(2, count(asked, MANY)) +
    ofJoins(count(asked, JOINED)) +
    count(asked, LISTED) +
    Math.max(0, count(asked.trim(), SENTENCE_END) - 1);
  return points >= COMPLEX ? 'complex' : 'simple';
}

function ofLength(text: string): number {
  const words = (text.match(/\S+/g) ?? []).reduce((sum, word) => sum + wordsIn(word), 0);
  return [12, 25, 50].filter((limit) => words > limit).length;
}

/** Scripts without spaces write sentences as one word. */
function wordsIn(word: string): number {
  const letters = word.match(/[\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}\p{sc=Thai}]/gu) ?? [];
  return letters.length === 0 ? 1 : Math.ceil(letters.length / 4);
}

function ofJoins(joins: number): number {
  return [2, 4].filter((limit) => joins >= limit).length;
}

function count(text: string, pattern: RegExp): number {
  return text.match(pattern)?.length ?? 0;
}
