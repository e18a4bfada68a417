import type { AnswerProblem, AnswerProblemCode } from './answer-problem.js';

export type AnswerPath = AnswerProblem['path'];

/** Longer lists help neither the caller nor the model. */
const MAX_ENTRIES = 100;

/** Collects the repairs and the problems of one answer. */
export class AnswerReport {
  readonly #repairs = new Set<string>();
  readonly #problems: AnswerProblem[] = [];

  /** @param sentence Describes the repair for the caller; repeated sentences are listed once. */
  addRepair(sentence: string): void {
    if (this.#repairs.size < MAX_ENTRIES) this.#repairs.add(sentence);
  }

  addProblem(code: AnswerProblemCode, path: AnswerPath, message: string): void {
    if (this.#problems.length < MAX_ENTRIES) this.#problems.push({ code, path, message });
  }

  get repairs(): string[] {
    return [...this.#repairs];
  }

  get problems(): AnswerProblem[] {
    return [...this.#problems];
  }
}
