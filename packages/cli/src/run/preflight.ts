import { type Executor, InputsError, isStratagemError } from '@stratagem/core';
import { toUsageError } from '../options/to-usage-error.js';
import { UsageError } from '../options/usage-error.js';

/**
 * Collects everything that is wrong with a command, so that it is reported at once, before anything is paid.
 */
export class Preflight {
  readonly #problems: string[] = [];

  report(...problems: readonly string[]): void {
    for (const problem of problems) {
      if (!this.#problems.includes(problem)) this.#problems.push(problem);
    }
  }

  /** The result of a step; undefined when it fails with an error of usage, which is reported. */
  async try<Result>(step: () => Result | Promise<Result>): Promise<Result | undefined> {
    try {
      return await step();
    } catch (error) {
      const usage = isStratagemError(error) ? toUsageError(error) : error;
      if (!(usage instanceof UsageError)) throw error;
      this.report(usage.message);
      return undefined;
    }
  }

  /**
   * Reports all reasons for which an executor would refuse a plan.
   *
   * @param isResumed Whether the values of the inputs are recorded.
   */
  ask(
    executor: Executor,
    ...[plan, options, isResumed = false]: [
      ...Parameters<Executor['check']>,
      isResumed?: boolean | undefined,
    ]
  ): void {
    for (const error of executor.check(plan, options)) {
      if (isResumed && error instanceof InputsError) continue;
      this.report((toUsageError(error) as Error).message);
    }
  }

  /** @throws {UsageError} with all problems. */
  finish(): void {
    const [first, ...others] = this.#problems;
    if (first === undefined) return;
    if (others.length === 0) throw new UsageError(first);
    const items = this.#problems.map((problem) => `- ${problem.replaceAll('\n', '\n  ')}`);
    throw new UsageError(`There are ${items.length} problems:\n\n${items.join('\n')}`);
  }
}
