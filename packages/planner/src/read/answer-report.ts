import type { AnswerProblem, AnswerProblemCode } from './answer-problem.js';

export type AnswerPath = AnswerProblem['path'];

/** More of either helps nobody. */
const MAX_NOTES = 100;

/** What is found while an answer is read: what was mended in it, and what is wrong with it. */
export class Notes {
  readonly #repairs = new Set<string>();
  readonly #problems: AnswerProblem[] = [];

  /** @param sentence What was done, for the caller; said once, however often it was done. */
  mended(sentence: string): void {
    if (this.#repairs.size < MAX_NOTES) this.#repairs.add(sentence);
  }

  wrong(code: AnswerProblemCode, path: AnswerPath, message: string): void {
    if (this.#problems.length < MAX_NOTES) this.#problems.push({ code, path, message });
  }

  get repairs(): string[] {
    return [...this.#repairs];
  }

  get problems(): AnswerProblem[] {
    return [...this.#problems];
  }
}

/** The beginning of a text, in quotes. */
export function quote(text: string): string {
  return `"${text.length <= 80 ? text : `${text.slice(0, 80)}…`}"`;
}

/** A value of JSON as text. Not by its own `toString`, which may be anything. */
export function asText(value: unknown): string {
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? '');
}
